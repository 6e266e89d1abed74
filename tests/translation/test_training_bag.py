"""Shuffled sources: the bag stays, the order goes; runs do not depend on how they are spread."""

import torch
from torch.testing import assert_close

from twostage.seeding import numpy_rng
from twostage.training import TrainConfig
from twostage.translation import training
from twostage.translation.corpus import EOS, CorpusConfig, sample_pairs
from twostage.translation.model import ModelConfig
from twostage.translation.training import shuffle_sources, train_shuffled

CORPUS = CorpusConfig(8, 5, dictionary="random")
PLAN = TrainConfig(3, 0.01, n_records=1)


def test_shuffling_keeps_bags_and_targets():
    pairs = sample_pairs(CORPUS, 200, numpy_rng(0, "pairs"))
    shuffled = shuffle_sources(pairs, numpy_rng(0, "order"))
    assert_close(shuffled.tgt, pairs.tgt)
    assert_close(shuffled.src.sort(1).values, pairs.src.sort(1).values)
    assert (shuffled.src[:, -1] == EOS).all()
    stayed = (shuffled.src == pairs.src)[:, :-1].float().mean(0)  # each in 1 of 5 sentences
    assert ((0.1 < stayed) & (stayed < 0.32)).all()


def test_runs_are_their_seeds_and_train_on_shuffled_sources(monkeypatch):
    model_cfg = ModelConfig(hidden=4, attention="uniform")
    one, two = train_shuffled(CORPUS, model_cfg, PLAN, [5, 6], batch_size=4, jobs=1)
    (again,) = train_shuffled(CORPUS, model_cfg, PLAN, [6], batch_size=4, jobs=1)
    for name, weight in two.state_dict().items():
        assert_close(again.state_dict()[name], weight, rtol=0, atol=0)
    assert not torch.equal(one.output.weight, two.output.weight)
    monkeypatch.setattr(training, "shuffle_sources", lambda pairs, rng: pairs)
    (ordered,) = train_shuffled(CORPUS, model_cfg, PLAN, [6], batch_size=4, jobs=1)
    assert not torch.equal(ordered.encoder.weight_hh_l0, two.encoder.weight_hh_l0)
