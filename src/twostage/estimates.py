"""Numbers with their uncertainty: means, medians, rates, bootstraps, and what chance would give.

All intervals are two-sided, 95 % by default.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval; printed it reads `0.345 (0.31 to 0.38)`, or `24 of 40 (…)`.

    Printed numbers have four significant digits, or what a format asks for (`f"{estimate:.2f}"`).
    A number that has no interval (low = value = high) prints alone.
    """

    value: float
    low: float
    high: float
    n: int  # how many runs, trials, pairs, ... it rests on
    how: str  # median, mean, rate, or what else was done with them

    @classmethod
    def of_median(cls, values: Float[np.ndarray, " run"]) -> "Estimate":
        """Median over runs with its distribution-free interval; runs that never arrive are inf.

        If a run is nan, or none is there, nothing is known: nan (-inf to inf).
        """
        values = np.asarray(values, dtype=float)
        known = len(values) > 0 and not np.isnan(values).any()
        with np.errstate(invalid="ignore"):  # half-way from -inf to inf is nan
            value = float(np.median(values)) if known else np.nan
        bounds = median_interval(values) if known else (-np.inf, np.inf)
        return cls(value, *bounds, len(values), "median")

    @classmethod
    def of_mean(cls, values: Float[np.ndarray, " run"]) -> "Estimate":
        """Mean over runs with Student's interval."""
        values = np.asarray(values, dtype=float)
        low, high = mean_interval(values)
        return cls(float(np.mean(values)), float(low), float(high), len(values), "mean")

    @classmethod
    def of_rate(cls, successes: int | np.integer, n: int | np.integer) -> "Estimate":
        """Share of successes with Wilson's interval; nan (0 to 1) if nothing was tried."""
        rate = successes / n if n else np.nan
        return cls(float(rate), *rate_interval(int(successes), int(n)), int(n), "rate")

    def __str__(self) -> str:
        """Write the number and its interval."""
        return format(self, "")

    def __format__(self, spec: str) -> str:
        """Write the number and its interval, each number by `spec` (a rate as a count)."""
        value, low, high = (format(x, spec or ".4g") for x in (self.value, self.low, self.high))
        if self.how == "rate":
            value = f"{round(self.value * self.n) if self.n else 0} of {self.n}"
        return value if self.low == self.high else f"{value} ({low} to {high})"


def mean_interval(
    values: Float[np.ndarray, "run ..."], confidence: float = 0.95
) -> tuple[Float[np.ndarray, "..."] | float, Float[np.ndarray, "..."] | float]:
    """Student's interval for the mean over the first axis; (-inf, inf) from less than two."""
    n, mean = len(values), np.mean(values, axis=0)
    if n < 2:
        return mean - np.inf, mean + np.inf
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


def bootstrap_interval(redrawn: Float[np.ndarray, "draw ..."]) -> dict[str, np.ndarray | float]:
    """Return the middle 95 % of bootstrap draws, as `low` and `high`."""
    low, high = np.percentile(_comparable(redrawn), [2.5, 97.5], axis=0)
    return {"low": low, "high": high}


def shuffle_chance(
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
