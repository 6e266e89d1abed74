"""Figures of rescues draw what they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from twostage.estimates import rate_interval
from twostage.style import ATTENTION, KNOWLEDGE, THEORY
from twostage.training import History
from twostage.translation import figures_rescues as figures


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_a_rescue_is_judged_by_its_whole_interval():
    counts = {"a": (24, 24), "b": (12, 24), "c": (18, 24), "d": (24, 24)}
    predicted = {"a": 1.0, "b": 0.5, "c": 1.0, "d": 0.5}
    table = figures.tabulate_rescues(counts, predicted, 0.75)
    assert table.rescues.tolist() == ["yes", "no", "open", "yes"]
    assert table.predicted.tolist() == ["yes", "no", "yes", "no"]
    assert table.theory.tolist() == ["agrees", "agrees", "open", "disagrees"]
    assert table["copy"][:2].tolist() == ["24 of 24 (0.86 to 1.00)", "12 of 24 (0.31 to 0.69)"]


def test_runs_have_a_line_per_run_and_one_label_per_measure(ax):
    values = {"knowledge": np.array([[0.1, 1.0], [0.2, 0.3]]), "attention": np.zeros((2, 2))}
    figures.plot_each_run(ax, History(np.array([0, 5]), values), 0.25)
    blue = [line.get_ydata() for line in ax.lines if line.get_color() == KNOWLEDGE]
    np.testing.assert_array_equal(blue, values["knowledge"])
    assert len([line for line in ax.lines if line.get_color() == ATTENTION]) == 2
    assert ax.get_legend_handles_labels()[1] == ["KTIW", "attention accuracy"]
    assert ax.lines[-1].get_linestyle() == ":" and ax.lines[-1].get_ydata()[0] == 0.25


def test_successes_are_rates_with_wilson_intervals(ax):
    figures.plot_successes(ax, [1, 2], [6, 12], 12, ATTENTION, "runs")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.5, 1])
    drawn = [segment[:, 1] for segment in ax.collections[0].get_segments()]
    np.testing.assert_allclose(drawn, [rate_interval(6, 12), rate_interval(12, 12)])


def test_predicted_rates_are_dashed_and_the_first_row_is_on_top(ax):
    figures.plot_predicted_rates(ax, [0.5, 1.0, 1.0])
    segments = np.array(ax.collections[0].get_segments())
    np.testing.assert_allclose(segments[:, :, 0].mean(1), [0.5, 1, 1])
    np.testing.assert_allclose(segments[:, :, 1].mean(1), [2, 1, 0])
    assert (
        ax.collections[0].get_linestyle()[0][1]
        != plt.matplotlib.collections.LineCollection([]).get_linestyle()[0][1]
    )
    assert ax.collections[0].get_color()[0] == pytest.approx(
        plt.matplotlib.colors.to_rgba(THEORY["color"])
    )


COUNTS = pd.DataFrame({"best": [6, 9], "ktiw": [3, 12]}, index=["one", "two"])


def test_counts_are_written_with_their_intervals():
    table = figures.tabulate_counts(COUNTS, 12)
    assert table.model.tolist() == ["one", "two"]
    assert table.ktiw.tolist() == ["3 of 12 (0.09 to 0.53)", "12 of 12 (0.76 to 1.00)"]


def test_heads_are_drawn_beside_what_independent_heads_would_do(ax):
    figures.plot_heads(ax, COUNTS.best, 12, {"sum": ["one", "two"]}, [1, 2])
    dots, theory = ax.lines
    np.testing.assert_allclose(dots.get_ydata(), [0.5, 0.75])
    np.testing.assert_allclose(theory.get_ydata(), [0.5, 0.75])
    assert dots.get_label() == "sum" and theory.get_linestyle() == "--"
