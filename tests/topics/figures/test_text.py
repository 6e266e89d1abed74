"""Figures of real text: which column of a table is drawn where, and in whose colour."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from drawn import bars, curves, dots, legend, rows

from twostage.style import ATTENTION, CHANCE, KNOWLEDGE, RELATION
from twostage.topics import figures


@pytest.fixture
def axes():
    yield plt.subplots(1, 2)[1]
    plt.close("all")


def table(*columns, n=2):
    """A table in which every cell is another number."""
    numbers = np.arange(n * len(columns), dtype=float).reshape(n, -1)
    return pd.DataFrame(numbers + 1, columns=columns)


def test_cosines_by_relation_and_their_difference_over_shuffled_topics(axes):
    names = "threshold same other difference low high shuffled_low shuffled_high".split()
    cosines = table(*names)
    assert figures.plot_cosines(axes, cosines) is axes
    same, other = curves(axes[0])
    assert same == ("same topic", RELATION["same topic"], "-", [1, 9], [2, 10])
    assert other == ("other topic", RELATION["other topic"], "-", [1, 9], [3, 11])
    assert legend(axes[0]) == ["same topic", "other topic"]
    difference, chance = curves(axes[1])
    assert difference == ("", KNOWLEDGE, "o", [1, 9], [4, 12])
    assert chance == ("shuffled topics", CHANCE["color"], ":", [0, 1], [0, 0])
    assert bars(axes[1]) == ([[(1, 5), (1, 6)], [(9, 13), (9, 14)]], [KNOWLEDGE], False)
    band = axes[1].collections[1].get_paths()[0].vertices
    assert {tuple(point) for point in band} >= {(1, 7), (1, 8), (9, 15), (9, 16)}
    assert [ax.get_ylabel() for ax in axes] == ["mean cosine", "same minus other topic"]


def test_distances_show_how_often_topics_are_shared_and_attention_by_relation(axes):
    by_distance = table("distance", *RELATION, "same_topic_share")
    assert figures.plot_distances(axes, by_distance) is axes
    assert curves(axes[0]) == [("", RELATION["same topic"], "-", [1, 6], [5, 10])]
    expected = [
        (name, color, "-", [1, 6], [2 + i, 7 + i])
        for i, (name, color) in enumerate(RELATION.items())
    ]
    assert curves(axes[1]) == expected and legend(axes[1]) == list(RELATION)
    assert [ax.get_ylabel() for ax in axes] == ["same-topic pairs", "attention"]
    assert [ax.get_xscale() for ax in axes] == ["log", "log"]
    assert [ax.get_yscale() for ax in axes] == ["linear", "log"]


def test_layers_stand_over_shuffled_topics_first_on_top(ax):
    names = "layer ratio low high shuffled_low shuffled_high uncontrolled".split()
    assert figures.plot_layers(ax, table(*names)) is ax
    assert bars(ax)[0] == [[(5, 1), (6, 1)], [(12, 0), (13, 0)]]
    assert bars(ax, 1)[0] == [[(3, 1), (4, 1)], [(10, 0), (11, 0)]]
    assert dots(ax)[0] == [(2, 1), (9, 0)] and rows(ax) == {"layer 1": 1, "layer 8": 0}
    uncontrolled, chance = curves(ax)
    assert uncontrolled == ("uncontrolled", ATTENTION, "o", [7, 14], [1, 0])
    assert (chance.label, chance.x) == ("no preference", [1, 1])
    assert ax.lines[0].get_markerfacecolor() == "none"
