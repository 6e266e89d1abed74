"""The experiment on both stages: what is held, what is watched, and on which documents."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from twostage.seeding import torch_rng
from twostage.topics import theory
from twostage.topics.bags import BagTransformer
from twostage.topics.corpus import CorpusConfig
from twostage.topics.experiments.stages import (
    HELD,
    STAGES,
    StageSettings,
    hold_values,
    measure_gradient_orders,
    train_stages,
    watch,
)
from twostage.topics.model import ModelConfig
from twostage.training import TrainConfig

TINY = StageSettings(
    CorpusConfig(3, 2, topics_per_doc=2, doc_len=16),
    train=TrainConfig(3, 1.0, "sgd", n_records=3),
    n_test=5,
    n_probed=5,
)
BLOCKS = np.kron(np.eye(3), np.full((2, 2), 4.0))


def held_at(name, seeds=(0, 1, 2)):
    return hold_values(STAGES.at(held=name).base, seeds)


@pytest.mark.parametrize("name", HELD)
def test_mask_votes_for_no_word_and_every_run_has_its_table(name):
    tables = held_at(name)
    assert tables.shape == (3, 50, 51) and not tables[:, :, 0].any()


def test_right_blocks_are_those_of_the_corpus_and_zero_is_nothing():
    tiny = StageSettings(TINY.corpus, held="right")
    assert_allclose(hold_values(tiny, [5])[0, :, 1:], BLOCKS)
    assert not held_at("zero").any()


def test_wrong_words_are_clean_topics_of_other_words():
    topic_of = STAGES.base.corpus.topic_of
    for table in held_at("wrong words")[:, :, 1:]:
        assert_allclose(table, table.T)
        assert np.linalg.matrix_rank(table) == 5 and (table.sum(1) == 40).all()
        right = table[topic_of[:, None] == topic_of].mean()
        assert right < 2, "the words of a true topic share few of these"


def test_shuffled_votes_have_the_same_spread_and_no_topics():
    for table in held_at("shuffled")[:, :, 1:]:
        assert_allclose(np.sort(table.ravel()), np.sort(held_at("right")[0, :, 1:].ravel()))
        assert np.linalg.matrix_rank(table) > 40


@pytest.mark.parametrize("name", ["wrong words", "shuffled"])
def test_chance_has_its_say_by_the_seed(name):
    one, other, again = held_at(name, (0, 1, 0))
    assert_allclose(one, again)
    assert (one != other).any()


def test_an_unknown_arrangement_is_refused():
    with pytest.raises(ValueError, match="held must be none or one of .*'zero'.*, got 'left'"):
        held_at("left")


def test_held_values_stay_and_without_votes_attention_stays():
    held = train_stages(StageSettings(**{**vars(TINY), "held": "right"}), [0, 1])
    assert_allclose(held.values["knowledge"], 1)
    assert_allclose(held.values["value gap"], 4)
    zero = train_stages(StageSettings(**{**vars(TINY), "held": "zero"}), [0, 1])
    assert (zero.values["attention"] == zero.values["attention"][:, :1]).all()
    assert_allclose(zero.values["loss"], np.log(10), err_msg="all ten tokens are alike")


def test_the_loss_is_measured_on_the_same_documents_at_every_look():
    measure = watch(TINY, [0, 1])
    model = BagTransformer(ModelConfig(), TINY.corpus, [torch_rng(0), torch_rng(1)])
    first, again = measure(model)["loss"], measure(model)["loss"]
    assert_allclose(first, again)
    (alone,) = watch(TINY, [1])(BagTransformer(ModelConfig(), TINY.corpus, [torch_rng(1)]))["loss"]
    assert_allclose(alone, first[1], err_msg="a run's documents are its seed's")


def test_uniform_attention_has_no_direction():
    history = train_stages(
        StageSettings(**{**vars(TINY), "model": ModelConfig(attention="uniform")}), [0]
    )
    assert_allclose(history.values["attention"], 1)
    assert_allclose(history.values["direction"], 0)


def test_gradients_have_the_predicted_orders():
    corpus, scales = CorpusConfig(3, 2, 2, doc_len=32), np.array([1e-2, 1e-3])
    orders = theory.predict_gradient_orders()
    for when, norms in measure_gradient_orders(corpus, scales, [0, 1], n_docs=16).items():
        for name, norm in norms.items():
            assert norm.shape == (2, 2)
            assert_allclose(np.log10(norm[0] / norm[1]), orders[when][name], atol=0.1)
