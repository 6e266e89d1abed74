"""What `twostage sweep` and `twostage record` do: run a plan somewhere, tell what came of it."""

import argparse
import os
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import pandas as pd

from twostage.book.running import ChapterFailed
from twostage.book.sweep.plans import EXPERIMENTS, Request, make_plan
from twostage.experiments import find_difference
from twostage.files import ChapterError, find_root, write_whole
from twostage.sweeps.tables import Plan, choose, run_plan
from twostage.sweeps.workers import compute_here, compute_on_cluster, connect, hash_code


def sweep(options: argparse.Namespace, asked: dict[str, Any]) -> int:
    """Run a grid into a folder, or list what a grid can be run over."""
    if asked["subject"] is None:
        for each in EXPERIMENTS.values():
            print(f"{each.name}\n  {each.question}\n  conditions: {'; '.join(each.conditions)}")
        return 0
    if options.output is None:
        raise ChapterError("a sweep needs -o FOLDER, which its table goes to")
    folder = Path(os.path.expanduser(options.output))
    request = Request(**asked, confirmed=options.yes)
    plan = make_plan(request, folder, shlex.join(["twostage", *options.arguments]))
    print(_run(plan, folder, options))
    return 0


def record(options: argparse.Namespace, asked: dict[str, Any]) -> int:
    """Make the table of an experiment anew; store it if none is, else compare the two.

    The journal lies in a folder of its own for each state of the code, so that no table mixes two.
    """
    choose(options.subject, EXPERIMENTS, "twostage", "experiment")
    part = bool(asked["seeds"] or asked["conditions"])
    if part and options.force:
        raise ChapterError("--force replaces the whole table: leave --seeds, --conditions out")
    root, name = find_root(), options.subject
    folder = root / "runs" / "records" / name / hash_code()
    plan = make_plan(Request(**asked), folder, shlex.join(["twostage", "record", name]))
    print(_run(plan, folder, options))
    stored, new = root / "results" / f"{name}.csv", folder / f"{name}.csv"
    if not part and (options.force or not stored.exists()):
        for ending in (".csv", ".json"):
            write_whole(stored.with_suffix(ending), new.with_suffix(ending).read_bytes())
        print(f"{stored}  written")
    elif stored.exists():
        _compare(plan, new, stored)
    return 0


def _compare(plan: Plan, new: Path, stored: Path) -> None:
    tables = [pd.read_csv(path) for path in (new, stored)]
    asked = [t[t.condition.isin(list(plan.conditions)) & t.seed.isin(plan.seeds)] for t in tables]
    if difference := find_difference(*asked):
        raise ChapterFailed(f"{new} differs from {stored}: {difference}")
    print(f"{stored}  agrees")


def _run(plan: Plan, folder: Path, options: argparse.Namespace) -> str:
    """Run a plan where the options say, and return a line on it; ChapterFailed if a run failed."""
    start, table, n_runs = time.monotonic(), folder / f"{plan.name}.csv", len(plan.runs)
    with _choose_place(options) as place:
        failed = run_plan(plan, folder, place)
    if failed:
        what = f"{len(failed)} of {n_runs} runs failed; the others are in {table}"
        raise ChapterFailed(f"{what}; the same command tries these again")
    return f"{table}  {n_runs} runs  {time.monotonic() - start:.1f} s"


@contextmanager
def _choose_place(options: argparse.Namespace) -> Iterator[Callable]:
    if options.scheduler is None:
        yield partial(compute_here, jobs=options.jobs or joblib.cpu_count())
        return
    with connect(options.scheduler) as client:
        yield partial(compute_on_cluster, client=client)
