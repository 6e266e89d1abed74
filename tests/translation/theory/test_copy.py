"""The theory of copying, and what follows from it."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from translation_checks import (
    ATTENTION,
    FLAT,
    STATEMENTS,
    contrast,
    copies,
    first_gradient,
    free_loss,
    sentences,
)

from twostage.translation import theory

CHECKS = {check.__name__: check for number in ("11", "12", "13") for check in STATEMENTS[number][1]}


@pytest.mark.parametrize("name", CHECKS)
def test_statement(name):
    CHECKS[name](theory)


# The signal ---------------------------------------------------------------------------------


def test_signal_at_the_authors_sizes():
    assert theory.predict_signal(40, 40) == 0
    assert_allclose(theory.predict_signal(60, 40), 20 / (40 * 60 * 59), rtol=1e-12)
    assert_allclose(theory.predict_signal(60, 40, repeats=True), 1 / 2400, rtol=1e-12)
    assert theory.predict_signal(60, 90, repeats=True) > 0


def test_permutations_say_the_same_of_every_word_whatever_the_table():
    """V = L, uniform attention: the gradient of W does not depend on the word shown."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        W = torch.tensor(rng.normal(size=(4, 4)), requires_grad=True)
        uniform = torch.zeros(4, 4, dtype=torch.float64)
        free_loss(W, uniform, *sentences(4, 4)).backward()
        assert np.ptp(W.grad.numpy(), axis=1).max() < 1e-16
        assert abs(W.grad).max() > 0.01


def test_over_all_pairs_of_words_a_mixture_seems_to_change_nothing():
    """Averaged over all pairs the contrast counts frequency too: not a measure of the signal."""
    for attention in (FLAT, ATTENTION):
        of_all = [
            contrast(first_gradient(attention, 5, 3, mixture=q), slice(None)) for q in (0, 0.3, 1)
        ]
        assert_allclose(of_all, of_all[0], rtol=1e-12)


# Two valleys --------------------------------------------------------------------------------


def test_permutations_can_be_copied_and_anti_copied_without_loss():
    ends = theory.predict_copy_loss(np.array([60.0, -900.0]), np.array([9.0, -9.0]), 12, 12)
    assert_allclose(ends, 0, atol=1e-9)
    assert_allclose(theory.predict_anticopy_floor(18, 12), np.log(7))


@pytest.mark.parametrize("V, L", [(4, 4), (6, 4), (8, 3)])
def test_starts_copy_iff_they_lie_above_the_line_through_the_saddle(V, L):
    saddle = theory.predict_copy_saddle(V, L)
    for w in np.linspace(-0.35, 0.35, 5):
        for shift in (-0.3, -0.15, 0.15, 0.3):
            above = w + saddle.slope * shift
            if abs(above) > 0.06:  # nearer to the line the first order cannot say
                assert copies(w, saddle.logit + shift, V, L) == (above > 0), (w, shift)


def test_saddle_is_not_where_an_expansion_about_zero_puts_it():
    """A start between the two lines: w + kappa (alpha + s) < 0 with s = L(V-L)/(V(L-1))."""
    V, L, alpha = 6, 3, -0.5
    s, kappa = L * (V - L) / (V * (L - 1)), np.sqrt((L - 1) / (V - 1))
    w = -0.22
    assert w + kappa * (alpha + s) < 0  # would fail
    saddle = theory.predict_copy_saddle(V, L)
    assert w + saddle.slope * (alpha - saddle.logit) > 0
    assert copies(w, alpha, V, L)


def test_far_from_the_saddle_the_line_is_wrong_and_the_curve_is_right():
    L, alpha = 8, -1.5  # the line asks for w > 1.5, the curve for more
    curve = float(theory.predict_permutation_separatrix(alpha, L))
    assert curve > 1.9
    assert not copies(1.7, alpha, L, L)
    assert copies(curve + 0.01, alpha, L, L)
    near = theory.predict_permutation_separatrix(np.array([-1e-3, 1e-3]), L)
    assert_allclose(near, [1e-3, -1e-3], rtol=1e-3)


# Answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call, complaint",
    [
        (lambda: theory.predict_signal(4, 5), "seq_len must be <= vocab_size = 4.*got 5"),
        (lambda: theory.predict_signal(4, 3, 1.2), r"mixture must be in \[0, 1\], got 1.2"),
        (lambda: theory.predict_signal(4, 3, mean_diagonal=-1.0), "mean_diagonal must be in"),
        (lambda: theory.predict_finite_population(4, 5), "seq_len must be <="),
        (lambda: theory.predict_copy_loss(0.0, 0.0, 4, 1), "seq_len must be >= 2.*got 1"),
        (lambda: theory.predict_copy_saddle(4, 5), "seq_len must be <="),
        (lambda: theory.predict_heads(0), "n_heads must be >= 1, got 0"),
        (lambda: theory.predict_toy(0.0, 1.5), r"must be in \[0, 1\], got 1.5"),
        (lambda: theory.predict_toy_arrival(-0.1), r"must be in \[0, 1\], got -0.1"),
        (lambda: theory.predict_fixed_margin(0.0, 2.0), r"must be in \[0, 1\], got 2.0"),
    ],
)
def test_impossible_settings_are_answered_in_one_line(call, complaint):
    with pytest.raises(ValueError, match=complaint) as error:
        call()
    assert "\n" not in str(error.value)
