"""Weights put in by hand: they land where they should, and solved W_V cannot be improved."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from twostage.seeding import numpy_rng, torch_rng
from twostage.topics.bags import BagTransformer, build_by_hand, set_odds, set_values, solve_values
from twostage.topics.batches import sample_bags
from twostage.topics.corpus import CorpusConfig
from twostage.topics.model import ModelConfig
from twostage.topics.probes.attention import measure_attention_odds, measure_attention_table
from twostage.topics.probes.knowledge import measure_value_matrix
from twostage.topics.training import squared_error

CORPUS = CorpusConfig(3, 2, 2, doc_len=20, mask_rate=0.3)


def make(n_runs, **options):
    return BagTransformer(ModelConfig(**options), CORPUS, [torch_rng(s) for s in range(n_runs)])


def test_values_land_in_every_run_and_nowhere_else():
    model, W_V = make(2), np.arange(42.0).reshape(6, 7) + 1
    weight = set_values(model, W_V)
    assert weight is model.layer.W_V
    assert_allclose(measure_value_matrix(model), np.stack([W_V, W_V]))
    assert (weight != 0).sum() == 2 * W_V.size


def test_every_run_can_have_values_of_its_own():
    model, W_V = make(2), np.arange(84.0).reshape(2, 6, 7)
    set_values(model, W_V)
    assert_allclose(measure_value_matrix(model), W_V)


def test_odds_give_attention_by_topic():
    model = make(2)
    set_odds(model, np.array([1.0, 4.0]))
    table = measure_attention_table(model)
    assert_allclose(table[0], np.ones((6, 6)))
    assert_allclose(table[1, 0], [2, 2, 0.5, 0.5, 0.5, 0.5])
    assert_allclose(model.scores()[:, 0, 0].detach(), 0)  # [MASK] looks everywhere alike


@pytest.mark.parametrize("masked_keys", [True, False])
def test_solved_values_leave_no_gradient(masked_keys):
    model = make(2, attention="uniform")
    bags = next(sample_bags(CORPUS, 40, [numpy_rng(s) for s in range(2)], masked_keys))
    set_values(model, solve_values(model, bags).numpy())
    best = squared_error(model, bags)
    best.sum().backward()
    words = slice(1, CORPUS.n_words + 1)
    assert model.layer.W_V.grad[:, :, words].abs().max() < 1e-12
    with torch.no_grad():
        model.layer.W_V[:, :, words, words] *= 1.01
        assert (squared_error(model, bags) > best).all()


def test_a_model_built_by_hand_has_the_odds_and_values_it_was_given():
    W_V = np.arange(42.0).reshape(6, 7)
    model = build_by_hand(CORPUS, np.array([1.0, 4.0]), W_V)
    assert_allclose(measure_attention_odds(model), [1, 4])
    assert_allclose(measure_value_matrix(model), np.stack([W_V, W_V]))
    assert not measure_value_matrix(build_by_hand(CORPUS, np.array([2.0]))).any()
