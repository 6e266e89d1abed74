"""Ratios of cost: several ways to do one thing, timed in turn, with medians and intervals.

Time is processor time, so that other programs on the machine disturb it little.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from twostage.estimates import median_interval


@dataclass(frozen=True)
class Row:
    """One line of the table: a ratio or an exponent, its interval, and what it must reach."""

    name: str
    ratio: float  # median over repetitions
    low: float  # 95 % interval of the median
    high: float
    needed: str = ""  # such as ">= 8" or "<= 1"; empty where nothing is asked
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the median reaches what is needed."""
        sign, _, bound = self.needed.partition(" ")
        if sign not in ("", ">=", "<="):
            raise ValueError(f"needed must be '>= x', '<= x' or empty, got {self.needed!r}")
        if sign == "<=":
            return self.ratio <= float(bound)
        return not sign or self.ratio >= float(bound)


def make_row(
    name: str, values: Float[np.ndarray, " repetition"], needed: str = "", note: str = ""
) -> Row:
    """Sum repetitions up by their median and its interval; below six, by their range."""
    bounds = median_interval(values) if len(values) >= 6 else (values.min(), values.max())
    return Row(name, float(np.median(values)), *map(float, bounds), needed, note)


def interleave(
    actions: Sequence[tuple[Callable[[], object], float]], repetitions: int
) -> Float[np.ndarray, "action repetition"]:
    """Seconds per unit of work of each (action, its units of work), all actions in turn.

    Whatever slows the machine down for a while then hits all alike. A first round, not counted,
    fills the caches.
    """
    seconds = np.empty((len(actions), repetitions + 1))
    for repetition in range(repetitions + 1):
        for index, (action, units) in enumerate(actions):
            start = time.process_time()
            action()
            seconds[index, repetition] = (time.process_time() - start) / units
    return seconds[:, 1:]


def fit_exponents(
    sizes: Sequence[float], seconds: Float[np.ndarray, "size repetition"]
) -> Float[np.ndarray, " repetition"]:
    """Slope of log cost against log size by least squares: 1 is linear, 2 quadratic."""
    return np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
