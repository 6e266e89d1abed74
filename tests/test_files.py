"""A file is there whole or not at all, and nothing is left beside it."""

import os
from pathlib import Path

import pytest

from twostage.files import write_whole

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


def test_everybody_may_read_it(tmp_path):
    write_whole(tmp_path / "table.csv", "1")
    assert (tmp_path / "table.csv").stat().st_mode & 0o777 == 0o644


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
