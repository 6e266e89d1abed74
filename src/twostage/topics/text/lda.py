"""Topics that LDA finds in real text (li2023topic, section on Wikipedia; blei2003lda).

LDA gets the words of the articles, lower-cased and without English stop words, in pieces of some
200 words. The fit is gensim's.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from gensim.corpora import Dictionary
from gensim.models import LdaModel, TfidfModel
from gensim.parsing.preprocessing import STOPWORDS
from jaxtyping import Float, Int

from twostage.topics.text.articles import WORD, TextCorpus, compose


def content_words(text: str) -> list[str]:
    """List the words of a text in order, lower-cased, without stop words and single letters."""
    words = (match.group().lower() for match in WORD.finditer(compose(text)))
    return [word for word in words if len(word) > 1 and word not in STOPWORDS]


@dataclass(frozen=True)
class LdaConfig:
    """What LDA sees and how long it looks; see `fit_topics`."""

    n_topics: int = 20  # T; the authors took 100
    passes: int = 20  # over all pieces
    piece_len: int = 200  # content words per LDA document
    min_pieces: int = 10  # a word in fewer pieces is left out
    max_piece_share: float = 0.1  # and so is a word in a larger share of them
    word_prior: float = 0.3  # eta, pseudo-count of each word in each topic; gensim has 1 / T
    tf_idf: bool = False  # weigh counts by tf-idf, as the authors did

    def __post_init__(self) -> None:
        """Refuse values that no LDA can be fitted with."""
        lowest = {"n_topics": 2, "passes": 1, "piece_len": 2, "min_pieces": 1}
        for name, low in lowest.items():
            if getattr(self, name) < low:
                raise ValueError(f"{name} must be at least {low}, got {getattr(self, name)}")
        if not 0 < self.max_piece_share <= 1:
            raise ValueError(f"max_piece_share must be in (0, 1], got {self.max_piece_share}")
        if not self.word_prior > 0:
            raise ValueError(f"word_prior must be above 0, got {self.word_prior}")


@dataclass(frozen=True, eq=False)
class Topics:
    """Topics as distributions over words: `topic_word[t, w]` = p(word w | topic t)."""

    words: tuple[str, ...]  # the vocabulary that LDA kept
    topic_word: Float[np.ndarray, "topic word"]  # each row sums to 1

    @cached_property
    def p_topic_given_word(self) -> Float[np.ndarray, "topic word"]:
        """p(topic | word) if all topics were equally frequent; each column sums to 1."""
        return self.topic_word / self.topic_word.sum(0)

    @cached_property
    def topic_of(self) -> Int[np.ndarray, " word"]:
        """Top topic of each word."""
        return self.topic_word.argmax(0)

    @cached_property
    def topic_share(self) -> Float[np.ndarray, " word"]:
        """Share of each word's probability mass that its top topic holds, in [1/T, 1].

        The authors' measure of ambiguity (li2023topic): near 1 the word belongs to one topic.
        """
        return self.p_topic_given_word.max(0)

    def top_words(self, k: int = 8) -> list[list[str]]:
        """List the k most probable words of each topic, most probable first."""
        best = np.argsort(-self.topic_word, axis=1, kind="stable")[:, :k]
        return [[self.words[word] for word in row] for row in best]


def fit_topics(corpus: TextCorpus, config: LdaConfig, rng: np.random.Generator) -> Topics:
    """Fit LDA (gensim's online variational Bayes, float64) to the pieces of all articles.

    The pieces are shuffled first, so that each small batch of the online updates holds a bit of
    everything; with batches of about 128 this fits better than whole-corpus updates, in half the
    time. The batches are of equal size: a last batch of one piece, which gensim would count as
    often as the others, fills every topic with the words of that piece.
    """
    pieces = cut_pieces(corpus, config.piece_len)
    dictionary = _build_dictionary(pieces, config, corpus.source)
    rng.shuffle(pieces)
    counts = [dictionary.doc2bow(piece) for piece in pieces]
    n_batches = max(1, round(len(counts) / 128))
    model = LdaModel(
        list(TfidfModel(counts)[counts]) if config.tf_idf else counts,
        id2word=dictionary,
        num_topics=config.n_topics,
        passes=config.passes,
        eta=config.word_prior,
        chunksize=math.ceil(len(counts) / n_batches),
        eval_every=None,
        random_state=np.random.RandomState(rng.integers(2**32)),
        dtype=np.float64,
    )
    return Topics(tuple(dictionary[i] for i in range(len(dictionary))), model.get_topics())


def cut_pieces(corpus: TextCorpus, piece_len: int) -> list[list[str]]:
    """Cut the content words of each article into pieces of `piece_len`: the documents of LDA."""
    documents = map(content_words, corpus.texts)
    return [doc[i : i + piece_len] for doc in documents for i in range(0, len(doc), piece_len)]


def _build_dictionary(pieces: list[list[str]], config: LdaConfig, source: str) -> Dictionary:
    dictionary = Dictionary(pieces)
    dictionary.filter_extremes(config.min_pieces, config.max_piece_share, keep_n=None)
    if len(dictionary) < config.n_topics:
        asked = f"{config.min_pieces} pieces and at most {config.max_piece_share:g} of them"
        found = f"{len(dictionary)} words are in at least {asked} ({len(pieces)} pieces)"
        hint = "take more documents, lower min_pieces or raise max_piece_share"
        raise ValueError(f"{source}: only {found}; {hint}")
    return dictionary
