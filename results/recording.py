"""Record a table run by run, with its provenance beside it, so that it can stop and go on."""

import json
import platform
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from twostage.files import write_whole
from twostage.training import History


def record_runs(
    script: Path,
    parameters: dict,
    conditions: Sequence[str],
    seeds: Sequence[int],
    train_run: Callable[[str, int], History],
) -> None:
    """Write script.csv (a row per condition, seed and step) and script.json (its provenance).

    Every seed goes through all conditions before the next one starts. Runs that are already in
    the table are not repeated.
    """
    table, about = script.with_suffix(".csv"), script.with_suffix(".json")
    done = pd.read_csv(table) if table.exists() else pd.DataFrame(columns=["condition", "seed"])
    known = set(zip(done.condition, done.seed, strict=True))
    seconds = json.loads(about.read_text())["seconds"] if about.exists() else 0.0
    parameters = {"condition": list(conditions), "seeds": list(seeds)} | parameters
    for condition, seed in [(c, s) for s in seeds for c in conditions if (c, s) not in known]:
        start = time.perf_counter()
        rows = _tabulate(train_run(condition, seed), condition, seed)
        done = pd.concat([done, rows]) if len(done) else rows
        seconds += time.perf_counter() - start
        write_whole(table, done.to_csv(index=False))
        write_whole(about, json.dumps(_describe(script, parameters, seconds), indent=1) + "\n")
        print(condition, seed, rows.iloc[-1, 2:].to_dict(), flush=True)


def _tabulate(history: History, condition: str, seed: int) -> pd.DataFrame:
    values = {name: value[0].round(4) for name, value in history.values.items()}
    return pd.DataFrame({"condition": condition, "seed": seed, "step": history.steps, **values})


def _describe(script: Path, parameters: dict, seconds: float) -> dict:
    return {
        "written_by": f"python results/{script.name}",
        "parameters": parameters,
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("torch", "numpy", "twostage")},
        "device": f"{platform.machine()} CPU, one thread",
        "finished": datetime.now(UTC).date().isoformat(),
        "seconds": round(seconds, 3),
    }
