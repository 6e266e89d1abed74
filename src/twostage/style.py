"""One look for all figures. The same colour means the same thing in both papers."""

from importlib.resources import files

import matplotlib
import matplotlib.pyplot as plt
import myst_nb
import numpy as np
import pandas as pd
from IPython import get_ipython
from IPython.display import display
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib_inline.backend_inline import set_matplotlib_formats
from matplotlib_inline.config import InlineBackend

KNOWLEDGE, ATTENTION = "#0072B2", "#D55E00"  # what goes with what; where to look
RELATION = {"same word": "#AA4499", "same topic": "#009E73", "other topic": "#7F7F7F"}
THEORY = {"color": "#222222", "linestyle": (0, (5, 2)), "linewidth": 1.3}  # always dashed
CHANCE = {"color": "#7F7F7F", "linestyle": ":", "linewidth": 1.3}  # always dotted
BLUES = LinearSegmentedColormap.from_list("knowledge", ["#ffffff", KNOWLEDGE, "#001f3f"])
REDS = LinearSegmentedColormap.from_list("attention", ["#ffffff", ATTENTION, "#4a1500"])
VERDICTS = ("holds", "open", "fails")


def use() -> None:
    """Apply the book's style to all figures from here on, whatever this machine is set to.

    In a notebook figures become PNG outputs: no MPLBACKEND and no settings of a person's own
    (matplotlibrc, IPython's profile) have a say in what a chapter stores.
    """
    shell = get_ipython()
    if hasattr(shell, "kernel"):
        shell.run_line_magic("matplotlib", "inline")
        inline = InlineBackend.instance()
        inline.close_figures, inline.print_figure_kwargs = True, {"bbox_inches": "tight"}
        set_matplotlib_formats("png")
    matplotlib.rcdefaults()
    plt.style.use(str(files("twostage") / "book.mplstyle"))


def show_table(table: pd.DataFrame, metadata: dict | None = None) -> None:
    """Show a table without its index, numbers to four significant digits."""
    text = table.map(lambda x: f"{x:.4g}" if isinstance(x, float) else str(x))
    html = text.to_html(index=False, border=0)
    for verdict in VERDICTS:
        html = html.replace(f"<td>{verdict}</td>", f'<td><b class="{verdict}">{verdict}</b></td>')
    plain = text.to_string(index=False)
    display({"text/plain": plain, "text/html": html}, raw=True, metadata=metadata)


def glue(name: str, value: float | int | str, label: str = "") -> None:
    """Keep a number of this chapter under `name` for its prose; with a label, print it here too.

    Give a label unless the number stands in an output above: prose refers to nothing unseen.
    """
    value = value.item() if isinstance(value, np.generic) else value
    myst_nb.glue(name, value, display=False)
    if label:
        print(f"{label}: {value:.4g}" if isinstance(value, float) else f"{label}: {value}")


def plot_runs(
    ax: Axes,
    steps: Int[np.ndarray, " record"],
    values: Float[np.ndarray, "run record"],
    color: str,
    label: str,
) -> Axes:
    """Draw the median over runs, with the band from the lowest to the highest run."""
    ax.fill_between(steps, values.min(0), values.max(0), color=color, alpha=0.18, linewidth=0)
    ax.plot(steps, np.median(values, axis=0), color=color, label=label)
    return ax


def plot_intervals(
    ax: Axes,
    rows: list[str],
    values: Float[np.ndarray, " row"],
    bounds: tuple[Float[np.ndarray, " row"], Float[np.ndarray, " row"]],
    color: str | list[str],
    label: str | None = None,
    shift: float = 0.0,
) -> Axes:
    """Draw a dot and its interval for each row, first row on top; `shift` sets series apart."""
    y = np.arange(len(rows))[::-1] + shift
    ax.hlines(y, *bounds, color=color, linewidth=2)
    ax.scatter(values, y, color=color, s=28, zorder=3, label=label)
    ax.set_yticks(np.arange(len(rows))[::-1], rows)
    ax.grid(axis="x")
    ax.grid(visible=False, axis="y")
    return ax


def mark_chance(ax: Axes, value: float, text: str = "chance", vertical: bool = False) -> Axes:
    """Draw the level that a model without the knowledge in question would reach."""
    (ax.axvline if vertical else ax.axhline)(value, zorder=1, label=text, **CHANCE)
    return ax
