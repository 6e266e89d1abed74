"""Figures of the topics half: each draws arrays on a given axis and returns the axis."""

import numpy as np
import pandas as pd
import seaborn as sns
from jaxtyping import Float, Int, Shaped
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.patches import FancyBboxPatch, Rectangle

from twostage import style
from twostage.stages import Criterion, StageTimes
from twostage.style import ATTENTION, KNOWLEDGE
from twostage.topics.probes.record import CRITERIA
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
    cmap: str | Colormap = "RdBu_r",
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


def plot_model(ax: Axes) -> Axes:
    """Draw the one-layer transformer on the document *1 2 1 [MASK]*, from words to scores."""
    for x, y, width, text, color in MODEL_BOXES:
        corner = (x - width / 2, y - 0.3)
        ax.add_patch(
            FancyBboxPatch(
                corner, width, 0.6, boxstyle="round,pad=0.04", facecolor="white", edgecolor=color
            )
        )
        ax.text(x, y, text, ha="center", va="center", color=color, fontsize=9)
    for start, end, color in MODEL_ARROWS:
        arrow = {"arrowstyle": "->", "color": color, "shrinkA": 1, "shrinkB": 1}
        ax.annotate("", end, start, arrowprops=arrow)
    ax.set(xlim=(0, 9), ylim=(0, 6.5))
    ax.axis("off")
    return ax


INK, LOSS, CONTROL = "#444444", "#222222", "#999999"
MODEL_BOXES = (  # place, width, text, colour
    *((x, 0.4, 0.8, word, INK) for x, word in ((1.2, "1"), (2.6, "2"), (4.0, "1"))),
    (7.6, 0.4, 1.2, "[MASK]", INK),
    (4.5, 1.5, 8.2, "$W_E$: a column for each token", INK),
    (1.5, 2.7, 2.2, "$W_V$: votes", KNOWLEDGE),
    (4.5, 2.7, 2.2, "$W_K$: keys", ATTENTION),
    (7.6, 2.7, 2.2, "$W_Q$: query", ATTENTION),
    (6.05, 3.9, 5.3, r"softmax of $q\cdot k/\sqrt{d}$: where to look", ATTENTION),
    (3.8, 5.0, 5.2, "votes, weighted by attention", KNOWLEDGE),
    (3.8, 6.1, 5.2, "a score for every word", INK),
)
MODEL_ARROWS = (
    *(((x, 0.75), (x, 1.15), INK) for x in (1.2, 2.6, 4.0, 7.6)),
    ((1.5, 1.85), (1.5, 2.35), KNOWLEDGE),
    *(((x, 1.85), (x, 2.35), ATTENTION) for x in (4.5, 7.6)),
    *(((x, 3.05), (x, 3.55), ATTENTION) for x in (4.5, 7.6)),
    ((1.5, 3.05), (1.9, 4.65), KNOWLEDGE),
    ((5.2, 4.25), (5.2, 4.65), ATTENTION),
    ((3.8, 5.35), (3.8, 5.75), INK),
)


def plot_film(
    axes: Shaped[np.ndarray, "3 moment"],
    film: History,
    moments: Int[np.ndarray, " moment"],
    words_per_topic: int,
) -> Shaped[np.ndarray, "3 moment"]:
    """Draw the first run at some records, a column each: W_V, scores of attention, attention.

    W_V and scores (less row and column means) are scaled to their own largest entry.
    """
    rows = {"value": KNOWLEDGE, "score": ATTENTION, "attention": ATTENTION}
    for row, (name, color) in zip(axes, rows.items(), strict=True):
        tables = film.values[f"{name} table"][0]
        row[0].set_ylabel(FILM_LABELS[name], color=color)
        for ax, i in zip(row, moments, strict=True):
            cmap, limit = "RdBu_r", np.abs(tables[..., i]).max()
            if name == "attention":
                cmap, limit = style.REDS, 3.0
            plot_word_table(ax, tables[..., i], words_per_topic, limit, cmap, colorbar=False)
    for ax, i in zip(axes[0], moments, strict=True):
        ax.set_title(f"step {film.steps[i]}")
    return axes


FILM_LABELS = {"value": "value matrix", "score": "scores,\ncentred", "attention": "attention"}


def plot_losses(ax: Axes, trained: History, uniform: History) -> Axes:
    """Draw the loss on fresh documents, and that of the control whose attention is uniform."""
    style.plot_runs(ax, uniform.steps, uniform.values["loss"], CONTROL, "attention uniform")
    style.plot_runs(ax, trained.steps, trained.values["loss"], LOSS, "attention trained")
    ax.set(xlim=(0, trained.steps[-1]), ylabel="loss (nats)")
    return ax


def plot_stages(
    axes: tuple[Axes, Axes, Axes], trained: History, uniform: History, times: StageTimes
) -> tuple[Axes, Axes, Axes]:
    """Draw the loss beside its control, knowledge and attention, with criteria and median starts.

    The insets enlarge the end of the loss and the first steps of knowledge.
    """
    plot_losses(axes[0], trained, uniform)
    for ax, stage, color in zip(axes[1:], CRITERIA, (KNOWLEDGE, ATTENTION), strict=True):
        _plot_stage(ax, trained, stage, color)
        start = np.median(getattr(times, stage.measure))
        if np.isfinite(start):
            ax.plot(start, stage.passed, "o", color=color)
    n_steps = trained.steps[-1]
    end = plot_losses(axes[0].inset_axes((0.42, 0.42, 0.56, 0.54)), trained, uniform)
    ends = [each.values["loss"][:, -1] for each in (trained, uniform)]
    end.set(xlim=(n_steps / 3, n_steps), ylim=(np.min(ends) - 0.02, np.max(ends) + 0.1), ylabel="")
    first = axes[1].inset_axes((0.42, 0.14, 0.56, 0.54))
    _plot_stage(first, trained, CRITERIA[0], KNOWLEDGE)
    first.set(xlim=(0, n_steps / 40), ylabel="")
    axes[2].set_xlabel("step")
    for inset in (end, first):
        inset.tick_params(labelsize=7)
    return axes


def _plot_stage(ax: Axes, history: History, stage: Criterion, color: str) -> None:
    style.plot_runs(ax, history.steps, history.values[stage.measure], color, stage.measure)
    ax.axhline(stage.passed, color=color, linewidth=0.8)
    ax.set(xlim=(0, history.steps[-1]), ylabel=stage.measure)


def plot_order_map(
    ax: Axes, shares: Float[np.ndarray, "knowledge attention"], thresholds: Float[np.ndarray, " q"]
) -> Axes:
    """Draw the share of runs in which knowledge came first, for pairs of thresholds."""
    image = ax.imshow(shares, origin="lower", cmap="RdBu", vmin=0, vmax=1)
    marks = [f"{q:g}" for q in thresholds]
    ax.set_xticks(range(len(marks)), marks, rotation=90)
    ax.set_yticks(range(len(marks)), marks)
    ax.set(xlabel="threshold of attention", ylabel="threshold of knowledge")
    ax.grid(visible=False)
    ax.figure.colorbar(image, ax=ax, shrink=0.8, label="share with knowledge first")
    return ax


def plot_conditions(ax: Axes, runs: dict[str, History], measure: str, change: bool = False) -> Axes:
    """Draw one measure of several conditions, or its change since the start: medians, ranges."""
    colors = sns.color_palette("colorblind", len(runs)).as_hex()
    for (name, history), color in zip(runs.items(), colors, strict=True):
        values = history.values[measure]
        values = values - values[:, :1] if change else values
        style.plot_runs(ax, history.steps, values, color, name)
    ax.set(xlim=(0, max(history.steps[-1] for history in runs.values())), xlabel="step")
    return ax


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
