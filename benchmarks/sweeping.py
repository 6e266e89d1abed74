"""What a sweep costs beside its runs, and what a second process gains."""

import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float

from twostage.book.sweep.plans import EXPERIMENTS, Request, plan_experiment
from twostage.sweeps.tables import Plan, run_plan
from twostage.sweeps.workers import compute_here

JOBS = 1, 2  # processes at a time


def compute_nothing(condition: str, settings: dict, seed: int) -> pd.DataFrame:
    """A run whose whole cost is that of being run."""
    return pd.DataFrame([{"experiment": "none", "condition": condition, "seed": seed, "step": 0}])


def time_overhead(n_runs: int, repetitions: int) -> Float[np.ndarray, "jobs repetition"]:
    """Seconds for each run that does nothing, from its start to its line in the journal."""
    plan = Plan("none", {"nothing": {}}, range(n_runs), compute_nothing, (), "make bench")
    return _time(plan, repetitions) / n_runs


def time_heads(n_steps: int, repetitions: int) -> Float[np.ndarray, "jobs repetition"]:
    """Seconds for 24 runs of the free model."""
    request = Request("free_heads", {"n_heads": [4]}, {"steps": n_steps}, range(24))
    plan = plan_experiment(EXPERIMENTS["free_heads"], request, "make bench")
    return _time(plan, repetitions)


def _time(plan: Plan, repetitions: int) -> Float[np.ndarray, "jobs repetition"]:
    """Wall-clock seconds of a sweep by one process and by two, in turn.

    A first round, not counted, starts the processes.
    """
    seconds = np.empty((len(JOBS), repetitions + 1))
    for repetition in range(repetitions + 1):
        for index, jobs in enumerate(JOBS):
            with tempfile.TemporaryDirectory() as folder:
                start = time.perf_counter()
                run_plan(plan, Path(folder), partial(compute_here, jobs=jobs))
                seconds[index, repetition] = time.perf_counter() - start
    return seconds[:, 1:]
