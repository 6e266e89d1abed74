"""Figures of the copy task, read back from the axes."""

import numpy as np
from drawn import bars, columns, curves, dots, legend, rows
from numpy.testing import assert_allclose

from twostage.estimates import rate_interval
from twostage.style import ATTENTION, THEORY
from twostage.translation import figures, theory


def test_every_run_has_the_colour_of_its_fate_and_every_fate_one_label(ax):
    values = np.array([[0.1, 0.9], [0.1, 0.0], [0.2, 0.95], [0.3, 0.4]])
    fates = np.array(["copy", "anti-copy", "copy", "slow"])
    assert figures.plot_fates(ax, np.array([0, 10]), values, fates) is ax
    drawn = {tuple(line.y): (line.color, line.label, line.x) for line in curves(ax)}
    names = {"copy": "copy (2)", "slow": "slow (1)", "anti-copy": "anti-copy (1)"}
    assert len(curves(ax)) == 4
    for run, fate in zip(values, fates, strict=True):
        assert drawn[tuple(run)] == (figures.FATES[fate].upper(), names[fate], [0, 10])
    assert legend(ax) == ["copy (2)", "slow (1)", "anti-copy (1)"]
    assert figures.FATES["copy"] == ATTENTION and len(set(figures.FATES.values())) == 4


def test_success_is_drawn_with_its_interval(ax):
    signal = np.array([0.0, 0.5])
    assert figures.plot_success(ax, signal, np.array([3, 8]), np.array([12, 8])) is ax
    places, colors, _ = dots(ax)
    assert places == [(0, 0.25), (0.5, 1)] and set(colors) == {ATTENTION}
    expected = [[(x, y) for y in rate_interval(k, n)] for x, k, n in ((0, 3, 12), (0.5, 8, 8))]
    assert bars(ax) == (expected, [ATTENTION], False)
    assert ax.get_ylim() == (-0.03, 1.03)


def test_the_valleys_are_parted_by_the_separatrix(ax):
    assert figures.plot_valleys(ax, seq_len=5) is ax
    (line,) = curves(ax)
    assert (line.color, line.style) == (THEORY["color"], "--")
    assert_allclose(line.x, np.linspace(-6, 6, 121))
    assert_allclose(line.y, theory.predict_permutation_separatrix(np.array(line.x), 5))
    assert ax.get_xlabel() == r"logit of the right position $\alpha$"
    assert ax.get_ylabel() == "table entry of the right word $w$" and ax.get_yscale() == "asinh"
    assert rows(ax) == {str(w): w for w in (-50, -10, -2, 0, 2, 10, 50)}


def test_the_contours_of_the_valleys_are_those_of_the_exact_loss(ax, monkeypatch):
    asked = []
    monkeypatch.setattr(type(ax), "contourf", lambda self, *given, **_: asked.append(given))
    figures.plot_valleys(ax, seq_len=5)
    ((alpha, w, loss, levels),) = asked
    assert_allclose(alpha[7], np.linspace(-6, 6, 121))
    assert_allclose(w[:, 3], np.sinh(np.linspace(-5, 5, 201)))
    assert_allclose(loss, theory.predict_copy_loss(w, alpha, 5, 5))
    assert_allclose(levels, np.linspace(0, 1.25 * np.log(5), 11))


def test_a_gradient_is_drawn_in_units_of_the_signal_with_repeats(ax):
    gradient = np.eye(4)
    gradient[0, 1] = 5.0
    assert figures.plot_gradient(ax, gradient / (3 * 4), seq_len=3) is ax
    (image,) = ax.images
    assert_allclose(image.get_array(), gradient - gradient.mean())
    assert (image.norm.vmin, image.norm.vmax, image.cmap.name) == (-1, 1, "RdBu_r")
    assert list(columns(ax)) == list(rows(ax)) == []
