"""Tables of runs that take longer than a chapter may: read with where they come from."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from joblib import Parallel, delayed

from twostage.files import find_root
from twostage.stages import Criterion
from twostage.training import History

RTOL, ATOL = 1e-3, 1e-4  # by which two machines may differ


def read_recorded(experiment: "Experiment") -> "Runs":
    """Read the runs in ``results/NAME.csv`` of the book, and in a sentence where they come from.

    The book is found from any folder of it, and from elsewhere if the package lies in one.
    """
    path = find_root() / "results" / f"{experiment.name}.csv"
    about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    sentence = (
        f"Recorded {about['finished']} by `{about['written_by']}`\n"
        f"in {about['seconds'] / 60:.0f} minutes ({about['device']}, "
        f"torch {about['versions']['torch']})."
    )
    return Runs(experiment, pd.read_csv(path), sentence)


def find_difference(new: pd.DataFrame, stored: pd.DataFrame) -> str:
    """Say where a tidy table first differs from the stored one, beyond rounding; '' if nowhere."""
    if list(new) != list(stored):
        return f"its columns are {', '.join(new)}, stored are {', '.join(stored)}"
    new, stored = (table.set_index(list(KEYS)) for table in (new, stored))
    for one, other, which in ((new, stored, "not stored"), (stored, new, "only stored")):
        for row in one.index.difference(other.index)[:1]:
            return f"{_name_row(row)} is {which}"
    stored = stored.loc[new.index]
    far = ~np.isclose(new, stored, RTOL, ATOL, equal_nan=True)
    for row, column in np.argwhere(far)[:1]:
        values = f"{new.iloc[row, column]}, stored is {stored.iloc[row, column]}"
        return f"{_name_row(new.index[row])}: {new.columns[column]} is {values}"
    return ""


def _name_row(row: tuple) -> str:
    return f"{row[1]}, seed {row[2]}, step {row[3]}"


KEYS = ("experiment", "condition", "seed", "step")  # the first columns of every table
DIGITS = 6  # decimals that a table keeps


@dataclass(frozen=True)
class Experiment:
    """A named set of conditions, what one run records, and when a run has succeeded."""

    name: str  # of its table, and on the command line
    question: str  # in one line
    base: Any  # settings of every run: a frozen dataclass of values and of configs
    conditions: Mapping[str, Mapping[str, object]]  # by name: what differs from the base
    train: Callable[[Any, Sequence[int]], History]  # trains one run for each seed
    measures: tuple[str, ...]  # what a run records, in the order of the columns
    success: tuple[Criterion, ...] = ()  # all of them passed at the last record; fixed before
    predict: Callable[[Any], float | None] | None = None  # share that succeeds, where theory tells
    seeds: range = range(8)  # of its recorded table
    side_by_side: bool = False  # `train` computes many seeds at once, faster than one by one

    def settings(self, condition: str) -> Any:
        """Return the settings of one condition; ValueError names the conditions there are."""
        if condition not in self.conditions:
            known = ", ".join(map(repr, self.conditions))
            raise ValueError(f"{self.name} has no condition {condition!r}; it has {known}")
        return set_fields(self.base, self.conditions[condition])

    def at(
        self, conditions: Mapping[str, Mapping[str, object]] | None = None, **changes: object
    ) -> "Experiment":
        """Return the same experiment at other settings, and with other conditions if given."""
        base = set_fields(self.base, changes)
        return replace(self, base=base, conditions=conditions or self.conditions)

    def run(
        self, seeds: Sequence[int], conditions: Sequence[str] | None = None, jobs: int = 1
    ) -> "Runs":
        """Run conditions (all by default) at each seed, `jobs` at a time; jobs change no number."""
        names = list(self.conditions if conditions is None else conditions)
        groups = [list(seeds)] if self.side_by_side else [[seed] for seed in seeds]
        work = [(name, group) for name in names for group in groups]
        one = delayed(self.tabulate)
        return Runs(self, pd.concat(Parallel(n_jobs=jobs)(one(*each) for each in work)))

    def tabulate(self, condition: str, seeds: Sequence[int]) -> pd.DataFrame:
        """Train one run of a condition for each seed; return its rows of the table."""
        history = self.train(self.settings(condition), list(seeds))
        rows = [
            pd.DataFrame(
                {"experiment": self.name, "condition": condition, "seed": seed}
                | {"step": history.steps}
                | {name: history.values[name][run].round(DIGITS) for name in self.measures}
            )
            for run, seed in enumerate(seeds)
        ]
        return pd.concat(rows, ignore_index=True)

    def succeeded(self, history: History) -> Bool[np.ndarray, " run"]:
        """Whether each run meets the whole rule of success at its last record."""
        last = [history.values[each.measure][:, -1] >= each.passed for each in self.success]
        return np.all(last, axis=0)


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of an experiment, whether just computed or read from a recorded table."""

    experiment: Experiment
    table: pd.DataFrame  # tidy
    about: str = ""  # of a recorded table: when, how and on what it was made

    def __or__(self, more: "Runs") -> "Runs":
        """Return these runs and more of the same experiment, perhaps at other conditions."""
        conditions = {**self.experiment.conditions, **more.experiment.conditions}
        table = pd.concat([self.table, more.table], ignore_index=True)
        return replace(
            self, experiment=replace(self.experiment, conditions=conditions), table=table
        )

    @property
    def conditions(self) -> list[str]:
        """The conditions that were run, in their order."""
        return list(self.table.condition.unique())

    def history(self, condition: str) -> History:
        """Lay the runs of a condition side by side; one that ended early keeps its last values."""
        rows = self.table[self.table.condition == condition]
        if rows.empty:
            raise ValueError(f"no run of {condition!r}; there are {self.conditions}")
        wide = {
            name: rows.pivot(index="seed", columns="step", values=name).ffill(axis=1)
            for name in rows.columns.difference(KEYS, sort=False)
        }
        steps = next(iter(wide.values())).columns.to_numpy()
        return History(steps, {name: values.to_numpy() for name, values in wide.items()})

    def last(self, condition: str) -> dict[str, Float[np.ndarray, " run"]]:
        """Return what each run of a condition ended with, by measure."""
        return {name: values[:, -1] for name, values in self.history(condition).values.items()}

    def successes(self, condition: str) -> tuple[int, int]:
        """Return how many runs of a condition met the rule of success, and how many there are."""
        succeeded = self.experiment.succeeded(self.history(condition))
        return int(succeeded.sum()), len(succeeded)


def list_fields(settings: Any) -> dict[str, object]:
    """Return every plain value in settings and in the configs inside them, by its own name.

    A config is looked into if its field is annotated as one; what may be None is a plain value.
    """
    values = {}
    for name, value in _items(settings):
        values |= list_fields(value) if _is_config(settings, name) else {name: value}
    return values


def set_fields(settings: Any, values: Mapping[str, object]) -> Any:
    """Return settings in which the named values are replaced, wherever inside they stand.

    Raises:
        ValueError: an unknown name, a value of another type, or one that the settings refuse.
    """
    known = list_fields(settings)
    for name in values:
        if name not in known:
            raise ValueError(f"unknown parameter {name!r}; known are {', '.join(known)}")
    changes = {}
    for name, value in _items(settings):
        if _is_config(settings, name):
            inside = {key: values[key] for key in values if key in list_fields(value)}
            changes[name] = set_fields(value, inside) if inside else value
        elif name in values:
            changes[name] = _fit(settings, name, values[name])
    return replace(settings, **changes)


def _items(settings: Any) -> list[tuple[str, Any]]:
    return [(each.name, getattr(settings, each.name)) for each in fields(settings)]


def _is_config(settings: Any, name: str) -> bool:
    return is_dataclass(get_type_hints(type(settings))[name])


def _fit(settings: Any, name: str, value: object) -> object:
    """Check a value against the annotation of its field; an int may stand for a float."""
    kind = get_type_hints(type(settings))[name]
    kinds = get_args(kind) if isinstance(kind, UnionType) else (get_origin(kind) or kind,)
    if float in kinds and type(value) is int:
        return float(value)
    if type(value) not in kinds:
        words = " or ".join("none" if each is NoneType else each.__name__ for each in kinds)
        raise ValueError(f"{name} must be {words}, got {value!r}")
    return value
