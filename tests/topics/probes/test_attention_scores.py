"""Variance of attention scores: each part is found where it was put, and only there."""

import numpy as np
import pytest

from twostage.seeding import numpy_rng, torch_rng
from twostage.topics.bags import BagTransformer
from twostage.topics.corpus import CorpusConfig
from twostage.topics.model import ModelConfig
from twostage.topics.probes.attention import PARTS, measure_word_scores, relations, split_variance

TOPIC_OF = np.repeat(np.arange(4), 3)


def scores_of(part):
    rng = numpy_rng(0)
    pair = rng.normal(size=(4, 4))
    pair -= pair.mean(1, keepdims=True)
    pair -= pair.mean(0)
    return {
        "key alone": np.tile(rng.normal(size=12), (12, 1)),
        "relation": np.tensordot([3.0, 1.0, 0.0], relations(TOPIC_OF).astype(float), 1),
        "pair of topics": (pair - np.diag(np.diag(pair)))[TOPIC_OF][:, TOPIC_OF],
    }[part]


@pytest.mark.parametrize("part", ["key alone", "relation"])
def test_a_pure_part_has_the_whole_variance(part):
    shares = split_variance(scores_of(part)[None] + numpy_rng(1).normal(size=(1, 12, 1)), TOPIC_OF)
    np.testing.assert_allclose(shares[0], [part == each for each in PARTS], atol=1e-12)


def test_pairs_of_topics_are_told_from_single_words():
    shares = dict(
        zip(PARTS, split_variance(scores_of("pair of topics")[None], TOPIC_OF)[0], strict=True)
    )
    assert shares["pair of topics"] > 0.8 and shares["rest"] < 1e-12


def test_shares_of_noise_sum_to_one_and_are_chance():
    shares = split_variance(numpy_rng(0).normal(size=(400, 12, 12)), TOPIC_OF)
    np.testing.assert_allclose(shares.sum(1), 1)
    # degrees of freedom: 11 of 132 for keys, 2 for the relation
    np.testing.assert_allclose(shares.mean(0)[:2], [11 / 132, 2 / 132], rtol=0.2)


def test_word_scores_are_centred_over_keys():
    corpus = CorpusConfig(4, 3, 2)
    model = BagTransformer(ModelConfig(n_heads=2, init_scale=1.0), corpus, [torch_rng(0)])
    scores = measure_word_scores(model)
    assert scores.shape == (1, 12, 12)
    np.testing.assert_allclose(scores.mean(2), 0, atol=1e-12)
    raw = model.scores()[0, :, 1:13, 1:13].mean(0).detach().numpy()
    np.testing.assert_allclose(np.diff(scores[0], axis=1), np.diff(raw, axis=1))
