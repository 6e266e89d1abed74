"""Figures of broken assumptions draw what they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from twostage import style
from twostage.stages import StageTimes
from twostage.topics import figures_assumptions as figures
from twostage.topics.probes_conclusions import Conclusions


@pytest.fixture
def axes():
    figure, axes = plt.subplots(2, 2)
    yield axes
    plt.close(figure)


def conclusions(level):
    runs = level + np.array([-0.1, 0.0, 0.1])
    return Conclusions(runs, runs / 2, 1 + runs, StageTimes(runs, runs))


def dots(ax, label):
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return line.get_ydata()


def test_survival_draws_medians_at_their_levels(axes):
    column = axes[:, 0]
    figures.plot_survival(column, [1, 2], [conclusions(0.5), conclusions(0.7)])
    np.testing.assert_allclose(dots(column[0], "block correlation"), [0.5, 0.7])
    np.testing.assert_allclose(dots(column[0], "order of votes"), [0.25, 0.35])
    np.testing.assert_allclose(dots(column[1], "same / other topic"), [1.5, 1.7])


def test_chance_levels_are_dotted_and_real_text_is_marked(axes):
    figures.mark_chances(axes[:, 0])
    dotted = [line.get_ydata()[0] for ax in axes[:, 0] for line in ax.lines]
    assert dotted == [0.5, 0, 1]
    figures.mark_real(axes[:, 1], np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    for ax in axes[:, 1]:
        assert ax.lines[0].get_xdata()[0] == 3 and ax.patches[0].get_x() == 2


def test_bump_draws_predictions_dashed_and_medians_as_dots(axes):
    ax, measured = axes[0, 0], np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    figures.plot_bump(ax, [8, 64], {"exact": np.array([2.0, 5.5])}, measured)
    np.testing.assert_allclose(dots(ax, "trained"), [2, 5])
    assert ax.lines[0].get_color() == style.THEORY["color"] and ax.texts[0].get_text() == "exact"


def test_shares_are_stacked_to_one_and_keep_their_colours(axes):
    parts = ("distance", "the two words", "relation", "rest")
    rows = {"a": np.array([0.1, 0.2, 0.3, 0.4]), "b": np.full(4, 0.25)}
    ax = figures.plot_shares(axes[0, 0], rows, parts)
    ends = [bar.get_x() + bar.get_width() for bar in ax.containers[-1]]
    np.testing.assert_allclose(ends, 1)
    assert ax.containers[2][0].get_width() == pytest.approx(0.3)
    assert ax.containers[2][0].get_facecolor() == plt.matplotlib.colors.to_rgba(style.ATTENTION)


def test_architectures_have_a_row_each_and_labels_reach_the_figure(axes):
    found = {"one": conclusions(0.5), "two": conclusions(0.7)}
    figures.plot_architectures(axes[0], found)
    offsets = axes[0, 1].collections[1].get_offsets()
    np.testing.assert_allclose(offsets[:, 0], [1.5, 1.7])
    assert [text.get_text() for text in axes[0, 0].get_yticklabels()] == ["one", "two"]
    figures.plot_survival(axes[:, 1], [1], [conclusions(0.5)])
    figures.label_survival(axes, ("left", "right"))
    assert axes[1, 1].get_xlabel() == "right" and axes[0, 0].figure.legends
