"""A wrong stored output is caught: real nbval runs on small notebooks, some of them tampered with.

Every code cell is changed in its own way, so one run of nbval shows which changes are caught.
"""

import copy
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook, new_output
from test_notebooks import KERNEL, find_problems

pytestmark = pytest.mark.kernel
RULES = Path(__file__).parents[1] / "chapters" / "conftest.py"
TABLE = 'pd.DataFrame({"word": ["king"], "mean": [1.25]})'
FIGURE = {"mystnb": {"figure": {"name": "fig-a", "caption": "A."}, "image": {"alt": "A line"}}}
SOURCES = {
    "parameters": "seed: int = 0  # seed",
    "imports": "import matplotlib.pyplot as plt\nimport numpy as np\nimport pandas as pd",
    "decimal": 'print("pi is 3.1416.")',
    "integer": 'print("step 1200. Then stop")',
    "word": 'print("king 0.5")',
    "sign": "print(0.25)",
    "zero": 'print("0.000 and 2.5e-17")',
    "exponent": "print(1.5e-05)",
    "array": "np.array([1.0, 2.0, 1000.0])",
    "table": TABLE,
    "table shown": TABLE,
    "figure": "plt.plot([1, 2])\nplt.show()",
    "emptied": "print(7)",
    "invented": "x = 1",
}
CELLS = list(SOURCES)
CAUGHT = {  # cell: (kind of output, stored text, text put in its place)
    "decimal": ("text", "3.1416", "3.2416"),
    "integer": ("text", "1200", "1201"),
    "word": ("text", "king", "queen"),
    "sign": ("text", "0.25", "-0.25"),
    "zero": ("text", "0.000", "0.001"),
    "exponent": ("text", "e-05", "e-06"),
    "array": ("text/plain", "1000.", "1001."),
    "table": ("text/plain", "1.25", "1.26"),
    "table shown": ("text/html", "1.25", "1.26"),
    "figure": ("text/plain", "1 Axes", "2 Axes"),
}
TOLERATED = {  # what another processor may change
    "decimal": ("text", "3.1416", "3.1415"),
    "zero": ("text", "0.000 and 2.5e-17", "-0.000 and -1e-16"),
    "array": ("text/plain", "1.,", "0.99999,"),
    "table": ("text/plain", "1.25", "1.2501"),
    "table shown": ("text/html", "1.25", "1.2501"),
}


def changed(notebook, changes):
    """A copy of the notebook in which the stored outputs of some cells are changed."""
    notebook = copy.deepcopy(notebook)
    for name, (kind, old, new) in changes.items():
        (output,) = notebook.cells[CELLS.index(name)].outputs
        store = output if kind == "text" else output.data
        assert store[kind].count(old) == 1, f"{name}: {old!r} is not in {store[kind]!r}"
        store[kind] = store[kind].replace(old, new)
    return notebook


def run_nbval(folder):
    """Names of the cells that nbval refuses, by notebook, as `pytest --nbval` reports them."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-p", "no:xdist"]
    command += ["--rootdir=.", "-c", os.devnull, "--junitxml=report.xml", "."]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert run.returncode in (0, 1), run.stdout + run.stderr
    refused = {path.stem: set() for path in folder.glob("*.ipynb")}
    for case in ElementTree.parse(folder / "report.xml").iter("testcase"):
        if len(case):  # a failure or an error inside
            notebook, cell = case.get("classname").split(".")[0], case.get("name").split()[-1]
            refused[notebook].add(CELLS[int(cell)])
    return refused


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A small chapter, executed by a fresh kernel."""
    cells = [new_code_cell(source) for source in SOURCES.values()]
    cells[CELLS.index("parameters")].metadata["tags"] = ["parameters"]
    cells[CELLS.index("figure")].metadata.update(FIGURE)
    notebook = new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    NotebookClient(notebook, record_timing=False).execute(cwd=tmp_path_factory.mktemp("kernel"))
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


@pytest.fixture(scope="module")
def refused(original, tmp_path_factory):
    """What nbval refuses in the original and in the changed notebooks."""
    caught = changed(original, CAUGHT)
    caught.cells[CELLS.index("emptied")].outputs = []
    caught.cells[CELLS.index("invented")].outputs = [new_output("stream", text="1\n")]
    folder = tmp_path_factory.mktemp("book")
    shutil.copy(RULES, folder)
    notebooks = {"original": original, "caught": caught, "tolerated": changed(original, TOLERATED)}
    for name, notebook in notebooks.items():
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return run_nbval(folder)


def test_nbval_passes_what_was_not_changed(original, refused):
    assert refused["original"] == set()
    assert find_problems(original) == []


@pytest.mark.parametrize("name", [*CAUGHT, "emptied", "invented"])
def test_nbval_catches_a_changed_output(refused, name):
    assert name in refused["caught"]


def test_nbval_refuses_only_the_changed_cells(refused):
    assert refused["caught"] == {*CAUGHT, "emptied", "invented"}


@pytest.mark.parametrize("name", TOLERATED)
def test_nbval_tolerates_the_noise_of_another_processor(refused, name):
    assert name not in refused["tolerated"]


STRUCTURE = {  # what is done to the notebook, and a word of the complaint
    "execution count removed": (lambda cells: cells[2].update(execution_count=None), "executed"),
    "execution count repeated": (lambda cells: cells[2].update(execution_count=2), "count 2"),
    "cell never run": (lambda cells: cells[2].update(execution_count=None, outputs=[]), "executed"),
    "figure emptied": (lambda cells: cells[11].update(outputs=[]), "0 figures"),
    "error": (lambda cells: cells[2].outputs.append(new_output("error", ename="E")), "an error"),
    "stderr": (
        lambda cells: cells[2].outputs.append(new_output("stream", name="stderr", text="50%|")),
        "stderr",
    ),
    "widget": (
        lambda cells: cells[2].outputs.append(
            new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}})
        ),
        "widget",
    ),
    "no alt text": (lambda cells: cells[11].metadata.mystnb.image.update(alt=" "), "image.alt"),
    "no caption": (lambda cells: cells[11].metadata.mystnb.figure.pop("caption"), "figure.caption"),
    "no figure": (lambda cells: cells[11].metadata.pop("mystnb"), "figure.name"),
    "pip": (lambda cells: cells[2].update(source="%pip install x"), "pip"),
    "path": (lambda cells: cells[2].update(source="import sys\nsys.path.append('.')"), "sys.path"),
    "warnings": (lambda cells: cells[2].update(source="w.filterwarnings('ignore')"), "filterw"),
    "semicolon": (lambda cells: cells[2].update(source="plt.plot([1]);"), "';'"),
    "not compared": (lambda cells: cells[2].metadata.update(tags=["nbval-skip"]), "nbval-skip"),
    "marked": (lambda cells: cells[2].update(source="# NBVAL_IGNORE_OUTPUT"), "NBVAL_"),
    "class": (lambda cells: cells[2].update(source="class A:\n    pass"), "a class"),
    "long cell": (lambda cells: cells[2].update(source="x = 1\n" * 16), "16 lines"),
    "empty cell": (lambda cells: cells[2].update(source=" "), "is empty"),
    "no parameters": (lambda cells: cells[0].metadata.update(tags=[]), "0 cells"),
    "two parameters": (lambda cells: cells[2].metadata.update(tags=["parameters"]), "2 cells"),
    "no seed": (lambda cells: cells[0].update(source="n: int = 1  # n"), "seed"),
    "timing": (lambda cells: cells[2].metadata.update(execution={}), "time of its execution"),
    "functions": (
        lambda cells: [cell.update(source="def f():\n    pass") for cell in cells[2:4]],
        "2 functions",
    ),
    "picture": (lambda cells: cells[2].update(cell_type="markdown", source="![](a.png)"), "alt"),
}


@pytest.mark.parametrize("name", STRUCTURE)
def test_structure_catches(original, name):
    change, complaint = STRUCTURE[name]
    notebook = copy.deepcopy(original)
    change(notebook.cells)
    assert complaint in "\n".join(find_problems(notebook))


@pytest.mark.parametrize("key", ["kernelspec", "language_info", "widgets"])
def test_structure_catches_other_metadata(original, key):
    notebook = copy.deepcopy(original)
    notebook.metadata[key] = {"name": "other"}
    assert key in "\n".join(find_problems(notebook))
