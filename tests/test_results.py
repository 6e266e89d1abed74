"""Recorded tables: each is of an experiment, with all its runs, and says where it comes from."""

import json
import re
from datetime import date
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twostage.book.sweep.plans import EXPERIMENTS, describe_experiment
from twostage.experiments import KEYS, find_difference
from twostage.sweeps.journal import to_json
from twostage.sweeps.workers import VERSIONS

RESULTS = Path(__file__).parents[1] / "results"
TABLES = sorted(path.stem for path in RESULTS.glob("*.csv"))
SHARES = {"token_accuracy", "attn_accuracy", "mean_attention", "ktiw", "within_one", "word_before"}


def read(name):
    about = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return pd.read_csv(RESULTS / f"{name}.csv"), about


def find_faults(experiment, rows, about):
    """One line for everything in which a table or its provenance is not its experiment's."""
    return [
        *_setting_faults(experiment, about),
        *_origin_faults(about),
        *_row_faults(experiment, rows, about),
    ]


def _setting_faults(experiment, about):
    settings = {name: experiment.settings(name) for name in experiment.conditions}
    promised = {"experiment": experiment.name, "written_by": f"twostage record {experiment.name}"}
    promised |= describe_experiment(experiment, settings)
    promised |= {"seeds": list(experiment.seeds), "failed": []}
    promised["runs"] = len(experiment.seeds) * len(settings)
    for name, value in promised.items():
        if about.get(name) != value:
            yield f"{name} is {about.get(name)}, in the code {value}"
    if set(about["conditions"]) != set(settings):
        yield f"its conditions are {list(about['conditions'])}, in the code {list(settings)}"
    for name in settings.keys() & about["conditions"].keys():
        if about["conditions"][name] != to_json(settings[name]):
            yield f"{name!r} has other settings in the code"


def _origin_faults(about):
    if sorted(about["versions"]) != sorted(VERSIONS) or not all(about["versions"].values()):
        yield f"versions must be those of {VERSIONS}"
    if not about["device"] or not about["commit"] or not about["seconds"] > 0:
        yield "device, commit and seconds must be told"
    if date.fromisoformat(about["finished"]) > date.today():
        yield "it was finished in the future"


def _row_faults(experiment, rows, about):
    if list(rows) != [*KEYS, *about["measures"]]:
        yield f"its columns are {list(rows)}, not {[*KEYS, *about['measures']]}"
        return
    for name in set(experiment.measures) - set(rows):
        if name not in about.get("note", ""):
            yield f"it lacks {name}, and no note says so"
    if set(rows.experiment) != {experiment.name} or rows.duplicated(list(KEYS)).any():
        yield "rows are of another experiment, or double"
    runs = dict(list(rows.groupby(["condition", "seed"])))
    if missing := set(product(experiment.conditions, experiment.seeds)) ^ runs.keys():
        yield f"these runs are missing, or too many: {sorted(missing)[:3]}"
    short = [run for run in runs if not _is_whole(experiment, run[0], runs[run])]
    if short:
        yield f"these runs lack steps, or have others: {short[:3]}"
    for name in about["measures"]:
        low = 0 if name in SHARES else -1
        if not rows[name].between(low, 1).all():  # a nan is not, either
            yield f"{name} must be in [{low}, 1]"


def _is_whole(experiment, condition, run):
    """All steps, or fewer where a run was to end once its attention is good enough."""
    if condition not in experiment.conditions:
        return True
    settings = experiment.settings(condition)
    steps = settings.train.record_steps.tolist()
    if settings.stop_at and run.attn_accuracy.iloc[-1] >= settings.stop_at:
        steps = steps[: len(run)]
    return run.step.tolist() == steps


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_the_experiments_and_says_where_it_comes_from(name):
    faults = find_faults(EXPERIMENTS[name], *read(name))
    assert not faults, "\n".join(faults)


def test_results_hold_tables_and_their_provenance_alone():
    names = {path.name for path in RESULTS.iterdir() if not path.name.startswith(".")}
    assert names == {f"{name}.{ending}" for name in TABLES for ending in ("csv", "json")}
    assert len(TABLES) >= 4


def test_a_run_computed_now_agrees_with_the_stored_one():
    experiment, condition = EXPERIMENTS["rescues_small_size"], "2 steps of repeats first"
    stored = read(experiment.name)[0].query("condition == @condition and seed == 100")
    new = experiment.run([100], [condition]).table
    assert len(stored) == 16 and find_difference(new, stored) == ""


FIRST = EXPERIMENTS["copy_first_steps"]


@pytest.mark.parametrize(
    "spoil, complaint",
    [
        (lambda rows: rows[4:], r"missing, or too many: \[\('shared', 0\)\]"),
        (lambda rows: rows[:-1], r"lack steps, or have others: \[\('separate', 11\)\]"),
        (lambda rows: pd.concat([rows, rows[:1]]), "of another experiment, or double"),
        (lambda rows: rows.assign(experiment="copy"), "of another experiment, or double"),
        (lambda rows: rows.assign(seed=rows.seed + 1), "missing, or too many"),
        (lambda rows: rows.replace("shared", "one table"), "missing, or too many"),
        (lambda rows: rows.assign(within_one=np.nan), r"within_one must be in \[0, 1\]"),
        (lambda rows: rows.assign(word_before=-0.5), r"word_before must be in \[0, 1\]"),
        (lambda rows: rows.drop(columns="within_one"), "its columns are"),
    ],
)
def test_a_spoilt_table_is_found_out(spoil, complaint):
    rows, about = read(FIRST.name)
    assert re.search(complaint, "\n".join(find_faults(FIRST, spoil(rows), about)))


def test_a_run_may_end_early_only_if_its_attention_was_good_enough():
    experiment, (rows, about) = EXPERIMENTS["copy_authors_size"], read("copy_authors_size")
    last = rows.groupby(["condition", "seed"]).tail(1)
    cut = rows.drop(last[last.attn_accuracy >= experiment.base.stop_at].index[:1])
    assert not find_faults(experiment, rows, about)
    assert "lack steps" in "\n".join(find_faults(experiment, cut, about))


@pytest.mark.parametrize(
    "change, complaint",
    [
        ({"versions": {"python": "3"}}, "versions must be those of"),
        ({"seconds": 0}, "device, commit and seconds"),
        ({"finished": "2999-01-01"}, "in the future"),
        ({"written_by": "twostage record copy"}, "written_by is twostage record copy, in the code"),
        ({"question": "Why?"}, r"question is Why\?, in the code"),
        ({"seeds": [1]}, r"seeds is \[1\], in the code"),
        ({"conditions": {"shared": {}}}, "'shared' has other settings in the code"),
        ({"conditions": {}}, r"its conditions are \[\]"),
    ],
)
def test_a_poor_provenance_is_found_out(change, complaint):
    rows, about = read(FIRST.name)
    assert re.search(complaint, "\n".join(find_faults(FIRST, rows, about | change)))


def test_a_measure_that_is_not_in_a_table_is_told_in_its_note():
    rows, about = read("copy_authors_size")
    about.pop("note")
    faults = find_faults(EXPERIMENTS["copy_authors_size"], rows, about)
    assert faults == ["it lacks signed_contrast, and no note says so"]
