"""Run a chapter: in place, byte for byte, or with other parameters into another file.

Executing a chapter in place writes what only depends on its source, so that nothing changes if
nothing changed: no times, no widget state, no metadata of the machine. Running one with other
parameters is left to papermill and writes another file.
"""

import base64
import copy
import logging
import os
import re
import tempfile
import textwrap
from pathlib import Path

import nbformat
import papermill
from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from twostage.book.notebooks import read_notebook, to_text
from twostage.files import write_new, write_whole

KERNEL = "python3"
OWN = {  # what a kernel has of its own, whatever the environment of the command says
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "MATPLOTLIBRC": os.devnull,
    "JPY_SESSION_NAME": "",  # nobody watches it
}
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": KERNEL},
    "language_info": {"name": "python"},
}
OF_ONE_RUN = ("execution", "papermill", "trusted")  # metadata of a cell that no source determines
log = logging.getLogger("twostage.book.running")  # for nbclient: what matters of it is raised
log.addHandler(logging.NullHandler())
log.propagate = False


class ChapterFailed(Exception):
    """A chapter ran and did not come to its end."""


class _ThisPython(AsyncKernelManager):
    """Starts kernels of this very interpreter, whatever the machine calls `python3`."""

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(resource_dir=RESOURCES, env=OWN, **get_kernel_dict())


CLIENT = {
    "kernel_manager_class": _ThisPython,
    "shutdown_kernel": "immediate",
    "extra_arguments": ["--log-level=ERROR"],
}


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


def _try_papermill(
    path: Path, parameters: dict[str, object], draft: Path, progress: bool
) -> BaseException | None:
    """Run a chapter into `draft`; return what kept it from its end, to be raised, or nothing."""
    try:
        papermill.execute_notebook(
            _escape(path),
            _escape(draft),
            parameters,
            kernel_name=KERNEL,
            language="python",
            progress_bar=progress,
            cwd=path.parent,
            **CLIENT,
        )
    except papermill.PapermillExecutionError as error:
        reason = _one_line(error.ename, error.evalue)
        return ChapterFailed(f"{path.stem}, In [{error.exec_count}]: {reason}")
    except RuntimeError as error:
        return ChapterFailed(f"{path.stem}: {_explain(error)}")
    except KeyboardInterrupt:
        return KeyboardInterrupt(f"{path.stem}: stopped")
    return None


def _keep_failed(
    failure: BaseException, notebook: NotebookNode, path: Path, output: Path
) -> BaseException:
    """Keep what a run computed beside its output; return the failure, with where that is."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if all(cell.execution_count is None for cell in cells):
        return type(failure)(f"{failure}; nothing had run, so nothing was written")
    for cell in cells:
        if cell.execution_count is None:
            cell.metadata.papermill.status = "pending"  # papermill calls it completed
    notebook.metadata.papermill.exception = True
    kept = _save_run(notebook, path, output.with_suffix(".failed.ipynb"))
    return type(failure)(f"{failure}; what ran is in {kept}")


def _save_run(notebook: NotebookNode, path: Path, output: Path, force: bool = False) -> Path:
    """Write a run to `output`, else beside it, else where temporary files go: it took long."""
    notebook.metadata.papermill.update(input_path=path.name, output_path=output.name)
    text = to_text(notebook)
    try:
        if not force:
            return write_new(output, text)
        write_whole(output, text)
        return output
    except OSError as error:
        refuge = write_new(Path(tempfile.mkdtemp(prefix="twostage-")) / output.name, text)
        what = f"cannot write {output} ({error.strerror})"
        raise ChapterFailed(f"{what}; what ran is in {refuge}") from None


def _miss_figures(stored: NotebookNode, ran: NotebookNode, chapter: str) -> ChapterFailed | None:
    """Return a failure that names the first cell which stores a figure and now showed none."""
    cells = zip(_own_code(stored), _own_code(ran), strict=False)
    for number, (old, new) in enumerate(cells, start=1):
        if _count_figures(new) < _count_figures(old):
            return ChapterFailed(
                f"{chapter}, code cell {number}: lacks the figure that the chapter has stored there"
                " (if it should have none, clear the cell's output first)"
            )
    return None


def _own_code(notebook: NotebookNode) -> list[NotebookNode]:
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell for cell in code if "injected-parameters" not in cell.metadata.get("tags", [])]


def _count_figures(cell: NotebookNode) -> int:
    return sum("image/png" in output.get("data", {}) for output in cell.outputs)


def _explain(error: RuntimeError) -> str:
    if isinstance(error, DeadKernelError):
        return "the kernel died; if it was killed, too little memory is the usual reason"
    return _one_line(type(error).__name__, str(error))


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
