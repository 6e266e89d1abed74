"""The pieces that all figures share draw values, intervals and chance levels where they belong."""

import numpy as np
import pytest
from drawn import bars, curves, dots, rows

from twostage import style

SKEWED = np.array([[0.0, 1.0], [1.0, 2.0], [8.0, 9.0]])  # mean and median differ


def test_runs_are_a_median_inside_the_range(ax):
    assert style.plot_runs(ax, np.array([0, 10]), SKEWED, style.ATTENTION, "runs") is ax
    assert curves(ax) == [("runs", style.ATTENTION, "-", [0, 10], [1, 2])]
    corners = {tuple(map(float, corner)) for corner in ax.collections[0].get_paths()[0].vertices}
    assert corners == {(0, 0), (10, 1), (10, 9), (0, 8)}
    assert ax.collections[0].get_facecolor()[0][:3] == pytest.approx(
        np.array([0xD5, 0x5E, 0]) / 255
    )


@pytest.mark.parametrize("shift", [0.0, 0.25])
def test_intervals_stand_in_rows_from_the_top(ax, shift):
    low, high = np.array([0.0, 2.0, 4.0]), np.array([1.5, 3.5, 5.5])
    given = ["a", "b", "c"], np.array([1.0, 3.0, 5.0]), (low, high), style.KNOWLEDGE
    assert style.plot_intervals(ax, *given, label="x", shift=shift) is ax
    assert rows(ax) == {"a": 2, "b": 1, "c": 0}
    places, colors, label = dots(ax)
    assert places == [(1, 2 + shift), (3, 1 + shift), (5, shift)]
    assert set(colors) == {style.KNOWLEDGE} and label == "x"
    segments, colors, dashed = bars(ax)
    assert segments == [[(x, 2 - i + shift), (x + 1.5, 2 - i + shift)] for i, x in enumerate(low)]
    assert set(colors) == {style.KNOWLEDGE} and not dashed


def test_chance_is_a_dotted_level(ax):
    assert style.mark_chance(ax, 0.5) is ax
    style.mark_chance(ax, 2.0, "none", vertical=True)
    level, upright = curves(ax)
    assert level == ("chance", style.CHANCE["color"], ":", [0, 1], [0.5, 0.5])
    assert upright == ("none", style.CHANCE["color"], ":", [2, 2], [0, 1])


def test_the_two_stages_and_the_three_relations_have_colours_of_their_own():
    colors = [style.KNOWLEDGE, style.ATTENTION, *style.RELATION.values(), style.THEORY["color"]]
    assert len(set(colors)) == 6
    assert (style.KNOWLEDGE, style.ATTENTION) == ("#0072B2", "#D55E00")  # blue, orange
