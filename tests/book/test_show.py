"""The book owns its figures, whatever a person's own settings say; tables and numbers are shown."""

import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient
from nbformat import v4

from twostage.book import show

DRAWS = """\
import matplotlib.pyplot as plt
from twostage.book import begin
begin()
plt.plot([1, 2])
plt.title("what")
plt.show()"""
AGAIN = "plt.plot([2, 1])\nplt.show()"


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A person's settings: figures are small SVG files, written by TeX, and stay open."""
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_kernel_config.py").write_text(
        "c.InlineBackend.figure_formats = {'svg'}\n"
        "c.InlineBackend.rc = {'figure.dpi': 20}\n"
        "c.InlineBackend.close_figures = False\n"
        "c.InlineBackend.print_figure_kwargs = {}\n"
    )
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nlines.marker: o\n")
    return {"IPYTHONDIR": str(tmp_path / "ipython"), "MATPLOTLIBRC": str(tmp_path)}


def draw():
    """Run two cells that draw in a kernel as nbval and JupyterLab start it: what they show."""
    notebook = v4.new_notebook(cells=[v4.new_code_cell(DRAWS), v4.new_code_cell(AGAIN)])
    NotebookClient(notebook, kernel_name="python3", record_timing=False).execute()
    return [[dict(output.data) for output in cell.outputs] for cell in notebook.cells]


@pytest.mark.kernel
@pytest.mark.parametrize("backend", ["svg", "module://matplotlib_inline.backend_inline"])
def test_a_person_gets_the_figures_of_the_book(settings, monkeypatch, backend):
    monkeypatch.delenv("MPLBACKEND", raising=False)
    ours = draw()
    assert [["image/png" in data for data in cell] for cell in ours] == [[True], [True]]
    for name, value in (settings | {"MPLBACKEND": backend}).items():
        monkeypatch.setenv(name, value)
    assert draw() == ours


def test_a_table_is_shown_without_index_and_border_and_verdicts_stand_out(monkeypatch):
    shown = []
    monkeypatch.setattr(show, "display", lambda data, **options: shown.append((data, options)))
    table = pd.DataFrame({"x": [1 / 3, 2000.0], "verdict": ["holds", "open"]}, index=[7, 8])
    show.show_table(table, {"key": 1})
    ((data, options),) = shown
    assert data["text/plain"].split() == ["x", "verdict", "0.3333", "holds", "2000", "open"]
    assert "<th>7</th>" not in data["text/html"] and 'border="1"' not in data["text/html"]
    assert '<td><b class="holds">holds</b></td>' in data["text/html"]
    assert options == {"raw": True, "metadata": {"key": 1}}


@pytest.mark.parametrize("value, kept", [(np.float64(0.5), 0.5), ("a", "a")])
def test_a_number_is_kept_for_the_prose_as_plain_python(monkeypatch, value, kept):
    calls = []
    monkeypatch.setattr(show.myst_nb, "glue", lambda *given, **options: calls.append(given))
    show.glue("name", value)
    assert calls == [("name", kept)] and type(calls[0][1]) is type(kept)
