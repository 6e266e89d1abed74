"""Figures of the copy task, read back from the axes."""

import numpy as np
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose

from twostage.estimates import rate_interval
from twostage.translation import figures, theory


def test_every_run_has_the_colour_of_its_fate_and_every_fate_one_label(ax):
    values = np.array([[0.1, 0.9], [0.1, 0.0], [0.2, 0.95]])
    fates = np.array(["copy", "anti-copy", "copy"])
    figures.plot_fates(ax, np.array([0, 10]), values, fates)
    drawn = {tuple(line.get_ydata()): to_hex(line.get_color()) for line in ax.lines}
    for run, fate in zip(values, fates, strict=True):
        assert drawn[tuple(run)] == figures.FATES[fate].lower()
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["copy (2)", "anti-copy (1)"]


def test_success_is_drawn_with_its_interval(ax):
    figures.plot_success(ax, np.array([0.0, 0.5]), np.array([3, 8]), np.array([12, 8]))
    dots, (bars,) = ax.collections[1].get_offsets(), [ax.collections[0].get_segments()]
    assert_allclose(dots, [[0, 0.25], [0.5, 1]])
    assert_allclose(bars[0], np.column_stack([[0, 0], rate_interval(3, 12)]))


def test_the_valleys_are_parted_by_the_separatrix(ax):
    figures.plot_valleys(ax, seq_len=5)
    (line,) = ax.lines
    alpha, w = line.get_data()
    assert_allclose(w, theory.predict_permutation_separatrix(alpha, 5))
    assert line.get_linestyle() == "--" or line.is_dashed()


def test_a_gradient_is_drawn_in_units_of_the_signal_with_repeats(ax):
    gradient = np.eye(4) / (3 * 4)
    figures.plot_gradient(ax, gradient, seq_len=3)
    shown = ax.images[0].get_array()
    assert_allclose(shown, np.eye(4) - 0.25)
