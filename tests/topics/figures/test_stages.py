"""Figures of the topics half, read back from the axes."""

import numpy as np
import pandas as pd
import pytest
from drawn import columns, curves, rows

from twostage.stages import StageTimes
from twostage.style import ATTENTION, KNOWLEDGE
from twostage.topics import figures

TIMES = StageTimes(np.array([4.0, 5, 12]), np.array([20.0, 50, np.inf]))


def shades(image):
    return image.cmap(image.norm(image.get_array()))


def test_documents_are_strips_with_a_colour_per_topic_and_white_elsewhere(ax):
    topics = np.array([[0, 1, 2], [2, 0, -1]])
    assert figures.plot_documents(ax, topics, 3) is ax
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), topics)
    (first, second, third), (again, same, nothing) = shades(image).tolist()
    assert again == third and same == first and nothing == [1, 1, 1, 1]
    assert len({tuple(c) for c in (first, second, third, nothing)}) == 4
    assert (image.norm.vmin, image.norm.vmax) == (-1.5, 2.5)  # a colour for each of -1 to 2
    border = ax.collections[0].get_segments()
    assert [segment[:, 1].tolist() for segment in border] == [[0.5, 0.5]]
    assert ax.get_xlabel() == "position in the document (words)" and ax.get_ylabel() == "document"
    assert len(ax.get_yticks()) == 0


@pytest.mark.parametrize("cmap, low", [("RdBu_r", -2), ("Blues", 0)])
def test_a_word_table_has_lines_between_topics_and_symmetric_colours(ax, cmap, low):
    table = np.arange(16.0).reshape(4, 4)
    assert figures.plot_word_table(ax, table, 2, 2.0, cmap=cmap) is ax
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), table)
    assert (image.norm.vmin, image.norm.vmax, image.cmap.name) == (low, 2, cmap)
    level, upright = curves(ax)
    assert level.y == [1.5, 1.5] and upright.x == [1.5, 1.5]
    assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0 and len(ax.figure.axes) == 2


def test_a_word_table_has_a_colour_bar_only_if_asked(ax):
    figures.plot_word_table(ax, np.eye(2), 1, 1.0, colorbar=False)
    assert len(ax.figure.axes) == 1


def test_heads_are_columns_and_layers_rows_around_one(ax):
    ratio = pd.DataFrame([[1.0, 2.0, 0.5], [4.0, 1.0, 1.0]], index=[1.0, 2.0], columns=[1, 2, 3])
    assert figures.plot_heads(ax, ratio, np.array([[2, 3]])) is ax
    (image,) = ax.images
    np.testing.assert_allclose(image.get_array(), np.log(ratio))
    assert image.norm.vmax == -image.norm.vmin == pytest.approx(np.log(4))
    assert image.cmap.name == "RdBu_r"
    (hatched,) = ax.patches
    assert hatched.get_hatch() == "////" and hatched.get_bbox().bounds == (1.5, 0.5, 1, 1)
    assert columns(ax) == {"1": 0, "2": 1, "3": 2} and rows(ax) == {"1": 0, "2": 1}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("head", "layer")
    bar = ax.figure.axes[1]
    assert rows(bar) == pytest.approx(
        {f"{mark:.2g}": np.log(mark) for mark in (0.25, 0.5, 1, 2, 4)}
    )
    assert bar.get_ylabel() == "same over other topic"


def test_start_times_have_a_row_per_setting_first_on_top(ax):
    never = StageTimes(np.array([1.0, 2, 30]), np.array([40.0, np.inf, np.inf]))
    assert figures.plot_start_times(ax, {"one": TIMES, "two": never}, 1000) is ax
    assert rows(ax) == {"one": 1, "two": 0}
    assert curves(ax) == [
        ("", KNOWLEDGE, "o", [1, 2, 30], [0, 0, 0]),
        ("", KNOWLEDGE, "|", [2], [0]),
        ("", ATTENTION, "o", [40], [0]),
        ("", KNOWLEDGE, "o", [4, 5, 12], [1, 1, 1]),
        ("", KNOWLEDGE, "|", [5], [1]),
        ("", ATTENTION, "o", [20, 50], [1, 1]),
        ("", ATTENTION, "|", [50], [1]),
    ]
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "step"
    assert ax.get_xlim() == (1, 1000) and ax.get_ylim() == (-0.6, 1.6)
