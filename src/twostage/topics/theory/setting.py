"""The theory's model of documents (li2023topic, section 4), as numbers that stage 1 and 2 share.

T topics with disjoint sets of v words; a document has tau topics, drawn without replacement, so
that P_w = 1/(tau v) for the words of its topics S and 0 for others. An infinitely long document
shows X_0 = m of [MASK] and X_j = a P_j + b of word j. Masked positions are keys unless
`masked_keys` is False, the convention of the authors' code, which amounts to a = 1, b = m = 0.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float


@runtime_checkable
class TopicModel(Protocol):
    """What the theory reads of a corpus configuration; `CorpusConfig` is one."""

    n_topics: int  # T
    words_per_topic: int  # v
    topics_per_doc: int | None  # tau; the theory does not cover None, a Dirichlet mixture
    mask_rate: float  # p_m
    keep_rate: float  # p_c
    random_rate: float  # p_r


@dataclass(frozen=True)
class Setting:
    """The theory's model: what a long document shows, as numbers."""

    n_topics: int  # T
    words_per_topic: int  # v
    topics_per_doc: int  # tau
    mask_rate: float  # p_m
    keep_rate: float  # p_c
    random_rate: float  # p_r
    masked_keys: bool  # whether masked positions are attended to

    @property
    def n_words(self) -> int:
        """V = T v."""
        return self.n_topics * self.words_per_topic

    @property
    def a(self) -> float:
        """Share of a document that shows its own words."""
        return 1 - (1 - self.keep_rate) * self.mask_rate if self.masked_keys else 1.0

    @property
    def b(self) -> float:
        """Mass that random words add to every word."""
        return self.mask_rate * self.random_rate / self.n_words if self.masked_keys else 0.0

    @property
    def m(self) -> float:
        """Mass of [MASK]."""
        return self.mask_rate * self.mask_token_rate if self.masked_keys else 0.0

    @property
    def mask_token_rate(self) -> float:
        """Share of masked positions that show [MASK]."""
        return max(0.0, 1 - self.keep_rate - self.random_rate)

    @property
    def kappa(self) -> float:
        """Extra weight of a word on itself, learned from the predicted position as a key."""
        return self.keep_rate / (1 - self.m) if self.masked_keys else 0.0

    @property
    def topic_variance(self) -> float:
        """s^2 = (T - tau)/(v tau T (T - 1)), variance of P along each topic contrast."""
        T, v, tau = self.n_topics, self.words_per_topic, self.topics_per_doc
        return (T - tau) / (v * tau * T * (T - 1)) if T > tau else 0.0

    @property
    def mean_shown(self) -> Float[np.ndarray, " token"]:
        """x_bar, the average of X over documents."""
        return np.append(self.m, np.full(self.n_words, (1 - self.m) / self.n_words))


def read_setting(cfg: TopicModel, masked_keys: bool = True) -> Setting:
    """Take the theory's quantities from a corpus configuration.

    Raises ValueError where `cfg` lies outside the theory's model.
    """
    tau, T = cfg.topics_per_doc, cfg.n_topics
    overlap, zipf = getattr(cfg, "overlap", 0.0), getattr(cfg, "zipf", 0.0)
    blind = cfg.mask_rate == 1 and (cfg.keep_rate == 0 or not masked_keys)
    rules = [
        (tau is not None, "the theory needs topics_per_doc in 1..n_topics, not Dirichlet", tau),
        (tau is None or 1 <= tau <= T, f"topics_per_doc must be in 1..{T}", tau),
        (overlap == 0, "the theory needs disjoint topics: overlap must be 0", overlap),
        (zipf == 0, "the theory needs uniform words within a topic: zipf must be 0", zipf),
        (not blind, "no word stays visible to learn from: mask_rate must be < 1", cfg.mask_rate),
    ]
    for holds, rule, value in rules:
        if not holds:
            raise ValueError(f"{rule}, got {value}")
    rates = cfg.mask_rate, cfg.keep_rate, cfg.random_rate
    return Setting(T, cfg.words_per_topic, tau, *rates, masked_keys)


def block_projectors(setting: Setting) -> Float[np.ndarray, "part word word"]:
    """Projectors on the constant, between topics (M) and within topics (K); they sum to I."""
    T, v = setting.n_topics, setting.words_per_topic
    mean = np.full((T * v, T * v), 1 / (T * v))
    topic = np.kron(np.eye(T), np.full((v, v), 1 / v))
    return np.stack([mean, topic - mean, np.eye(T * v) - topic])
