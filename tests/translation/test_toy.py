"""The trained toy: what its scores are, and that descent meets the theory."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from twostage.training import TrainConfig
from twostage.translation.theory import predict_fixed_margin, predict_soft_gate, predict_toy
from twostage.translation.toy import ToyClassifier, toy_loss, train_toy

P0, DELTA0 = np.array([0.5, 0.3, 0.8]), np.array([0.0, 0.6, -0.9])
FINE = TrainConfig(600, 0.001, "sgd", n_records=8, spacing="even")


@pytest.mark.parametrize("gate", ["share", "softmax", "fixed"])
def test_scores_by_hand(gate):
    model = ToyClassifier(P0, DELTA0, gate)
    assert_allclose(model.attention.detach(), P0)
    assert_allclose(model.knowledge.detach(), DELTA0)
    b0, b1 = model.scores.detach().numpy().T
    assert_allclose(model().detach(), np.stack([b0, (1 - P0) * b0 + P0 * b1], -1))
    margin = P0 * DELTA0
    expected = -margin if gate == "share" else np.log(1 + np.exp(-margin))
    assert_allclose(toy_loss(model).detach(), expected)


@pytest.mark.slow
def test_toy_follows_its_closed_form():
    found = train_toy(P0, DELTA0, FINE, "share")
    p, delta = predict_toy(0.001 * found.steps, P0[:, None], DELTA0[:, None])
    assert_allclose(found.values["attention"], p, atol=2e-3)
    assert_allclose(found.values["knowledge"], delta, atol=2e-3)


def test_attention_stays_a_share():
    ends = train_toy(P0, np.array([1.0, 1.0, -3.0]), TrainConfig(100, 0.1, "sgd"), "share")
    assert_allclose(ends.values["attention"][:, -1], [1, 1, 0])


@pytest.mark.slow
def test_softmax_and_fixed_attention_follow_their_curves():
    cfg = TrainConfig(1000, 0.005, "sgd", n_records=8, spacing="even")
    soft = train_toy(P0, DELTA0, cfg).values
    logit0 = np.log(P0 / (1 - P0))[:, None]
    p = predict_soft_gate(soft["knowledge"], logit0, DELTA0[:, None])
    assert_allclose(soft["attention"], p, atol=2e-3)
    fixed = train_toy(P0[:1], DELTA0[:1], cfg, "fixed")
    margin = predict_fixed_margin(0.005 * fixed.steps, 0.5)
    assert_allclose(fixed.values["attention"], 0.5)
    assert_allclose(fixed.values["loss"][0], np.log1p(np.exp(-margin)), atol=1e-3)


@pytest.mark.parametrize(
    "p0, gate, complaint", [(0.5, "hard", "gate must be one of"), (1.5, "share", "must be in")]
)
def test_impossible_settings_are_refused(p0, gate, complaint):
    with pytest.raises(ValueError, match=complaint):
        ToyClassifier(np.array([p0]), np.array([0.0]), gate)


@pytest.mark.slow
def test_runs_do_not_know_of_each_other():
    together = train_toy(P0, DELTA0, FINE).values["attention"]
    alone = train_toy(P0[1:2], DELTA0[1:2], FINE).values["attention"]
    assert_allclose(together[1:2], alone, rtol=1e-12)
