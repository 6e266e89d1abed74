"""What the text of a chapter says by reference to a number stands in the outputs above it.

A person who reads the notebook without the site sees `{glue:text}` and a name where the site shows
the number, and must find the number in what was printed before.
"""

import ast
import math
import re
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

CHAPTERS = sorted((Path(__file__).parents[1] / "chapters").glob("*.ipynb"))
REFERENCE = re.compile(r"\{glue:text\}`([^`:]+):?([^`]*)`")
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
RECORD = "application/papermill.record/text/plain"


def find_unseen(notebook):
    """One line for every reference to a number that does not stand in the outputs above it."""
    glued, seen = {}, ""
    for place, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if RECORD in output.get("data", {}):
                glued[output.metadata.scrapbook.name] = _read(output.data[RECORD])
            else:
                seen += "\n" + _read_text(output)
        figure = cell.metadata.get("mystnb", {}).get("figure", {})
        text = cell.source if cell.cell_type == "markdown" else figure.get("caption", "")
        for name, spec in REFERENCE.findall(text):
            if name not in glued:
                yield f"cell {place}: {name!r} is glued below, or nowhere"
            elif not is_seen(glued[name], spec, seen):
                yield f"cell {place}: {name!r}, {format(glued[name], spec)}, is not printed above"


def _read(record):
    return float(record) if record in ("inf", "-inf", "nan") else ast.literal_eval(record)


def _read_text(output):
    return output.get("text") or output.get("data", {}).get("text/plain", "")


def is_seen(value, spec, seen):
    """Whether a printed text holds the words, the integer, or the number to three digits."""
    if isinstance(value, float) and math.isfinite(value):
        numbers = (float(text) for text in NUMBER.findall(seen))
        return any(math.isclose(value, number, rel_tol=5e-3) for number in numbers)
    words = rf"(?<![\w.]){re.escape(format(value, spec))}(?!\w|\.\d)"
    return re.search(words, seen) is not None


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_number_that_the_text_refers_to_stands_above_it(path):
    unseen = list(find_unseen(nbformat.read(path, as_version=4)))
    assert not unseen, "\n".join(unseen)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_recorded_table_is_shown_with_its_provenance(path):
    for cell in nbformat.read(path, as_version=4).cells:
        assert "read_csv(" not in cell.source, "a table of results/ is read by read_recorded"
        seen = "".join(_read_text(output) for output in cell.get("outputs", []))
        assert seen.count("Recorded 20") >= ("read_recorded(" in cell.source)


@pytest.mark.parametrize("page", ["_config.yml", "chapters/intro.md"])
def test_the_footer_and_the_first_page_tell_re_computed_from_recorded(page):
    text = " ".join((CHAPTERS[0].parents[1] / page).read_text(encoding="utf-8").split())
    assert re.search(r"[Ee]very (figure and every )?number [^.]*recorded [^.]*provenance", text)


def make_chapter(*cells):
    """A notebook of texts and of outputs: ("glue", name, record) or ("print", text)."""
    notebook = v4.new_notebook()
    for cell in cells:
        if isinstance(cell, str):
            notebook.cells.append(v4.new_markdown_cell(cell))
        elif cell[0] == "print":
            output = v4.new_output("stream", text=cell[1])
            notebook.cells.append(v4.new_code_cell(outputs=[output]))
        else:
            kept = {"scrapbook": {"name": cell[1]}}
            output = v4.new_output("display_data", {RECORD: cell[2]}, metadata=kept)
            notebook.cells.append(v4.new_code_cell(outputs=[output]))
    return notebook


@pytest.mark.parametrize(
    "record, spec, printed, seen",
    [
        ("0.34567", ":.2f", "it is 0.3457", True),
        ("0.34567", ":.2f", "it is 0.35", False),
        ("0.34567", ":.2f", "it is 34.57 %", False),
        ("0.34567", ":.0f", "0 runs", False),
        ("24", "", "24 of 40 (0.446 to 0.7365)", True),
        ("24", "", "124 of 240, 24.5", False),
        ("'24 of 40'", "", "learned 24 of 40 (0.446 to 0.7365)", True),
        ("'24 of 40'", "", "124 of 40, 24 of 401, 24 40", False),
        ("-0.1", ":.1f", "-0.1 steps", True),
        ("inf", ":.0f", "inf (-inf to inf)", True),
        ("inf", ":.0f", "information", False),
    ],
)
def test_a_number_is_seen_if_it_was_printed(record, spec, printed, seen):
    text = f"It is {{glue:text}}`x{spec}`."
    chapter = make_chapter(("glue", "x", record), ("print", printed), text)
    assert list(find_unseen(chapter)) == [] if seen else len(list(find_unseen(chapter))) == 1


def test_a_number_that_is_printed_or_glued_below_is_not_seen():
    kept, printed = ("glue", "x", "24"), ("print", "24")
    assert not list(find_unseen(make_chapter(kept, printed, "{glue:text}`x`")))
    assert "is not printed above" in next(
        find_unseen(make_chapter(kept, "{glue:text}`x`", printed))
    )
    assert "glued below" in next(find_unseen(make_chapter(printed, "{glue:text}`x`", kept)))
