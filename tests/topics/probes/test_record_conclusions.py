"""The three conclusions: the same numbers by bags and by positions, and by hand."""

import numpy as np
import pytest
import torch

from twostage.seeding import numpy_rng, torch_rng
from twostage.stages import StageTimes
from twostage.topics import probes
from twostage.topics import probes as conclusions
from twostage.topics.bags import BagTransformer
from twostage.topics.corpus import CorpusConfig, sample_corpus
from twostage.topics.model import ModelConfig, TopicTransformer
from twostage.training import History

CORPUS = CorpusConfig(3, 4, 2, doc_len=12)
BLOCK = {"residual": True, "layer_norm": True, "mlp": True, "n_heads": 2}


def build(n_runs=2, **settings):
    cfg = ModelConfig(init_scale=0.5, **settings)
    return BagTransformer(cfg, CORPUS, [torch_rng(seed) for seed in range(n_runs)])


def whole(model, tokens):
    """What a model does on documents without masks."""
    return model.trace(tokens, torch.ones_like(tokens, dtype=torch.bool))


@pytest.mark.parametrize("settings", [{}, BLOCK], ids=["plain", "block"])
def test_positions_and_bags_agree(settings):
    model = build(**settings)
    corpus = sample_corpus(CORPUS, 20, numpy_rng(0))
    tokens = torch.from_numpy(corpus.tokens)
    by_bags = conclusions.conclusions_measure(corpus.counts())(model)
    contrasts = probes.measure_attention(model, corpus.counts()).contrast
    for index in range(2):
        run = model.run(index)
        by_layer = conclusions.measure_position_contrast(whole(run, tokens))
        np.testing.assert_allclose(by_layer, contrasts[[index]])
        for name, values in conclusions.position_measure(corpus.tokens)(run).items():
            np.testing.assert_allclose(values, by_bags[name][[index]], err_msg=name)


def test_attention_of_layers_is_that_of_the_layer_that_prefers_most():
    tokens = torch.from_numpy(sample_corpus(CORPUS, 20, numpy_rng(0)).tokens)
    deep = ModelConfig(n_layers=2, residual=True, init_scale=0.5)
    model = TopicTransformer(deep, CORPUS, torch_rng(0))
    by_layer = conclusions.measure_position_contrast(whole(model, tokens))
    assert by_layer.shape == (2, 1) and by_layer[0, 0] != by_layer[1, 0]
    recorded = conclusions.position_measure(tokens.numpy())(model)["attention"]
    np.testing.assert_array_equal(recorded, by_layer.max(keepdims=True)[0])


def make(knowledge, attention, t_knowledge, t_attention):
    times = StageTimes(np.array(t_knowledge, float), np.array(t_attention, float))
    values = [np.array(each, float) for each in (knowledge, knowledge, attention)]
    return conclusions.Conclusions(*values, times)


def test_what_is_left_is_told_in_words():
    never = np.inf
    good = make([0.9, 0.9, 0.9], [2, 2, 2], [5, 5, never], [9, 9, 9])
    assert good.lost() == "nothing" and good.brief() == "0.9 / 2 / 2 of 2"
    assert good.row()["stage 1"] == "2 of 3" and good.row()["stage 2"] == "3 of 3"
    bad = make([0.7, 0.7, 0.9], [1.1, 1.1, 2], [5, 5, never], [4, 3, 9])
    assert bad.lost() == "knowledge, attention, order"
    undecided = make([0.9] * 2, [1, 1], [5, 5], [never, never])
    assert undecided.lost() == "attention" and undecided.brief().endswith("/ -")


def test_conclusions_read_the_last_record_and_the_times():
    series = np.array([[0.0, 1.0, 0.5]])
    history = History(
        np.array([0, 1, 2]), dict.fromkeys(("knowledge", "votes", "attention"), series)
    )
    found = conclusions.Conclusions.of(history)
    assert found.knowledge == found.votes == found.attention == 0.5
    assert found.times.knowledge == 0.8 and not np.isfinite(found.times.attention)
    table = conclusions.tabulate_conclusions({"here": found})
    assert table["setting"].tolist() == ["here"] and table["stage 2"].tolist() == ["0 of 1"]
