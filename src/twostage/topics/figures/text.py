"""Figures of real text: topics in the embeddings and in the attention of a pretrained model."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from twostage import style
from twostage.style import ATTENTION, KNOWLEDGE, RELATION

SHUFFLED = "#c8c8c8"  # the range that shuffled topics reach


def plot_cosines(axes: np.ndarray, cosines: pd.DataFrame) -> np.ndarray:
    """Draw cosines by relation, and their difference over its chance, against the topic share.

    Rows as `text.measure_embedding` returns them, of one measure.
    """
    levels = cosines["threshold"]
    for column, name in (("same", "same topic"), ("other", "other topic")):
        axes[0].plot(levels, cosines[column], "o-", color=RELATION[name], label=name)
    axes[0].legend()
    axes[1].vlines(levels, cosines["low"], cosines["high"], color=KNOWLEDGE)
    axes[1].plot(levels, cosines["difference"], "o", color=KNOWLEDGE)
    band = cosines["shuffled_low"], cosines["shuffled_high"]
    axes[1].fill_between(levels, *band, color=SHUFFLED, linewidth=0)
    style.mark_chance(axes[1], 0.0, "shuffled topics")
    for ax, label in zip(axes, ("mean cosine", "same minus other topic"), strict=True):
        ax.set(xlabel="topic share of at least", ylabel=label)
    return axes


def plot_distances(axes: np.ndarray, by_distance: pd.DataFrame) -> np.ndarray:
    """Draw how often pairs share a topic, and attention by relation, against distance.

    The table is that of `text.measure_attention_by_distance`.
    """
    distance, same = by_distance["distance"], by_distance["same_topic_share"]
    axes[0].plot(distance, same, "o-", color=RELATION["same topic"])
    axes[0].set(ylabel="same-topic pairs", ylim=(0, 1))
    for name, color in RELATION.items():
        axes[1].plot(distance, by_distance[name], "o-", color=color, label=name)
    axes[1].set(yscale="log", ylabel="attention")
    axes[1].legend()
    for ax in axes:
        ax.set(xscale="log", xlabel="distance (tokens)")
    return axes


def plot_layers(ax: Axes, layers: pd.DataFrame) -> Axes:
    """Draw same-topic over other-topic attention by layer, over what shuffled topics reach.

    The table is `layers` of `text.measure_attention`.
    """
    names = [f"layer {layer:.0f}" for layer in layers["layer"]]
    y = np.arange(len(layers))[::-1]
    chance = layers["shuffled_low"], layers["shuffled_high"]
    ax.hlines(y, *chance, color=SHUFFLED, linewidth=10, label="shuffled topics")
    ratio, *bounds = (layers[name].to_numpy() for name in ("ratio", "low", "high"))
    style.plot_intervals(ax, names, ratio, tuple(bounds), ATTENTION, "at equal distance")
    uncontrolled = layers["uncontrolled"]
    ax.plot(uncontrolled, y, "o", color=ATTENTION, mfc="none", label="uncontrolled")
    style.mark_chance(ax, 1.0, "no preference", vertical=True)
    ax.set(xlabel="attention, same over other topic")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return ax
