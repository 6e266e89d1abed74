"""Contrasts of right entries with all others, by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from twostage.measures import right_contrast, row_contrast, signed_contrast


def test_signed_contrast_of_averages():
    aligned = np.array([1, 0])
    spread = np.full((2, 4), 0.25)
    half = np.array([[0, 0.5, 0.5, 0], [0.5, 0, 0, 0.5]])
    assert_allclose(signed_contrast(spread, aligned), 0)
    assert_allclose(signed_contrast(half, aligned), (0.5 - 0.25) / 0.75)
    assert_allclose(signed_contrast(half, np.array([1, 2])), 0)  # half of the queries look right
    assert_allclose(signed_contrast(np.stack([half, spread]), np.array([0, 2])), [-1, 0])


def test_keys_that_compete_for_queries_are_no_attention():
    attn = np.array([[0.2, 0.5], [0.8, 0.5]])  # columns sum to 1
    with pytest.raises(ValueError, match="softmax over keys, not queries"):
        signed_contrast(attn, np.array([0, 1]))


def test_right_contrast_by_hand():
    matrix = np.array([[1.0, 2.0, 6.0], [4.0, 3.0, 5.0]])
    assert_allclose(right_contrast(matrix, np.array([2, 0])), (6 + 4) / 2 - (1 + 2 + 3 + 5) / 4)


def test_row_contrast_by_hand():
    table = np.array([[4.0, 1.0, 3.0], [0.0, 2.0, 5.0]])
    right = np.array([[True, False, False], [False, True, True]])
    assert row_contrast(table, right) == pytest.approx(((4 - 2) + (3.5 - 0)) / 2)
    assert row_contrast(table + np.array([[7.0], [-7.0]]), right) == pytest.approx(2.75)
