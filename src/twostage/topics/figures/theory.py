"""Figures that lay predictions (dashed) over what training found."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.axes import Axes

from twostage.estimates import Estimate, mean_interval
from twostage.style import (
    ATTENTION,
    KNOWLEDGE,
    RELATION,
    THEORY,
    mark_chance,
    plot_intervals,
    plot_runs,
)


def mark_predictions(ax: Axes, predicted: Float[np.ndarray, " row"]) -> Axes:
    """Mark the predicted value in each row of `style.plot_intervals`, first row on top."""
    y = np.arange(len(predicted))[::-1]
    ax.vlines(predicted, y - 0.36, y + 0.36, zorder=2, **THEORY)
    return ax


def plot_relations(
    ax: Axes,
    measured: dict[str, Float[np.ndarray, "run relation"]],
    predicted: dict[str, float],
) -> Axes:
    """Draw means over runs with 95 % intervals, a row for each relation predicted and each model.

    Chance is 0: relations do not matter.
    """
    rows, values, colors = [], [], []
    for relation in predicted:
        for model, runs in measured.items():
            rows.append(f"{relation}, {model}")
            values.append(runs[:, list(RELATION).index(relation)])
            colors.append(RELATION[relation])
    bounds = mean_interval(np.stack(values, axis=1))
    plot_intervals(ax, rows, np.mean(values, axis=1), bounds, colors)
    mark_predictions(ax, np.repeat(list(predicted.values()), len(measured)))
    return mark_chance(ax, 0.0, vertical=True)


def plot_errors(ax: Axes, errors: dict[str, Float[np.ndarray, " run"]], asked: float) -> Axes:
    """Draw medians of relative errors with 95 % intervals, a row each, and the error asked for."""
    found = [Estimate.of_median(runs) for runs in errors.values()]
    bounds = tuple(np.array([[each.low, each.high] for each in found]).T)
    plot_intervals(ax, list(errors), np.array([each.value for each in found]), bounds, KNOWLEDGE)
    mark_chance(ax, asked, f"{100 * asked:.3g} %", vertical=True)
    ax.set(xlabel="relative error", xlim=(0, None))
    return ax


def plot_ratios(ax: Axes, ratios: pd.DataFrame) -> Axes:
    """Draw attention times document length by relation, a row for each model, predictions dashed.

    `ratios` has a row for each model (its first column) and `relation`, with `mean`, `low`, `high`
    and what is `predicted`; that is not drawn for the same word, of which theory is silent.
    """
    for relation, color in RELATION.items():
        part = ratios[ratios["relation"] == relation]
        bounds = part["low"].to_numpy(), part["high"].to_numpy()
        plot_intervals(ax, list(part.iloc[:, 0]), part["mean"].to_numpy(), bounds, color, relation)
        if relation != "same word":
            mark_predictions(ax, part["predicted"].to_numpy())
    return mark_chance(ax, 1.0, "uniform", vertical=True)


def plot_contrasts(ax: Axes, contrast: Float[np.ndarray, "run head"], yardstick: float) -> Axes:
    """Draw same-topic over other-topic attention of each head: runs as dots, means as bars."""
    heads = np.arange(1, contrast.shape[1] + 1)
    ax.plot(np.tile(heads, len(contrast)), contrast.ravel(), "o", color=ATTENTION, alpha=0.4)
    ax.plot(heads, contrast.mean(axis=0), "_", color=ATTENTION, markersize=22)
    ax.axhline(yardstick, **THEORY)
    mark_chance(ax, 1.0)
    ax.set(xlabel="head", xticks=heads, yscale="log")
    ax.set_yticks([1, 2, 5], ["1", "2", "5"])
    ax.minorticks_off()
    return ax


def plot_excess(
    ax: Axes,
    widths: Int[np.ndarray, " width"],
    predicted: Float[np.ndarray, " width"],
    measured: Float[np.ndarray, "width run"],
) -> Axes:
    """Draw the loss above the best possible against the width of the embedding."""
    ax.plot(widths, predicted, label="predicted", **THEORY)
    for width, losses in zip(widths, measured, strict=True):
        ax.plot(np.full(len(losses), width), losses, "o", color=KNOWLEDGE, alpha=0.4)
    ax.plot([], [], "o", color=KNOWLEDGE, label="trained, one dot a run")
    ax.set(xticks=widths, xlabel="embedding width $d$", ylabel="excess squared error")
    ax.legend()
    return ax


def plot_limits(
    ax: Axes,
    ridges: Float[np.ndarray, " ridge"],
    own_words: dict[int, Float[np.ndarray, " ridge"]],
    limits: tuple[float, float],
) -> Axes:
    """Draw the own-word weight of W_V against ridge VN, a line for each document length."""
    shades = np.linspace(0.35, 1, len(own_words))
    for shade, (doc_len, own) in zip(shades, own_words.items(), strict=True):
        ax.plot(ridges, own, color=KNOWLEDGE, alpha=shade, label=f"$N$ = {doc_len:,}")
    for limit in limits:
        ax.axhline(limit, **THEORY)
    ax.set(xscale="log", xlabel="ridge $\\times\\ VN$", ylabel="own word $-$ same topic")
    ax.legend()
    return ax


def plot_odds_loss(
    ax: Axes,
    odds: Float[np.ndarray, " odds"],
    predicted: Float[np.ndarray, " odds"],
    given: tuple[Float[np.ndarray, " odds"], Float[np.ndarray, "odds sample"]],
    trained: tuple[Float[np.ndarray, " run"], Float[np.ndarray, " run"]],
    optimum: float,
) -> Axes:
    """Draw the stage-2 loss against rho: theory, given odds (median, range), trained runs."""
    ax.plot(odds, predicted, label="predicted", **THEORY)
    ax.axvline(optimum, **THEORY)
    ax.annotate(r"$\rho^*$", (optimum, 0), (6, 0), textcoords="offset points")
    x, losses = given
    ax.vlines(x, losses.min(1), losses.max(1), color="#7F7F7F")
    ax.plot(x, np.median(losses, axis=1), "s", color="#7F7F7F", label="odds put in by hand")
    ax.plot(*trained, "o", color=ATTENTION, alpha=0.5, label="trained, one dot a run")
    ax.set(xscale="log", xlabel=r"odds $\rho$", ylabel=r"$L(\rho) - L(1)$")
    ax.legend()
    return ax


def plot_agreement(
    ax: Axes,
    predicted: Float[np.ndarray, " setting"],
    measured: Float[np.ndarray, "setting run"],
    color: str = ATTENTION,
    label: str | None = None,
) -> Axes:
    """Draw trained against predicted odds, every run a dot, with the line of equality."""
    x = np.repeat(predicted, measured.shape[1])
    ax.plot(x, measured.ravel(), "o", color=color, alpha=0.35, markersize=4, label=label)
    ends = [0.8, 1.3 * max(predicted.max(), measured.max())]
    ax.plot(ends, ends, **THEORY)
    ax.set(xscale="log", yscale="log", xlabel=r"predicted $\rho^*$")
    return ax


def plot_splitting(
    axes: tuple[Axes, Axes],
    steps: Int[np.ndarray, " record"],
    odds: Float[np.ndarray, "run record"],
    spread: Float[np.ndarray, "run record"],
    optimum: float,
) -> tuple[Axes, Axes]:
    """Draw topic odds with their predicted optimum, above how far words are told apart."""
    plot_runs(axes[0], steps, odds, ATTENTION, r"odds $\rho$")
    axes[0].axhline(optimum, label=r"predicted $\rho^*$", **THEORY)
    axes[0].set(ylabel=r"odds $\rho$", yscale="log")
    axes[0].legend()
    plot_runs(axes[1], steps, spread, RELATION["same word"], "spread")
    axes[1].set(xlabel="step", ylabel="spread of $\\ln c$")
    return axes


def plot_orders(
    ax: Axes,
    scales: Float[np.ndarray, " scale"],
    norms: dict[str, Float[np.ndarray, "scale run"]],
    orders: dict[str, int],
) -> Axes:
    """Draw gradient norms against the size of the first weights, with the predicted powers."""
    colors = {"W_V": KNOWLEDGE, "W_K": ATTENTION, "W_Q": "#8a4b12"}
    for name, norm in norms.items():
        ax.plot(scales, norm, "o", color=colors[name], alpha=0.35, markersize=4)
        ax.plot([], [], "o", color=colors[name], label=f"${name}$: power {orders[name]}")
        power = np.median(norm[-1]) * (scales / scales[-1]) ** orders[name]
        ax.plot(scales, power, **THEORY)
    ax.set(xscale="log", yscale="log", xlabel=r"first weights $\varepsilon$")
    ax.legend()
    return ax


def plot_delay(
    ax: Axes,
    scales: Float[np.ndarray, " scale"],
    starts: Float[np.ndarray, "scale run"],
    per_decade: float,
    color: str = ATTENTION,
    label: str | None = None,
) -> Axes:
    """Draw the start of stage 2 against the first weights, with the predicted slope."""
    x = np.repeat(scales, starts.shape[1])
    ax.plot(x, starts.ravel(), "o", color=color, alpha=0.4, label=label)
    line = np.median(starts[0]) + per_decade * np.log10(scales[0] / scales)
    ax.plot(scales, line, **THEORY)
    ax.set(xscale="log", xlabel=r"first weights $\varepsilon$", ylabel="start of stage 2 (time)")
    return ax
