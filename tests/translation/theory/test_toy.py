"""The theory of the toy, and what follows from it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from translation_checks import STATEMENTS

from twostage.translation import theory

CHECKS = {
    check.__name__: check for number in ("10", "10, beyond") for check in STATEMENTS[number][1]
}


@pytest.mark.parametrize("name", CHECKS)
def test_statement(name):
    CHECKS[name](theory)


def test_toy_broadcasts_and_runs_backwards():
    p, delta = theory.predict_toy(np.array([-0.5, 0.0, 0.5]))
    assert_allclose(p, p[::-1])
    assert_allclose(delta, -delta[::-1])
    assert theory.predict_toy_arrival(np.full((2, 3), 0.5)).shape == (2, 3)
    assert_allclose(theory.predict_toy_arrival(), np.arccosh(2) / np.sqrt(2))


def test_uniform_attention_is_four_times_slower_than_perfect_attention():
    assert_allclose(theory.predict_fixed_margin(8.0, 0.5), theory.predict_fixed_margin(2.0, 1.0))
