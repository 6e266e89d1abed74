"""Intervals for what is said about runs: means, medians, rates. All two-sided, 95 % by default."""

import numpy as np
from jaxtyping import Float
from scipy import stats


def mean_interval(
    values: Float[np.ndarray, "run ..."], confidence: float = 0.95
) -> tuple[Float[np.ndarray, "..."] | float, Float[np.ndarray, "..."] | float]:
    """Student's interval for the mean over the first axis."""
    n, mean = len(values), np.mean(values, axis=0)
    half = stats.t.ppf(0.5 + confidence / 2, n - 1) * np.std(values, axis=0, ddof=1) / np.sqrt(n)
    return mean - half, mean + half


def median_interval(
    values: Float[np.ndarray, " run"], confidence: float = 0.95
) -> tuple[float, float]:
    """Distribution-free interval for the median: order statistics by the sign test.

    Where no pair of order statistics reaches the confidence (95 %: below 6 values), nothing is
    known: (-inf, inf).
    """
    ranked = np.sort(values)
    rank = int(stats.binom.ppf((1 - confidence) / 2, len(ranked), 0.5))
    if rank == 0:
        return -np.inf, np.inf
    return float(ranked[rank - 1]), float(ranked[-rank])


def rate_interval(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval for a success rate; (0, 1) if nothing was tried."""
    if n == 0:
        return 0.0, 1.0
    interval = stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)
