"""What each word votes for: the value matrix, its products, and how votes are ordered."""

import numpy as np

from twostage.seeding import numpy_rng, torch_rng
from twostage.topics import probes
from twostage.topics import probes as conclusions
from twostage.topics.bags import BagTransformer
from twostage.topics.corpus import CorpusConfig
from twostage.topics.model import ModelConfig
from twostage.topics.relations import correlate_blocks

CORPUS = CorpusConfig(3, 4, 2, doc_len=12)


def build(n_runs=2, **settings):
    cfg = ModelConfig(init_scale=0.5, **settings)
    return BagTransformer(cfg, CORPUS, [torch_rng(seed) for seed in range(n_runs)])


def test_votes_of_the_plain_model_are_its_value_matrix():
    model = build()
    votes = conclusions.measure_votes(model)
    np.testing.assert_allclose(votes.mT, probes.measure_value_matrix(model)[:, :, 1:])
    blocks = correlate_blocks(votes, CORPUS.topic_of)
    np.testing.assert_allclose(blocks, probes.measure_value_blocks(model))


def test_order_of_votes_counts_pairs_of_voters():
    topic_of = np.array([0, 0, 1, 1])
    same = topic_of[:, None] == topic_of
    votes = np.stack([same * 1.0, ~same * 1.0, np.ones((4, 4)), np.arange(4.0)[:, None] + 0 * same])
    # the last: every word votes its number; right for predicted words 2 and 3 only
    np.testing.assert_allclose(conclusions.order_votes(votes, topic_of), [1, 0, 0.5, 0.5])


def test_order_of_votes_ignores_the_size_of_votes_and_the_word_itself():
    rng = numpy_rng(0)
    votes = rng.normal(size=(1, 12, 12))
    before = conclusions.order_votes(votes, CORPUS.topic_of)
    votes[:, range(12), range(12)] = 100
    after = conclusions.order_votes(np.exp(votes) * rng.random(12), CORPUS.topic_of)
    np.testing.assert_allclose(before, after)
    assert abs(before[0] - 0.5) < 0.2
