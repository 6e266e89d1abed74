"""Chance and uncertainty of a contrast: permutation baselines and bootstrap intervals."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class ResampleConfig:
    """How often chance is imitated and the sample redrawn."""

    n_shuffles: int = 300  # topics shuffled over words
    n_bootstraps: int = 300  # words (embeddings) or articles (attention) drawn with replacement

    def __post_init__(self) -> None:
        """Refuse too few draws for the 2.5 and 97.5 % points."""
        for name, n in vars(self).items():
            if n < 200:
                raise ValueError(f"{name} must be at least 200 for 95 % intervals, got {n}")


def interval(redrawn: Float[np.ndarray, "draw ..."]) -> dict[str, np.ndarray | float]:
    """Return the middle 95 % of bootstrap draws, as `low` and `high`."""
    low, high = np.percentile(_comparable(redrawn), [2.5, 97.5], axis=0)
    return {"low": low, "high": high}


def chance(
    measured: Float[np.ndarray, "..."] | float, shuffled: Float[np.ndarray, "draw ..."]
) -> dict[str, np.ndarray | float]:
    """Place measured values among the same values under shuffled labels.

    Returns the mean (`shuffled`) and middle 95 % of the shuffled values; the one-sided permutation
    `p_value` (1 + how many are as large) / (1 + how many); and `shuffle_sds`, how many of their
    standard deviations the measured value stands above their mean.
    """
    shuffled = _comparable(shuffled)
    low, high = np.percentile(shuffled, [2.5, 97.5], axis=0)
    mean, sd = shuffled.mean(0), shuffled.std(0, ddof=1)
    as_large = 1 + np.sum(shuffled >= measured, axis=0) + 0 * mean  # nan where nothing compares
    return {
        "shuffled": mean,
        "shuffled_low": low,
        "shuffled_high": high,
        "p_value": as_large / (1 + len(shuffled)),
        "shuffle_sds": (measured - mean) / np.where(sd > 0, sd, np.nan),
    }


def _comparable(draws: Float[np.ndarray, "draw ..."]) -> Float[np.ndarray, "left ..."]:
    """Leave out draws without pairs to compare (nan), unless most are: then all is nan."""
    gaps = np.isnan(draws).reshape(len(draws), -1).any(axis=1)
    return draws[~gaps] if 2 * gaps.sum() <= len(draws) else np.full_like(draws, np.nan)
