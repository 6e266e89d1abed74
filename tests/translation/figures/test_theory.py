"""Figures of the toy draw the arrays they are given, theory dashed."""

import numpy as np
import pytest
from drawn import curves, legend

from twostage.style import ATTENTION, KNOWLEDGE, THEORY
from twostage.translation import figures as figures

X = np.array([0.1, 1.0, 2.0])
RUN = {"knowledge": X, "attention": X / 4}
BLACK, TIME = THEORY["color"], "time (learning rate $\\times$ steps)"


def test_toy_has_both_measures_their_predictions_and_the_arrival(ax):
    assert figures.plot_toy(ax, X, RUN, (2 * X, 3 * X), arrival=1.5) is ax
    assert curves(ax) == [
        ("knowledge", KNOWLEDGE, "-", [*X], [*X]),
        ("attention", ATTENTION, "-", [*X], [*X / 4]),
        ("", BLACK, "--", [*X], [*2 * X]),
        ("", BLACK, "--", [*X], [*3 * X]),
        ("predicted", BLACK, "--", [], []),
        ("", BLACK, "--", [1.5, 1.5], [0, 1]),
    ]
    assert legend(ax) == ["knowledge", "attention", "predicted"]
    assert [(text.get_text(), text.xy) for text in ax.texts] == [("$p = 1$", (1.5, 0))]
    assert ax.get_xlabel() == TIME and ax.get_xlim() == (0, pytest.approx(1.53))


def test_portrait_ends_curves_at_the_walls_and_colours_runs_by_where_they_end(ax):
    knowledge = np.stack([X, -X, 3 * X])
    attention = np.array([[0.5, 0.9, 1.0], [0.2, 0.1, 0.0], [0.3, 0.4, 0.5]])
    predicted = (2 * knowledge, attention)
    assert figures.plot_portrait(ax, (knowledge, attention), predicted) is ax
    grey = figures.FAILED
    assert curves(ax) == [
        ("", ATTENTION, "-", [0.1, 1], [0.5, 0.9]),
        ("", ATTENTION, "o", [0.1], [0.5]),
        ("", grey, "-", [-0.1, -1], [0.2, 0.1]),
        ("", grey, "o", [-0.1], [0.2]),
        ("", grey, "-", [*3 * X], [0.3, 0.4, 0.5]),
        ("", grey, "o", [3 * X[0]], [0.3]),
        ("", BLACK, "--", [0.2, 2], [0.5, 0.9]),
        ("", BLACK, "--", [-0.2, -2], [0.2, 0.1]),
        ("", BLACK, "--", [*6 * X], [0.3, 0.4, 0.5]),
    ]
    assert ax.get_xlabel() == r"knowledge $\delta$" and ax.get_ylim() == (0, 1.03)


def test_separatrix_is_the_line_of_the_theory(ax):
    assert figures.plot_separatrix(ax) is ax
    (line,) = curves(ax)
    assert line == ("", BLACK, "--", [-np.sqrt(2), 0], [1, 0])
    assert [text.get_text() for text in ax.texts] == [r"$\delta = -\sqrt{2}\,p$"]
    assert ax.texts[0].xy == (-1.42, 0.93)


def test_losses_are_drawn_over_their_predictions(ax):
    trained, predicted = {"a": X, "b": X / 2}, {"a": 2 * X}
    colors = {"a": KNOWLEDGE, "b": "#FF0000"}
    assert figures.plot_losses(ax, X, trained, predicted, colors) is ax
    assert curves(ax) == [
        ("a", KNOWLEDGE, "-", [*X], [*X]),
        ("b", "#FF0000", "-", [*X], [*X / 2]),
        ("", BLACK, "--", [*X], [*2 * X]),
        ("predicted", BLACK, "--", [], []),
    ]
    assert legend(ax) == ["a", "b", "predicted"]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == (TIME, "cross-entropy (nats)")
