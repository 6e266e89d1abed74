"""Copying with free attention logits and a free translation table W (snell2021attention, beyond).

The free model: position i attends to source positions with softmax(logits[i]); the scores of its
target word are that mixture of the columns of W [word predicted, word shown]; the loss is
cross-entropy, in nats, averaged over the L positions of a sentence; [EOS] is left out. Rates are
those of gradient flow on the whole model, per unit of time (step size times steps).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Real
from scipy.special import logsumexp

from twostage.translation.corpus import CorpusConfig

Numbers = int | float | Real[np.ndarray, "..."]


class Saddle(NamedTuple):
    """Where copying and anti-copying part: starts with w + slope (alpha - logit) > 0 copy."""

    logit: float  # alpha at which attention to the right word is 1/V, less than chance; w is 0
    slope: float  # kappa
    rate: float  # growth of w + slope (alpha - logit), per unit of time


def predict_signal(
    vocab_size: int,
    seq_len: int,
    mixture: float = 0.0,
    repeats: bool = False,
    mean_diagonal: float | None = None,
) -> float:
    """First gradient for "word i means word i": diagonal minus off-diagonal of -dL/dW at W = 0.

    With mean weight a of positions on themselves: (aV - 1)/(V(V-1)) without repeats, a/V with.
    Uniform attention, a = 1/L (None): (V-L)/(LV(V-1)) and 1/(LV). A share q of permutations of
    the same L words turns s into (1-q) s + q (aL-1)/(L(L-1)), at uniform attention (1-q) s, for
    pairs among those words; for pairs among the others it is (1-q) s at any attention. (Between
    the two kinds -dL/dW differs by frequency: no signal.) Raises ValueError as `CorpusConfig`.
    """
    CorpusConfig(vocab_size, seq_len, repeats, mixture)  # refuses impossible settings
    V, L, q = vocab_size, seq_len, mixture
    a = 1 / L if mean_diagonal is None else mean_diagonal
    if not 0 <= a <= 1:
        raise ValueError(f"mean_diagonal must be in [0, 1], got {a}")
    drawn = a / V if repeats else (a * V - 1) / (V * (V - 1))
    permuted = (a * L - 1) / (L * max(L - 1, 1))
    return float((1 - q) * drawn + q * permuted)


def predict_finite_population(vocab_size: int, seq_len: int) -> float:
    """phi = (V - L)/(V - 1), the signal without repeats over that with: 0 for permutations."""
    CorpusConfig(vocab_size, seq_len)
    return (vocab_size - seq_len) / (vocab_size - 1)


def predict_copy_loss(w: Numbers, alpha: Numbers, vocab_size: int, seq_len: int) -> Numbers:
    """Exact loss of the free model at W = w I and logits alpha I, without repeats.

    -w a + ln(e^{wa} + (L-1) e^{w(1-a)/(L-1)} + V - L), a = e^alpha/(e^alpha + L - 1).
    """
    V, L, w = vocab_size, _checked_length(vocab_size, seq_len), np.asarray(w, float)
    right = _diagonal(alpha, L)
    others = w * ((1 - right) / (L - 1) - right)
    scores = np.stack([np.zeros_like(others), others, -w * right])
    shares = np.reshape([1, L - 1, V - L], (3,) + (1,) * (scores.ndim - 1))
    return np.asarray(logsumexp(scores, axis=0, b=shares))


def predict_copy_flow(
    w: Numbers, alpha: Numbers, vocab_size: int, seq_len: int
) -> tuple[Numbers, Numbers]:
    """(w', alpha') of gradient flow on all entries of W and of the logits, at W = wI, alpha I.

    w' = -(dL/dw)/(V-1) and alpha' = -(dL/dalpha)/(L-1), as the gradients of the whole model are
    multiples of I - J/V and I - J/L, and a constant added to W or to the logits changes nothing.
    For permutations near 0: w' = alpha/L^2, alpha' = w/L^2.
    """
    V, L, w = vocab_size, _checked_length(vocab_size, seq_len), np.asarray(w, float)
    loss, right = predict_copy_loss(w, alpha, V, L), _diagonal(alpha, L)
    other = (1 - right) / (L - 1)  # attention to each other word
    p_right = np.exp(-loss)
    p_other = np.exp(w * (other - right) - loss)  # of each other word of the sentence
    gain = right * (1 - p_right) - (1 - right) * p_other
    pull = w * (1 - p_right + p_other) * right * (1 - right)
    return gain / (V - 1), pull / (L - 1)


def predict_copy_saddle(vocab_size: int, seq_len: int) -> Saddle:
    """Where the two valleys of the loss part, and to first order which starts go where.

    With r = (V-1)/(L-1) and e = (V-L)/(2V(L-1) sqrt(r)): the saddle lies at w = 0, alpha = -ln r,
    kappa = (e + sqrt(1+e^2))/sqrt(r), and the rate is sqrt(r)(sqrt(1+e^2) - e)/V^2. Permutations
    (r = 1, e = 0): the sign of w + alpha decides, at the rate 1/L^2. Exact for all starts with w
    and alpha + ln r of one sign: these quadrants are never left. (Expanding about alpha = 0
    instead puts the saddle at -L(V-L)/(V(L-1)), too near.)
    """
    V, L = vocab_size, _checked_length(vocab_size, seq_len)
    ratio = (V - 1) / (L - 1)
    damping = (V - L) / (2 * V * (L - 1) * np.sqrt(ratio))
    spread = np.sqrt(1 + damping**2)
    slope = (damping + spread) / np.sqrt(ratio)
    return Saddle(-np.log(ratio), slope, np.sqrt(ratio) * (spread - damping) / V**2)


def predict_permutation_separatrix(alpha: Numbers, seq_len: int) -> Numbers:
    """w on the exact separatrix for permutations (V = L): starts above it copy.

    w^2 = (2/L)[e^alpha - 1 + (L-1)(e^-alpha - 1) + (L-2) alpha] and w has the sign of -alpha,
    because w^2/2 minus half the right side stays as it is; to first order w = -alpha.
    """
    L, alpha = _checked_length(seq_len, seq_len), np.asarray(alpha, float)
    square = np.expm1(alpha) + (L - 1) * np.expm1(-alpha) + (L - 2) * alpha
    return -np.sign(alpha) * np.sqrt(2 / L * np.maximum(square, 0))


def predict_anticopy_floor(vocab_size: int, seq_len: int) -> float:
    """Loss that no w <= 0 gets below: ln(1 + V - L), when attention shuns the right word.

    Permutations: 0, so the anti-copy valley is as deep as the other.
    """
    return float(np.log1p(vocab_size - _checked_length(vocab_size, seq_len)))


def predict_heads(n_heads: int) -> float:
    """Chance that at least one of n averaged heads, each with its own table, learns to copy.

    1 - 2^-n on permutations: to first order each head meets its saddle alone, and small random
    starts fall on either side alike.
    """
    if n_heads < 1:
        raise ValueError(f"n_heads must be >= 1, got {n_heads}")
    return 1 - 2.0**-n_heads


def _diagonal(alpha: Numbers, L: int) -> Numbers:
    """Attention a to the right position, from its logit above the others."""
    return 1 / (1 + (L - 1) * np.exp(-np.asarray(alpha, float)))


def _checked_length(V: int, L: int) -> int:
    CorpusConfig(V, L)
    if L < 2:
        raise ValueError(
            f"seq_len must be >= 2: a single word leaves nothing to attend to, got {L}"
        )
    return L
