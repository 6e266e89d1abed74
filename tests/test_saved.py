"""What a chapter keeps beside itself: pictures and records that other pages show."""

import base64
import json
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat import v4

from twostage.book.running import saved_files
from twostage.book.show import print_record

CHAPTERS = Path(__file__).parents[1] / "chapters"


def cell(settings, *outputs):
    return v4.new_code_cell(metadata={"twostage": settings}, outputs=list(outputs))


def test_a_cell_keeps_its_picture_or_what_it_prints():
    picture = v4.new_output("display_data", {"image/png": base64.b64encode(b"dots").decode()})
    printed = v4.new_output("stream", text='{"step": [0]}\n')
    notebook = v4.new_notebook()
    notebook.cells = [
        v4.new_markdown_cell("words"),
        v4.new_code_cell(outputs=[picture, printed]),
        cell({"save_figure": "a.png"}, printed, picture),
        cell({"save_text": "b.json"}, picture, printed),
        cell({"save_text": "c.json"}),
    ]
    assert saved_files(notebook) == {"a.png": b"dots", "b.json": b'{"step": [0]}\n'}


def test_a_record_is_lists_of_four_decimals(capsys):
    print_record(step=np.array([0, 10]), loss=np.array([3.98765, 2.0]))
    assert json.loads(capsys.readouterr().out) == {"step": [0, 10], "loss": [3.9876, 2.0]}


@pytest.mark.parametrize("path", sorted(CHAPTERS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_what_is_kept_is_what_the_chapter_shows(path):
    for name, content in saved_files(nbformat.read(path, as_version=4)).items():
        assert (CHAPTERS / name).read_bytes() == content, f"execute {path.stem}: {name} is stale"


def test_the_record_of_the_cover_falls_below_its_control_after_attention_comes():
    record = json.loads((CHAPTERS / "_static/data/two_stages.json").read_text(encoding="utf-8"))
    assert list(record) == ["step", "loss_uniform", "loss", "knowledge", "attention"]
    assert len({len(column) for column in record.values()}) == 1
    step, control, loss, knowledge, attention = map(np.array, record.values())
    assert step[0] == 0 and (np.diff(step) > 0).all()
    before, after = attention < 1.01, attention > 1.5
    assert (np.abs(control - loss)[before] < 0.01).all() and (loss < control - 0.01)[after].all()
    assert knowledge[before].max() > 0.8 > knowledge[0]
