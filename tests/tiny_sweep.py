"""A sweep whose runs take no time, and fail or die on demand; its workers find it by its name."""

import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd

from twostage.book.sweep.plans import EXPERIMENTS, Request, plan_experiment
from twostage.seeding import numpy_rng
from twostage.sweeps.tables import Plan


def compute(condition: str, settings: dict, seed: int) -> pd.DataFrame:
    """Two records of a number; `fails` and `dies` name the seeds that do, `once` a file."""
    if seed in settings.get("fails", ()):
        raise ValueError(f"no luck\nwith {seed}")
    if seed in settings.get("dies", ()) and not Path(settings["once"]).exists():
        Path(settings["once"]).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    values = numpy_rng(seed, condition).normal(size=2)
    return pd.DataFrame(
        {"experiment": "tiny", "condition": condition, "seed": seed, "step": [0, settings["steps"]]}
        | {"loss": values, "best": np.maximum.accumulate(values)}
    )


def make_plan(n_seeds: int = 4, command: str = "twostage sweep tiny", **settings) -> Plan:
    """Plan two conditions, which have settings in common."""
    conditions = {f"steps={n}": {"steps": n, **settings} for n in (5, 10)}
    return Plan("tiny", conditions, range(n_seeds), compute, ("loss", "best"), command)


def make_free_plan(n_seeds: int = 6) -> Plan:
    """Plan four conditions of the free model that learn next to nothing."""
    values = {"seq_len": 4, "steps": 2, "n_test": 4, "batch_size": 2}
    grid = {"vocab_size": [4, 5], "n_heads": [1, 2]}
    request = Request("free_heads", grid, values, range(n_seeds))
    return plan_experiment(EXPERIMENTS["free_heads"], request, "twostage sweep free_heads")
