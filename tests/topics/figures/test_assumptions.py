"""Figures of broken assumptions, read back from the axes."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn import bars, curves, dots, legend, rows
from matplotlib.colors import to_hex

from twostage import style
from twostage.estimates import median_interval
from twostage.stages import StageTimes
from twostage.style import ATTENTION, KNOWLEDGE
from twostage.topics.figures import assumptions as figures
from twostage.topics.probes.record import CRITERIA, Conclusions

GREY, BLACK, VOTES = style.CHANCE["color"], style.THEORY["color"], figures.VOTES.upper()
SKEWED = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 3.0, 9.0])  # median 0.3


@pytest.fixture
def axes():
    figure, axes = plt.subplots(2, 2)
    yield axes
    plt.close(figure)


def conclusions(level):
    runs = level + SKEWED
    return Conclusions(runs, runs / 2, 1 + runs, StageTimes(runs, runs))


def upright(x, *values):
    """The vertical interval of a median at x."""
    return [(x, bound) for bound in median_interval(np.array(values))]


@pytest.mark.parametrize("marker, middle", [("o-", "#D55E00"), ("s--", "#FFFFFF")])
def test_medians_stand_in_their_intervals_and_controls_are_hollow(ax, marker, middle):
    assert figures.plot_medians(ax, [1, 2], np.stack([SKEWED, SKEWED + 1]), ATTENTION, "a") is ax
    figures.plot_medians(ax, [1, 2], np.stack([SKEWED, SKEWED + 1]), ATTENTION, "b", marker)
    first, second = curves(ax)
    assert first == ("a", ATTENTION, "-", [1, 2], [0.3, 1.3])
    assert second == ("b", ATTENTION, marker[1:], [1, 2], [0.3, 1.3])
    assert ax.lines[0].get_marker() == "o" and ax.lines[1].get_marker() == marker[0]
    assert to_hex(ax.lines[1].get_markerfacecolor()).upper() == middle
    expected = [upright(1, *SKEWED), upright(2, *(SKEWED + 1))]
    assert bars(ax) == (expected, [ATTENTION], False)


def test_survival_draws_knowledge_above_attention_with_criteria(axes):
    column = axes[:, 0]
    found = [conclusions(0.5), conclusions(0.7)]
    assert figures.plot_survival(column, [1, 2], found, "s--", ", control") is column
    top, bottom = map(curves, column)
    assert top[0] == ("order of votes, control", VOTES, "--", [1, 2], pytest.approx([0.4, 0.5]))
    assert top[1] == (
        "block correlation, control",
        KNOWLEDGE,
        "--",
        [1, 2],
        pytest.approx([0.8, 1]),
    )
    assert top[2] == ("", KNOWLEDGE, "-", [0, 1], [CRITERIA[0].passed] * 2)
    assert bottom[0] == (
        "same / other topic, control",
        ATTENTION,
        "--",
        [1, 2],
        pytest.approx([1.8, 2]),
    )
    assert bottom[1] == ("", ATTENTION, "-", [0, 1], [CRITERIA[1].passed] * 2)
    assert column[0].get_ylim() == (-0.15, 1.05)
    assert [ax.get_yscale() for ax in column] == ["linear", "log"]


def test_chance_levels_are_dotted(axes):
    figures.mark_chances(axes[:, 0])
    top, bottom = map(curves, axes[:, 0])
    assert top == [
        ("", VOTES, ":", [0, 1], [0.5, 0.5]),
        ("chance", GREY, ":", [0, 1], [0, 0]),
    ]
    assert bottom == [("chance", GREY, ":", [0, 1], [1, 1])]


def test_real_text_is_a_line_at_the_median_in_the_middle_half(axes):
    figures.mark_real(axes[:, 1], np.array([1.0, 2, 3, 14, 25]))
    for ax in axes[:, 1]:
        assert curves(ax) == [("real text", "#B8A800", "-", [3, 3], [0, 1])]
        band = ax.patches[0]
        assert (band.get_x(), band.get_width()) == (2, 12)


def test_bump_draws_predictions_dashed_and_medians_as_dots(axes):
    ax, measured = axes[0, 0], np.stack([SKEWED, SKEWED + 4])
    predicted = {"exact": np.array([2.0, 5.5]), "limit": np.array([1.0, 3.0])}
    assert figures.plot_bump(ax, [8, 64], predicted, measured) is ax
    assert curves(ax) == [
        ("", BLACK, "--", [8, 64], [2, 5.5]),
        ("", BLACK, "--", [8, 64], [1, 3]),
        ("trained", KNOWLEDGE, "o", [8, 64], [0.3, 4.3]),
    ]
    assert [(text.get_text(), text.xy) for text in ax.texts] == [
        ("exact", (64, 5.5)),
        ("limit", (64, 3)),
    ]
    assert ax.lines[0].get_alpha() > ax.lines[1].get_alpha()
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "document length $N$"
    assert ax.get_ylabel() == "own word $-$ same topic"


def test_shares_are_stacked_in_order_first_row_on_top_in_their_colours(axes):
    parts = ("distance", "the two words", "relation", "rest")
    table = {"a": np.array([0.1, 0.2, 0.3, 0.4]), "b": np.array([0.3, 0.2, 0.1, 0.4])}
    ax = figures.plot_shares(axes[0, 0], table, parts)
    starts = np.array([[bar.get_x() for bar in part] for part in ax.containers])
    widths = np.array([[bar.get_width() for bar in part] for part in ax.containers])
    np.testing.assert_allclose(widths.T, list(table.values()))
    np.testing.assert_allclose(starts, np.cumsum(widths, axis=0) - widths, atol=1e-12)
    for part, name in zip(ax.containers, parts, strict=True):
        assert to_hex(part[0].get_facecolor()).upper() == figures.SHARES[name].upper()
    assert legend(ax) == list(parts) and rows(ax) == {"a": 0, "b": 1}
    assert ax.yaxis_inverted() and ax.get_xlim() == (0, 1)
    assert ax.get_xlabel() == "share of the variance of scores"


def test_survival_labels_stand_at_the_edges_of_the_grid_and_one_legend_below(axes):
    figures.plot_survival(axes[:, 1], [1], [conclusions(0.5)])
    figures.label_survival(axes, ("left", "right"))
    assert [ax.get_xlabel() for ax in axes[1]] == ["left", "right"]
    assert [ax.get_xlabel() for ax in axes[0]] == ["", ""]
    assert [ax.get_ylabel() for ax in axes[:, 0]] == [
        "knowledge",
        "attention\n(same / other topic)",
    ]
    assert [ax.yaxis.label.get_color() for ax in axes[:, 0]] == [KNOWLEDGE, ATTENTION]
    (below,) = axes[0, 0].figure.legends
    labels = [text.get_text() for text in below.get_texts()]
    assert labels == ["order of votes", "block correlation", "same / other topic"]
    colors = [to_hex(line.get_color()).upper() for line in below.get_lines()]
    assert colors == [VOTES, KNOWLEDGE, ATTENTION]


def test_architectures_have_a_row_each_with_chance_and_criterion(axes):
    found = {"one": conclusions(0.5), "two": conclusions(0.7)}
    figures.plot_architectures(axes[0], found)
    kinds = (KNOWLEDGE, 0, 0, "block correlation"), (ATTENTION, 1, 1, "same / other topic")
    for ax, criterion, (color, shift, chance, label) in zip(axes[0], CRITERIA, kinds, strict=True):
        values = [shift + 0.5 + SKEWED, shift + 0.7 + SKEWED]
        places, colors, _ = dots(ax)
        assert places == [(np.median(values[0]), 1), (np.median(values[1]), 0)]
        assert set(colors) == {color} and rows(ax) == {"one": 1, "two": 0}
        segments, _, _ = bars(ax)
        expected = [
            [(x, y) for x in median_interval(v)] for y, v in ((1, values[0]), (0, values[1]))
        ]
        assert segments == expected
        dotted, thin = curves(ax)
        assert dotted == ("chance", GREY, ":", [chance, chance], [0, 1])
        assert thin == ("", color, "-", [criterion.passed] * 2, [0, 1])
        assert ax.get_xlabel() == label
    assert [ax.get_xscale() for ax in axes[0]] == ["linear", "log"]
