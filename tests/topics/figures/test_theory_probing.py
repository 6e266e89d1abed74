"""What chapters on probing and theory draw: errors, ratios by relation, contrasts of heads."""

import numpy as np
import pandas as pd
import pytest
from drawn import bars, curves, dots, legend, rows

from twostage.estimates import median_interval
from twostage.style import ATTENTION, CHANCE, KNOWLEDGE, RELATION, THEORY
from twostage.topics import figures

GREY, BLACK = CHANCE["color"], THEORY["color"]


def test_errors_are_medians_with_intervals_beside_what_is_asked(ax):
    runs = np.array([0.1, 0.2, 0.4, 0.5, 0.6, 0.9])
    assert figures.plot_errors(ax, {"a": runs, "b": runs / 2}, 0.1) is ax
    places, colors, _ = dots(ax)
    assert places == [(pytest.approx(0.45), 1), (pytest.approx(0.225), 0)]
    assert set(colors) == {KNOWLEDGE} and rows(ax) == {"a": 1, "b": 0}
    segments, _, _ = bars(ax)
    low, high = median_interval(runs)
    assert np.allclose(segments, [[(low, 1), (high, 1)], [(low / 2, 0), (high / 2, 0)]])
    assert curves(ax) == [("10 %", GREY, ":", [0.1, 0.1], [0, 1])]
    assert ax.get_xlabel() == "relative error" and ax.get_xlim()[0] == 0


def test_ratios_are_dots_by_relation_and_predictions_dashed_but_for_the_same_word(ax):
    table = pd.DataFrame(
        [
            ["m", "same word", 3.0, 2.9, 3.1, 9.0],
            ["m", "same topic", 2.0, 1.9, 2.1, 2.5],
            ["m", "other topic", 0.5, 0.4, 0.6, 0.3],
        ],
        columns=["trained", "relation", "mean", "low", "high", "predicted"],
    )
    assert figures.plot_ratios(ax, table) is ax
    assert rows(ax) == {"m": 0}
    segments = [bars(ax, nth) for nth in range(5)]
    colors = [color for _, (color, *_), _ in segments]
    topic, other = RELATION["same topic"], RELATION["other topic"]
    assert colors == [RELATION["same word"], topic, BLACK, other, BLACK]
    assert [found[0][0][0] for found, _, _ in segments] == [2.9, 1.9, 2.5, 0.4, 0.3]
    assert [dashed for _, _, dashed in segments] == [False, False, True, False, True]
    assert curves(ax) == [("uniform", GREY, ":", [1, 1], [0, 1])]
    ax.legend()
    assert legend(ax) == [*RELATION, "uniform"]


def test_contrasts_are_dots_of_runs_and_bars_of_means_for_each_head(ax):
    assert figures.plot_contrasts(ax, np.array([[1.0, 2.0], [3.0, 6.0]]), 5.0) is ax
    assert curves(ax) == [
        ("", ATTENTION, "o", [1, 2, 1, 2], [1, 2, 3, 6]),
        ("", ATTENTION, "_", [1, 2], [2, 4]),
        ("", BLACK, "--", [0, 1], [5, 5]),
        ("chance", GREY, ":", [0, 1], [1, 1]),
    ]
    assert ax.get_yscale() == "log" and ax.get_xlabel() == "head"
    assert list(ax.get_xticks()) == [1, 2]
