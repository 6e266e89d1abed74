"""Sweeps: grids and their names, tables, failures, and a process killed at any moment."""

import json
import multiprocessing
import time
from functools import partial

import numpy as np
import pandas as pd
import pytest
from tiny_sweep import make_free_plan, make_plan

from twostage.experiments import set_fields
from twostage.files import ChapterError
from twostage.sweeps.tables import choose, make_conditions, run_plan
from twostage.sweeps.workers import compute_here
from twostage.translation.experiments.heads import FreeSettings

HERE = partial(compute_here, jobs=1)
BUILD = partial(set_fields, FreeSettings())


def read(folder, name="tiny"):
    return pd.read_csv(folder / f"{name}.csv"), json.loads((folder / f"{name}.json").read_text())


# Grids ----------------------------------------------------------------------------------------


def test_points_of_a_grid_are_named_and_built_in_their_order():
    grid = {"vocab_size": [12, 14], "n_heads": [1, 2]}
    conditions = make_conditions({"": {}}, grid, {"steps": 7}, BUILD)
    assert list(conditions) == [
        "vocab_size=12, n_heads=1",
        "vocab_size=12, n_heads=2",
        "vocab_size=14, n_heads=1",
        "vocab_size=14, n_heads=2",
    ]
    built = conditions["vocab_size=14, n_heads=1"]
    assert (built.corpus.vocab_size, built.model.n_heads, built.train.steps) == (14, 1, 7)
    assert built.corpus.seq_len == 8, "what is not named stays"


def test_a_chosen_condition_stands_before_its_point():
    chosen = {"many heads": {"n_heads": 8}, "one": {}}
    conditions = make_conditions(chosen, {"optimizer": ["sgd", "adam"]}, {}, BUILD)
    assert list(conditions)[::3] == ["many heads, optimizer=sgd", "one, optimizer=adam"]
    assert [each.model.n_heads for each in conditions.values()] == [8, 8, 1, 1]
    assert list(make_conditions(chosen, {}, {}, BUILD)) == list(chosen)
    assert list(make_conditions({"": {}}, {}, {}, BUILD)) == ["defaults"]


@pytest.mark.parametrize(
    "chosen, grid, values, complaint",
    [
        ({"": {}}, {"vocab_size": [8, 6]}, {}, "vocab_size=6: seq_len must be <= vocab_size = 6"),
        ({"": {}}, {"n_heads": ["two"]}, {}, "n_heads=two: n_heads must be int, got 'two'"),
        ({"": {}}, {"learning_rate": [1, 1.0]}, {}, "the grid holds learning_rate=1.0 twice"),
        ({"": {}}, {"n_heads": [1]}, {"n_heads": 2}, "n_heads is set by the grid and by -p"),
        ({"a": {"n_heads": 3}}, {"n_heads": [1]}, {}, "n_heads is set by the grid and by 'a'"),
        ({"a": {"n_heads": 3}}, {}, {"n_heads": 1}, "n_heads is set by -p and by 'a'"),
        ({"": {}}, {}, {"n_heads": 0}, "n_heads must be >= 1, got 0"),
    ],
)
def test_what_cannot_be_built_is_told_with_its_point(chosen, grid, values, complaint):
    with pytest.raises(ChapterError, match=f"^{complaint}"):
        make_conditions(chosen, grid, values, BUILD)


def test_an_unknown_name_is_answered_by_a_close_one_and_all_known():
    with pytest.raises(ChapterError) as error:
        choose("atention", ("loss", "attention"), "free_heads", "measure")
    assert str(error.value) == (
        "free_heads has no measure 'atention' (did you mean 'attention'?); it has loss, attention"
    )


# Tables ---------------------------------------------------------------------------------------


def test_a_table_is_tidy_and_its_provenance_says_how_it_came(tmp_path):
    assert run_plan(make_plan(n_seeds=3), tmp_path / "new" / "sweep", HERE) == []
    table, about = read(tmp_path / "new" / "sweep")
    assert list(table) == ["experiment", "condition", "seed", "step", "loss", "best"]
    assert list(table.condition) == ["steps=5"] * 6 + ["steps=10"] * 6
    assert list(table.seed) == [0, 0, 1, 1, 2, 2] * 2
    assert list(table.step) == [0, 5] * 3 + [0, 10] * 3
    assert about["experiment"] == "tiny"
    assert about["written_by"] == "twostage sweep tiny"
    assert about["conditions"] == {"steps=5": {"steps": 5}, "steps=10": {"steps": 10}}
    assert about["seeds"] == [0, 1, 2] and about["measures"] == ["loss", "best"]
    assert about["runs"] == 6 and about["failed"] == []
    assert set(about["versions"]) == {"python", "torch", "numpy", "twostage"}
    assert {"commit", "device", "seconds", "finished"} <= set(about)


def test_provenance_tells_of_runs_that_were_computed_elsewhere_or_earlier(tmp_path):
    def elsewhere(compute, tasks):
        for number, line in enumerate(compute_here(compute, tasks, 1)):
            made = line["made"] | {"torch": f"2.{number // 3}", "device": "a GPU"}
            yield line | {"made": made, "finished": f"2026-01-0{1 + number // 3}", "seconds": 0.5}

    run_plan(make_plan(n_seeds=2), tmp_path, elsewhere)
    run_plan(make_plan(n_seeds=2, command="twostage sweep --jobs 2"), tmp_path, HERE)
    about = read(tmp_path)[1]
    assert (about["versions"]["torch"], about["device"]) == ("2.0 and 2.1", "a GPU")
    assert (about["finished"], about["seconds"]) == ("2026-01-02", 2.0)
    assert about["written_by"] == "twostage sweep tiny and twostage sweep --jobs 2"


def test_running_again_computes_nothing_and_more_seeds_only_what_lacks(tmp_path):
    run_plan(make_plan(n_seeds=2), tmp_path, HERE)
    before = (tmp_path / "journal.jsonl").read_bytes()
    run_plan(make_plan(n_seeds=2), tmp_path, HERE)
    assert (tmp_path / "journal.jsonl").read_bytes() == before
    run_plan(make_plan(n_seeds=3), tmp_path, HERE)
    assert (
        len((tmp_path / "journal.jsonl").read_bytes().splitlines()) == len(before.splitlines()) + 2
    )
    run_plan(make_plan(n_seeds=3), tmp_path / "at once", HERE)
    assert (tmp_path / "tiny.csv").read_bytes() == (tmp_path / "at once" / "tiny.csv").read_bytes()


@pytest.mark.parametrize("name", ["tiny.csv", "tiny.json"])
def test_a_table_that_no_journal_here_has_made_is_never_replaced(tmp_path, name):
    (tmp_path / name).write_text("stored")
    with pytest.raises(ChapterError, match=f"{name} is there, and no journal of its runs: "):
        run_plan(make_plan(), tmp_path, HERE)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "stored"


def test_failures_are_told_recorded_and_tried_again_and_stop_nothing(tmp_path, capsys):
    plan = make_plan(fails=[1], dies=[], once=str(tmp_path / "never"))
    assert run_plan(plan, tmp_path, HERE) == [("steps=5", 1), ("steps=10", 1)]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"twostage: steps={n}, seed 1: ValueError: no luck with 1" for n in (5, 10)
    ]
    table, about = read(tmp_path)
    assert sorted(set(table.seed)) == [0, 2, 3]
    told = {"condition": "steps=5", "seed": 1, "error": "ValueError: no luck with 1"}
    assert about["failed"][0] == told
    assert len(run_plan(plan, tmp_path, HERE)) == 2
    assert capsys.readouterr().err.count("\n") == 2, "they were tried again"


def test_a_sweep_that_is_stopped_leaves_the_table_of_what_was_done(tmp_path):
    def stop_after_three(compute, tasks):
        yield from compute_here(compute, tasks[:3], 1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_plan(make_plan(), tmp_path, stop_after_three)
    assert read(tmp_path)[1]["runs"] == 3


def test_what_no_run_recorded_is_nan(tmp_path):
    def compute(condition, settings, seed):
        run = {"experiment": "tiny", "condition": condition, "seed": seed, "step": 0}
        return pd.DataFrame([run | ({"rare": 1.5} if seed else {}) | {"usual": float("inf")}])

    plan = make_plan(n_seeds=2)
    run_plan(type(plan)("tiny", {"a": {}}, range(2), compute, (), "twostage"), tmp_path, HERE)
    assert (tmp_path / "tiny.csv").read_text().splitlines()[1:] == [
        "tiny,a,0,0,inf,nan",
        "tiny,a,1,0,inf,1.5",
    ]


# Killed ---------------------------------------------------------------------------------------


def test_a_sweep_killed_at_twenty_random_moments_ends_as_if_it_had_not_been(tmp_path):
    plan, fork = make_free_plan(), multiprocessing.get_context("fork")
    run_plan(plan, tmp_path / "whole", HERE)
    whole, killed = (tmp_path / name / "journal.jsonl" for name in ("whole", "killed"))
    moments = np.random.default_rng(0).uniform(0, whole.stat().st_size, 20)
    for moment in sorted(moments):
        child = fork.Process(target=run_plan, args=(plan, killed.parent, HERE))
        child.start()
        while child.is_alive() and not (killed.exists() and killed.stat().st_size >= moment):
            time.sleep(0.0005)
        child.kill()
        child.join()
    assert run_plan(plan, killed.parent, HERE) == []
    table = "free_heads.csv"
    assert (killed.parent / table).read_bytes() == (whole.parent / table).read_bytes()
    keys = ["condition", "seed", "step"]
    assert not read(killed.parent, "free_heads")[0].duplicated(keys).any()
    lines = [json.loads(line) for line in killed.read_bytes().splitlines()]
    assert sum("rows" in line for line in lines) == len(plan.runs) == 24
