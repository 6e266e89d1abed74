"""A recorded table is read together with where it comes from."""

import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from test_experiments import TINY
from tiny_book import make_book

from twostage.experiments import find_difference, read_recorded

ROOT = Path(__file__).parents[1]
RELATIVE = re.compile(r"""["']\.\.?/|["'](results|chapters|params|src)/""")


@pytest.fixture
def results(tmp_path, monkeypatch):
    """The folder of results of a book whose chapters one works in."""
    folder = make_book(tmp_path / "book") / "results"
    folder.mkdir()
    monkeypatch.chdir(folder.with_name("chapters"))
    return folder


@pytest.mark.parametrize("place", [".", "chapters", "results", None])
def test_a_table_is_read_as_runs_with_a_sentence_on_where_they_come_from(
    results, monkeypatch, place
):
    live = TINY.run([4, 0])
    live.table.to_csv(results / "tiny.csv", index=False)
    about = {
        "finished": "2026-01-31",
        "written_by": "twostage record tiny",
        "seconds": 150.0,
        "device": "a CPU",
        "versions": {"torch": "2.0"},
    }
    (results / "tiny.json").write_text(json.dumps(about))
    if place is None:  # neither in the book nor below it: the one that the package is in
        monkeypatch.setattr("twostage.files.__file__", str(results.with_name("src") / "files.py"))
    monkeypatch.chdir("/" if place is None else results.parent / place)
    recorded = read_recorded(TINY)
    assert recorded.conditions == live.conditions
    for name in live.conditions:
        assert recorded.successes(name) == live.successes(name)
        assert recorded.last(name)["height"].tolist() == live.last(name)["height"].tolist()
    assert recorded.about == (
        "Recorded 2026-01-31 by `twostage record tiny`\nin 2 minutes (a CPU, torch 2.0)."
    )
    assert live.about == ""


def test_a_table_without_provenance_is_refused(results):
    (results / "tiny.csv").write_text("seed,step\n")
    with pytest.raises(FileNotFoundError, match="tiny.json"):
        read_recorded(TINY)


@pytest.mark.parametrize("path", sorted((ROOT / "chapters").glob("*.ipynb")), ids=lambda p: p.stem)
def test_no_chapter_minds_from_which_folder_it_runs(path):
    cells = nbformat.read(path, as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    assert not RELATIVE.findall(code), "read_recorded finds the folder results by itself"


# Comparing ------------------------------------------------------------------------------------


TABLE = pd.DataFrame(
    {"experiment": "x", "condition": ["a", "a", "b"], "seed": [0, 1, 0], "step": 5}
    | {"loss": [1.0, 0.0, 100.0], "gain": [np.nan, 2.0, 3.0]}
)


def at(row, column, value):
    changed = TABLE.copy()
    changed.loc[row, column] = value
    return changed


@pytest.mark.parametrize(
    "new, difference",
    [
        (TABLE, ""),
        (TABLE[::-1], ""),
        (at(2, "loss", 100.09), ""),  # within 1e-3 of it
        (at(1, "loss", 9e-5), ""),  # within 1e-4
        (at(2, "loss", 100.2), "b, seed 0, step 5: loss is 100.2, stored is 100.0"),
        (at(1, "loss", 2e-4), "a, seed 1, step 5: loss is 0.0002, stored is 0.0"),
        (at(0, "gain", 1.0), "a, seed 0, step 5: gain is 1.0, stored is nan"),
        (at(2, "seed", 7), "b, seed 7, step 5 is not stored"),
        (TABLE[:2], "b, seed 0, step 5 is only stored"),
        (TABLE.rename(columns={"gain": "win"}), "its columns are experiment, condition, seed, "),
    ],
)
def test_the_first_difference_beyond_rounding_is_named(new, difference):
    found = find_difference(new, TABLE)
    assert found.startswith(difference) and bool(found) == bool(difference)
