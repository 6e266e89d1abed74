"""The one softmax of every model of the book: where to look, given scores and what is there.

    attention = softmax over keys of (scores + log prior)

Whatever is known of a key before it is scored is its log prior: log n for a word that stands in a
document n times, -inf for a masked key, 0 where nothing is known. Attention is uniform where all
scores are zero; what is there still counts.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def attend(
    scores: Float[Tensor, "*batch query key"],
    log_prior: Float[Tensor, "*#batch #query key"] | float = 0.0,
) -> Float[Tensor, "*batch query key"]:
    """Attention weights: softmax over keys of scores plus log prior, which may be -inf."""
    return (scores + log_prior).softmax(-1)


def ignore(scores: Float[Tensor, "*batch query key"]) -> Float[Tensor, "*batch query key"]:
    """Return zeros in the place of scores: `attend` then is uniform, and keeps its prior."""
    return torch.zeros_like(scores)


def check_attention(attn: Float[np.ndarray, "*batch query key"]) -> None:
    """Raise ValueError unless the weights of every query are shares that sum to 1 over keys."""
    sums = attn.sum(-1)
    if attn.min() < 0 or not np.allclose(sums, 1, atol=1e-5):
        raise ValueError(
            "weights must be >= 0 and rows must sum to 1: softmax over keys, not queries? "
            f"Got weights from {attn.min():.3g} and sums from {sums.min():.3g} to {sums.max():.3g}"
        )
