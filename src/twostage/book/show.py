"""How a chapter begins, and what it shows: tables, and the numbers that its prose refers to."""

import json

import myst_nb
import numpy as np
import pandas as pd
from IPython import get_ipython
from IPython.display import display
from matplotlib_inline.backend_inline import set_matplotlib_formats
from matplotlib_inline.config import InlineBackend

from twostage import seeding, style

VERDICTS = ("holds", "open", "fails")


def begin() -> None:
    """Begin a chapter: the book's figures, one thread, and algorithms that repeat themselves.

    In a notebook figures become PNG outputs: no MPLBACKEND and no settings of a person's own
    (matplotlibrc, IPython's profile) have a say in what a chapter stores.
    """
    shell = get_ipython()
    if hasattr(shell, "kernel"):
        shell.run_line_magic("matplotlib", "inline")
        inline = InlineBackend.instance()
        inline.close_figures, inline.print_figure_kwargs = True, {"bbox_inches": "tight"}
        set_matplotlib_formats("png")
    style.use()
    seeding.run_alike_everywhere()


def show_table(table: pd.DataFrame, metadata: dict | None = None) -> None:
    """Show a table without its index, numbers to four significant digits."""
    text = table.map(lambda x: f"{x:.4g}" if isinstance(x, float) else str(x))
    html = text.to_html(index=False, border=0)
    for verdict in VERDICTS:
        html = html.replace(f"<td>{verdict}</td>", f'<td><b class="{verdict}">{verdict}</b></td>')
    plain = text.to_string(index=False)
    display({"text/plain": plain, "text/html": html}, raw=True, metadata=metadata)


def print_record(**columns: np.ndarray) -> None:
    """Print curves as JSON, a list of numbers of four decimals each, for pages that draw them."""
    lists = {name: np.round(column, 4).tolist() for name, column in columns.items()}
    print(json.dumps(lists))


def glue(name: str, value: float | int | str, label: str = "") -> None:
    """Keep a number of this chapter under `name` for its prose; with a label, print it here too.

    Give a label unless the number stands in an output above: prose refers to nothing unseen.
    """
    value = value.item() if isinstance(value, np.generic) else value
    myst_nb.glue(name, value, display=False)
    if label:
        print(f"{label}: {value:.4g}" if isinstance(value, float) else f"{label}: {value}")
