"""Figures of broken assumptions: what is left of the conclusions, against how far one goes."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from twostage.estimates import median_interval
from twostage.style import ATTENTION, CHANCE, KNOWLEDGE, THEORY, mark_chance, plot_intervals
from twostage.topics.probes.record import CRITERIA, Conclusions

VOTES = "#56B4E9"  # knowledge, asked more gently
SHARES = {
    "key alone": "#BBBBBB",
    "distance": "#BBBBBB",
    "the two words": "#D9D9D9",
    "relation": ATTENTION,
    "pair of topics": "#F0B78C",
    "rest": "#F2F2F2",
}


def plot_medians(
    ax: Axes,
    levels: Sequence[float | int],
    values: Float[np.ndarray, "level run"],
    color: str,
    label: str,
    marker: str = "o-",
) -> Axes:
    """Draw medians over runs against the level of a break, with 95 % intervals."""
    bounds = np.array([median_interval(each) for each in values])
    ax.vlines(levels, *bounds.T, color=color, linewidth=2)
    hollow = {"mfc": "white"} if marker == "s--" else {}
    ax.plot(levels, np.median(values, axis=1), marker, color=color, label=label, **hollow)
    return ax


def plot_survival(
    axes: np.ndarray,
    levels: Sequence[float | int],
    found: Sequence[Conclusions],
    marker: str = "o-",
    suffix: str = "",
) -> np.ndarray:
    """Draw knowledge (and the order of votes) above attention, with criteria (thin lines)."""
    top, bottom = axes
    votes, knowledge, attention = (
        np.array([getattr(c, name) for c in found]) for name in ("votes", "knowledge", "attention")
    )
    plot_medians(top, levels, votes, VOTES, f"order of votes{suffix}", marker)
    plot_medians(top, levels, knowledge, KNOWLEDGE, f"block correlation{suffix}", marker)
    plot_medians(bottom, levels, attention, ATTENTION, f"same / other topic{suffix}", marker)
    for ax, color, criterion in zip(axes, (KNOWLEDGE, ATTENTION), CRITERIA, strict=True):
        ax.axhline(criterion.passed, color=color, linewidth=0.6)
    top.set(ylim=(-0.15, 1.05))
    bottom.set_yscale("log")
    return axes


def mark_chances(axes: np.ndarray) -> None:
    """Draw the chance levels of knowledge (0), votes (1/2) and attention (1)."""
    axes[0].axhline(0.5, zorder=1, **{**CHANCE, "color": VOTES})
    mark_chance(axes[0], 0.0)
    mark_chance(axes[1], 1.0)


def mark_real(axes: np.ndarray, values: Float[np.ndarray, " item"]) -> None:
    """Mark where real text lies: median (line) and the middle half of the items (band)."""
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    for ax in axes:
        ax.axvspan(low, high, color="#F0E442", alpha=0.35, linewidth=0, zorder=0)
        ax.axvline(middle, color="#B8A800", linewidth=1.2, zorder=0, label="real text")


def plot_broken(
    axes: np.ndarray,
    breaks: Mapping[str, Sequence[tuple[Sequence[float | int], Sequence[Conclusions]]]],
    real: Sequence[Float[np.ndarray, " item"]],
) -> np.ndarray:
    """Draw what is left of the conclusions, a column per break, over the place of real text.

    A break is given by its axis label; its first levels are solid, the second, drawn from
    Dirichlet mixtures, hollow.
    """
    looks = ("o-", ""), ("s--", ", Dirichlet")
    for column, series, items in zip(axes.T, breaks.values(), real, strict=True):
        for (levels, found), look in zip(series, looks, strict=False):
            plot_survival(column, levels, found, *look)
        mark_chances(column)
        mark_real(column, items)
    label_survival(axes, list(breaks))
    return axes


def plot_lengths(
    axes: np.ndarray,
    lengths: Sequence[int],
    found: Sequence[Conclusions],
    predicted: dict[str, Float[np.ndarray, " length"]],
    measured: Float[np.ndarray, "length run"],
) -> np.ndarray:
    """Draw knowledge, attention and the own word's extra weight against document length."""
    plot_survival(axes[:2], lengths, found)
    mark_chances(axes[:2])
    for ax, label in zip(axes, ("knowledge", "same / other topic"), strict=False):
        ax.set(xscale="log", xlabel="document length $N$", ylabel=label)
    axes[0].legend(fontsize=8, loc="center", bbox_to_anchor=(0.6, 0.33))
    plot_bump(axes[2], lengths, predicted, measured)
    return axes


def plot_bump(
    ax: Axes,
    lengths: Sequence[int],
    predicted: dict[str, Float[np.ndarray, " length"]],
    measured: Float[np.ndarray, "length run"],
) -> Axes:
    """Draw the own word's extra weight in W_V against document length, theory dashed."""
    for (label, line), shade in zip(predicted.items(), (1, 0.65, 0.4), strict=False):
        ax.plot(lengths, line, **{**THEORY, "alpha": shade})
        end = (lengths[-1], line[-1])
        ax.annotate(label, end, (0, 5), textcoords="offset points", ha="right", fontsize=8)
    plot_medians(ax, lengths, measured, KNOWLEDGE, "trained", "o")
    ax.set(xscale="log", xlabel="document length $N$", ylabel="own word $-$ same topic")
    return ax


def plot_shares(
    ax: Axes, rows: dict[str, Float[np.ndarray, " part"]], parts: Sequence[str]
) -> Axes:
    """Draw shares of variance as stacked bars, first row on top."""
    names, shares = list(rows), np.array(list(rows.values()))
    left = np.zeros(len(names))
    for part, share in zip(parts, shares.T, strict=True):
        ax.barh(names, share, left=left, color=SHARES[part], label=part, edgecolor="white")
        left = left + share
    ax.invert_yaxis()
    ax.set(xlim=(0, 1), xlabel="share of the variance of scores")
    ax.grid(visible=False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, fontsize=8)
    return ax


def label_survival(axes: np.ndarray, names: Sequence[str]) -> None:
    """Name the axes of a grid of `plot_survival` columns, and put the legend below."""
    for column, name in zip(axes.T, names, strict=True):
        column[1].set_xlabel(name)
    axes[0, 0].set_ylabel("knowledge", color=KNOWLEDGE)
    axes[1, 0].set_ylabel("attention\n(same / other topic)", color=ATTENTION)
    handles = {}
    for ax in axes[:, -1]:
        handles |= dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
    axes[0, 0].figure.legend(
        handles.values(), handles, loc="outside lower center", ncols=4, fontsize=8
    )


def plot_architectures(axes: np.ndarray, found: dict[str, Conclusions]) -> None:
    """Draw knowledge and attention of each setting, first on top, medians with intervals."""
    parts = ((KNOWLEDGE, [c.knowledge for c in found.values()], 0.0, "block correlation"),)
    parts += ((ATTENTION, [c.attention for c in found.values()], 1.0, "same / other topic"),)
    for ax, criterion, part in zip(axes, CRITERIA, parts, strict=True):
        color, values, chance, label = part
        middle = np.median(values, axis=1)
        bounds = tuple(np.array([median_interval(each) for each in values]).T)
        plot_intervals(ax, list(found), middle, bounds, color)
        mark_chance(ax, chance, vertical=True)
        ax.axvline(criterion.passed, color=color, linewidth=0.6)
        ax.set_xlabel(label)
    axes[1].set_xscale("log")
