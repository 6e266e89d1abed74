"""A book of tiny chapters in a temporary folder, for the tests of the tools."""

from pathlib import Path

import nbformat
from nbformat import v4

PARAMETERS = """\
steps: int = 3  # number of steps [1, 100]
learning_rate: float = 60.0  # step size of SGD [1e-6, 1000]
optimizer: str = "sgd"  # which optimiser {sgd, adam}
corpus: str = ""  # folder of texts, or nothing
bias: bool = False  # whether there is a bias
init_scales: list = [0.1, 0.01]  # initialisation scales, each in [1e-6, 1]
seed: int = 0  # seed of all randomness [0, 1000000]
"""


def make_book(folder: Path) -> Path:
    """Make an empty book: a folder with chapters/, params/ and a table of contents."""
    for name in ("chapters", "params/quick", "params/paper"):
        (folder / name).mkdir(parents=True)
    (folder / "_toc.yml").write_text("format: jb-book\n")
    return folder


def add_chapter(book: Path, name: str, *cells: str, parameters: str = PARAMETERS) -> Path:
    """Write a chapter of a heading, a parameter cell and some code cells, not executed."""
    tagged = v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    heading = v4.new_markdown_cell(f"# Chapter {name}\n\nWhat τ is.")
    notebook = v4.new_notebook(cells=[heading, tagged, *map(v4.new_code_cell, cells)])
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    path = book / "chapters" / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def snapshot(folder: Path) -> dict[Path, bytes]:
    """Return what every file under a folder holds."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
