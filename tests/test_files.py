"""The book is found; a file is there whole or not at all, and nothing is left beside it."""

import os
from pathlib import Path

import pytest
from tiny_book import make_book

from twostage import files
from twostage.files import ChapterError, find_root, write_new, write_whole

UNWRITABLE = "whole lines\n" * 10_000 + "\ud800"  # fails in the middle: not encodable


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["str", "Path"])
def test_bytes_are_those_of_the_text(tmp_path, kind):
    path = tmp_path / "table.csv"
    write_whole(kind(path), "naïve\nτ = 2\n")
    assert path.read_bytes() == "naïve\nτ = 2\n".encode()
    assert [*tmp_path.iterdir()] == [path]


def test_an_old_file_is_replaced(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a much longer old text")
    write_whole(path, "new")
    assert path.read_text() == "new"


@pytest.fixture
def umask():
    """Set the umask for one test."""
    old = os.umask(0o022)
    yield os.umask
    os.umask(old)


@pytest.mark.parametrize("mask, mode", [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_may_be_read_by_those_whom_the_umask_lets(tmp_path, umask, mask, mode):
    umask(mask)
    write_whole(tmp_path / "table.csv", "1")
    assert (tmp_path / "table.csv").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o444])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path, mode):
    path = tmp_path / "table.csv"
    path.write_text("old")
    path.chmod(mode)
    write_whole(path, "new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", mode)


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path):
    longest = tmp_path / ("x" * os.pathconf(tmp_path, "PC_NAME_MAX"))
    write_whole(longest, "1")
    assert longest.read_text() == "1"


def test_what_must_be_new_replaces_nothing(tmp_path):
    names = [write_new(tmp_path / "run.ipynb", text).name for text in "abc"]
    assert names == ["run.ipynb", "run-2.ipynb", "run-3.ipynb"]
    assert [(tmp_path / name).read_text() for name in names] == ["a", "b", "c"]
    with pytest.raises(UnicodeEncodeError):
        write_new(tmp_path / "run.ipynb", UNWRITABLE)
    assert len([*tmp_path.iterdir()]) == 3


@pytest.mark.parametrize("old", [None, "old text"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, old):
    path = tmp_path / "table.csv"
    if old is not None:
        path.write_text(old)
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, UNWRITABLE)
    assert [file.read_text() for file in tmp_path.iterdir()] == ([] if old is None else [old])


def test_the_old_file_stands_until_the_new_one_is_complete(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    path.write_text("old text")
    before_the_rename = []

    def interrupt(temporary, target):
        before_the_rename.append((Path(temporary).read_text(), Path(target).read_text()))
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, "new text")
    assert before_the_rename == [("new text", "old text")]
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old text"]


def test_a_failed_rename_leaves_nothing_behind(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "folder", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "missing" / "table.csv", "text")
    assert not [*tmp_path.iterdir()]


def test_the_book_is_found_from_below_from_a_chapter_and_from_elsewhere(tmp_path, monkeypatch):
    book, other = make_book(tmp_path / "book"), make_book(tmp_path / "other")
    (book / "params" / "chapters").mkdir()  # no book without a table of contents
    monkeypatch.chdir(book / "params" / "chapters")
    assert find_root() == book
    assert find_root(other / "chapters" / "01_one.ipynb") == other
    monkeypatch.chdir(tmp_path)
    assert find_root() == Path(__file__).parents[1]
    monkeypatch.setattr(files, "__file__", str(tmp_path / "site-packages" / "files.py"))
    with pytest.raises(ChapterError, match="no book here or above .* go to a checkout"):
        find_root()
