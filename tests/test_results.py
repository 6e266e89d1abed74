"""Recorded tables: each has its provenance beside it, and all rows that it promises."""

import json
from datetime import date
from importlib.util import module_from_spec, spec_from_file_location
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twostage.training import History, TrainConfig

RESULTS = Path(__file__).parents[1] / "results"
TABLES = sorted(RESULTS.glob("*.csv"))
SHARES = {"token_accuracy", "attn_accuracy", "mean_attention", "ktiw"}  # the rest: -1 to 1


def find_faults(table):
    """One line for everything that is missing of a recorded table or of its provenance."""
    if not table.with_suffix(".json").is_file():
        return [f"{table.name} has no provenance beside it"]
    about, rows = json.loads(table.with_suffix(".json").read_text()), pd.read_csv(table)
    return [*_provenance_faults(about), *_row_faults(about["parameters"], rows)]


def _provenance_faults(about):
    script = RESULTS / about["written_by"].split("/")[-1]
    if not script.is_file():
        yield f"{script.name}, which wrote it, is not there"
    missing = {"python", "torch", "numpy", "twostage"} - set(about["versions"])
    if missing or not all(about["versions"].values()):
        yield f"versions are missing: {sorted(missing)}"
    if not about["device"] or not about["seconds"] > 0:
        yield "device and seconds must be told"
    if date.fromisoformat(about["finished"]) > date.today():
        yield "it was finished in the future"


def _row_faults(parameters, rows):
    keys = list(rows.columns[: list(rows.columns).index("step")])
    promised = set(product(*(parameters["seeds" if key == "seed" else key] for key in keys)))
    runs = {run: part for run, part in rows.groupby(keys)}
    if set(runs) != promised:
        yield f"{len(promised)} runs by {keys} are promised, {len(runs)} there"
    short = [run for run, part in runs.items() if not _is_whole(part, parameters)]
    if short:
        yield f"these runs lack steps, or have too many: {short}"
    numbers = rows.drop(columns=[*keys, "step"])
    if not np.isfinite(numbers).all(axis=None):
        yield "a number is missing"
    for name in numbers:
        low = 0 if name in SHARES else -1
        if not rows[name].between(low, 1).all():
            yield f"{name} must be in [{low}, 1]"


def _is_whole(run, parameters):
    """All steps, or fewer where a run was to end once its attention is good enough."""
    steps = TrainConfig(**parameters["training"]).record_steps.tolist()
    if run.attn_accuracy.iloc[-1] >= parameters.get("ends_at_attn_accuracy", np.inf):
        steps = steps[: len(run)]
    return run.step.tolist() == steps


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_a_table_is_complete_and_says_where_it_comes_from(table):
    assert not find_faults(table), "\n".join(find_faults(table))


def test_every_recording_script_has_its_table():
    scripts = {path.stem for path in RESULTS.glob("*.py")} - {"recording"}
    assert scripts <= {path.stem for path in TABLES}


# What records them --------------------------------------------------------------------------

PLAN = {"steps": 4, "n_records": 2, "spacing": "even"}


@pytest.fixture
def record(tmp_path):
    """Record two conditions of two seeds into an empty folder; count the runs."""
    spec = spec_from_file_location("recording", RESULTS / "recording.py")
    recording = module_from_spec(spec)
    spec.loader.exec_module(recording)
    runs = []

    def train_run(condition, seed, fails=()):
        if (condition, seed) in fails:
            raise KeyboardInterrupt
        runs.append((condition, seed))
        values = {"attn_accuracy": np.full((1, 3), 0.5), "signed_contrast": np.full((1, 3), -0.5)}
        return History(np.array([0, 2, 4]), values)

    def start(fails=()):
        script = tmp_path / "heads_small_size.py"  # a script that exists
        names, train = ["one", "two"], lambda *run: train_run(*run, fails)
        recording.record_runs(script, {"training": PLAN}, names, [7, 8], train)
        return script.with_suffix(".csv")

    return start, runs


def test_a_recording_is_a_table_without_faults(record):
    start, runs = record
    assert find_faults(start()) == []
    assert runs == [("one", 7), ("two", 7), ("one", 8), ("two", 8)]


def test_a_stopped_recording_goes_on_where_it_stopped(record):
    start, runs = record
    with pytest.raises(KeyboardInterrupt):
        start(fails=[("one", 8)])
    assert runs == [("one", 7), ("two", 7)]
    assert find_faults(start()) == [] and len(runs) == 4


@pytest.mark.parametrize(
    "spoil, complaint",
    [
        (lambda rows: rows[3:], "4 runs .* promised, 3 there"),
        (lambda rows: rows[:-1], r"lack steps, or have too many: \[\('two', 8\)\]"),
        (lambda rows: pd.concat([rows, rows[:1]]), r"too many: \[\('one', 7\)\]"),
        (lambda rows: rows.assign(contrast=np.nan), "a number is missing"),
        (lambda rows: rows.assign(attn_accuracy=-0.5), r"attn_accuracy must be in \[0, 1\]"),
    ],
)
def test_a_spoilt_table_is_found_out(record, spoil, complaint):
    table = record[0]()
    spoil(pd.read_csv(table)).to_csv(table, index=False)
    with pytest.raises(AssertionError, match=complaint):
        assert not find_faults(table), "\n".join(find_faults(table))


def test_a_run_may_end_early_only_if_its_attention_was_good_enough(record):
    table = record[0]()
    pd.read_csv(table)[:-1].to_csv(table, index=False)
    about = json.loads(table.with_suffix(".json").read_text())
    for good_enough, n_faults in ((0.5, 0), (0.6, 1)):
        about["parameters"]["ends_at_attn_accuracy"] = good_enough
        table.with_suffix(".json").write_text(json.dumps(about))
        assert len(find_faults(table)) == n_faults


@pytest.mark.parametrize(
    "change, complaint",
    [
        ({"versions": {"python": "3"}}, "versions are missing"),
        ({"seconds": 0}, "device and seconds"),
        ({"finished": "2999-01-01"}, "in the future"),
        ({"written_by": "python results/nothing.py"}, "nothing.py, which wrote it"),
    ],
)
def test_a_poor_provenance_is_found_out(record, change, complaint):
    table = record[0]()
    about = table.with_suffix(".json")
    about.write_text(json.dumps(json.loads(about.read_text()) | change))
    assert complaint in "\n".join(find_faults(table))
    about.unlink()
    assert find_faults(table) == [f"{table.name} has no provenance beside it"]
