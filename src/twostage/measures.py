"""Measures that both papers share: contrasts of right entries with all others."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from twostage.attention import check_attention


def signed_contrast(
    attn: Float[np.ndarray, "*lead query key"], aligned: Int[np.ndarray, " query"]
) -> Float[np.ndarray, "*lead"] | float:
    """Place mean attention on the aligned word: copying +1, undecided 0, avoiding it -1.

    With a the mean weight on the aligned word and u = 1/n_keys, (a - u)/(1 - u) above u and
    (a - u)/u below. The scale bends at u, so average attention over sentences before: hard
    attention on random words is undecided, but would count as avoiding sentence by sentence.
    """
    check_attention(attn)
    right, uniform = attn[..., np.arange(len(aligned)), aligned].mean(-1), 1 / attn.shape[-1]
    return (right - uniform) / np.where(right > uniform, 1 - uniform, uniform)


def right_contrast(
    matrix: Float[np.ndarray, "*lead row column"], right: Int[np.ndarray, " row"]
) -> Float[np.ndarray, "*lead"] | float:
    """Mean of the right entry of each row, minus the mean of all other entries."""
    n_rows, n_columns = matrix.shape[-2:]
    hit = matrix[..., np.arange(n_rows), right].mean(-1)
    return (hit - matrix.mean((-2, -1))) * n_columns / (n_columns - 1)


def _share_right(
    scores: Float[Tensor, "*lead row column"], right: Int[np.ndarray, " row"]
) -> Float[np.ndarray, "*lead"]:
    return (
        (scores.argmax(-1) == torch.from_numpy(right).to(scores.device))
        .double()
        .mean(-1)
        .cpu()
        .numpy()
    )


def row_contrast(
    table: Float[np.ndarray, "row word"], right: Bool[np.ndarray, "row word"]
) -> float:
    """Mean of the right entries of a row minus the mean of its others, averaged over rows.

    Chance 0. The same number for a translation table and for the value matrix of the topics.
    """
    means = [np.where(part, table, 0).sum(1) / part.sum(1) for part in (right, ~right)]
    return float(np.mean(means[0] - means[1]))
