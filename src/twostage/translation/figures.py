"""Figures of the translation half: what became of every run, and why."""

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes

from twostage import style
from twostage.estimates import rate_interval
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
