"""Attention on hand-made weights, and against pair loops in plain Python."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from twostage.seeding import numpy_rng, torch_rng
from twostage.topics.bags import BagTransformer
from twostage.topics.corpus import CorpusConfig, sample_corpus
from twostage.topics.model import ModelConfig, TopicTransformer
from twostage.topics.probes.attention import (
    AttentionByRelation,
    measure_attention,
    measure_attention_table,
    measure_mask_attention,
    measure_position_attention,
    measure_preference_table,
)
from twostage.topics.relations import relations

TINY = CorpusConfig(n_topics=2, words_per_topic=2)  # words 0 1 | 2 3, tokens 1 2 | 3 4
SOME = CorpusConfig(n_topics=3, words_per_topic=3, doc_len=(4, 20))


def make(cfg, corpus=TINY, n_runs=1):
    return BagTransformer(cfg, corpus, [torch_rng(seed) for seed in range(n_runs)])


def teach_relations(model, odds):
    """Attention to (same word, same topic, other topic) in these odds."""
    n = model.corpus.n_words
    table = np.einsum("r,rqk->qk", np.log(odds), relations(model.corpus.topic_of))
    with torch.no_grad():
        model.layer.W_Q[:, 0, 1 : n + 1, 1 : n + 1] = torch.eye(n)
        model.layer.W_K[:, 0, 1 : n + 1, 1 : n + 1] = torch.from_numpy(table)
        model.layer.W_K *= model.W_E.shape[1] ** 0.5


# Attention ------------------------------------------------------------------------------------


def position_attention(model, run, head, doc):
    """N * attention of one document, [query, key], one softmax at a time."""
    scores = model.scores()[run, head].detach().numpy()
    table = []
    for query in doc:
        odds = [math.exp(scores[query, key]) for key in doc]
        table.append([len(doc) * odd / sum(odds) for odd in odds])
    return table


def loop_ratio(model, run, head, docs):
    """Mean of N * attention over token pairs of each relation, one pair at a time."""
    values = {0: [], 1: [], 2: []}
    for doc in docs:
        table = position_attention(model, run, head, doc)
        for i, query in enumerate(doc):
            for j, key in enumerate(doc):
                values[relate(query, key, model.corpus.topic_of)].append(table[i][j])
    return [np.mean(values[relation]) for relation in range(3)]


def loop_contrast(model, run, head, docs):
    """Key by key: mean from queries of its topic over mean from others, weighted as matched."""
    same = other = 0
    for doc in docs:
        table = position_attention(model, run, head, doc)
        for j, key in enumerate(doc):
            sides = [
                [table[i][j] for i, query in enumerate(doc)
                 if relate(query, key, model.corpus.topic_of) == relation]
                for relation in (1, 2)
            ]  # fmt: skip
            if all(sides):
                weight = 1 / (1 / len(sides[0]) + 1 / len(sides[1]))
                same += weight * np.mean(sides[0])
                other += weight * np.mean(sides[1])
    return same / other


def relate(first, second, topic_of):
    if first == second:
        return 0
    return 1 if topic_of[first - 1] == topic_of[second - 1] else 2


@pytest.mark.parametrize("cfg", [ModelConfig(attention="uniform"), ModelConfig(init_scale=0.0)])
def test_uniform_attention_has_ratio_one(cfg):
    counts = sample_corpus(SOME, 50, numpy_rng(0)).counts()
    found = measure_attention(make(cfg, SOME, n_runs=2), counts)
    assert_allclose(found.ratio, np.ones((2, 1, 3)), rtol=1e-14)
    assert_allclose(found.contrast, np.ones((2, 1)), rtol=1e-14)
    assert_allclose(found.interval(numpy_rng(1)), np.ones((2, 2, 1)), rtol=1e-14)


def test_attention_by_hand():
    """Documents 1 2 3 4 in odds 3 : 2 : 1: a query gives 3/7, 2/7, 1/7 and 1/7; N = 4."""
    model = make(ModelConfig(init_scale=0.0))
    teach_relations(model, [3, 2, 1])
    found = measure_attention(model, np.ones((5, 4), dtype=int))
    assert_allclose(found.pairs, np.repeat([[4], [4], [8]], 5, axis=1))
    assert_allclose(found.ratio, [[[12 / 7, 8 / 7, 4 / 7]]], rtol=1e-12)
    assert_allclose(found.contrast, [[2]], rtol=1e-12)


def test_keys_that_all_queries_like_are_no_contrast():
    """Why keys are matched: document 1 2 3, where every query likes 1 and 2 three times as much.

    Same-topic pairs get 9/7; other pairs 3/7 (to word 3) or 9/7 (from word 3), 6/7 on average.
    """
    model = make(ModelConfig(init_scale=0.0))
    with torch.no_grad():
        model.layer.W_Q[0, 0, 0, :] = math.sqrt(8)
        model.layer.W_K[0, 0, 0, 1:5] = torch.from_numpy(np.log([3, 3, 1, 1]))
    found = measure_attention(model, np.array([[1, 1, 1, 0]]))
    assert_allclose(found.ratio[0, 0, 1:], [9 / 7, 6 / 7], rtol=1e-12)
    assert_allclose(found.contrast, [[1]], rtol=1e-12)


def test_attention_of_copies_by_hand():
    """Document 1 1 3: word 1 gives 4/9 to each copy and 1/9 to 3; word 3 gives 1/6, 1/6, 4/6."""
    model = make(ModelConfig(init_scale=0.0))
    teach_relations(model, [4, 2, 1])
    found = measure_attention(model, np.array([[2, 0, 1, 0]]))
    same_word = 3 * (4 * 4 / 9 + 4 / 6) / 5  # 4 pairs of word 1, one of word 3
    other_topic = 3 * (2 * 1 / 9 + 2 * 1 / 6) / 4
    assert_allclose(found.sums[0, 0, :, 0], [5 * same_word, 0, 4 * other_topic], rtol=1e-12)
    assert_allclose(found.pairs[:, 0], [5, 0, 4])
    assert_allclose(found.matched, 0)  # no key has queries of both kinds


def test_attention_table_by_hand():
    model = make(ModelConfig(init_scale=0.0))
    teach_relations(model, [3, 2, 1])
    expected = [[12, 8, 4, 4], [8, 12, 4, 4], [4, 4, 12, 8], [4, 4, 8, 12]]
    assert_allclose(measure_attention_table(model), [np.array(expected) / 7], rtol=1e-12)


def test_attention_table_is_a_mean_over_heads_with_queries_in_rows():
    model = make(ModelConfig(init_scale=2.0, n_heads=2), n_runs=2)
    expected = [
        np.mean([position_attention(model, run, head, [1, 2, 3, 4]) for head in (0, 1)], axis=0)
        for run in (0, 1)
    ]
    assert_allclose(measure_attention_table(model), expected, rtol=1e-12)


def test_preference_is_what_is_left_of_scores_without_query_and_key_means():
    model = make(ModelConfig(init_scale=2.0, n_heads=2), SOME, n_runs=2)
    scores = model.scores()[:, :, 1:10, 1:10].detach().numpy().mean(1)
    found = measure_preference_table(model)
    assert_allclose(found.sum(1), 0, atol=1e-13)
    assert_allclose(found.sum(2), 0, atol=1e-13)
    left = scores - found  # a query's own and a key's own, nothing of both
    assert_allclose(
        left[:, 1:, 1:] - left[:, 1:, :1] - left[:, :1, 1:] + left[:, :1, :1], 0, atol=1e-13
    )


def test_attention_to_a_mask_by_hand():
    model = make(ModelConfig(init_scale=0.0))
    assert_allclose(measure_mask_attention(model), [1])
    with torch.no_grad():  # odds of a mask 6; of the words 1, 2, 3 and 6, so 3 on average
        model.layer.W_Q[0, 0, 0, 0] = math.sqrt(8)
        model.layer.W_K[0, 0, 0, :5] = torch.from_numpy(np.log([6, 1, 2, 3, 6]))
    assert_allclose(measure_mask_attention(model), [2], rtol=1e-12)


CONFIGS = {
    "paper": ModelConfig(init_scale=1.0),
    "two heads": ModelConfig(init_scale=1.0, n_heads=2),
    "embedding": ModelConfig(embedding="trained", decoder="tied", d_model=4, init_scale=1.0),
}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("doc_len, boundaries", [(12, False), ((4, 20), False), ((4, 20), True)])
def test_bag_probe_is_position_probe_is_pair_loop(name, doc_len, boundaries):
    corpus_cfg = CorpusConfig(3, 3, topics_per_doc=2, doc_len=doc_len, boundaries=boundaries)
    model = make(CONFIGS[name], corpus_cfg, n_runs=2)
    corpus = sample_corpus(corpus_cfg, 15, numpy_rng(0))
    found = measure_attention(model, corpus.counts())
    docs = [row[corpus_cfg.is_word(row)] for row in corpus.tokens]
    for run in range(2):
        tokens = torch.from_numpy(corpus.tokens)
        is_word = torch.from_numpy(corpus_cfg.is_word(corpus.tokens))
        (slow,) = measure_position_attention(model.run(run).trace(tokens, is_word))
        assert_allclose(found.ratio[run], slow, rtol=1e-11)
        for head in range(model.cfg.n_heads):
            expected = loop_ratio(model, run, head, docs)
            assert_allclose(found.ratio[run, head], expected, rtol=1e-11)
            expected = loop_contrast(model, run, head, docs)
            assert_allclose(found.contrast[run, head], expected, rtol=1e-11)


def test_position_probe_measures_each_layer_and_head():
    cfg = ModelConfig(n_layers=2, n_heads=3, residual=True, init_scale=1.0)
    model = TopicTransformer(cfg, SOME, torch_rng(0))
    tokens = torch.from_numpy(sample_corpus(SOME, 10, numpy_rng(0)).tokens)
    is_word = torch.from_numpy(SOME.is_word(tokens.numpy()))
    found = measure_position_attention(model.trace(tokens, is_word))
    assert found.shape == (2, 3, 3)
    assert len(np.unique(found.round(6))) == 18


def test_bootstrap_interval_is_that_of_a_loop_over_resampled_documents():
    model = make(ModelConfig(init_scale=2.0), SOME, n_runs=2)
    found = measure_attention(model, sample_corpus(SOME, 40, numpy_rng(0)).counts())
    rng, draws = np.random.default_rng(1), []
    for _ in range(4000):
        chosen = rng.integers(40, size=40)
        fields = found.sums[..., chosen], found.pairs[:, chosen], found.matched[..., chosen]
        draws.append(AttentionByRelation(*fields).contrast)
    low, high = found.interval(numpy_rng(2), n_boot=4000)
    width = high - low
    assert (low < found.contrast).all() and (found.contrast < high).all()
    assert_allclose((low, high), np.quantile(draws, [0.025, 0.975], axis=0), atol=0.1 * width.max())
    narrow = found.interval(numpy_rng(2), n_boot=4000, confidence=0.5)
    assert (narrow[1] - narrow[0] < 0.6 * width).all()


def test_bootstrap_interval_covers():
    corpus, repeats = CorpusConfig(3, 3, topics_per_doc=2, doc_len=12), 200
    model = make(ModelConfig(init_scale=2.0), corpus)
    documents = sample_corpus(corpus, 50 * repeats, numpy_rng(0)).counts()
    truth = measure_attention(model, documents).contrast
    hits, rng = [], numpy_rng(1)
    for counts in documents.reshape(repeats, 50, -1):
        low, high = measure_attention(model, counts).interval(rng, n_boot=400)
        hits.append((low < truth) & (truth < high))
    coverage = np.mean(hits, axis=0)
    assert (coverage > 0.88).all() and (coverage < 0.99).all()


def test_attention_is_relative_to_the_mean_over_all_pairs():
    model = make(ModelConfig(init_scale=1.0), SOME, n_runs=2)
    found = measure_attention(model, sample_corpus(SOME, 20, numpy_rng(0)).counts())
    weights = found.pairs.sum(-1) / found.pairs.sum()
    assert_allclose((found.relative * weights).sum(-1), 1)
    assert_allclose(found.relative / found.relative[..., :1], found.ratio / found.ratio[..., :1])
