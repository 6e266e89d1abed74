"""Run a chapter: in place, byte for byte, or with other parameters into another file."""

import base64
import copy
import re
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from twostage.book.notebooks import (
    CLIENT,
    KERNEL,
    METADATA,
    OF_ONE_RUN,
    ChapterFailed,
    _explain,
    _keep_failed,
    _miss_figures,
    _one_line,
    _save_run,
    _try_papermill,
    log,
    read_notebook,
    to_text,
)
from twostage.files import write_whole


def run_chapter(
    path: Path,
    parameters: dict[str, object],
    output: Path,
    force: bool = False,
    progress: bool = False,
) -> Path:
    """Run a chapter with other parameters by papermill, and return the file it was written to.

    That is `output`, or ``<output>-2`` and so on where a file came to be there meanwhile, which
    only `force` replaces. A run that does not come to its end keeps what it computed in
    ``<output>.failed.ipynb``, and ChapterFailed (KeyboardInterrupt if it was stopped) says so.
    """
    with tempfile.TemporaryDirectory() as folder:
        draft, stored = Path(folder) / "draft.ipynb", read_notebook(path)
        failure = _try_papermill(path.resolve(), parameters, draft, progress)
        if not draft.exists():
            raise type(failure)(f"{failure}; nothing had run, so nothing was written")
        notebook = nbformat.read(draft, as_version=4)
    failure = failure or _miss_figures(stored, notebook, path.stem)
    if failure:
        raise _keep_failed(failure, notebook, path, output)
    target = _save_run(notebook, path, output, force)
    for stale in target.parent.iterdir():
        if re.fullmatch(re.escape(target.stem) + r"\.failed(-\d+)?\.ipynb", stale.name):
            stale.unlink()
    return target


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
    if failure := _miss_figures(stored, notebook, path.stem):
        raise failure
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
    for name, content in saved_files(notebook).items():
        write_whole(path.parent / name, content)
    return True


def saved_files(notebook: NotebookNode) -> dict[str, bytes]:
    """Return what cells ask to keep as files, by path from the chapter.

    Metadata twostage.save_figure names the file of a cell's picture, twostage.save_text that of
    what it prints.
    """
    return {
        settings[key]: content
        for cell in notebook.cells
        for key in ("save_figure", "save_text")
        if key in (settings := cell.metadata.get("twostage", {}))
        for output in cell.outputs
        if (content := _content(output, key)) is not None
    }


def _content(output: NotebookNode, key: str) -> bytes | None:
    if key == "save_text":
        return output.text.encode() if output.get("name") == "stdout" else None
    picture = output.get("data", {}).get("image/png")
    return picture and base64.b64decode(picture)


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
    except RuntimeError as error:
        raise ChapterFailed(f"{path.stem}: {_explain(error)}") from None


def _refuse_stderr(cell: NotebookNode, path: Path) -> None:
    for output in cell.get("outputs", []):
        if output.get("name") == "stderr":
            text = _one_line("wrote to stderr", output.text)
            raise ChapterFailed(f"{path.stem}, In [{cell.execution_count}]: {text}")
