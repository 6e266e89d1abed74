"""Figures of the topics half: each draws arrays on a given axis and returns the axis."""

import numpy as np
import pandas as pd
import seaborn as sns
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle

from twostage import style
from twostage.stages import Criteria, StageTimes
from twostage.style import ATTENTION, KNOWLEDGE
from twostage.training import History


def plot_documents(ax: Axes, token_topics: Int[np.ndarray, "doc position"], n_topics: int) -> Axes:
    """Draw documents as strips, one cell per token, coloured by the topic that drew it."""
    colors = ListedColormap(["#ffffff", *sns.color_palette("husl", n_topics)])
    ax.imshow(token_topics, cmap=colors, vmin=-1.5, vmax=n_topics - 0.5, aspect="auto")
    ax.hlines(np.arange(len(token_topics) - 1) + 0.5, *ax.get_xlim(), color="white", linewidth=3)
    ax.set(xlabel="position in the document (words)", ylabel="document", yticks=[])
    ax.grid(visible=False)
    return ax


def plot_word_table(
    ax: Axes,
    table: Float[np.ndarray, "word word"],
    words_per_topic: int,
    limit: float,
    cmap: str = "RdBu_r",
    colorbar: bool = True,
) -> Axes:
    """Draw a word-by-word table with lines between topics; colours span 0 or -limit to limit."""
    low = -limit if cmap == "RdBu_r" else 0.0
    image = ax.imshow(table, cmap=cmap, vmin=low, vmax=limit)
    borders = np.arange(words_per_topic, len(table), words_per_topic) - 0.5
    for draw in (ax.axhline, ax.axvline):
        for border in borders:
            draw(border, color="#bbbbbb", linewidth=0.5)
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    if colorbar:
        ax.figure.colorbar(image, ax=ax, shrink=0.8)
    return ax


def plot_stages(
    axes: tuple[Axes, Axes],
    history: History,
    runs: slice,
    criteria: Criteria,
    times: StageTimes,
) -> tuple[Axes, Axes]:
    """Draw what is known above where the model looks, with criteria and median start times."""
    parts = ((KNOWLEDGE, times.knowledge), (ATTENTION, times.attention))
    for ax, criterion, (color, start) in zip(axes, criteria, parts, strict=True):
        name = criterion.measure
        style.plot_runs(ax, history.steps, history.values[name][runs], color, name)
        ax.axhline(criterion.passed, color=color, linewidth=0.8)
        if np.isfinite(np.median(start)):
            ax.axvline(np.median(start), color=color, linewidth=0.8)
            ax.plot(np.median(start), criterion.passed, "o", color=color)
        ax.set_xscale("symlog", linthresh=1)
        ax.set_xlim(0, history.steps[-1])
    return axes


def plot_start_times(ax: Axes, times: dict[str, StageTimes], n_steps: int) -> Axes:
    """Draw each run's two start times (dots) and their medians (bars), a row per setting."""
    for row, runs in enumerate(reversed(times.values())):
        for start, color in ((runs.knowledge, KNOWLEDGE), (runs.attention, ATTENTION)):
            shown = np.append(start[np.isfinite(start)], np.median(start))  # inf is not drawn
            ax.plot(shown[:-1], np.full(len(shown) - 1, row), "o", color=color, alpha=0.35, ms=4)
            if np.isfinite(shown[-1]):
                ax.plot(shown[-1], row, "|", color=color, markersize=18, markeredgewidth=2.5)
    ax.set_yticks(range(len(times)), reversed(times))
    ax.set(xscale="log", xlabel="step", ylim=(-0.6, len(times) - 0.4), xlim=(1, n_steps))
    ax.grid(axis="x")
    ax.grid(visible=False, axis="y")
    return ax


def plot_heads(
    ax: Axes, ratio: pd.DataFrame, undecided: Int[np.ndarray, "cell layer_and_head"]
) -> Axes:
    """Draw a table of layers by heads around 1 on a logarithmic scale; hatch the undecided."""
    limit = np.abs(np.log(ratio.to_numpy())).max()
    image = ax.imshow(np.log(ratio), cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    for layer, head in undecided:
        place = (head - 1.5, layer - 1.5)
        ax.add_patch(Rectangle(place, 1, 1, fill=False, hatch="////", edgecolor="#999999", lw=0))
    ax.set_xticks(range(ratio.shape[1]), [f"{head:.0f}" for head in ratio.columns])
    ax.set_yticks(range(ratio.shape[0]), [f"{layer:.0f}" for layer in ratio.index])
    ax.set(xlabel="head", ylabel="layer")
    ax.grid(visible=False)
    bar = ax.figure.colorbar(image, ax=ax, label="same over other topic")
    marks = np.exp(np.linspace(-limit, limit, 5))
    bar.set_ticks(np.log(marks), labels=[f"{mark:.2g}" for mark in marks])
    return ax
