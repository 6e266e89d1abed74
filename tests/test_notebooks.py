"""Every chapter is complete: what nbval cannot see in a stored notebook is checked here."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
MOST_LINES = 15
FORBIDDEN = re.compile(r"^\s*[!%]|\bpip\b|sys\.path|filterwarnings|NBVAL_|;\s*$", re.MULTILINE)
UNCHECKED_TAGS = re.compile(r"nbval-|raises-exception")
IMAGE_WITHOUT_ALT = re.compile(r"!\[\s*\]\(|<img(?![^>]*\balt=\"[^\"])")


def find_problems(notebook):
    """Everything wrong with a stored notebook, as one line per problem (empty if complete)."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    problems = [*_metadata_problems(notebook), *_parameter_problems(code)]
    for number, cell in enumerate(code, start=1):
        found = [*_count_problems(cell, number), *_source_problems(cell)]
        found += [*_output_problems(cell), *_figure_problems(cell)]
        problems += [f"code cell {number}: {problem}" for problem in found]
    functions = sum(cell.source.count("\ndef ") + cell.source.startswith("def ") for cell in code)
    if functions > 1:
        problems.append(f"{functions} functions: a chapter defines at most one, move them to src/")
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "markdown" and IMAGE_WITHOUT_ALT.search(cell.source):
            problems.append(f"cell {number}: an image without alt text")
    return problems


def _metadata_problems(notebook):
    if dict(notebook.metadata.get("kernelspec", {})) != KERNEL:
        yield f"metadata.kernelspec must be {KERNEL}: run `make execute`"
    extra = set(notebook.metadata) - {"kernelspec", "language_info"}
    if extra:
        yield f"metadata {sorted(extra)} must go (widgets need a running kernel): `make execute`"
    if notebook.metadata.get("language_info") != {"name": "python"}:
        yield "metadata.language_info must be {'name': 'python'}: run `make execute`"


def _parameter_problems(code):
    tagged = [cell for cell in code if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        yield f"{len(tagged)} cells are tagged `parameters`, must be one"
    elif not re.search(r"^seed: int = \d+", tagged[0].source, re.MULTILINE):
        yield "the cell tagged `parameters` has no line `seed: int = 0  # help`"


def _count_problems(cell, number):
    if cell.execution_count is None:
        yield "was not executed: run `make execute`"
    elif cell.execution_count != number:
        yield f"has execution count {cell.execution_count}: run `make execute`"
    if "execution" in cell.metadata:
        yield "stores the time of its execution, which changes with every run"


def _source_problems(cell):
    lines = [line for line in cell.source.splitlines() if not line.startswith("# rule: ")]
    if not cell.source.strip():
        yield "is empty"
    if len(lines) > MOST_LINES:
        yield f"has {len(lines)} lines, at most {MOST_LINES} are allowed: move code to src/"
    for match in FORBIDDEN.finditer(cell.source):
        yield f"must not use {match.group().strip()!r}"
    tags = [tag for tag in cell.metadata.get("tags", []) if UNCHECKED_TAGS.match(tag)]
    if tags:
        yield f"is tagged {tags}, which keeps its outputs from being compared"
    if not FORBIDDEN.search(cell.source):
        statements = ast.parse(cell.source).body
        if any(isinstance(statement, ast.ClassDef) for statement in statements):
            yield "defines a class: a chapter defines none, move it to src/"


def _output_problems(cell):
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"stores an error: {output.ename}"
        if output.get("name") == "stderr":
            yield f"stores stderr (a warning or a progress bar): {output.text.strip()[:60]!r}"
        if any("widget" in kind for kind in output.get("data", {})):
            yield "stores a widget, which shows nothing without a running kernel"


def _figure_problems(cell):
    images = [output for output in cell.outputs if "image/png" in output.get("data", {})]
    settings = cell.metadata.get("mystnb", {})
    figure, image = settings.get("figure", {}), settings.get("image", {})
    if "plt.show()" in cell.source or figure:
        if len(images) != 1:
            yield f"stores {len(images)} figures, must be one: run `make execute`"
    if images:
        wanted = {"figure.name": figure.get("name"), "figure.caption": figure.get("caption")}
        wanted["image.alt"] = image.get("alt")
        missing = [f"mystnb.{key}" for key, value in wanted.items() if not str(value or "").strip()]
        if missing:
            yield f"its figure lacks {', '.join(missing)} in the cell's metadata"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapter_is_complete(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert not (problems := find_problems(notebook)), "\n".join([path.name, *problems])


def test_table_of_contents_lists_every_chapter():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    listed = {toc["root"]} | {page["file"] for part in toc["parts"] for page in part["chapters"]}
    pages = [*CHAPTERS, *(ROOT / "chapters").glob("*.md")]
    assert {f"chapters/{page.stem}" for page in pages} == listed


def test_figure_names_are_unique():
    notebooks = [nbformat.read(path, as_version=4) for path in CHAPTERS]
    cells = [cell for notebook in notebooks for cell in notebook.cells]
    figures = [cell.metadata.get("mystnb", {}).get("figure", {}) for cell in cells]
    names = [figure["name"] for figure in figures if "name" in figure]
    assert len(names) == len(set(names)), sorted(names)
