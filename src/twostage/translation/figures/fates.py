"""Figures of the translation half: what became of every run, and why."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from matplotlib.axes import Axes

from twostage import style
from twostage.estimates import Estimate, rate_interval
from twostage.style import ATTENTION, KNOWLEDGE, THEORY
from twostage.training import History
from twostage.translation import theory

FATES = {
    "copy": style.ATTENTION,
    "slow": "#E9A66B",
    "undecided": "#999999",
    "anti-copy": "#332288",
}


def plot_fates(
    ax: Axes,
    steps: Int[np.ndarray, " record"],
    values: Float[np.ndarray, "run record"],
    fates: np.ndarray,
) -> Axes:
    """Draw every run as a line in the colour of what became of it."""
    for fate, color in FATES.items():
        runs = values[fates == fate]
        if len(runs):
            label = f"{fate} ({len(runs)})"
            ax.plot(steps, runs.T, color=color, linewidth=1, alpha=0.75, label=label)
    lines = {line.get_label(): line for line in ax.lines}  # a label per fate, not per run
    ax.legend(lines.values(), lines.keys())
    return ax


def plot_success(
    ax: Axes,
    signal: Float[np.ndarray, " setting"],
    successes: Int[np.ndarray, " setting"],
    n_runs: Int[np.ndarray, " setting"],
) -> Axes:
    """Draw the share of runs that learned against the signal, with Wilson's intervals."""
    low, high = np.transpose(
        [rate_interval(int(k), int(n)) for k, n in zip(successes, n_runs, strict=True)]
    )
    ax.vlines(signal, low, high, color=style.ATTENTION, linewidth=2)
    ax.scatter(signal, successes / n_runs, color=style.ATTENTION, zorder=3)
    ax.set_ylim(-0.03, 1.03)
    return ax


def plot_valleys(ax: Axes, seq_len: int) -> Axes:
    """Draw the loss of copying permutations over logit and table entry, and what parts its valleys.

    Contours of the exact loss at W = w I and logits alpha I, in nats; dashed: the separatrix. The
    anti-copy valley needs a table entry some L times as large: the axis of w is an inverse sinh.
    """
    alpha, w = np.meshgrid(np.linspace(-6, 6, 121), np.sinh(np.linspace(-5, 5, 201)))
    loss = theory.predict_copy_loss(w, alpha, seq_len, seq_len)
    levels = np.linspace(0, np.log(seq_len) * 1.25, 11)
    ax.contourf(alpha, w, loss, levels, cmap="Blues_r", extend="max")
    ax.plot(alpha[0], theory.predict_permutation_separatrix(alpha[0], seq_len), **style.THEORY)
    ax.set(
        xlabel=r"logit of the right position $\alpha$", ylabel="table entry of the right word $w$"
    )
    ax.set_yscale("asinh", linear_width=1)
    ax.set_yticks([-50, -10, -2, 0, 2, 10, 50], ["-50", "-10", "-2", "0", "2", "10", "50"])
    return ax


def plot_gradient(ax: Axes, gradient: Float[np.ndarray, "said seen"], seq_len: int) -> Axes:
    """Draw a first gradient, its mean removed, in units of the signal with repeats."""
    unit = theory.predict_signal(len(gradient), seq_len, repeats=True)
    ax.imshow((gradient - gradient.mean()) / unit, cmap="RdBu_r", vmin=-1, vmax=1)
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    return ax


COLORS = ("#D55E00", "#8a4b12", "#E69F00", "#009E73")  # ways to combine heads


def tabulate_rescues(
    counts: dict[str, tuple[int, int]], predicted: dict[str, float], threshold: float
) -> pd.DataFrame:
    """Lay (successes, runs) of each start beside its predicted rate, in words.

    A start rescues if Wilson's interval lies above `threshold`, and does not if it lies below.
    """
    rows = []
    for name, (successes, n) in counts.items():
        rate = Estimate.of_rate(successes, n)
        found = "yes" if rate.low > threshold else "no" if rate.high < threshold else "open"
        expected = "yes" if predicted[name] > threshold else "no"
        theory = "open" if found == "open" else "agrees" if found == expected else "disagrees"
        rows.append([name, f"{rate:.2f}", found, expected, theory])
    names = ["start", "copy", "rescues", "predicted", "theory"]
    return pd.DataFrame(rows, columns=names)


def plot_each_run(ax: Axes, history: History, chance: float) -> Axes:
    """Draw KTIW (blue) and attention accuracy (orange) of every run against steps."""
    for name, label, color in (
        ("ktiw", "KTIW", KNOWLEDGE),
        ("attn_accuracy", "attention accuracy", ATTENTION),
    ):
        lines = ax.plot(history.steps, history.values[name].T, color=color, linewidth=1, alpha=0.7)
        lines[0].set_label(label)
    ax.axhline(chance, color="#7F7F7F", linestyle=":", linewidth=1.3)
    ax.set(ylim=(-0.03, 1.03), xlabel="step")
    return ax


def plot_successes(
    ax: Axes,
    levels: Sequence[float | int],
    successes: Sequence[int],
    n: int,
    color: str,
    label: str,
    marker: str = "o-",
) -> Axes:
    """Draw success rates of n runs each against a level, with Wilson intervals."""
    bounds = np.array([rate_interval(int(k), n) for k in successes])
    ax.vlines(levels, *bounds.T, color=color, linewidth=2)
    ax.plot(levels, np.asarray(successes) / n, marker, color=color, label=label)
    ax.set(ylim=(-0.03, 1.03), ylabel="share of runs that copy")
    return ax


def plot_predicted_rates(ax: Axes, predicted: Sequence[float], label: str = "predicted") -> Axes:
    """Mark predicted rates in the rows of `style.plot_intervals`, first row on top, dashed."""
    rows = np.arange(len(predicted))[::-1]
    line = ax.vlines(predicted, rows - 0.38, rows + 0.38, label=label, zorder=2)
    line.set(color=THEORY["color"], linestyle=THEORY["linestyle"], linewidth=1.3)
    return ax


def tabulate_counts(counts: pd.DataFrame, n: int) -> pd.DataFrame:
    """Write every count of `n` runs with Wilson's interval of its rate."""
    rates = counts.map(lambda successes: f"{Estimate.of_rate(successes, n):.2f}")
    return rates.rename_axis("model").reset_index()


def plot_heads(
    ax: Axes, counts: pd.Series, n: int, series: dict[str, list[str]], heads: Sequence[int]
) -> Axes:
    """Draw the rate of successes against the number of heads, a series per kind of model.

    `series` names the rows of `counts` for each of `heads`, the first with one head. Dashed: heads
    that succeed independently, each as often as one does alone.
    """
    spots = np.arange(len(heads))
    shifts = np.linspace(-0.12, 0.12, len(series))
    for shift, (label, rows), color in zip(shifts, series.items(), COLORS, strict=False):
        found = [int(k) for k in counts[rows]]
        plot_successes(ax, (spots + shift).tolist(), found, n, color, label, marker="o")
        alone = 1 - found[0] / n
        ax.plot(spots, 1 - alone ** np.asarray(heads), zorder=1, **THEORY)
    ax.set_xlabel("heads $n$")
    ax.set_xticks(spots, heads)
    return ax
