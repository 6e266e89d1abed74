"""Where runs are computed: in this process, in several of this machine, or on a Dask cluster.

A run gives the same numbers anywhere: on one thread, by deterministic algorithms, and one at a
time in each process, since torch keeps modes and its own random numbers for a whole process.
"""

import asyncio
import contextlib
import hashlib
import logging
import platform
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from joblib import Parallel, delayed, parallel_config
from tqdm import tqdm

from twostage.files import ChapterError
from twostage.seeding import run_alike_everywhere
from twostage.sweeps.journal import list_values

Compute = Callable[[str, Any, int], pd.DataFrame]  # of a condition, its settings, and a seed
Task = tuple[str, Any, int]
Lines = Iterator[dict[str, Any]]
VERSIONS = ("python", "torch", "numpy", "twostage")
TIMEOUT = 5  # seconds within which a scheduler must answer
ALONE = threading.Lock()


def compute_run(compute: Compute, condition: str, settings: Any, seed: int) -> dict[str, Any]:
    """Compute one run; return its line of the journal, with what went wrong if it failed."""
    with ALONE:
        run_alike_everywhere()
        start = time.perf_counter()
        try:
            rows = compute(condition, settings, seed)
        except Exception as error:
            return _fail(condition, seed, error)
        return {
            "condition": condition,
            "seed": seed,
            "seconds": round(time.perf_counter() - start, 4),
            "finished": datetime.now(UTC).date().isoformat(),
            "made": name_code() | {"device": _name_device(settings)},
            "rows": rows.to_dict("list"),
        }


def _fail(condition: str, seed: int, error: BaseException) -> dict[str, Any]:
    text = textwrap.shorten(f"{type(error).__name__}: {error}", 300, placeholder=" ...")
    return {"condition": condition, "seed": seed, "error": text}


@lru_cache
def name_code() -> dict[str, str]:
    """Return the versions that compute here, and the commit of the package, '-dirty' if changed."""
    root, commit = Path(__file__).parents[3], "unknown"
    if (root / ".git").exists():
        ask = ["git", "-C", root, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        with contextlib.suppress(OSError):  # no git here
            commit = subprocess.run(ask, capture_output=True, text=True).stdout.strip() or commit
    versions = {name: version(name) for name in VERSIONS[1:]}
    return {"python": platform.python_version(), **versions, "commit": commit}


def hash_code() -> str:
    """Return a short name of what numbers depend on: the package's source, and the versions."""
    code = hashlib.sha256(repr([version(name) for name in VERSIONS[1:-1]]).encode())
    package = Path(__file__).parents[1]
    for path in sorted(package.rglob("*.py")):
        code.update(str(path.relative_to(package)).encode() + path.read_bytes())
    return code.hexdigest()[:12]


def _name_device(settings: Any) -> str:
    device = list_values(settings).get("device", "cpu")
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} CPU, one thread"


def compute_here(compute: Compute, tasks: Sequence[Task], jobs: int) -> Lines:
    """Compute runs on this machine, `jobs` at a time, and yield each as soon as it is over.

    If a process dies, the runs that may have killed it fail, and the others go on.
    """
    warnings.filterwarnings("ignore", "[0-9]+ tasks which were still")  # if this is stopped
    left = {(condition, seed): (condition, settings, seed) for condition, settings, seed in tasks}
    each = {"pre_dispatch": jobs, "batch_size": 1, "initializer": _start_process}
    while left:
        work = [delayed(compute_run)(compute, *task) for task in left.values()]
        try:
            with parallel_config("loky", inner_max_num_threads=1):
                pool = Parallel(jobs, return_as="generator_unordered", **each)
            for line in pool(work):
                del left[line["condition"], line["seed"]]
                yield line
        except BrokenProcessPool:
            for run in list(left)[:jobs]:
                del left[run]
                yield _fail(*run, RuntimeError("a process died; killed, or out of memory?"))


def _start_process() -> None:
    """Leave Ctrl-C, which every process of a terminal gets, to the first one; be quick to kill."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tqdm.set_lock(threading.RLock())  # its own is shared between processes, and outlives them


@contextlib.contextmanager
def connect(address: str) -> Iterator[Any]:
    """Connect to the Dask scheduler at an address; ChapterError if there is none, or no Dask."""
    try:
        from distributed import Client
        from distributed.comm import connect as reach
    except ImportError:
        advice = "pip install 'twostage[cluster]'"
        raise ChapterError(f"a scheduler needs Dask, which is not here: {advice}") from None
    for name in [each for each in logging.root.manager.loggerDict if "distributed" in each]:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # what matters is raised
    try:
        asyncio.run(asyncio.wait_for(_knock(reach, address), TIMEOUT))
    except Exception as error:  # whatever it is that answers there
        what = f"no Dask scheduler answers at {address} ({type(error).__name__})"
        raise ChapterError(f"{what}: start one by 'dask scheduler', or name another") from None
    with (
        Client(address, timeout=TIMEOUT, set_as_default=False) as client,
        client.as_current(),
    ):
        if not client.nthreads():
            what = f"no worker is at {address} yet: the sweep waits for one (dask worker {address})"
            print(f"twostage: {what}", file=sys.stderr)
        yield client


async def _knock(reach: Callable, address: str) -> None:
    """Reach a scheduler and hang up: a client that reaches none never stops trying."""
    await (await reach(address)).close()


def compute_on_cluster(compute: Compute, tasks: Sequence[Task], client: Any) -> Lines:
    """Compute runs on the workers of a Dask cluster, and yield each as soon as it is over.

    A run whose worker is lost is given to another one. ConnectionError if the scheduler is lost.
    """
    from distributed import as_completed

    futures = {client.submit(compute_run, compute, *task, pure=False): task for task in tasks}
    try:
        for future in as_completed(futures):
            condition, _, seed = futures.pop(future)
            if future.status not in ("finished", "error"):
                raise ConnectionError("the scheduler is lost; the same command goes on")
            error = future.exception()
            yield _fail(condition, seed, error) if error else future.result()
    finally:
        client.cancel(list(futures))
