"""Chapters are found by name and read, and what cannot be written is refused."""

import json
import os
from pathlib import Path

import nbformat
import pytest
from tiny_book import add_chapter, make_book, snapshot

from twostage.book import notebooks
from twostage.files import ChapterError


@pytest.fixture
def book(tmp_path, monkeypatch):
    folder = make_book(tmp_path / "a {book}")
    monkeypatch.chdir(folder)
    return folder


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


WHOLE = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}}

BROKEN = ["", "[]", "null", '{"nbformat": 4}', '{"nbformat": 9}', "\0", "[" * 100_000]

BROKEN += [json.dumps(WHOLE | {"cells": cells}) for cells in (None, {}, ["a"], [{"source": 3}])]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
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
        f"{'x' * 245}.ipynb": "cannot write",  # no room for .failed
    }.items():
        with pytest.raises(ChapterError, match=answer):
            notebooks.check_output(Path(output), chapter)
    before = snapshot(book)
    assert notebooks.check_output(Path("out.ipynb"), chapter) == book / "out.ipynb"
    assert notebooks.check_output(Path("~/out.ipynb"), chapter) == Path.home() / "out.ipynb"
    assert snapshot(book) == before
