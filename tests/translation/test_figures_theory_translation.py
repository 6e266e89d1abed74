"""Figures of the toy draw the arrays they are given, theory dashed."""

import numpy as np

from twostage.style import ATTENTION, THEORY
from twostage.translation import figures_theory as figures

X = np.array([0.1, 1.0, 2.0])
RUN = {"knowledge": X, "attention": X / 4}


def drawn(ax, dashed):
    """Heights of all curves, of theory or of runs."""
    lines = [line for line in ax.lines if len(line.get_xdata()) > 1]
    return [
        list(line.get_ydata())
        for line in lines
        if (line.get_color() == THEORY["color"]) == dashed and line.get_linestyle() != "None"
    ]


def test_toy_has_both_measures_their_predictions_and_the_arrival(ax):
    assert figures.plot_toy(ax, X, RUN, (2 * X, 3 * X), arrival=1.5) is ax
    assert drawn(ax, dashed=False) == [list(X), list(X / 4)]
    assert drawn(ax, dashed=True)[:2] == [list(2 * X), list(3 * X)]
    assert list(ax.lines[-1].get_xdata()) == [1.5, 1.5]


def test_portrait_ends_curves_at_the_walls_and_colours_runs_by_where_they_end(ax):
    knowledge, attention = np.stack([X, -X]), np.array([[0.5, 0.9, 1.0], [0.2, 0.1, 0.0]])
    assert figures.plot_portrait(ax, (knowledge, attention), (knowledge, attention)) is ax
    curves = [[0.5, 0.9], [0.2, 0.1]]
    assert drawn(ax, dashed=False) == curves
    assert drawn(ax, dashed=True) == curves
    colors = {line.get_color() for line in ax.lines if line.get_ydata()[0] == 0.5}
    assert colors == {ATTENTION, THEORY["color"]}
    assert ax.lines[2].get_color() == figures.FAILED


def test_separatrix_is_the_line_of_the_theory(ax):
    (line,) = figures.plot_separatrix(ax).lines
    assert np.allclose(line.get_xdata(), -np.sqrt(2) * np.array(line.get_ydata()))


def test_losses_are_drawn_over_their_predictions(ax):
    assert figures.plot_losses(ax, X, {"a": X}, {"a": 2 * X}, {"a": "red"}) is ax
    assert drawn(ax, dashed=False) == [list(X)]
    assert drawn(ax, dashed=True) == [list(2 * X)]
    assert ax.get_yscale() == "log"
