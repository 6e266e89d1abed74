"""When did knowledge rise, and when did attention: one clock for both papers.

A stage has started when its measure passes a threshold that was fixed before looking. Times are
interpolated between records, so that they do not hang on the recording interval.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from twostage.estimates import Estimate, median_interval
from twostage.training import History

RISE_ALLOWED = 0.02  # nats by which batches of some tens of documents shake a loss


def crossing_time(
    steps: Int[np.ndarray, " record"], values: Float[np.ndarray, "run record"], threshold: float
) -> Float[np.ndarray, " run"]:
    """First time at which each run passes `threshold` from below; inf if it never does."""
    above = values >= threshold
    after = above.argmax(axis=1)  # first record at or above the threshold; 0 if none
    before, run = np.maximum(after - 1, 0), np.arange(len(values))
    low, high = values[run, before], values[run, after]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where((after > 0) & np.isfinite(low), (threshold - low) / (high - low), 1.0)
    time = steps[before] + share * (steps[after] - steps[before])
    return np.where(above.any(axis=1), time, np.inf)


def map_order(
    steps: Int[np.ndarray, " record"],
    knowledge: Float[np.ndarray, "run record"],
    attention: Float[np.ndarray, "run record"],
    thresholds: Float[np.ndarray, " q"],
) -> Float[np.ndarray, "q q"]:
    """Share of runs in which knowledge passed its threshold (row) first, attention its (column)."""
    first, then = (
        np.stack([crossing_time(steps, values, q) for q in thresholds])
        for values in (knowledge, attention)
    )
    return (first[:, None] < then[None]).mean(-1)


def difference(
    later: Float[np.ndarray, " run"], earlier: Float[np.ndarray, " run"]
) -> Float[np.ndarray, " known"]:
    """Return later - earlier for each run, without runs in which neither ever came."""
    known = np.isfinite(later) | np.isfinite(earlier)
    return later[known] - earlier[known]


def measure_rise(losses: Float[np.ndarray, "run record"]) -> Estimate:
    """How far the loss ever rises above the lowest record before: mean over runs where it is worst.

    0 for a loss that only falls. Runs are compared with themselves, on the same fresh data.
    """
    means = losses.mean(0)
    lowest = [int(means[: record + 1].argmin()) for record in range(len(means))]
    rises = losses - losses[:, lowest]
    return Estimate.of_mean(rises[:, rises.mean(0).argmax()])


def check_learning(history: History) -> Estimate:
    """Return how far the loss on fresh data rises; ValueError if that is beyond its noise.

    Runs whose loss rises are no example of learning, whatever else is measured of them.
    """
    rise = measure_rise(history.values["loss"])
    if rise.low > RISE_ALLOWED:
        raise ValueError(
            f"the loss on fresh data rises by {rise:.2g} nats, {RISE_ALLOWED} are noise: these "
            "runs do not show learning; lower the learning rate or show fewer steps"
        )
    return rise


@dataclass(frozen=True)
class Criterion:
    """A measure by name, its chance level, and the value from which on it counts as reached."""

    measure: str
    chance: float
    passed: float


Criteria = tuple[Criterion, Criterion]  # of knowledge, of attention


@dataclass(frozen=True, eq=False)
class StageTimes:
    """Steps at which each run's knowledge and attention passed their criteria (inf: never)."""

    knowledge: Float[np.ndarray, " run"]
    attention: Float[np.ndarray, " run"]

    @classmethod
    def of(
        cls,
        history: History,
        criteria: Criteria,
        runs: slice = slice(None),
    ) -> "StageTimes":
        """Read both times off a history that recorded the measures of the criteria."""
        return cls(
            *(
                crossing_time(history.steps, history.values[each.measure][runs], each.passed)
                for each in criteria
            )
        )

    @classmethod
    def half_way(cls, history: History, criteria: Criteria, until: int) -> "StageTimes":
        """Read off when each measure had gone half its way from chance to its value at `until`.

        This clock depends on when one stops looking, and not on what the criteria count as
        reached; it is here to show that.
        """
        end = np.searchsorted(history.steps, until) + 1
        times = []
        for criterion in criteria:
            rise = history.values[criterion.measure][:, :end] - criterion.chance
            times.append(crossing_time(history.steps[:end], rise / rise[:, -1:], 0.5))
        return cls(*times)

    def gap(self) -> Float[np.ndarray, " both"]:
        """Steps from the start of knowledge to that of attention, of runs that reached either."""
        return difference(self.attention, self.knowledge)

    def order(self) -> tuple[int, int]:
        """Runs in which knowledge came first, and runs in which both stages were reached."""
        both = np.isfinite(self.knowledge) & np.isfinite(self.attention)
        return int((self.knowledge < self.attention)[both].sum()), int(both.sum())

    def summary(self) -> pd.DataFrame:
        """Table of each stage: runs that reached it, median step, its interval and quartiles.

        A run that never passes counts as later than all others.
        """
        rows = []
        for stage in ("knowledge", "attention"):
            times = getattr(self, stage)
            low, high = median_interval(times)
            q1, q3 = np.quantile(times, [0.25, 0.75], method="inverted_cdf")
            median = np.median(times)
            reached = f"{np.isfinite(times).sum()} of {len(times)}"
            rows.append([stage, reached, median, low, high, q1, q3])
        names = ["stage", "reached", "median", "low", "high", "quartile 1", "quartile 3"]
        return pd.DataFrame(rows, columns=names)
