"""A recorded table is read together with where it comes from."""

import json

import numpy as np
import pandas as pd
import pytest

from twostage.recorded import find_difference, read_recorded


def test_a_table_comes_with_its_provenance_in_a_sentence(tmp_path):
    (tmp_path / "runs.csv").write_text("seed,step\n1,0\n1,10\n")
    about = {
        "finished": "2026-01-31",
        "written_by": "python results/runs.py",
        "seconds": 150.0,
        "device": "a CPU",
        "versions": {"torch": "2.0"},
    }
    (tmp_path / "runs.json").write_text(json.dumps(about))
    table, sentence = read_recorded(tmp_path / "runs.csv")
    assert table.step.tolist() == [0, 10]
    assert sentence == (
        "Recorded 2026-01-31 by `python results/runs.py`\nin 2 minutes (a CPU, torch 2.0)."
    )


def test_a_table_without_provenance_is_refused(tmp_path):
    (tmp_path / "runs.csv").write_text("seed,step\n")
    with pytest.raises(FileNotFoundError, match="runs.json"):
        read_recorded(tmp_path / "runs.csv")


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
