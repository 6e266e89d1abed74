"""Which words stand together in sentence pairs, counted (snell2021attention, section 3.2).

The excess of a pair of words over independence is all that a model with uniform attention over
words can learn from: at W = 0 the gradient of a translation table is the excess times P(i) P(o).
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from twostage.translation.corpus import CorpusConfig, Pairs


def count_cooccurrence(pairs: Pairs, n_words: int) -> Int[np.ndarray, "source target"]:
    """How often each source word and each target word stand in one sentence pair, without [EOS].

    A word that stands twice counts twice: sum over pairs of n_i(src) n_o(tgt).
    """
    words = np.arange(1, n_words + 1)
    src, tgt = ((side.numpy()[..., None] == words).sum(1) for side in (pairs.src, pairs.tgt))
    return src.T @ tgt


def count_excess(counts: Int[np.ndarray, "source target"]) -> Float[np.ndarray, "source target"]:
    """P(i, o)/(P(i) P(o)) - 1: above 0 together more often than by chance; -1 never together.

    nan for words that were never seen.
    """
    with np.errstate(invalid="ignore"):
        by_chance = np.outer(counts.sum(1), counts.sum(0)) / counts.sum()
        return counts / by_chance - 1


def translation_pairs(cfg: CorpusConfig) -> Bool[np.ndarray, "source target"]:
    """Which target word is the translation of which source word."""
    return cfg.translation_of[1:, None] == np.arange(1, cfg.n_tokens)
