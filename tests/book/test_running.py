"""Chapters are found by name, executed in place byte for byte, and run into other files."""

import json
import sys
from pathlib import Path

import nbformat
import pytest
from tiny_book import add_chapter, make_book, snapshot

from twostage.book import notebooks, running
from twostage.book.running import ChapterFailed
from twostage.files import ChapterError

PRINTS = "print(steps, learning_rate, optimizer, corpus, bias, init_scales)"
DRAWS = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
DIES = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"


@pytest.fixture
def book(tmp_path, monkeypatch):
    folder = make_book(tmp_path / "a {book}")
    monkeypatch.chdir(folder)
    return folder


def printed(path):
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.get("name") == "stdout")


@pytest.mark.parametrize("mode", [0o644, 0o444])
def test_a_file_that_is_there_is_replaced_only_when_asked(book, mode):
    chapter, output = add_chapter(book, "01_a"), book / "out.ipynb"
    output.write_text("hours of work")
    output.chmod(mode)
    with pytest.raises(ChapterError, match="out.ipynb is there: choose another, or --force"):
        notebooks.check_output(output, chapter)
    assert notebooks.check_output(output, chapter, force=True) == output
    assert running.run_chapter(chapter, {}, output) == book / "out-2.ipynb"
    assert output.read_text() == "hours of work", "it may have come to be there meanwhile"
    assert running.run_chapter(chapter, {}, output, force=True) == output
    assert nbformat.read(output, as_version=4).metadata.papermill.output_path == "out.ipynb"
    assert output.stat().st_mode & 0o777 == mode


@pytest.mark.kernel
def test_executing_in_place_is_byte_identical_and_keeps_only_what_the_source_says(book):
    path = add_chapter(book, "01_a", PRINTS, "", DRAWS, "6 * 7")
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata = {"kernelspec": {"name": "mine"}, "widgets": {}, "toc": 1}
    notebook.cells[2].metadata = {"execution": {"iopub.status.busy": "now"}, "tags": ["keep"]}
    notebook.cells[3].execution_count = 9  # of the empty cell
    nbformat.write(notebook, path)
    assert running.execute_in_place(path)
    before = snapshot(book)
    assert not running.execute_in_place(path)
    assert snapshot(book) == before
    stored = nbformat.read(path, as_version=4)
    assert stored.metadata == running.METADATA
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
        (DIES, "01_a: the kernel died; if it was killed, too little memory is the usual reason"),
        ("open('01_a.ipynb', 'a').write(' ')", "01_a was edited while it ran"),
    ],
)
@pytest.mark.kernel
def test_a_chapter_that_fails_keeps_its_file(book, cell, answer):
    path = add_chapter(book, "01_a", "1", cell)
    before = snapshot(book)
    with pytest.raises(ChapterFailed, match=answer):
        running.execute_in_place(path)
    after = snapshot(book)
    after[path] = after[path].removesuffix(b" ")
    assert after == before


@pytest.mark.kernel
def test_a_check_names_the_first_cell_that_differs_and_writes_nothing(book):
    path = add_chapter(book, "01_a", "print('same')", "import random; random.random()")
    running.execute_in_place(path)
    before = snapshot(book)
    with pytest.raises(ChapterFailed, match="01_a differs from what is stored: cell 4"):
        running.execute_in_place(path, check=True)
    assert snapshot(book) == before


@pytest.mark.kernel
def test_a_run_gets_its_values_and_leaves_the_chapter_alone(book):
    path = add_chapter(book, "01_{a}", PRINTS, "import os; print(os.path.basename(os.getcwd()))")
    before = snapshot(book)
    values = {"steps": 9, "corpus": 'a"b\\{c}#é', "bias": True, "init_scales": [0.5]}
    output = book / "out {x}.ipynb"
    running.run_chapter(path, values, output)
    text = printed(output)
    assert text == '9 60.0 sgd a"b\\{c}#é True [0.5]\nchapters\n'
    recorded = nbformat.read(output, as_version=4).metadata.papermill
    assert recorded.parameters == values
    assert (recorded.input_path, recorded.output_path) == ("01_{a}.ipynb", "out {x}.ipynb")
    assert {**before, output: output.read_bytes()} == snapshot(book)


@pytest.mark.kernel
@pytest.mark.parametrize(
    "cell, answer",
    [
        ("1 / 0", r"In \[3\]: ZeroDivisionError: division by zero; what ran is in"),
        (DIES, "kernel died; if it was killed, too little memory is the usual reason; what ran is"),
    ],
)
def test_a_run_that_fails_leaves_what_ran_beside_the_output(book, cell, answer):
    path = add_chapter(book, "01_a", "print('ran')", cell, "print('did not')")
    before = snapshot(book)
    for name in ("out.failed.ipynb", "out.failed-2.ipynb"):
        with pytest.raises(ChapterFailed, match=f"{answer} .*{name}"):
            running.run_chapter(path, {}, book / "out.ipynb")
        assert printed(book / name) == "ran\n"
    assert snapshot(book).keys() - before.keys() == {book / "out.failed.ipynb", book / name}
    kept = nbformat.read(book / name, as_version=4)
    assert (
        kept.metadata.papermill.exception and kept.cells[-1].metadata.papermill.status == "pending"
    )


def test_what_an_earlier_run_left_goes_when_one_succeeds(book):
    path = add_chapter(book, "01_a", "print('ran')")
    stale = [book / f"out.failed{number}.ipynb" for number in ("", "-2")]
    for old in (*stale, book / "out.failed_too.ipynb", book / "other.failed.ipynb"):
        old.write_text("old")
    before = snapshot(book)
    running.run_chapter(path, {}, book / "out.ipynb")
    assert before.keys() - snapshot(book).keys() == {*stale}


def test_a_run_is_kept_elsewhere_if_its_folder_is_gone(book, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(book / "params"))
    path = add_chapter(book, "01_a", "print('ran')", "import os; os.rmdir('../out')")
    (book / "out").mkdir()
    with pytest.raises(
        ChapterFailed, match="cannot write .*No such file.*; what ran is in"
    ) as error:
        running.run_chapter(path, {}, book / "out" / "run.ipynb")
    assert printed(Path(str(error.value).rpartition("what ran is in ")[2])) == "ran\n"


# A figure that is stored and not drawn again ---------------------------------------------------


@pytest.fixture
def once_drawn(book):
    """A chapter that stores a figure, which its code draws no longer."""
    path = add_chapter(book, "01_a", "1", DRAWS, "print('after')")
    running.execute_in_place(path)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[3].source = notebook.cells[3].source.replace("plt.show()", "plt.close()")
    path.write_text(notebooks.to_text(notebook), encoding="utf-8")
    return path


def test_an_execution_that_lacks_a_stored_figure_fails(book, once_drawn):
    before = snapshot(book)
    with pytest.raises(ChapterFailed, match="01_a, code cell 3: lacks the figure .* clear the"):
        running.execute_in_place(once_drawn)
    assert snapshot(book) == before


def test_a_run_that_lacks_a_stored_figure_fails(book, once_drawn):
    with pytest.raises(ChapterFailed, match="code cell 3: lacks the figure .*/out.failed.ipynb"):
        running.run_chapter(once_drawn, {"steps": 9}, book / "out.ipynb")
    assert printed(book / "out.failed.ipynb") == "after\n"
    assert not (book / "out.ipynb").exists()


# A machine that is set up in other ways --------------------------------------------------------


@pytest.fixture
def odd_machine(tmp_path, monkeypatch):
    """Another Python is `python3`, figures go to TeX and to SVG files, a notebook is the shell."""
    kernel = tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    argv = ["/bin/false", "{connection_file}"]
    kernel.write_text(json.dumps({"argv": argv, "display_name": "3", "language": "python"}))
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfigure.dpi: 20\nno.key: 1\n")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path / "matplotlibrc"))
    monkeypatch.setenv("MPLBACKEND", "svg")
    monkeypatch.setenv("JPY_SESSION_NAME", "/somewhere/a.ipynb")


@pytest.mark.kernel
def test_chapters_run_alike_on_a_machine_that_is_set_up_in_other_ways(book, request):
    trains = "from twostage.training import _progress\nlist(_progress(3))"
    path = add_chapter(book, "01_a", DRAWS, trains, "import sys\nprint(sys.executable)")
    running.execute_in_place(path)
    before = snapshot(book)
    request.getfixturevalue("odd_machine")
    assert not running.execute_in_place(path)
    assert snapshot(book) == before
    running.run_chapter(path, {}, book / "out.ipynb")
    assert printed(book / "out.ipynb") == printed(path) == f"{sys.executable}\n"
