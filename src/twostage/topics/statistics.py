"""What a corpus looks like, counted: the other side of `theory.predict_statistics`."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy.sparse import csr_array

from twostage.estimates import mean_interval
from twostage.topics.batches import sample_masks
from twostage.topics.corpus import MASK, Corpus
from twostage.topics.text.articles import TextCorpus
from twostage.topics.text.lda import Topics, cut_pieces


def count_cooccurrence(corpus: Corpus) -> Float[np.ndarray, "word word"]:
    """Share of ordered pairs of different positions of a document that hold words i and j."""
    n = corpus.counts().astype(float)
    pairs = n.T @ n - np.diag(n.sum(0))
    return pairs / pairs.sum()


def count_topics(corpus: Corpus) -> Int[np.ndarray, "doc topic"]:
    """How many words each topic drew in each document."""
    topics = range(corpus.cfg.n_topics)
    return np.stack([(corpus.token_topics == topic).sum(1) for topic in topics], axis=1)


def count_same(counts: Int[np.ndarray, "doc kind"]) -> Float[np.ndarray, " doc"]:
    """Share of pairs of different positions that agree in kind (topic or word)."""
    n = counts.sum(1)
    return (counts * (counts - 1)).sum(1) / np.maximum(n * (n - 1), 1)


def count_statistics(
    corpus: Corpus, rng: np.random.Generator
) -> dict[str, Float[np.ndarray, " doc"]]:
    """Statistics of each document, with masks drawn from `rng`; keys as in the theory."""
    shown, masked = sample_masks(corpus.tokens, corpus.cfg, rng)
    topics, words = count_topics(corpus), corpus.cfg.is_word(corpus.tokens).sum(1)
    by_position = {
        "share of positions masked": masked,
        "share that shows [MASK]": shown == MASK,
        "share masked but left in place": masked & (shown == corpus.tokens),
    }
    return {
        "two positions share a topic": count_same(topics),
        "two positions share a word": count_same(corpus.counts()),
        "topics in a document": (topics > 0).sum(1).astype(float),
        **{name: table.sum(1) / words for name, table in by_position.items()},
    }


def tabulate_errors(
    counted: Mapping[str, Float[np.ndarray, " doc"]], expected: Mapping[str, float]
) -> pd.DataFrame:
    """Each statistic's mean over documents, with 95 % interval, beside its exact expectation.

    z is their distance in standard errors; in units of 1/n where all n documents agree.
    """
    rows = []
    for name, exact in expected.items():
        values, n = counted[name], len(counted[name])
        spread = values.std(ddof=1) / np.sqrt(n)
        z = (values.mean() - exact) / (spread if spread > 1e-9 else 1 / n)
        rows.append([name, exact, values.mean(), *mean_interval(values), z])
    columns = ["statistic", "expected", "counted", "low", "high", "z"]
    return pd.DataFrame(rows, columns=columns)


def measure_overlap(
    topic_word: Float[np.ndarray, "topic word"], topic_of: Int[np.ndarray, " word"]
) -> Float[np.ndarray, " topic"]:
    """Share of each topic that lies evenly on all words, in [0, 1]: `CorpusConfig.overlap`.

    The mass that a topic puts on other topics' words, over the share of words that are theirs.
    """
    own = topic_of == np.arange(len(topic_word))[:, None]
    return (topic_word * ~own).sum(1) / (~own).mean(1)


def measure_zipf(
    topic_word: Float[np.ndarray, "topic word"], topic_of: Int[np.ndarray, " word"], n_ranks: int
) -> Float[np.ndarray, " sloped"]:
    """Zipf exponent of each topic: minus the slope of log p over log rank (uniform words: 0).

    Least squares over the `n_ranks` most frequent of the topic's own words (or all, if fewer).
    A topic with fewer than two own words has no slope, and is left out.
    """
    exponents = []
    for topic in np.flatnonzero(np.bincount(topic_of, minlength=len(topic_word)) > 1):
        shares = np.sort(topic_word[topic, topic_of == topic])[::-1][:n_ranks]
        log_rank = np.log(np.arange(1, len(shares) + 1))
        exponents.append(-np.polyfit(log_rank, np.log(shares), 1)[0])
    return np.array(exponents)


def effective_topics(mixtures: Float[np.ndarray, "doc topic"]) -> Float[np.ndarray, " doc"]:
    """Inverse Simpson index 1/sum p^2: tau for tau topics in equal shares."""
    return 1 / (mixtures**2).sum(1)


def equivalent_alpha(mixtures: Float[np.ndarray, "doc topic"], n_topics: int) -> float:
    """Concentration of the Dirichlet over T topics whose mean sum of squared shares is the same.

    E sum p^2 = (alpha + 1)/(T alpha + 1) falls towards 1/T; mixtures spread out further than
    `n_topics` topics can be have alpha = inf: equal shares of all.
    """
    simpson = (mixtures**2).sum(1).mean()
    if n_topics * simpson <= 1:
        return np.inf
    return float((1 - simpson) / (n_topics * simpson - 1))


def tabulate_spread(measured: Mapping[str, Float[np.ndarray, " item"]]) -> pd.DataFrame:
    """Mean with its 95 % interval, and quartiles, of each measure over its items."""
    quartiles = [0.25, 0.5, 0.75]
    rows = [
        [name, len(values), values.mean(), *mean_interval(values), *np.quantile(values, quartiles)]
        for name, values in measured.items()
    ]
    return pd.DataFrame(rows, columns=["measure", "n", "mean", "low", "high", "q1", "median", "q3"])


def infer_mixtures(
    counts: Int[np.ndarray, "doc word"],
    topic_word: Float[np.ndarray, "topic word"],
    n_rounds: int = 50,
) -> Float[np.ndarray, "doc topic"]:
    """Topic mixture of each document, of highest likelihood under given topics ("folding in").

    EM from equal shares, theta_t <- sum_w n_w theta_t p_tw / (sum_s theta_s p_sw) / sum_w n_w.
    No prior on the mixture. Raises ValueError for a document without words.
    """
    lengths = counts.sum(1)
    if not lengths.all():
        raise ValueError("a document without words has no mixture: leave it out")
    doc, word = counts.nonzero()
    share, votes = counts[doc, word] / lengths[doc], topic_word.T[word]  # of distinct words
    mixtures = np.full((len(counts), len(topic_word)), 1 / len(topic_word))
    for _ in range(n_rounds):
        ratio = share / np.einsum("it,it->i", mixtures[doc], votes)
        mixtures = mixtures * (csr_array((ratio, (doc, word)), counts.shape) @ topic_word.T)
    return mixtures


def count_pieces(corpus: TextCorpus, topics: Topics, piece_len: int) -> Int[np.ndarray, "doc word"]:
    """Count the topics' words in pieces of `piece_len` content words: the documents of LDA.

    Pieces without any of these words are left out.
    """
    column = {word: i for i, word in enumerate(topics.words)}
    pieces = cut_pieces(corpus, piece_len)
    known = [[column[word] for word in piece if word in column] for piece in pieces]
    rows = [np.bincount(words, minlength=len(column)) for words in known]
    counts = np.array(rows)
    return counts[counts.sum(1) > 0]
