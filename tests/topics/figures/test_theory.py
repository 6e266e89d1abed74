"""Figures draw the arrays they are given, theory dashed."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn import bars, curves, dots, legend, rows

from twostage.estimates import mean_interval
from twostage.style import ATTENTION, CHANCE, KNOWLEDGE, RELATION, THEORY
from twostage.topics import figures as figures

X = np.array([0.1, 0.01])
RUNS = np.array([[1.0, 2.0, 9.0], [4.0, 5.0, 12.0]])  # medians 2 and 5, means 4 and 7
GREY, BLACK = CHANCE["color"], THEORY["color"]
EPSILON = r"first weights $\varepsilon$"


def close(*values):
    return pytest.approx(list(map(float, values)))


def looks(ax):
    return ax.get_xscale(), ax.get_yscale(), ax.get_xlabel(), ax.get_ylabel()


def test_excess_has_a_dot_per_run_and_a_dashed_prediction(ax):
    assert figures.plot_excess(ax, np.array([2, 3]), X, RUNS) is ax
    assert curves(ax) == [
        ("predicted", BLACK, "--", [2, 3], [0.1, 0.01]),
        ("", KNOWLEDGE, "o", [2, 2, 2], [1, 2, 9]),
        ("", KNOWLEDGE, "o", [3, 3, 3], [4, 5, 12]),
        ("trained, one dot a run", KNOWLEDGE, "o", [], []),
    ]
    assert looks(ax) == ("linear", "linear", "embedding width $d$", "excess squared error")
    assert list(ax.get_xticks()) == [2, 3]
    assert legend(ax) == ["predicted", "trained, one dot a run"]


def test_limits_are_dashed_and_longer_documents_darker(ax):
    assert figures.plot_limits(ax, X, {100: X, 10_000: 2 * X}, (0.1, 0.0)) is ax
    assert curves(ax) == [
        ("$N$ = 100", KNOWLEDGE, "-", [0.1, 0.01], [0.1, 0.01]),
        ("$N$ = 10,000", KNOWLEDGE, "-", [0.1, 0.01], [0.2, 0.02]),
        ("", BLACK, "--", [0, 1], [0.1, 0.1]),
        ("", BLACK, "--", [0, 1], [0, 0]),
    ]
    assert ax.lines[0].get_alpha() < ax.lines[1].get_alpha()
    assert looks(ax) == ("log", "linear", "ridge $\\times\\ VN$", "own word $-$ same topic")
    assert legend(ax) == ["$N$ = 100", "$N$ = 10,000"]


def test_loss_shows_curve_optimum_odds_by_hand_and_trained_runs(ax):
    trained = (np.array([4.0]), np.array([-1.0]))
    assert figures.plot_odds_loss(ax, X, 2 * X, (X, RUNS), trained, optimum=4.0) is ax
    assert curves(ax) == [
        ("predicted", BLACK, "--", [0.1, 0.01], [0.2, 0.02]),
        ("", BLACK, "--", [4, 4], [0, 1]),
        ("odds put in by hand", GREY, "s", [0.1, 0.01], [2, 5]),
        ("trained, one dot a run", ATTENTION, "o", [4], [-1]),
    ]
    ranges = [[(0.1, 1), (0.1, 9)], [(0.01, 4), (0.01, 12)]]
    assert bars(ax) == (ranges, [GREY], False)
    assert [(text.get_text(), text.xy) for text in ax.texts] == [(r"$\rho^*$", (4, 0))]
    assert looks(ax) == ("log", "linear", r"odds $\rho$", r"$L(\rho) - L(1)$")
    assert legend(ax) == ["predicted", "odds put in by hand", "trained, one dot a run"]


def test_agreement_has_a_dot_per_run_and_the_line_of_equality(ax):
    assert figures.plot_agreement(ax, np.array([2.0, 5.0]), RUNS, KNOWLEDGE, "x") is ax
    assert curves(ax) == [
        ("x", KNOWLEDGE, "o", [2, 2, 2, 5, 5, 5], [1, 2, 9, 4, 5, 12]),
        ("", BLACK, "--", close(0.8, 15.6), close(0.8, 15.6)),
    ]
    figures.plot_agreement(ax, np.array([20.0, 5.0]), RUNS)
    assert curves(ax)[2].color == ATTENTION and curves(ax)[3].x == close(0.8, 26)
    assert looks(ax) == ("log", "log", r"predicted $\rho^*$", "")


def test_splitting_draws_odds_above_the_spread():
    fig, axes = plt.subplots(2)
    axes = tuple(axes)
    steps = np.array([0, 1, 2])
    runs = np.array([[1.0, 2, 3], [2, 3, 4], [9, 9, 9]])
    assert figures.plot_splitting(axes, steps, runs, runs / 10, optimum=4.0) is axes
    assert curves(axes[0]) == [
        (r"odds $\rho$", ATTENTION, "-", [0, 1, 2], [2, 3, 4]),
        (r"predicted $\rho^*$", BLACK, "--", [0, 1], [4, 4]),
    ]
    assert curves(axes[1]) == [
        ("spread", RELATION["same word"], "-", [0, 1, 2], close(0.2, 0.3, 0.4))
    ]
    assert looks(axes[0])[1:] == ("log", "", r"odds $\rho$")
    assert looks(axes[1])[1:] == ("linear", "step", "spread of $\\ln c$")
    assert legend(axes[0]) == [r"odds $\rho$", r"predicted $\rho^*$"]
    plt.close(fig)


@pytest.mark.parametrize(
    "name, color", [("W_V", KNOWLEDGE), ("W_K", ATTENTION), ("W_Q", "#8A4B12")]
)
def test_orders_have_dots_and_the_predicted_power_through_the_last_median(ax, name, color):
    assert figures.plot_orders(ax, X, {name: RUNS}, {name: 2}) is ax
    dotted = [Xs for Xs in curves(ax) if Xs.style == "o" and Xs.x]
    runs = sorted(tuple(run.y) for run in dotted)
    assert runs == [(1, 4), (2, 5), (9, 12)]
    assert {(run.color, *run.x) for run in dotted} == {(color, 0.1, 0.01)}
    assert curves(ax)[-1] == ("", BLACK, "--", [0.1, 0.01], close(500, 5))
    assert looks(ax) == ("log", "log", EPSILON, "")
    assert legend(ax) == [f"${name}$: power 2"]


def test_delay_has_a_dot_per_run_and_the_predicted_slope_from_the_first_median(ax):
    assert figures.plot_delay(ax, X, RUNS, 10.0, label="x") is ax
    assert curves(ax) == [
        ("x", ATTENTION, "o", [0.1] * 3 + [0.01] * 3, [1, 2, 9, 4, 5, 12]),
        ("", BLACK, "--", [0.1, 0.01], close(2, 12)),
    ]
    figures.plot_delay(ax, X, RUNS, 10.0, KNOWLEDGE)
    assert curves(ax)[2].color == KNOWLEDGE
    assert looks(ax) == ("log", "linear", EPSILON, "start of stage 2 (time)")


def test_predictions_are_dashed_in_the_row_they_are_for(ax):
    models = {
        "a": np.array([[9, 1.0, -1.0], [9, 3.0, -3.0], [9, 8.0, -5.0]]),
        "b": np.array([[9, 5.0, 0], [9, 7, 0], [9, 9, 3]]),
    }
    predicted = {"same topic": 4.0, "other topic": -2.0}
    assert figures.plot_relations(ax, models, predicted) is ax
    names = ["same topic, a", "same topic, b", "other topic, a", "other topic, b"]
    assert rows(ax) == dict(zip(names, (3, 2, 1, 0), strict=True))
    places, colors, _ = dots(ax)
    assert places == [(4, 3), (7, 2), (-3, 1), (1, 0)]
    same, other = RELATION["same topic"], RELATION["other topic"]
    assert colors == [same, same, other, other]
    segments, shades, dashed = bars(ax)
    runs = [models[m][:, k] for k in (1, 2) for m in "ab"]
    bounds = [[(float(end), y) for end in mean_interval(r)] for y, r in enumerate(reversed(runs))][
        ::-1
    ]
    assert np.allclose(segments, bounds) and not dashed and shades == colors
    marks, shades, dashed = bars(ax, 1)
    assert [(low[0], high[0], (low[1] + high[1]) / 2) for low, high in marks] == [
        (4, 4, 3),
        (4, 4, 2),
        (-2, -2, 1),
        (-2, -2, 0),
    ]
    assert all(low[1] < (low[1] + high[1]) / 2 < high[1] for low, high in marks)
    assert dashed and shades == [BLACK]
    assert curves(ax) == [("chance", GREY, ":", [0, 0], [0, 1])]
