"""Attention learns on a frozen W_V, and finds the odds that theory gives."""

import torch

from twostage.topics import theory
from twostage.topics.corpus import CorpusConfig
from twostage.topics.probes.knowledge import measure_value_matrix
from twostage.topics.probes.record import record_odds
from twostage.topics.training import train_attention, train_topics
from twostage.training import TrainConfig

CORPUS = CorpusConfig(3, 2, 2, doc_len=256, mask_rate=0.5, keep_rate=0.2, random_rate=0.2)
W_V = theory.predict_value_matrix(CORPUS, masked_keys=False)


def run(steps, seeds, **options):
    plan = TrainConfig(steps, 0.05, n_records=20)
    return train_attention(CORPUS, W_V, plan, seeds, record_odds, masked_keys=False, **options)


def test_values_stay_and_attention_moves_to_the_predicted_odds():
    model, history = run(100, [0, 1], batch_size=16)
    assert (measure_value_matrix(model) == W_V).all()
    odds = history.values["odds"][:, history.steps > 60].mean()
    assert abs(odds / theory.predict_attention_odds(CORPUS, masked_keys=False) - 1) < 0.15


def test_seeds_start_as_in_train_topics():
    pinned, _ = run(1, [3, 4])
    free, _ = train_topics(CORPUS, pinned.cfg, TrainConfig(1, 1e-12, "sgd"), [3, 4], record_odds)
    fresh, _ = run(1, [4])
    assert torch.equal(pinned.layer.W_K[1], fresh.layer.W_K[0])
    assert (pinned.layer.W_K - free.layer.W_K).abs().max().item() < 0.0501  # one Adam step
