"""Probes of what theory predicts, on weights whose answer is known."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from twostage.seeding import numpy_rng, torch_rng
from twostage.topics import probes, theory
from twostage.topics.bags import BagTransformer, set_odds, set_values
from twostage.topics.batches import sample_bags
from twostage.topics.corpus import CorpusConfig
from twostage.topics.model import ModelConfig
from twostage.topics.training import squared_error

CORPUS = CorpusConfig(3, 2, 2, doc_len=512, mask_rate=0.5, keep_rate=0.2, random_rate=0.2)


def make(n_runs, **options):
    return BagTransformer(ModelConfig(**options), CORPUS, [torch_rng(s) for s in range(n_runs)])


@pytest.fixture(scope="module")
def bags():
    return next(sample_bags(CORPUS, 200, [numpy_rng(0) for _ in range(3)], masked_keys=False))


def test_odds_are_read_as_they_were_put_in():
    model = make(3)
    set_odds(model, np.array([0.5, 1.0, 7.0]))
    assert_allclose(probes.measure_attention_odds(model), [0.5, 1, 7])
    assert_allclose(probes.measure_word_spread(model), 0, atol=1e-12)
    assert_allclose(probes.record_odds(model)["mask attention"], 1)


def test_odds_count_the_own_word_as_one_of_its_topic():
    model = make(1)
    set_odds(model, np.array([1.0]))
    with torch.no_grad():  # own words three times as heavy: (3 + 1)/(2 * 1)
        model.layer.W_Q[0, 0, 1:7, 1:7] = np.log(3) * torch.eye(6) * 10**0.5
    assert_allclose(probes.measure_attention_odds(model), 2)
    assert_allclose(probes.measure_word_spread(model), np.log(3) / 2)


def test_gain_is_the_loss_that_theory_draws(bags):
    odds, model = np.array([1.0, 2.0, 4.0]), make(3)
    set_values(model, theory.predict_value_matrix(CORPUS, masked_keys=False))
    set_odds(model, odds)
    gain = probes.measure_attention_gain(model, bags)
    assert_allclose(gain, theory.predict_attention_loss(CORPUS, odds, masked_keys=False), atol=2e-3)
    assert gain[0] == 0 and (model.layer.W_K != 0).any()  # the model itself is left alone


def test_gram_has_mask_first():
    model = make(1, embedding="trained", decoder="tied", value="identity", d_model=3)
    gram = probes.measure_gram(model)
    first = model.W_E[0, :, 0].detach()
    assert gram.shape == (1, 7, 7)
    assert_allclose(gram[0, 0, 0], first @ first)


def test_gradients_are_those_of_the_loss(bags):
    model = make(3, init_scale=0.3)
    norms = probes.measure_gradients(model, bags)
    squared_error(model, bags).sum().backward()
    for name in ("W_V", "W_K", "W_Q"):
        grad = getattr(model.layer, name).grad
        assert_allclose(norms[name], [g.norm().item() for g in grad], rtol=1e-12)


def test_relative_error_by_run():
    predicted = np.array([[3.0, 0.0], [0.0, 4.0]])
    measured = np.stack([predicted, 1.1 * predicted])
    assert_allclose(probes.relative_error(measured, predicted), [0, 0.1], atol=1e-12)
