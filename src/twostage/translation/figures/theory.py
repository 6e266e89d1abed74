"""Figures that lay the theory of translation (dashed) over what training found."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from twostage.style import ATTENTION, KNOWLEDGE, THEORY

FAILED = "#7F7F7F"
Curves = Float[np.ndarray, "run record"]


def plot_toy(
    ax: Axes,
    times: Float[np.ndarray, " record"],
    trained: dict[str, Float[np.ndarray, " record"]],
    predicted: tuple[Float[np.ndarray, " record"], Float[np.ndarray, " record"]],
    arrival: float,
) -> Axes:
    """Draw trained knowledge and attention against time, the closed forms (p, delta) over them."""
    for name, color in (("knowledge", KNOWLEDGE), ("attention", ATTENTION)):
        ax.plot(times, trained[name], color=color, linewidth=4, alpha=0.45, label=name)
    for curve in predicted:
        ax.plot(times, curve, **THEORY)
    ax.plot([], [], label="predicted", **THEORY)
    ax.axvline(arrival, **THEORY)
    ax.annotate("$p = 1$", (arrival, 0), (-6, 8), textcoords="offset points", ha="right")
    ax.set(xlabel="time (learning rate $\\times$ steps)", xlim=(0, 1.02 * arrival))
    ax.legend(loc="upper left")
    return ax


def plot_portrait(
    ax: Axes, trained: tuple[Curves, Curves], predicted: tuple[Curves, Curves]
) -> Axes:
    """Draw runs (knowledge, attention) as curves from a dot; orange if attention ends above 1/2.

    Curves end where attention reaches 0 or 1.
    """
    for knowledge, attention in zip(*trained, strict=True):
        color = ATTENTION if attention[-1] > 0.5 else FAILED
        inside = (attention > 0) & (attention < 1)
        ax.plot(knowledge[inside], attention[inside], color=color, alpha=0.45, linewidth=3.5)
        ax.plot(knowledge[0], attention[0], "o", color=color, zorder=3)
    for knowledge, attention in zip(*predicted, strict=True):
        inside = (attention > 0) & (attention < 1)
        ax.plot(knowledge[inside], attention[inside], **(THEORY | {"linewidth": 0.9}))
    ax.set(xlabel=r"knowledge $\delta$", ylim=(0, 1.03))
    return ax


def plot_separatrix(ax: Axes) -> Axes:
    """Draw delta = -sqrt(2) p of the toy: starts to the left of it lose attention."""
    ax.plot([-np.sqrt(2), 0], [1, 0], **(THEORY | {"linewidth": 2.5}))
    ax.annotate(
        r"$\delta = -\sqrt{2}\,p$", (-1.42, 0.93), (-6, 0), textcoords="offset points", ha="right"
    )
    return ax


def plot_losses(
    ax: Axes,
    times: Float[np.ndarray, " record"],
    trained: dict[str, Float[np.ndarray, " record"]],
    predicted: dict[str, Float[np.ndarray, " record"]],
    colors: dict[str, str],
) -> Axes:
    """Draw losses against time on logarithmic axes, with predictions where there are any."""
    for name, loss in trained.items():
        ax.plot(times, loss, color=colors[name], linewidth=4, alpha=0.45, label=name)
    for loss in predicted.values():
        ax.plot(times, loss, **THEORY)
    ax.plot([], [], label="predicted", **THEORY)
    ax.set(xscale="log", yscale="log", xlabel="time (learning rate $\\times$ steps)")
    ax.set_ylabel("cross-entropy (nats)")
    ax.legend(loc="lower left")
    return ax
