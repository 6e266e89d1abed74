"""The chapters: found by name, and what stands in them.

A chapter is a notebook in the folder ``chapters`` of a checkout of the book.
"""

import contextlib
import hashlib
import os
import re
import tempfile
import textwrap
import warnings
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from twostage.book.parameters import Parameter, Parameters, parse_parameters
from twostage.files import ChapterError, find_root, is_book, suggest


def list_chapters() -> list[Path]:
    """Return the notebooks of the book in order, without hidden ones (macOS' `._NAME`)."""
    return sorted((find_root() / "chapters").glob("[!.]*.ipynb"))


def find_chapter(name: str) -> Path:
    """Return a chapter by the start of its name ('02'), its name, or the path of a notebook."""
    if name.endswith(".ipynb"):
        path = Path(os.path.expanduser(name))
        if not path.is_file():
            raise ChapterError(f"there is no notebook {name}")
        return path
    chapters = {path.stem: path for path in list_chapters()}
    found = [stem for stem in chapters if stem == name] or [
        stem for stem in chapters if name and stem.startswith(name)
    ]
    if len(found) == 1:
        return chapters[found[0]]
    what, hint = ("more than one", "") if found else ("no", suggest(name, chapters))
    raise ChapterError(f"{what} chapter {name!r}{hint}; there are {', '.join(chapters)}")


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook; ChapterError if it is none."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of cells without an id
            notebook = nbformat.read(path, as_version=4)
        if not (isinstance(notebook.cells, list) and all(map(_is_cell, notebook.cells))):
            raise ValueError("a cell lacks a part, or has a wrong one")
    except RecursionError:
        raise ChapterError(f"{path} is no readable notebook: nested too deeply") from None
    except Exception as error:  # nbformat raises whatever it stumbles over
        reason = textwrap.shorten(f"{type(error).__name__}: {error}", 600, placeholder=" ...")
        raise ChapterError(f"{path} is no readable notebook: {reason}") from None
    return notebook


def _is_cell(cell: NotebookNode) -> bool:
    """Say whether a cell has the parts that are read here; all else may be as it likes."""
    outputs = cell.outputs if cell.cell_type == "code" else []
    lists = isinstance(outputs, list) and isinstance(cell.metadata.get("tags", []), list)
    return lists and isinstance(cell.source, str) and all(isinstance(o, dict) for o in outputs)


def read_title(path: Path) -> str:
    """Return the first heading of a chapter."""
    for cell in read_notebook(path).cells:
        heading = re.search(r"^#+ +(.+)$", cell.source, re.MULTILINE)
        if cell.cell_type == "markdown" and heading:
            return heading[1].strip()
    return ""


def hash_cells(path: Path) -> str:
    """Return a short name of what a chapter computes: a hash of the text of its code cells."""
    sources = [cell.source for cell in read_notebook(path).cells if cell.cell_type == "code"]
    return hashlib.sha256(repr(sources).encode()).hexdigest()[:12]


def read_parameters(path: Path) -> Parameters:
    """Read the cell tagged ``parameters``, of which a chapter has one."""
    cells = read_notebook(path).cells
    sources = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    if len(sources) != 1:
        raise ChapterError(f"{path} must have one cell tagged 'parameters', it has {len(sources)}")
    return parse_parameters(sources[0], f"{path}, parameter cell")


def read_rows(path: Path, key: str) -> list[dict]:
    """Return the rows that outputs of a chapter keep in their metadata under `key`."""
    return [
        row
        for cell in read_notebook(path).cells
        for output in cell.get("outputs", [])
        for row in output.get("metadata", {}).get(key, [])
    ]


def read_glued(path: Path) -> dict[str, float]:
    """Return the numbers that a chapter has glued for its prose, by their names."""
    numbers = {}
    for cell in read_notebook(path).cells:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            for text in output.get("data", {}).values() if name else ():
                with contextlib.suppress(ValueError):  # words are glued too
                    numbers[name] = float(text)
    return numbers


def check_output(output: Path, chapter: Path, force: bool = False) -> Path:
    """Return the real path of a notebook to be written, once it is sure that it can be.

    A file that is there is refused unless `force` says that it may be replaced.
    """
    target = Path(os.path.realpath(os.path.expanduser(output)))
    if target.suffix != ".ipynb":
        raise ChapterError(f"the output must be a file that ends in .ipynb, got {output}")
    if any(folder.name == "chapters" and is_book(folder.parent) for folder in target.parents):
        raise ChapterError(f"{output} lies in chapters/, which a run leaves alone: choose another")
    try:
        if target.exists() and target.samefile(chapter):
            raise ChapterError(f"{output} is the chapter itself: choose another output")
        if target.is_dir() or not target.parent.is_dir():
            raise ChapterError(f"{output} must be a file in a folder that exists")
        if target.exists() and not force:
            raise ChapterError(f"{output} is there: choose another, or --force to replace it")
        longest = f"{target.stem}.failed-"  # no name of a run is longer than this with 8 signs more
        tempfile.NamedTemporaryFile(dir=target.parent, prefix=longest, suffix=".ipynb").close()
    except OSError as error:
        raise ChapterError(f"cannot write {output}: {error.strerror}") from None
    return target


def from_here(parameter: Parameter, value: object) -> object:
    """Make the name of something that lies here absolute: chapters run in their own folder.

    A value of a parameter with choices is a word, whatever lies here.
    """
    is_name = isinstance(value, str) and not parameter.choices
    path = os.path.expanduser(value) if is_name else ""
    return os.path.realpath(path) if path and os.path.exists(path) else value


def to_text(notebook: NotebookNode) -> str:
    """Return the text of the file of a notebook."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"
