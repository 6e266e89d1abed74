"""Ratios of cost: several ways to do one thing, timed in turn, with medians and intervals.

Time is processor time, so that other programs on the machine disturb it little.
"""

import time
from collections.abc import Callable, Iterator, Sequence
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
    values: tuple[float, ...] = ()  # of the repetitions

    @property
    def verdict(self) -> str:
        """Whether all of the interval is 'met' or 'missed', or it is 'not settled'; else '-'."""
        if not self.needed:
            return "-"
        sign, _, bound = self.needed.partition(" ")
        if sign not in (">=", "<="):
            raise ValueError(f"needed must be '>= x', '<= x' or empty, got {self.needed!r}")
        worst, best = (self.low, self.high) if sign == ">=" else (-self.high, -self.low)
        level = float(bound) if sign == ">=" else -float(bound)
        return "met" if worst >= level else "missed" if best < level else "not settled"


def make_row(
    name: str, values: Float[np.ndarray, " repetition"], needed: str = "", note: str = ""
) -> Row:
    """Sum repetitions up by their median and its interval; below six, by their range."""
    bounds = median_interval(values) if len(values) >= 6 else (values.min(), values.max())
    return Row(
        name, float(np.median(values)), *map(float, bounds), needed, note, tuple(values.tolist())
    )


def settle(measure: Callable[[], Iterator[Row]], rounds: int) -> list[Row]:
    """Measure rows, and again with what was measured before until all are settled.

    After so many rounds what the machine's noise leaves open stays open.
    """
    rows = list(measure())
    for _ in range(rounds - 1):
        if all(row.verdict != "not settled" for row in rows):
            break
        rows = [_pool(*pair) for pair in zip(rows, measure(), strict=True)]
    return rows


def _pool(first: Row, second: Row) -> Row:
    values = np.array(first.values + second.values)
    return make_row(second.name, values, second.needed, second.note)


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
