"""The theory of stage 1, and what follows from it."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from theory_checks import find_checks

from twostage.topics import theory
from twostage.topics.corpus import CorpusConfig

PAPER = CorpusConfig(topics_per_doc=3)  # T = v = 10, p_m = .15, p_c = p_r = .1
CHECKS = find_checks("theory_checks_values")


@pytest.mark.parametrize("name", CHECKS)
def test_statement(name):
    CHECKS[name](theory)


def test_same_topic_minus_other_topic_is_one_over_a_v():
    W = theory.predict_value_matrix(PAPER)
    a = 1 - 0.9 * 0.15
    assert_allclose(W[0, 1] - W[0, -1], 1 / (10 * a), rtol=1e-12)
    gram = theory.predict_embedding_gram(PAPER)[1:, 1:]
    sums = gram.reshape(100, 10, 10).sum(axis=2)
    assert_allclose(sums[0, 0] - sums[0, 1:], 1 / a, rtol=1e-12)


def test_without_their_mean_the_topics_form_a_simplex():
    gram = theory.predict_embedding_gram(PAPER)[1:, 1:]
    centred = gram - gram.mean()
    assert_allclose(centred[0, -1] / centred[0, 0], -1 / 9, rtol=1e-12)


def test_limits_of_small_ridge_and_long_documents_do_not_commute():
    V, least = PAPER.n_words, theory.predict_value_matrix(PAPER)
    long = theory.predict_value_matrix(PAPER, doc_len=9)
    assert np.linalg.norm(least - long) > 0.3 * np.linalg.norm(long)
    for N in (10**5, 10**6):  # the crossover is at ridge ~ 1/(VN)
        small = theory.predict_finite_value_matrix(PAPER, N, ridge=1e-3 / (V * N))
        large = theory.predict_finite_value_matrix(PAPER, N, ridge=1e2 / (V * N))
        middle = theory.predict_finite_value_matrix(PAPER, N, ridge=1 / (V * N))
        assert np.linalg.norm(small - long) < 0.01 * np.linalg.norm(long)
        assert np.linalg.norm(large - least) < 0.05 * np.linalg.norm(least)
        bump = [W[0, 1] - W[0, 2] for W in (small, middle, large)]
        assert_allclose(np.array(bump[1:]) / bump[0], [0.47, 0.009], atol=0.02)


@pytest.mark.parametrize(("tau", "low", "high"), [(2, 0.01, 0.02), (3, 0.03, 0.05), (8, 0.3, 0.5)])
def test_limit_is_nearer_to_finite_documents_of_few_topics(tau, low, high):
    """The learned topic gap falls short of its limit by about tau (T-1)/((T-tau) N)."""
    cfg = replace(PAPER, topics_per_doc=tau)
    exact = theory.predict_finite_value_matrix(cfg, 64)
    limit = theory.predict_value_matrix(cfg, doc_len=64)
    gap, limit_gap = (W[0, 2] - W[0, -1] for W in (exact, limit))
    assert low < 1 - gap / limit_gap < high
