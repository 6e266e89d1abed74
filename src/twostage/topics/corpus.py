"""Documents drawn from topics, with the ground truth kept (li2023topic, sections 3 and 6).

Two generators share one set of topics. In the *theory's model* a document has `topics_per_doc`
topics, drawn without replacement, in equal shares; in *LDA* (blei2003lda) its topic mixture is
Dirichlet(alpha). Beyond the paper, topics may overlap and words may follow Zipf's law.

Tokens: MASK = 0, words 1..V, then PAD, START, END. Word w is token w + 1 and belongs to topic
w // words_per_topic.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from twostage.files import write_whole

MASK = 0


@dataclass(frozen=True)
class CorpusConfig:
    """Which documents to draw, and how positions are masked for the masked language model."""

    n_topics: int = 10  # T
    words_per_topic: int = 10  # v
    topics_per_doc: int | None = None  # tau; None draws the mixture from Dirichlet(alpha)
    alpha: float = 0.1  # Dirichlet concentration per topic
    doc_len: int | tuple[int, int] = 128  # N words; a pair is an inclusive range
    overlap: float = 0.0  # share of each topic spread evenly over all words
    zipf: float = 0.0  # exponent of the word frequencies within a topic; 0 is uniform
    boundaries: bool = False  # frame documents by [START] and [END], as the authors do
    mask_rate: float = 0.15  # p_m, chance that a position is masked
    keep_rate: float = 0.1  # p_c, share of masked positions that keep their word
    random_rate: float = 0.1  # p_r, share of masked positions that show a random word

    def __post_init__(self) -> None:
        """Refuse impossible settings, naming the value and what is allowed."""
        tau = self.n_topics if self.topics_per_doc is None else self.topics_per_doc
        low, high = self.length_range
        rules = [
            (self.n_topics >= 1, "n_topics must be >= 1", self.n_topics),
            (self.words_per_topic >= 1, "words_per_topic must be >= 1", self.words_per_topic),
            (1 <= tau <= self.n_topics, f"topics_per_doc must be in 1..{self.n_topics}", tau),
            (0 < self.alpha < np.inf, "alpha must be > 0", self.alpha),
            (1 <= low <= high, "doc_len must be >= 1, or a pair low <= high", self.doc_len),
            (0 <= self.overlap <= 1, "overlap must be in [0, 1]", self.overlap),
            (0 <= self.zipf < np.inf, "zipf must be >= 0", self.zipf),
            (0 < self.mask_rate <= 1, "mask_rate must be in (0, 1]", self.mask_rate),
            (0 <= self.keep_rate <= 1, "keep_rate must be in [0, 1]", self.keep_rate),
            (0 <= self.random_rate <= 1, "random_rate must be in [0, 1]", self.random_rate),
            (
                self.keep_rate + self.random_rate <= 1,
                "keep_rate + random_rate must be <= 1",
                self.keep_rate + self.random_rate,
            ),
        ]
        for holds, rule, value in rules:
            if not holds:
                raise ValueError(f"{rule}, got {value}")

    @property
    def length_range(self) -> tuple[int, int]:
        """Shortest and longest document, in words."""
        is_range = isinstance(self.doc_len, (tuple, list))
        return tuple(self.doc_len) if is_range else (self.doc_len,) * 2

    @property
    def n_words(self) -> int:
        """V = T v, the number of words."""
        return self.n_topics * self.words_per_topic

    @property
    def pad(self) -> int:
        """Token that fills up short documents."""
        return self.n_words + 1

    @property
    def start(self) -> int:
        """Token before the first word, where documents are framed."""
        return self.n_words + 2

    @property
    def end(self) -> int:
        """Token after the last word, where documents are framed."""
        return self.n_words + 3

    @property
    def n_tokens(self) -> int:
        """Size of the token table: [MASK], the words, [PAD], [START], [END]."""
        return self.n_words + 4

    def is_word(self, tokens: Int[np.ndarray, "..."]) -> Bool[np.ndarray, "..."]:
        """Which tokens are words (not [MASK], padding or a boundary)."""
        return (tokens > MASK) & (tokens <= self.n_words)

    @cached_property
    def topic_of(self) -> Int[np.ndarray, " word"]:
        """Topic of each word (its main topic, if topics overlap)."""
        return np.arange(self.n_words) // self.words_per_topic

    @property
    def word_shares(self) -> Float[np.ndarray, " rank"]:
        """Shares of a topic's own words in it, most frequent first."""
        weight = np.arange(1, self.words_per_topic + 1) ** -float(self.zipf)
        return weight / weight.sum()

    @cached_property
    def topic_word(self) -> Float[np.ndarray, "topic word"]:
        """Word distribution of each topic; rows sum to 1."""
        own = np.kron(np.eye(self.n_topics), self.word_shares)
        return (1 - self.overlap) * own + self.overlap / self.n_words


@dataclass(frozen=True, eq=False)
class Corpus:
    """Documents as tokens, with the topics they were drawn from."""

    tokens: Int[np.ndarray, "doc position"]  # words are 1..V; PAD after the end
    token_topics: Int[np.ndarray, "doc position"]  # topic that drew each token; -1 at PAD
    mixtures: Float[np.ndarray, "doc topic"]  # topic shares of each document
    cfg: CorpusConfig

    @property
    def topic_of(self) -> Int[np.ndarray, " word"]:
        """Ground-truth topic of each word."""
        return self.cfg.topic_of

    def counts(self) -> Int[np.ndarray, "doc word"]:
        """How often each word stands in each document: all that a model without positions sees."""
        n_docs, width = len(self.tokens), self.cfg.n_tokens
        flat = self.tokens + width * np.arange(n_docs)[:, None]
        table = np.bincount(flat.ravel(), minlength=n_docs * width).reshape(n_docs, width)
        return table[:, 1 : self.cfg.n_words + 1]


def sample_corpus(cfg: CorpusConfig, n_docs: int, rng: np.random.Generator) -> Corpus:
    """Draw documents: topic mixture, then a topic for each token, then its word."""
    if n_docs < 1:
        raise ValueError(f"n_docs must be >= 1, got {n_docs}")
    low, high = cfg.length_range
    mixtures = sample_mixtures(cfg, n_docs, rng)
    topics = _sample_topics(mixtures, high, rng)
    tokens = 1 + _sample_words(topics, cfg, rng)
    if low < high:
        beyond = np.arange(high) >= rng.integers(low, high + 1, n_docs)[:, None]
        tokens[beyond], topics[beyond] = cfg.pad, -1
    if cfg.boundaries:
        topics = np.pad(topics, ((0, 0), (1, 1)), constant_values=-1)
        tokens = _frame(tokens, cfg)
    return Corpus(tokens, topics, mixtures, cfg)


def sample_mixtures(
    cfg: CorpusConfig, n_docs: int, rng: np.random.Generator
) -> Float[np.ndarray, "doc topic"]:
    """Draw topic mixtures: tau topics in equal shares, or Dirichlet(alpha) if tau is None."""
    if cfg.topics_per_doc is None:
        return rng.dirichlet(np.full(cfg.n_topics, cfg.alpha), n_docs)
    rank = rng.random((n_docs, cfg.n_topics)).argsort(axis=1).argsort(axis=1)
    return (rank < cfg.topics_per_doc) / cfg.topics_per_doc


def _frame(
    tokens: Int[np.ndarray, "doc position"], cfg: CorpusConfig
) -> Int[np.ndarray, "doc position+2"]:
    """Put [START] before each document and [END] after its last word."""
    framed = np.pad(tokens, ((0, 0), (1, 1)), constant_values=cfg.pad)
    framed[:, 0] = cfg.start
    framed[np.arange(len(tokens)), 1 + (tokens != cfg.pad).sum(1)] = cfg.end
    return framed


def _sample_topics(
    mixtures: Float[np.ndarray, "doc topic"], n_tokens: int, rng: np.random.Generator
) -> Int[np.ndarray, "doc position"]:
    """Draw a topic for each token."""
    return _invert(np.cumsum(mixtures, axis=1), rng.random((len(mixtures), n_tokens)))


def _sample_words(
    topics: Int[np.ndarray, "doc position"], cfg: CorpusConfig, rng: np.random.Generator
) -> Int[np.ndarray, "doc position"]:
    """Draw a word from each token's topic: its own words, or any word with chance `overlap`."""
    rank = _invert(np.cumsum(cfg.word_shares), rng.random(topics.shape))
    words = topics * cfg.words_per_topic + rank
    if cfg.overlap:
        spread = rng.random(topics.shape) < cfg.overlap
        words[spread] = rng.integers(cfg.n_words, size=spread.sum())
    return words


def _invert(
    cdf: Float[np.ndarray, "*#doc item"], luck: Float[np.ndarray, "doc position"]
) -> Int[np.ndarray, "doc position"]:
    """Turn uniform numbers into draws: count the steps of the cdf at or below each.

    For some ten items that is several times as fast as a binary search, counts of few bytes
    being cheap to add to.
    """
    drawn = np.zeros(luck.shape, np.min_scalar_type(cdf.shape[-1]))
    for step in np.moveaxis(cdf[..., :-1] / cdf[..., -1:], -1, 0):
        drawn += luck >= step[..., None]
    return drawn.astype(np.int64)


def write_corpus(corpus: Corpus, path: Path | str, end: bool = True) -> None:
    """Write one document per line: word numbers 0..V-1, and END unless `end` is False."""
    keep = corpus.cfg.is_word(corpus.tokens)
    lines = [
        " ".join([*map(str, row[ok] - 1), *(["END"] if end else [])])
        for row, ok in zip(corpus.tokens, keep, strict=True)
    ]
    write_whole(path, "\n".join(lines) + "\n")


def read_corpus(path: Path | str, cfg: CorpusConfig) -> Int[np.ndarray, "doc position"]:
    """Read documents (one per line, word numbers 0..V-1, optional END) as padded tokens.

    Raises ValueError that names file and line on a bad word, an empty document or a file
    that is not text.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not a text file (byte {error.start} is not UTF-8)") from None
    if lines == [""]:
        raise ValueError(f"{path}: no documents; expected one per line")
    docs = [_read_document(line, f"{path}, line {n}", cfg) for n, line in enumerate(lines, 1)]
    tokens = np.full((len(docs), max(map(len, docs))), cfg.pad)
    for row, words in zip(tokens, docs, strict=True):
        row[: len(words)] = np.array(words) + 1
    return tokens


def _read_document(line: str, where: str, cfg: CorpusConfig) -> list[int]:
    parts = line.split()
    if parts and parts[-1] == "END":
        parts.pop()
    if not parts:
        raise ValueError(f"{where}: empty document; remove the line or give it words")
    for part in parts:
        known = part.isascii() and part.isdigit() and len(part) < 10 and int(part) < cfg.n_words
        if not known:
            raise ValueError(f"{where}: {part[:40]!r} is not a word number in 0..{cfg.n_words - 1}")
    return [int(part) for part in parts]
