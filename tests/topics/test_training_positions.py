"""Training by positions is training by bags, where both are possible; and it takes two layers."""

import numpy as np
import torch

from twostage.seeding import numpy_rng
from twostage.topics.corpus import CorpusConfig, sample_corpus
from twostage.topics.model import ModelConfig
from twostage.topics.probes.record import conclusions_measure, position_measure
from twostage.topics.training import train_positions, train_topics
from twostage.training import TrainConfig

CORPUS = CorpusConfig(3, 4, 2, doc_len=12)
PLAN = TrainConfig(6, 0.05, n_records=3)
PROBE = sample_corpus(CORPUS, 20, numpy_rng(0))
SEEDS = [3, 5]


def test_one_layer_trains_as_it_does_on_bags():
    cfg = ModelConfig(residual=True, init_scale=0.3)
    for options in ({"loss": "squared"}, {"masked_keys": False}, {"batch_size": 7}):
        look = conclusions_measure(PROBE.counts())
        _, fast = train_topics(CORPUS, cfg, PLAN, SEEDS, look, **options)
        look = position_measure(PROBE.tokens)
        models, slow = train_positions(CORPUS, cfg, PLAN, SEEDS, look, **options)
        assert len(models) == 2
        np.testing.assert_array_equal(slow.steps, fast.steps)
        for name in ("knowledge", "votes", "attention"):
            np.testing.assert_allclose(slow.values[name], fast.values[name], rtol=1e-6)


def test_two_layers_train_one_model_per_seed():
    cfg = ModelConfig(n_layers=2, residual=True)
    models, history = train_positions(CORPUS, cfg, PLAN, SEEDS, batch_size=4)
    assert [len(model.layers) for model in models] == [2, 2] and history.values == {}
    assert not torch.equal(models[0].layers[1].W_V, models[1].layers[1].W_V)
