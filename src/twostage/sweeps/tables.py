"""Sweeps: conditions and seeds, run into a folder, with a table made of what came out.

The folder holds a journal, by which a sweep that was stopped goes on; the tidy table NAME.csv;
and NAME.json, which says how the table was made.
"""

import itertools
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from twostage.experiments import KEYS
from twostage.files import ChapterError, suggest, write_whole
from twostage.sweeps.journal import Journal, Run, list_values, open_journal
from twostage.sweeps.workers import VERSIONS, Compute, Lines, Task


@dataclass(frozen=True)
class Plan:
    """What is to be run, and by which command."""

    name: str  # of the experiment or the chapter
    conditions: Mapping[str, Any]  # settings of each, in the order of the table
    seeds: Sequence[int]
    compute: Compute  # one run: found again by its name in another process
    measures: Sequence[str]  # empty: whatever each run records
    command: str
    about: Mapping[str, Any] = field(default_factory=dict)  # more that the provenance says
    code: str = ""  # a hash of the chapter's, by which its runs are known

    @property
    def runs(self) -> list[Run]:
        """Every condition and seed, seed by seed, so that all conditions have some runs soon."""
        return [(condition, seed) for seed in self.seeds for condition in self.conditions]


def choose(name: object, known: Iterable[str], owner: str, kind: str) -> None:
    """Refuse a name that is not among the known ones, naming these and a close one."""
    known = list(known)
    if name not in known:
        what = f"{owner} has no {kind} {name!r}{suggest(str(name), known)}"
        raise ChapterError(f"{what}; it has {', '.join(known) or 'none'}")


def make_conditions(
    chosen: Mapping[str, Mapping[str, object]],
    grid: Mapping[str, Sequence[object]],
    values: Mapping[str, object],
    build: Callable[[Mapping[str, object]], Any],
) -> dict[str, Any]:
    """Build the settings of every chosen condition at every point of a grid, by its name.

    `values` hold at all of them. ChapterError if a name is set twice, or a point is impossible.
    """
    _refuse_twice({"the grid": grid, "-p": values} | {repr(name): chosen[name] for name in chosen})
    conditions = {}
    for (condition, own), point in itertools.product(
        chosen.items(), itertools.product(*grid.values())
    ):
        at = dict(zip(grid, point, strict=True))
        try:
            settings = build({**own, **values, **at})
        except ValueError as error:
            where = _name_point(condition, at)
            raise ChapterError(f"{where}: {error}" if where else str(error)) from None
        name = _name_point(condition, {key: list_values(settings)[key] for key in at})
        if name in conditions:
            raise ChapterError(f"the grid holds {name} twice")
        conditions[name or "defaults"] = settings
    return conditions


def _refuse_twice(sources: Mapping[str, Mapping[str, object]]) -> None:
    """Refuse what both the grid and -p set, or one of them and a condition."""
    asked = list(sources.items())[:2]
    for (one, names), (other, others) in itertools.product(asked, sources.items()):
        for name in [name for name in names if one != other and name in others]:
            raise ChapterError(f"{name} is set by {one} and by {other}: leave one of them out")


def _name_point(condition: str, point: Mapping[str, object]) -> str:
    shown = [f"{k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in point.items()]
    return ", ".join([condition] * bool(condition) + shown)


def run_plan(plan: Plan, folder: Path, place: Callable[[Compute, list[Task]], Lines]) -> list[Run]:
    """Run what is not there yet, at some place, and write the table; return what failed.

    Each failure is a line on stderr and stops nothing else. ChapterError if the folder cannot be
    had. Whatever ends this, all runs that were over are kept and the table is made of them.
    """
    path = folder / "journal.jsonl"
    for table in (folder / f"{plan.name}.csv", folder / f"{plan.name}.json"):
        if table.exists() and not path.exists():
            what = f"{table} is there, and no journal of its runs"
            raise ChapterError(f"{what}: a sweep would replace it, choose another folder")
    with open_journal(path) as journal:
        journal.adopt(plan.name, plan.measures, plan.conditions, plan.command, plan.code)
        tasks = [(c, plan.conditions[c], s) for c, s in plan.runs if (c, s) not in journal.done]
        try:
            for line in _watch(place(plan.compute, tasks), plan, len(tasks)):
                journal.append(line)
        finally:
            journal.read()  # if this was stopped, a line may have been written and not been learnt
            write_table(plan, journal, folder / plan.name)
        return [run for run in plan.runs if run in journal.failed]


def _watch(lines: Lines, plan: Plan, left: int) -> Lines:
    """Pass lines on, count them by a bar where a person watches, and tell what failed."""
    total = len(plan.runs)
    with tqdm(total=total, initial=total - left, desc=plan.name, unit="run", disable=None) as bar:
        for line in lines:
            yield line
            if "error" in line:
                what = f"{line['condition']}, seed {line['seed']}: {line['error']}"
                bar.write(f"twostage: {what}", file=sys.stderr)
            bar.update()


def write_table(plan: Plan, journal: Journal, target: Path) -> None:
    """Write target.csv, with every run that is in the journal, and target.json beside it."""
    table = tabulate(journal, plan.conditions).to_csv(index=False, na_rep="nan")
    about = json.dumps(describe(journal, plan.about), indent=1) + "\n"
    for ending, text in ((".csv", table), (".json", about)):
        write_whole(target.with_name(target.name + ending), text)


def tabulate(journal: Journal, first: Iterable[str]) -> pd.DataFrame:
    """Lay out all runs of a journal: some conditions first, then others, seeds in their order."""
    order = {name: place for place, name in enumerate(dict.fromkeys([*first, *journal.settings]))}
    runs = sorted(journal.done, key=lambda run: (order[run[0]], run[1]))
    if not runs:
        return pd.DataFrame(columns=[*KEYS, *journal.measures])
    return pd.concat([pd.DataFrame(journal.done[run]["rows"]) for run in runs], ignore_index=True)


def describe(journal: Journal, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return where a table comes from; what differed between its runs is joined by 'and'."""
    lines = journal.done.values()
    made = {
        key: " and ".join(dict.fromkeys(line["made"][key] for line in lines))
        for key in (*VERSIONS, "commit", "device")
    }
    return {
        "experiment": journal.name,
        "written_by": " and ".join(journal.commands),
        **about,
        "conditions": journal.settings,
        "seeds": sorted({seed for _, seed in journal.done}),
        "measures": journal.measures,
        "runs": len(lines),
        "failed": [{"condition": c, "seed": s, "error": e} for (c, s), e in journal.failed.items()],
        "versions": {key: made.pop(key) for key in VERSIONS},
        **made,
        "seconds": round(sum(line["seconds"] for line in lines), 3),
        "finished": max((line["finished"] for line in lines), default=""),
    }
