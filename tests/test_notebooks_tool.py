"""Chapters are found by name, executed in place byte for byte, and run into other files."""

import json
import os
from pathlib import Path

import nbformat
import pytest
from tiny_book import add_chapter, make_book, snapshot

from twostage import notebooks
from twostage.notebooks import ChapterFailed
from twostage.parameters import ChapterError

PRINTS = "print(steps, learning_rate, optimizer, corpus, bias, init_scales)"
DRAWS = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"


@pytest.fixture
def book(tmp_path, monkeypatch):
    folder = make_book(tmp_path / "a {book}")
    monkeypatch.chdir(folder)
    return folder


def printed(path):
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.get("name") == "stdout")


def test_the_book_is_found_from_below_and_from_elsewhere(book, tmp_path, monkeypatch):
    (book / "params" / "chapters").mkdir()  # no book without a table of contents
    monkeypatch.chdir(book / "params" / "chapters")
    assert notebooks.find_root() == book
    monkeypatch.chdir(tmp_path)
    assert notebooks.find_root() == Path(__file__).parents[1]
    monkeypatch.setattr(notebooks, "__file__", str(tmp_path / "site-packages" / "notebooks.py"))
    with pytest.raises(ChapterError, match="go to a checkout"):
        notebooks.find_root()


def test_a_chapter_is_found_by_number_name_or_path(book):
    path = add_chapter(book, "02_two_stages")
    more = add_chapter(book, "02_two_stages_more")
    for name in ("02_two_stages", str(path)):
        assert notebooks.find_chapter(name) == path
    assert notebooks.find_chapter("02_two_stages_") == more
    for name, answer in {
        "02": "more than one chapter '02'; there are 02_two_stages, 02_two_stages_more",
        "2_two_stages": r"no chapter '2_two_stages' \(did you mean '02_two_stages'\?\); there",
        "": "no chapter ''; there are",
        "02_two_stages.ipynb": "there is no notebook 02_two_stages.ipynb",
    }.items():
        with pytest.raises(ChapterError, match=answer):
            notebooks.find_chapter(name)


@pytest.mark.parametrize("text", ["", "[]", "null", '{"nbformat": 4}', '{"nbformat": 9}', "\0"])
def test_what_is_no_notebook_is_said_to_be_none(book, text):
    path = book / "chapters" / "01_broken.ipynb"
    path.write_text(text)
    with pytest.raises(ChapterError, match="01_broken.ipynb is no readable notebook"):
        notebooks.read_parameters(path)


def test_a_chapter_has_one_parameter_cell_and_a_title(book):
    path = add_chapter(book, "01_twice")
    assert notebooks.read_title(path) == "Chapter 01_twice"
    notebook = nbformat.read(path, as_version=4)
    twin = {**notebook.cells[1], "id": "twin"}
    for count, cells in ((2, [*notebook.cells, twin]), (0, notebook.cells[:1])):
        notebook.cells = cells
        path.write_text(json.dumps(notebook))
        with pytest.raises(ChapterError, match=f"one cell tagged 'parameters', it has {count}"):
            notebooks.read_parameters(path)


def test_outputs_that_cannot_be_written_are_refused(book):
    chapter = add_chapter(book, "01_a")
    Path("real.ipynb").hardlink_to(chapter)
    Path("link.ipynb").symlink_to(chapter)
    Path("folder.ipynb").mkdir()
    Path("shut").mkdir(mode=0o555)
    shut = "shut" if os.geteuid() else "/proc"  # no folder is shut to root but such a one
    for output, answer in {
        "out.txt": "ends in .ipynb",
        "": "ends in .ipynb",
        "chapters/new.ipynb": "lies in chapters/",
        "chapters/01_a.ipynb": "lies in chapters/",
        "link.ipynb": "lies in chapters/",
        "real.ipynb": "is the chapter itself",
        "folder.ipynb": "a file in a folder that exists",
        "nowhere/out.ipynb": "a file in a folder that exists",
        f"{shut}/out.ipynb": "cannot write",
        f"{'x' * 300}.ipynb": "cannot write",
    }.items():
        with pytest.raises(ChapterError, match=answer):
            notebooks.check_output(Path(output), chapter)
    assert notebooks.check_output(Path("out.ipynb"), chapter) == book / "out.ipynb"


@pytest.mark.kernel
def test_executing_in_place_is_byte_identical_and_keeps_only_what_the_source_says(book):
    path = add_chapter(book, "01_a", PRINTS, "", DRAWS, "6 * 7")
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata = {"kernelspec": {"name": "mine"}, "widgets": {}, "toc": 1}
    notebook.cells[2].metadata = {"execution": {"iopub.status.busy": "now"}, "tags": ["keep"]}
    notebook.cells[3].execution_count = 9  # of the empty cell
    nbformat.write(notebook, path)
    assert notebooks.execute_in_place(path)
    before = snapshot(book)
    assert not notebooks.execute_in_place(path)
    assert snapshot(book) == before
    stored = nbformat.read(path, as_version=4)
    assert stored.metadata == notebooks.METADATA
    assert stored.cells[2].metadata == {"tags": ["keep"]}
    assert [cell.id for cell in stored.cells] == [f"cell-{number}" for number in range(6)]
    assert [cell.get("execution_count") for cell in stored.cells] == [None, 1, 2, None, 3, 4]
    assert "image/png" in stored.cells[4].outputs[0].data
    assert printed(path) == "3 60.0 sgd  False [0.1, 0.01]\n"


@pytest.mark.parametrize(
    "cell, answer",
    [
        ("raise ValueError('too\\nbad')", r"01_a, In \[3\]: ValueError: too bad"),
        ("import sys; print('hm', file=sys.stderr)", r"01_a, In \[3\]: wrote to stderr: hm"),
        ("import os; os._exit(1)", "01_a: Kernel died"),
        ("open('01_a.ipynb', 'a').write(' ')", "01_a was edited while it ran"),
    ],
)
@pytest.mark.kernel
def test_a_chapter_that_fails_keeps_its_file(book, cell, answer):
    path = add_chapter(book, "01_a", "1", cell)
    before = snapshot(book)
    with pytest.raises(ChapterFailed, match=answer):
        notebooks.execute_in_place(path)
    after = snapshot(book)
    after[path] = after[path].removesuffix(b" ")
    assert after == before


@pytest.mark.kernel
def test_a_check_names_the_first_cell_that_differs_and_writes_nothing(book):
    path = add_chapter(book, "01_a", "print('same')", "import random; random.random()")
    notebooks.execute_in_place(path)
    before = snapshot(book)
    with pytest.raises(ChapterFailed, match="01_a differs from what is stored: cell 4"):
        notebooks.execute_in_place(path, check=True)
    assert snapshot(book) == before


@pytest.mark.kernel
def test_a_run_gets_its_values_and_leaves_the_chapter_alone(book):
    path = add_chapter(book, "01_{a}", PRINTS, "import os; print(os.path.basename(os.getcwd()))")
    before = snapshot(book)
    values = {"steps": 9, "corpus": 'a"b\\{c}#é', "bias": True, "init_scales": [0.5]}
    output = book / "out {x}.ipynb"
    notebooks.run_chapter(path, values, output)
    text = printed(output)
    assert text == '9 60.0 sgd a"b\\{c}#é True [0.5]\nchapters\n'
    recorded = nbformat.read(output, as_version=4).metadata.papermill
    assert recorded.parameters == values
    assert (recorded.input_path, recorded.output_path) == ("01_{a}.ipynb", "out {x}.ipynb")
    assert {**before, output: output.read_bytes()} == snapshot(book)


@pytest.mark.kernel
def test_a_run_that_fails_leaves_what_ran_beside_the_output(book):
    path = add_chapter(book, "01_a", "print('ran')", "1 / 0", "print('did not')")
    before = snapshot(book)
    with pytest.raises(ChapterFailed, match=r"In \[3\]: ZeroDivisionError: division by zero; what"):
        notebooks.run_chapter(path, {}, book / "out.ipynb")
    assert snapshot(book).keys() - before.keys() == {book / "out.failed.ipynb"}
    assert printed(book / "out.failed.ipynb") == "ran\n"
