"""Variance of attention in running text: each part is found where it was put, and only there."""

import numpy as np
import pytest

from twostage.seeding import numpy_rng
from twostage.topics.text.attention import TEXT_PARTS, split_pair_variance
from twostage.topics.text.windows import AttentionPairs

TOPIC_OF = np.repeat(np.arange(4), 3)


def pairs_of(log_attention, words, distance):
    attention = np.exp(log_attention)[:, None, None] * np.ones((1, 2, 3))
    return AttentionPairs(attention, words, distance, np.zeros(len(words), int))


@pytest.mark.parametrize("part", TEXT_PARTS[:3])
def test_a_pure_part_of_running_text_has_most_of_the_variance(part):
    rng = numpy_rng(0)
    words, distance = rng.integers(0, 12, (6000, 2)), rng.integers(1, 20, 6000)
    same_word, topic = words[:, 0] == words[:, 1], TOPIC_OF[words]
    log_attention = {
        "distance": -np.log(distance),
        "the two words": rng.normal(size=12)[words].sum(1),
        "relation": 2.0 * same_word + (topic[:, 0] == topic[:, 1]),
    }[part]
    shares = split_pair_variance(pairs_of(log_attention, words, distance), TOPIC_OF)
    assert shares.shape == (2, 3, 4)
    np.testing.assert_allclose(shares.sum(-1), 1)
    np.testing.assert_allclose(shares[0, 0], [part == each for each in TEXT_PARTS], atol=0.02)


def test_no_pairs_are_refused_in_words():
    nothing = pairs_of(np.zeros(0), np.zeros((0, 2), int), np.zeros(0, int))
    with pytest.raises(ValueError, match="no pairs of words: lower the topic share"):
        split_pair_variance(nothing, TOPIC_OF)


def test_attention_of_nothing_is_refused():
    words, distance = np.array([[0, 1], [1, 2]]), np.array([1, 2])
    with pytest.raises(ValueError, match="attention of 0 has no logarithm: take a model without"):
        split_pair_variance(pairs_of(np.array([0.0, -np.inf]), words, distance), TOPIC_OF)
