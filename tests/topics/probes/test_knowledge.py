"""Value matrices and embeddings on hand-made weights."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from twostage.seeding import torch_rng
from twostage.topics.bags import BagTransformer
from twostage.topics.corpus import CorpusConfig
from twostage.topics.model import ModelConfig
from twostage.topics.probes.knowledge import (
    measure_cosines,
    measure_embedding,
    measure_own_excess,
    measure_value_blocks,
    measure_value_gap,
    measure_value_matrix,
)

TINY = CorpusConfig(n_topics=2, words_per_topic=2)  # words 0 1 | 2 3, tokens 1 2 | 3 4

SOME = CorpusConfig(n_topics=3, words_per_topic=3, doc_len=(4, 20))


def make(cfg, corpus=TINY, n_runs=1):
    return BagTransformer(cfg, corpus, [torch_rng(seed) for seed in range(n_runs)])


def set_values(model, table):
    """W_V[word predicted, word shown], for one-hot embeddings."""
    with torch.no_grad():
        model.layer.W_V[:, 0, 1:5, 1:5] = torch.tensor(table, dtype=torch.float64)


BLOCKS = np.kron(np.eye(2), np.ones((2, 2)))

ONE_SAME_TWO_OTHER = np.zeros((4, 4))

ONE_SAME_TWO_OTHER[0, 1] = ONE_SAME_TWO_OTHER[0, 2] = ONE_SAME_TWO_OTHER[3, 1] = 1

ONLY_FIRST_TOPIC = np.kron(np.diag([1, 0]), np.ones((2, 2)))


@pytest.mark.parametrize(
    "table, expected",
    [
        (BLOCKS, 1),
        (3 - 2 * BLOCKS, -1),
        (BLOCKS + 99 * np.eye(4), 1),  # a word with itself does not count
        (ONE_SAME_TWO_OTHER, 0),  # means 1/4 and 1/4
        (ONLY_FIRST_TOPIC, 2 / math.sqrt(10)),  # cov 1/9, variances 5/36 and 2/9
    ],
)
def test_block_correlation_by_hand(table, expected):
    model = make(ModelConfig())
    set_values(model, table)
    assert_allclose(measure_value_blocks(model), [expected], atol=1e-14)


def test_own_excess_leaves_other_topics_out():
    model = make(ModelConfig())
    set_values(model, 5 * np.eye(4) + 3 * BLOCKS - 2 * (1 - BLOCKS) + ONE_SAME_TWO_OTHER)
    assert_allclose(measure_own_excess(model), [(5 + 3) - (3 + 1 / 4)], rtol=1e-12)


def test_block_correlation_of_each_run_is_pearsons():
    model = make(ModelConfig(init_scale=1.0), SOME, n_runs=3)
    same = SOME.topic_of[:, None] == SOME.topic_of
    pairs = ~np.eye(9, dtype=bool)
    for run, found in enumerate(measure_value_blocks(model)):
        W = model.layer.W_V[run, 0, 1:10, 1:10].detach().numpy()
        assert_allclose(found, np.corrcoef(W[pairs], same[pairs])[0, 1], rtol=1e-12)


def test_block_correlation_of_chance_is_zero_on_average():
    found = measure_value_blocks(make(ModelConfig(), SOME, n_runs=200))
    assert abs(found.mean()) < 4 * found.std() / math.sqrt(200)


def test_value_gap_by_hand():
    model = make(ModelConfig())
    set_values(model, 99 * np.eye(4) + 3 * BLOCKS - 2 * (1 - BLOCKS) + ONE_SAME_TWO_OTHER)
    assert_allclose(measure_value_gap(model), [(3 + 1 / 4) - (-2 + 2 / 8)], rtol=1e-12)


def test_value_matrix_has_predicted_words_in_rows_and_mask_first_in_columns():
    model = make(ModelConfig(n_heads=2, bias=True))
    with torch.no_grad():
        model.bias += 5  # what a shown token adds does not depend on it
    W = model.layer.W_V[0].sum(0).detach().numpy()
    assert_allclose(measure_value_matrix(model), [W[1:5, 0:5]], rtol=1e-12)


@pytest.mark.parametrize("decoder", ["tied", "trained"])
def test_value_matrix_is_what_a_token_attended_to_alone_adds(decoder):
    cfg = ModelConfig(embedding="trained", decoder=decoder, d_model=3, init_scale=1.0, n_heads=2)
    model = make(cfg, n_runs=2)
    alone = torch.arange(5)[:, None]  # documents of one token
    for run, found in enumerate(measure_value_matrix(model)):
        scores = model.run(run)(alone, torch.ones(5, 1, dtype=torch.bool))[:, 0].detach()
        assert_allclose(found, scores[:, 1:5].T, rtol=1e-10)


def test_embedding_by_hand():
    model = make(ModelConfig(embedding="trained", decoder="tied", d_model=2))
    with torch.no_grad():  # topic 1: (3, 4) and (4, 3); topic 2: (-3, -4) twice
        model.W_E[0, :, 1:5] = torch.tensor([[3.0, 4, -3, -3], [4, 3, -4, -4]])
    found = measure_embedding(model)
    assert_allclose(found["inner product"], [[25, 49 / 2, -49 / 2]])
    assert_allclose(found["cosine"], [[1, 49 / 50, -49 / 50]])
    assert_allclose(measure_cosines(model)[0, 0], [1, 24 / 25, -1, -1])


def test_embedding_divides_by_length():
    model = make(ModelConfig(embedding="trained", decoder="tied", d_model=4), SOME, n_runs=2)
    first = measure_embedding(model)
    with torch.no_grad():
        model.W_E *= torch.arange(1, SOME.n_tokens + 1)
    assert_allclose(measure_embedding(model)["cosine"], first["cosine"], rtol=1e-12)
    assert not np.allclose(measure_embedding(model)["inner product"], first["inner product"])
