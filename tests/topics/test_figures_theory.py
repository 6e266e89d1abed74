"""Figures draw the arrays they are given, theory dashed."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from twostage import style
from twostage.topics import figures_theory as figures

X = np.array([0.1, 0.01])
RUNS = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def drawn(ax, dashed):
    """Every point drawn as dots, or as theory's dashed lines, without empty legend entries."""
    lines = [line for line in ax.lines if len(line.get_xdata())]
    picked = [line for line in lines if line.get_linestyle().startswith("--") == dashed]
    return np.concatenate([np.ravel(line.get_ydata()) for line in picked])


@pytest.mark.parametrize(
    "plot, given, dots, theory",
    [
        (figures.plot_excess, (np.array([2, 3]), X, RUNS), RUNS, X),
        (figures.plot_agreement, (np.array([2.0, 5.0]), RUNS), RUNS, [0.8, 7.8]),
        (figures.plot_delay, (X, RUNS, 10.0), RUNS, [2, 12]),
        (figures.plot_orders, (X, {"W_K": RUNS}, {"W_K": 2}), RUNS, [500, 5]),
    ],
)
def test_dots_are_runs_and_theory_is_dashed(ax, plot, given, dots, theory):
    assert plot(ax, *given) is ax
    assert sorted(drawn(ax, dashed=False)) == pytest.approx(sorted(np.ravel(dots)))
    assert drawn(ax, dashed=True) == pytest.approx(theory)


def test_limits_are_dashed_and_every_length_has_a_line(ax):
    figures.plot_limits(ax, X, {100: X, 10_000: 2 * X}, (0.1, 0.0))
    assert drawn(ax, dashed=False) == pytest.approx([*X, *2 * X])
    assert set(drawn(ax, dashed=True)) == {0.1, 0.0}


def test_loss_shows_curve_optimum_and_trained_runs(ax):
    given, trained = (X, RUNS), (np.array([4.0]), np.array([-1.0]))
    figures.plot_odds_loss(ax, X, 2 * X, given, trained, optimum=4.0)
    assert drawn(ax, dashed=False) == pytest.approx([2, 5, -1])
    assert list(drawn(ax, dashed=True)[:2]) == pytest.approx(list(2 * X))


def test_splitting_draws_medians_above_each_other():
    fig, axes = plt.subplots(2)
    steps = np.array([0, 1, 2])
    figures.plot_splitting(tuple(axes), steps, RUNS, RUNS / 10, optimum=4.0)
    assert list(axes[0].lines[0].get_ydata()) == [2.5, 3.5, 4.5]
    assert list(axes[1].lines[0].get_ydata()) == pytest.approx([0.25, 0.35, 0.45])
    assert axes[1].lines[0].get_color() == style.RELATION["same word"]
    plt.close(fig)


def test_predictions_are_dashed_in_the_row_they_are_for(ax):
    models = {
        "a": np.array([[9, 1.0, -1.0], [9, 3.0, -3.0]]),
        "b": np.array([[9, 5.0, 0], [9, 7, 0]]),
    }
    predicted = {"same topic": 4.0, "other topic": -2.0}
    assert figures.plot_relations(ax, models, predicted) is ax
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["same topic, a", "same topic, b", "other topic, a", "other topic, b"]
    intervals, marks = (c for c in ax.collections if hasattr(c, "get_segments"))
    dots = next(c for c in ax.collections if not hasattr(c, "get_segments"))
    assert dots.get_offsets().tolist() == [[2, 3], [6, 2], [-2, 1], [0, 0]]
    assert [(x, (low + high) / 2) for (x, low), (_, high) in marks.get_segments()] == [
        (4, 3),
        (4, 2),
        (-2, 1),
        (-2, 0),
    ]
    assert marks.get_linestyle()[0][1] is not None, "theory is drawn dashed"
    assert intervals.get_linestyle()[0][1] is None
    assert [line.get_linestyle() for line in ax.lines] == [":"], "chance is drawn dotted"
