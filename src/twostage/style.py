"""One look for all figures. The same colour means the same thing in both papers."""

from importlib.resources import files

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap

KNOWLEDGE, ATTENTION = "#0072B2", "#D55E00"  # what goes with what; where to look
RELATION = {"same word": "#AA4499", "same topic": "#009E73", "other topic": "#7F7F7F"}
THEORY = {"color": "#222222", "linestyle": (0, (5, 2)), "linewidth": 1.3}  # always dashed
CHANCE = {"color": "#7F7F7F", "linestyle": ":", "linewidth": 1.3}  # always dotted
BLUES = LinearSegmentedColormap.from_list("knowledge", ["#ffffff", KNOWLEDGE, "#001f3f"])
REDS = LinearSegmentedColormap.from_list("attention", ["#ffffff", ATTENTION, "#4a1500"])


def use() -> None:
    """Apply the book's style to all figures from here on, whatever a person's matplotlibrc says."""
    matplotlib.rcdefaults()
    plt.style.use(str(files("twostage") / "book.mplstyle"))


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


def plot_scores(
    ax: Axes,
    scores: Float[np.ndarray, "row column"],
    limit: float,
    cmap: Colormap = BLUES,
) -> Axes:
    """Draw a table of scores from white (0 and below) to dark (`limit` and above)."""
    ax.imshow(scores, cmap=cmap, vmin=0, vmax=limit)
    ax.spines[:].set(visible=True, color="#bbbbbb")
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    return ax
