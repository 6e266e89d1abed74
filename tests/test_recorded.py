"""A recorded table is read together with where it comes from."""

import json

import pytest

from twostage.recorded import read_recorded


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
