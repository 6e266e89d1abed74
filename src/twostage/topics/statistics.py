"""What a corpus looks like, counted: the other side of `theory.predict_statistics`."""

import numpy as np
from jaxtyping import Float, Int

from twostage.topics.batches import sample_masks
from twostage.topics.corpus import MASK, Corpus


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
