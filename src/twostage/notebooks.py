"""The chapters: found by name, executed in place byte for byte, or run with other parameters.

A chapter is a notebook in the folder ``chapters`` of a checkout of the book. Executing one in
place writes what only depends on its source, so that nothing changes if nothing changed: no
times, no widget state, no metadata of the machine. Running one with other parameters is left to
papermill and writes another file.
"""

import base64
import contextlib
import copy
import logging
import os
import re
import tempfile
import textwrap
from pathlib import Path

import nbformat
import papermill
from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from twostage.files import write_whole
from twostage.parameters import ChapterError, Parameter, parse_parameters, suggest

KERNEL = "python3"
CLIENT = {"shutdown_kernel": "immediate", "extra_arguments": ["--log-level=ERROR"]}
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": KERNEL},
    "language_info": {"name": "python"},
}
OF_ONE_RUN = ("execution", "papermill", "trusted")  # metadata of a cell that no source determines

log = logging.getLogger("twostage.notebooks")  # for nbclient: what matters of it is raised
log.addHandler(logging.NullHandler())
log.propagate = False


class ChapterFailed(Exception):
    """A chapter ran and did not come to its end."""


def is_book(folder: Path) -> bool:
    """Say whether a folder is a checkout of the book."""
    return (folder / "chapters").is_dir() and (folder / "_toc.yml").is_file()


def find_root() -> Path:
    """Return the checkout that holds the current folder, or else the one the package is in."""
    here, package = Path.cwd(), Path(__file__).resolve()
    for folder in (here, *here.parents, *package.parents):
        if is_book(folder):
            return folder
    raise ChapterError("no chapters/ and _toc.yml here or above: go to a checkout of the book")


def list_chapters() -> list[Path]:
    """Return the notebooks of the book in order."""
    return sorted((find_root() / "chapters").glob("*.ipynb"))


def find_chapter(name: str) -> Path:
    """Return a chapter by the start of its name ('02'), its name, or the path of a notebook."""
    if name.endswith(".ipynb"):
        if not Path(name).is_file():
            raise ChapterError(f"there is no notebook {name}")
        return Path(name)
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
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, LookupError, AttributeError, nbformat.ValidationError) as error:
        raise ChapterError(f"{path} is no readable notebook: {error}") from None


def read_title(path: Path) -> str:
    """Return the first heading of a chapter."""
    for cell in read_notebook(path).cells:
        heading = re.search(r"^#+ +(.+)$", cell.source, re.MULTILINE)
        if cell.cell_type == "markdown" and heading:
            return heading[1].strip()
    return ""


def read_parameters(path: Path) -> dict[str, Parameter]:
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


def check_output(output: Path, chapter: Path) -> Path:
    """Return the real path of a notebook to be written, once it is sure that it can be."""
    target = Path(os.path.realpath(output))
    if target.suffix != ".ipynb":
        raise ChapterError(f"the output must be a file that ends in .ipynb, got {output}")
    if any(folder.name == "chapters" and is_book(folder.parent) for folder in target.parents):
        raise ChapterError(f"{output} lies in chapters/, which a run leaves alone: choose another")
    try:
        if target.exists() and target.samefile(chapter):
            raise ChapterError(f"{output} is the chapter itself: choose another output")
        if target.is_dir() or not target.parent.is_dir():
            raise ChapterError(f"{output} must be a file in a folder that exists")
        tempfile.TemporaryFile(dir=target.parent).close()
    except OSError as error:
        raise ChapterError(f"cannot write {output}: {error.strerror}") from None
    return target


def from_here(value: object) -> object:
    """Make the name of something that lies here absolute: chapters run in their own folder."""
    is_path = isinstance(value, str) and value and Path(value).exists()
    return str(Path(value).resolve()) if is_path else value


def to_text(notebook: NotebookNode) -> str:
    """Return the text of the file of a notebook."""
    return nbformat.writes(notebook).rstrip("\n") + "\n"


def run_chapter(
    path: Path, parameters: dict[str, object], output: Path, progress: bool = False
) -> None:
    """Run a chapter with other parameters by papermill and write it to `output`.

    If a cell raises, what ran goes to ``<output>.failed.ipynb`` and ChapterFailed says so.
    """
    failure = None
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "draft.ipynb"
        try:
            papermill.execute_notebook(
                _escape(path.resolve()),
                _escape(draft),
                parameters,
                kernel_name=KERNEL,
                language="python",
                progress_bar=progress,
                cwd=path.resolve().parent,
                **CLIENT,
            )
        except papermill.PapermillExecutionError as error:
            output = output.with_suffix(".failed.ipynb")
            reason = _one_line(error.ename, error.evalue)
            failure = f"{path.stem}, In [{error.exec_count}]: {reason}; what ran is in {output}"
        except (RuntimeError, NoSuchKernel) as error:
            raise ChapterFailed(f"{path.stem}: {error}; nothing was written") from None
        notebook = nbformat.read(draft, as_version=4)
    notebook.metadata.papermill.update(input_path=path.name, output_path=output.name)
    write_whole(output, to_text(notebook))
    if failure:
        raise ChapterFailed(failure)


def _escape(path: Path) -> str:
    return str(path).replace("{", "{{").replace("}", "}}")  # papermill formats its paths


def _one_line(name: str, text: str) -> str:
    return textwrap.shorten(f"{name}: {text}", 600, placeholder=" ...")


def execute_in_place(path: Path, check: bool = False) -> bool:
    """Execute a chapter with its own parameters and store its outputs; say whether it changed.

    With `check` nothing is written, and a difference is a ChapterFailed that names its cell. So
    are a cell that raises or writes to stderr, and a chapter that was edited meanwhile.
    """
    path = path.resolve()
    before = path.read_bytes()
    stored = read_notebook(path)
    notebook = copy.deepcopy(stored)
    _normalise(notebook)
    _execute(notebook, path)
    if to_text(notebook).encode() == before:
        return False
    if check:
        pairs = enumerate(zip(stored.cells, notebook.cells, strict=True), start=1)
        where = [f"cell {number}" for number, (old, new) in pairs if old != new]
        raise ChapterFailed(
            f"{path.stem} differs from what is stored: {(where or ['metadata'])[0]}"
        )
    if path.read_bytes() != before:
        raise ChapterFailed(f"{path.stem} was edited while it ran: kept as it is, execute it again")
    write_whole(path, to_text(notebook))
    for name, picture in saved_figures(notebook).items():
        write_whole(path.parent / name, picture)
    return True


def saved_figures(notebook: NotebookNode) -> dict[str, bytes]:
    """Return the pictures that cells ask to keep as files (metadata twostage.save_figure)."""
    return {
        cell.metadata["twostage"]["save_figure"]: base64.b64decode(output.data["image/png"])
        for cell in notebook.cells
        if "save_figure" in cell.metadata.get("twostage", {})
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    }


def _normalise(notebook: NotebookNode) -> None:
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        for key in OF_ONE_RUN:
            cell.metadata.pop(key, None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def _execute(notebook: NotebookNode, path: Path) -> None:
    client = NotebookClient(
        notebook,
        kernel_name=KERNEL,
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        log=log,
        **CLIENT,
    )
    try:
        with client.setup_kernel(cwd=str(path.parent)):
            for index, cell in enumerate(notebook.cells):
                client.execute_cell(cell, index, client.code_cells_executed + 1)
                _refuse_stderr(cell, path)
    except CellExecutionError as error:
        where = f"{path.stem}, In [{client.code_cells_executed}]"
        raise ChapterFailed(f"{where}: {_one_line(error.ename, error.evalue)}") from None
    except (RuntimeError, NoSuchKernel) as error:
        raise ChapterFailed(f"{path.stem}: {error}") from None


def _refuse_stderr(cell: NotebookNode, path: Path) -> None:
    for output in cell.get("outputs", []):
        if output.get("name") == "stderr":
            text = _one_line("wrote to stderr", output.text)
            raise ChapterFailed(f"{path.stem}, In [{cell.execution_count}]: {text}")
