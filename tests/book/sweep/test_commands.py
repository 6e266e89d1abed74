"""The commands `twostage sweep` and `twostage record`, from what is typed to what is written."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from tiny_book import add_chapter, make_book, snapshot

from twostage.book.cli import main
from twostage.book.sweep import plans
from twostage.experiments import Experiment
from twostage.seeding import numpy_rng
from twostage.stages import Criterion
from twostage.training import History

LEDGER = """\
from IPython.display import display
row = {"id": "it, rises", "claim": "it rises", "value": learning_rate * 10}
display({"text/plain": ""}, raw=True, metadata={"twostage_claims": [row]})
from twostage.book import glue
glue("doubled", 2 * seed + steps / 10)
glue("in_words", "many")"""


@dataclass(frozen=True)
class Dice:
    """Throws of a die."""

    n_sides: int = 6
    bias: float = 0.0
    shape: str = "cube"

    def __post_init__(self):
        """Refuse a die without sides."""
        if self.n_sides < 1:
            raise ValueError(f"n_sides must be >= 1, got {self.n_sides}")


def throw(settings, seeds):
    first = [numpy_rng(seed).random() * settings.n_sides + settings.bias for seed in seeds]
    best = np.stack([first, np.array(first) + 1], axis=1)
    return History(np.array([0, 5]), {"best": best, "worst": -best})


DICE = Experiment(
    name="dice",
    question="How high does a die fall?",
    base=Dice(),
    conditions={"small, fair": {}, "large": {"n_sides": 20}},
    train=throw,
    measures=("best", "worst"),
    success=(Criterion("best", 1.0, 5.0),),
    predict=lambda settings: 1 / settings.n_sides,
    seeds=range(3),
)


@pytest.fixture
def book(tmp_path, monkeypatch):
    folder = make_book(tmp_path / "book")
    (folder / "results").mkdir()
    add_chapter(folder, "01_one", LEDGER)
    (folder / "grid.yml").write_text(
        "experiment: dice\ngrid: {n_sides: [4, 6]}\nvalues: {bias: 2}\nseeds: 0:2\n"
    )
    (folder / "typo.yml").write_text("experiment: dice\ngird: {n_sides: [4]}\n")
    (folder / "flat.yml").write_text("experiment: dice\ngrid: {n_sides: 4}\n")
    (folder / "list.yml").write_text("- dice\n")
    (folder / "eight.yml").write_text("experiment: dice\nconditions: [8]\n")
    (folder / "deep.yml").write_text("experiment: dice\nmeasures: [[best]]\n")
    monkeypatch.setitem(plans.EXPERIMENTS, "dice", DICE)
    monkeypatch.chdir(folder)
    return folder


def run(*arguments):
    return main([*arguments, "--jobs", "1"])


def read(folder, name="dice"):
    return pd.read_csv(folder / f"{name}.csv"), json.loads((folder / f"{name}.json").read_text())


def change(path, old, new):
    path.write_text(path.read_text().replace(old, new, 1))


# Bad requests ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_line, answer",
    [
        ("sweep dise -o f", "no experiment 'dise' (did you mean 'dice'?); there are stages, "),
        ("sweep dise -o f", "and no chapter 'dise'; there are 01_one"),
        ("sweep dice", "a sweep needs -o FOLDER"),
        ("sweep dice -o f --grid n_side=4", "no parameter 'n_side' (did you mean 'n_sides'?)"),
        ("sweep dice -o f -p size=4", "no parameter 'size'; it has n_sides, bias, shape"),
        ("sweep dice -o f --grid n_sides=4,many", "n_sides=many: n_sides must be int, got 'many'"),
        ("sweep dice -o f --grid n_sides=4,0", "n_sides=0: n_sides must be >= 1, got 0"),
        ("sweep dice -o f --grid n_sides=", "the grid gives n_sides no value"),
        ("sweep dice -o f --grid n_sides", "--grid 'n_sides' must be name=value"),
        ("sweep dice -o f --grid n_sides=4,4", "the grid holds n_sides=4 twice"),
        ("sweep dice -o f --grid n_sides=4 n_sides=6", "--grid n_sides is given twice"),
        ("sweep dice -o f --grid n_sides=[4", "--grid n_sides, line 1: "),
        ("sweep dice -o f -p n_sides=4", "n_sides is set by -p and by 'large'"),
        ("sweep dice -o f -p bias=high", "bias must be float, got 'high'"),
        ("sweep dice -o f --conditions lage", "no condition 'lage' (did you mean 'large'?)"),
        ("sweep dice -o f --measures bset", "no measure 'bset' (did you mean 'best'?); it has"),
        ("sweep dice -o f --device cuda", "no parameter 'device'"),
        ("sweep dice -o f --seeds 5:5", "there are no seeds in 5:5"),
        ("sweep dice -o f --seeds x", "seeds must be FIRST:END or numbers such as 1,5,8, got 'x'"),
        ("sweep dice -o f --seeds 1,2,1", "a seed is given twice in 1,2,1"),
        ("sweep dice -o f --seeds 0:500000", "these are 1,000,000 runs, more than 10,000: add"),
        ("sweep dice -o grid.yml/f", "cannot write into grid.yml/f: Not a directory"),
        ("sweep dice -o f --scheduler nowhere", "no Dask scheduler answers at nowhere"),
        ("sweep dice -o f --scheduler a --jobs 2", "not allowed with argument"),
        ("sweep --from none.yml -o f", "cannot read none.yml: "),
        ("sweep --from typo.yml -o f", "cannot ask for 'gird' (did you mean 'grid'?), only for"),
        ("sweep --from flat.yml -o f", "flat.yml: the grid must give n_sides a list, got 4"),
        (
            "sweep --from list.yml -o f",
            "list.yml cannot ask for \"['dice']\", only for experiment,",
        ),
        ("sweep --from eight.yml -o f", "eight.yml: conditions must be a list of names, got 8 in"),
        ("sweep --from deep.yml -o f", "measures must be a list of names, got ['best'] in it"),
        ("sweep 01 -o f --grid step=1", "01 has no parameter 'step' (did you mean 'steps'?)"),
        ("sweep 01 -o f --grid steps=1,101", "steps=101: steps must be an int in [1, 100], got"),
        ("sweep 01 -o f --grid seed=1,2", "01_one takes its parameter 'seed' from --seeds alone"),
        ("sweep 01 -o f --seeds 2000000", "seed must be an int in [0, 1000000], got 2000000"),
        ("sweep 01 -o f --conditions large", "01 has no condition 'large'; it has none"),
        ("record dise", "no experiment 'dise' (did you mean 'dice'?); it has stages, "),
        ("record dice --force --seeds 0:1", "--force replaces the whole table: leave --seeds,"),
        ("record dice --conditions lage", "no condition 'lage' (did you mean 'large'?)"),
    ],
)
def test_a_bad_request_is_one_line_and_status_2_and_nothing_written(
    book, capsys, request_line, answer
):
    before = snapshot(book)
    try:
        status = main(request_line.split())
    except SystemExit as stop:  # from argparse
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.startswith("twostage: ") and err.count("\n") == 1
    assert answer in err
    assert snapshot(book) == before and not (book / "f").exists()


def test_without_dask_nothing_is_written(book, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main("sweep dice -o f --scheduler tcp://127.0.0.1:1".split()) == 2
    assert "pip install 'twostage[cluster]'" in capsys.readouterr().err
    assert not (book / "f").exists()


# Sweeps ---------------------------------------------------------------------------------------


def test_alone_it_lists_what_can_be_swept(book, capsys):
    assert main(["sweep"]) == 0
    lines = capsys.readouterr().out.splitlines()
    place = lines.index("dice")
    assert lines[place : place + 3] == [
        "dice",
        "  How high does a die fall?",
        "  conditions: small, fair; large",
    ]
    assert "free_heads" in lines


def test_a_grid_makes_a_table_whose_provenance_names_the_command(book, capsys):
    request = ["sweep", "dice", "--grid", "n_sides=4,6", "shape=cube", "-o", "f", "-p", "bias=1"]
    assert run(*request, "--seeds", "0:2", "--measures", "worst") == 0
    assert capsys.readouterr().out.startswith("f/dice.csv  4 runs  ")
    table, about = read(book / "f")
    assert list(table) == ["experiment", "condition", "seed", "step", "worst"]
    assert list(table.condition[::4]) == ["n_sides=4, shape=cube", "n_sides=6, shape=cube"]
    assert table.worst[0] == pytest.approx(-throw(Dice(4, 1.0), [0]).values["best"][0, 0])
    command = f"twostage {' '.join(request)} --seeds 0:2 --measures worst --jobs 1"
    assert about["written_by"] == command
    assert about["success"] == "best >= 5 at the last record"
    assert about["predicted"]["n_sides=4, shape=cube"] == 0.25
    assert about["conditions"]["n_sides=6, shape=cube"]["bias"] == 1.0


def test_without_a_grid_all_conditions_run_at_the_experiments_seeds(book):
    assert run("sweep", "dice", "-o", "f") == 0
    table, _ = read(book / "f")
    assert list(table.condition) == ["small, fair"] * 6 + ["large"] * 6
    assert run("sweep", "dice", "-o", "g", "--conditions", "large,small, fair") == 2
    assert run("sweep", "dice", "-o", "g", "--conditions", "small, fair", "large") == 0
    assert (book / "f" / "dice.csv").read_text() == (book / "g" / "dice.csv").read_text()


def test_a_file_asks_for_the_same_and_options_win_over_it(book):
    assert run("sweep", "--from", "grid.yml", "-o", "f") == 0
    typed = ["dice", "--grid", "n_sides=4,6", "-p", "bias=2", "--seeds", "0:2"]
    assert run("sweep", *typed, "-o", "g") == 0
    assert (book / "f" / "dice.csv").read_text() == (book / "g" / "dice.csv").read_text()
    assert run("sweep", "--from", "grid.yml", "-o", "h", "--seeds", "3") == 0
    assert set(read(book / "h")[0].seed) == {3}


def test_names_in_a_file_are_kept_beside_those_of_the_options_which_win(book):
    (book / "both.yml").write_text(
        "experiment: dice\ngrid: {n_sides: [4, 6]}\nvalues: {shape: flat, bias: 2}\nseeds: 0\n"
    )
    typed = ["--grid", "n_sides=8", "-p", "bias=3", "-o", "f"]
    assert run("sweep", "--from", "both.yml", *typed) == 0
    settings = {"n_sides": 8, "bias": 3.0, "shape": "flat"}
    assert read(book / "f")[1]["conditions"] == {"n_sides=8": settings}
    assert run("sweep", "--from", "both.yml", "--grid", "bias=1,2", "-o", "g") == 2
    change(book / "both.yml", "bias: 2", "")
    assert run("sweep", "--from", "both.yml", "--grid", "bias=1,2", "-o", "g") == 0
    assert len(read(book / "g")[1]["conditions"]) == 4


def test_files_are_found_from_the_home_folder(book, monkeypatch):
    monkeypatch.setenv("HOME", str(book))
    assert run("sweep", "--from=~/grid.yml", "-o=~/f") == 0
    assert len(read(book / "f")[0]) == 8 and not (book / "~").exists()


def test_failures_end_with_status_1_and_a_word_on_what_to_do(book, capsys, monkeypatch):
    def fail(settings, seeds):
        raise RuntimeError("no table")

    request = ["sweep", "dice", "-o", "f", "--seeds", "0:2", "--conditions", "large"]
    monkeypatch.setitem(plans.EXPERIMENTS, "dice", plans.replace(DICE, train=fail))
    assert run(*request) == 1
    assert capsys.readouterr().err.splitlines() == [
        "twostage: large, seed 0: RuntimeError: no table",
        "twostage: large, seed 1: RuntimeError: no table",
        "twostage: 2 of 2 runs failed; the others are in f/dice.csv; "
        "the same command tries these again",
    ]
    monkeypatch.setitem(plans.EXPERIMENTS, "dice", DICE)
    assert run(*request) == 0
    assert read(book / "f")[1]["failed"] == []


@pytest.mark.kernel
def test_a_chapter_is_swept_by_what_its_runs_claim_and_glue(book, capsys):
    request = ["sweep", "01", "--grid", "learning_rate=2,3", "--seeds", "0:2", "-o", "f"]
    assert run(*request, "-p", "steps=5") == 0, capsys.readouterr().err
    table, about = read(book / "f", "01_one")
    assert list(table) == ["experiment", "condition", "seed", "step", "it, rises", "doubled"]
    assert table.condition.tolist() == ["learning_rate=2.0"] * 2 + ["learning_rate=3.0"] * 2
    assert table["it, rises"].tolist() == [20, 20, 30, 30]
    assert table.doubled.tolist() == [0.5, 2.5, 0.5, 2.5]
    assert about["conditions"]["learning_rate=2.0"]["steps"] == 5
    names = sorted(path.name for path in (book / "f" / "notebooks").iterdir())
    assert names[0] == "learning_rate=2.0, seed 0.ipynb" and len(names) == 4


@pytest.mark.kernel
def test_a_chapter_that_fails_is_a_run_that_failed(book, capsys):
    add_chapter(book, "02_two", "1 / seed")
    assert run("sweep", "02", "-o", "f", "--seeds", "0:2") == 1
    assert "defaults, seed 0: ChapterFailed: 02_two, In [" in capsys.readouterr().err
    assert list(read(book / "f", "02_two")[0].seed) == [1]


# Records --------------------------------------------------------------------------------------


def test_a_record_is_stored_once_and_then_compared(book, capsys):
    stored = book / "results" / "dice.csv"
    assert run("record", "dice") == 0
    assert capsys.readouterr().out.endswith(f"{stored}  written\n")
    table, about = read(book / "results")
    assert list(table.condition.unique()) == ["small, fair", "large"] and len(table) == 12
    assert about["written_by"] == "twostage record dice"
    assert len(list((book / "runs" / "records" / "dice").glob("*/journal.jsonl"))) == 1
    before = snapshot(book / "results")
    assert run("record", "dice") == 0
    assert capsys.readouterr().out.endswith(f"{stored}  agrees\n")
    assert snapshot(book / "results") == before


def test_a_record_that_differs_is_told_and_replaces_only_if_forced(book, capsys):
    run("record", "dice")
    stored = book / "results" / "dice.csv"
    right, value = stored.read_bytes(), f"{read(book / 'results')[0].best[2]}"
    change(stored, value, "99.0")
    assert run("record", "dice") == 1
    err = capsys.readouterr().err
    assert err.endswith(f"small, fair, seed 1, step 0: best is {value}, stored is 99.0\n")
    assert b"99.0" in stored.read_bytes()
    assert run("record", "dice", "--force") == 0
    assert stored.read_bytes() == right


def test_part_of_a_record_is_compared_with_that_part_and_never_stored(book, capsys):
    assert run("record", "dice", "--seeds", "1") == 0
    assert not (book / "results" / "dice.csv").exists()
    run("record", "dice")
    change(book / "results" / "dice.csv", "dice,large,2,5", "dice,large,7,5")
    assert run("record", "dice", "--seeds", "0:2", "--conditions", "large") == 0
    assert run("record", "dice", "--seeds", "2") == 1
    assert "large, seed 2, step 5 is not stored" in capsys.readouterr().err


# Stopped --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_ctrl_c_ends_every_process_and_leaves_the_table_of_what_was_done(tmp_path):
    command = [sys.executable, "-m", "twostage", "sweep", "free_heads", "--jobs", "2"]
    command += ["-o", str(tmp_path), "-p", "steps=50"]
    stops = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    child = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=stops
    )
    journal, deadline = tmp_path / "journal.jsonl", time.monotonic() + 200
    while not (journal.exists() and b"rows" in journal.read_bytes()):
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.02)
    os.killpg(child.pid, signal.SIGINT)
    err = child.communicate(timeout=60)[1]
    assert (child.returncode, err) == (130, "twostage: stopped; no half-written file is left\n")
    done = sum(b"rows" in line for line in journal.read_bytes().splitlines())
    assert len(read(tmp_path, "free_heads")[0].groupby(["condition", "seed"])) == done > 0
