"""Sentence pairs to copy or to translate word by word (snell2021attention, section 4).

The copy task is translation by the identity dictionary. What decides whether it can be learned is
how sources are drawn: `vocab_size` words of which `seq_len` stand in a sentence, without repeats.
If both are equal every sentence is a permutation of all words and its bag of words says nothing.
Beyond the paper: sentences with repeats, mixtures with permutations, Zipf frequencies, random
dictionaries and targets that reverse blocks of words.

Tokens: EOS = 0 ends every sentence and starts the decoder; words are 1..V.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from twostage.seeding import numpy_rng

EOS = 0
DICTIONARIES = ("identity", "random")


@dataclass(frozen=True)
class CorpusConfig:
    """Which sources to draw, and how targets follow from them."""

    vocab_size: int = 18  # V, words of each language
    seq_len: int = 12  # L, words per sentence, without [EOS]
    repeats: bool = False  # draw words with replacement
    mixture: float = 0.0  # q, chance that a sentence permutes the first L words instead
    zipf: float = 0.0  # exponent of the word frequencies; 0 is uniform
    dictionary: str = "identity"  # identity is copying; random permutes the words
    dictionary_seed: int = 0  # which random dictionary
    block: int = 1  # the target reverses blocks of this many words; 1 keeps the order

    def __post_init__(self) -> None:
        """Refuse impossible settings, naming the value and what is allowed."""
        V, L = self.vocab_size, self.seq_len
        fewer = f"seq_len must be <= vocab_size = {V} unless repeats are drawn and mixture is 0"
        rules = [
            (V >= 2, "vocab_size must be >= 2", V),
            (L >= 1, "seq_len must be >= 1", L),
            (0 <= self.mixture <= 1, "mixture must be in [0, 1]", self.mixture),
            (L <= V or (self.repeats and self.mixture == 0), fewer, L),
            (0 <= self.zipf < np.inf, "zipf must be >= 0", self.zipf),
            (
                self.dictionary in DICTIONARIES,
                f"dictionary must be one of {DICTIONARIES}",
                repr(self.dictionary),
            ),
            (1 <= self.block <= L, f"block must be in 1..{L}", self.block),
        ]
        for holds, rule, value in rules:
            if not holds:
                raise ValueError(f"{rule}, got {value}")

    @property
    def n_tokens(self) -> int:
        """Size of the token table: [EOS] and the words."""
        return self.vocab_size + 1

    @cached_property
    def word_shares(self) -> Float[np.ndarray, " word"]:
        """Chance of each word at a draw, most frequent first; sums to 1."""
        weight = np.arange(1, self.vocab_size + 1) ** -float(self.zipf)
        return weight / weight.sum()

    @cached_property
    def translation_of(self) -> Int[np.ndarray, " token"]:
        """Target token of each source token; [EOS] stays itself."""
        if self.dictionary == "identity":
            return np.arange(self.n_tokens)
        rng = numpy_rng(self.dictionary_seed, "dictionary")
        return np.concatenate([[EOS], 1 + rng.permutation(self.vocab_size)])

    @cached_property
    def aligned(self) -> Int[np.ndarray, " target"]:
        """Source position of each target position; [EOS], at position L, stays in its place."""
        start = np.arange(self.seq_len) // self.block * self.block
        stop = np.minimum(start + self.block, self.seq_len)
        return np.append(start + stop - 1 - np.arange(self.seq_len), self.seq_len)


@dataclass(frozen=True)
class Pairs:
    """Sources and their targets; both end in [EOS] at position L."""

    src: Int[Tensor, "pair position"]
    tgt: Int[Tensor, "pair position"]


def sample_pairs(cfg: CorpusConfig, n_pairs: int, rng: np.random.Generator) -> Pairs:
    """Draw sources and translate them."""
    if n_pairs < 1:
        raise ValueError(f"n_pairs must be >= 1, got {n_pairs}")
    V, L = cfg.vocab_size, cfg.seq_len
    if cfg.repeats:
        words = np.searchsorted(cfg.word_shares.cumsum(), rng.random((n_pairs, L)), "right")
        words = np.minimum(words, V - 1)  # the shares may sum to a hair below 1
    else:  # the L earliest of V exponential clocks are a draw without replacement
        words = (rng.exponential(size=(n_pairs, V)) / cfg.word_shares).argsort(axis=1)[:, :L]
    if cfg.mixture > 0:
        permuted = rng.random((n_pairs, L)).argsort(axis=1)
        words = np.where(rng.random((n_pairs, 1)) < cfg.mixture, permuted, words)
    src = np.pad(1 + words, ((0, 0), (0, 1)), constant_values=EOS)
    tgt = cfg.translation_of[src[:, cfg.aligned]]
    return Pairs(torch.from_numpy(src), torch.from_numpy(tgt))


def sample_batches(cfg: CorpusConfig, batch_size: int, rng: np.random.Generator) -> Iterator[Pairs]:
    """Draw fresh pairs without end."""
    while True:
        yield sample_pairs(cfg, batch_size, rng)
