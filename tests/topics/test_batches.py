"""Masks against their exact rates; bags against a count by hand."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from twostage.topics.batches import (
    as_bags,
    as_positions,
    sample_bags,
    sample_masks,
    sample_positions,
)
from twostage.topics.corpus import MASK, CorpusConfig, sample_corpus

RARE = 1e-4  # chance of a failure at another seed
MIXED = CorpusConfig(n_topics=2, words_per_topic=2, doc_len=(2, 9), mask_rate=0.3, boundaries=True)


def draw_masked(cfg, n_docs, seed=0):
    rng = np.random.default_rng(seed)
    tokens = sample_corpus(cfg, n_docs, rng).tokens
    return tokens, *sample_masks(tokens, cfg, rng)


def assert_share(hits, n, share):
    assert stats.binomtest(int(hits), int(n), share).pvalue > RARE


# Masks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.05, 0.15, 0.6])
def test_masks_have_their_rate_and_at_least_one_a_document(rate):
    N, n_docs = 12, 20_000
    cfg = CorpusConfig(n_topics=2, doc_len=N, mask_rate=rate)
    per_doc = draw_masked(cfg, n_docs)[2].sum(1)
    shares = stats.binom.pmf(np.arange(N + 1), N, rate)
    shares[:2] = 0, shares[0] + shares[1]  # a document without a mask gets one
    some = shares * n_docs > 5
    counts = np.bincount(per_doc, minlength=N + 1)
    assert counts[0] == 0
    rest = (counts[~some].sum(), shares[~some].sum() * n_docs)
    observed, expected = [*counts[some], rest[0]], [*(shares[some] * n_docs), rest[1]]
    if rest[1] < 1e-9:
        observed, expected = observed[:-1], expected[:-1]
    assert stats.chisquare(observed, expected).pvalue > RARE


@pytest.mark.parametrize("rate", [1e-9, 0.2])
def test_every_position_is_masked_equally_often(rate):
    cfg = CorpusConfig(n_topics=2, doc_len=5, mask_rate=rate)
    masked = draw_masked(cfg, 20_000)[2]
    share = rate + (1 - rate) ** 5 / 5  # or none was masked, and this one was chosen
    for hits in masked.sum(0):
        assert_share(hits, len(masked), share)


@pytest.mark.parametrize("p_c, p_r", [(0.1, 0.1), (0.0, 0.0), (0.5, 0.3), (0.0, 1.0), (1.0, 0.0)])
def test_masked_positions_keep_change_or_hide_their_word(p_c, p_r):
    cfg = CorpusConfig(2, 3, doc_len=20, mask_rate=0.4, keep_rate=p_c, random_rate=p_r)
    tokens, shown, masked = draw_masked(cfg, 3000)
    n, V = masked.sum(), 6
    assert_share((shown[masked] == MASK).sum(), n, 1 - p_c - p_r)
    assert_share((shown == tokens)[masked].sum(), n, p_c + p_r / V)
    for word in range(1, V + 1):
        others = masked & (tokens != word)
        assert_share((shown[others] == word).sum(), others.sum(), p_r / V)
    assert_array_equal(shown[~masked], tokens[~masked])


def test_padding_and_boundaries_are_never_masked_and_tokens_stay_as_they_are():
    cfg = CorpusConfig(2, 2, doc_len=(1, 6), mask_rate=1.0, boundaries=True)
    tokens = sample_corpus(cfg, 500, np.random.default_rng(0)).tokens
    before = tokens.copy()
    shown, masked = sample_masks(tokens, cfg, np.random.default_rng(1))
    assert_array_equal(masked, cfg.is_word(tokens))
    assert_array_equal(tokens, before)
    assert_array_equal(shown[~masked], tokens[~masked])


# Positions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("masked_keys", [True, False])
def test_keys_are_all_but_padding_and_masks_if_so_told(masked_keys):
    tokens, shown, masked = draw_masked(MIXED, 300)
    batch = as_positions(tokens, shown, masked, MIXED, masked_keys)
    expected = [
        [
            token != MIXED.pad and (masked_keys or not hidden)
            for token, hidden in zip(*row, strict=True)
        ]
        for row in zip(tokens, masked, strict=True)
    ]
    assert_array_equal(batch.is_key, expected)
    for field, array in (("shown", shown), ("masked", masked), ("words", tokens)):
        assert_array_equal(getattr(batch, field), array)


@pytest.mark.parametrize(
    "sample", [sample_positions, lambda cfg, n, rng, k: sample_bags(cfg, n, [rng], k)]
)
def test_a_document_without_a_key_is_refused(sample):
    cfg = CorpusConfig(n_topics=2, doc_len=3, mask_rate=1.0)
    next(sample(cfg, 4, np.random.default_rng(0), True))
    with pytest.raises(ValueError, match="no visible word left: lower mask_rate, or"):
        next(sample(cfg, 4, np.random.default_rng(0), False))


# Bags -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("masked_keys", [True, False])
def test_bags_by_hand(masked_keys):
    """Two runs of one document each: words 1 2 1 2 (1 and 2 masked), and 3 3 4 (all but 4)."""
    cfg = CorpusConfig(n_topics=2, words_per_topic=2)  # 5 pads
    tokens = np.array([[[1, 2, 1, 2]], [[3, 3, 4, 5]]])
    shown = np.array([[[0, 0, 1, 2]], [[0, 4, 4, 5]]])
    bags = as_bags(tokens, shown, shown != tokens, cfg, masked_keys)
    counts = [[[2, 1, 1, 0, 0, 0, 0, 0]], [[1, 0, 0, 0, 2, 0, 0, 0]]]
    if not masked_keys:
        counts = [[[0, 1, 1, 0, 0, 0, 0, 0]], [[0, 0, 0, 0, 1, 0, 0, 0]]]
    assert_allclose(bags.log_counts.exp(), counts)
    assert bags.query_doc.tolist() == [[0, 0], [0, 0]]
    assert bags.query_token.tolist() == [[0, 0], [0, 4]]  # run 0 has one pair, then padding
    assert bags.n_targets.tolist() == [[2, 0], [1, 1]]
    assert bags.target_pair.tolist() == [[0, 0], [0, 1]]
    assert bags.target_token.tolist() == [[1, 2], [3, 3]]
    assert bags.target_weight.tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("masked_keys", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_bags_count_what_a_loop_counts(seed, masked_keys):
    arrays = [a.reshape(3, 10, -1) for a in draw_masked(MIXED, 30, seed)]
    bags = as_bags(*arrays, MIXED, masked_keys)
    for run, (tokens, shown, masked) in enumerate(zip(*arrays, strict=True)):
        is_key = as_positions(tokens, shown, masked, MIXED, masked_keys).is_key.numpy()
        counts = np.zeros((10, MIXED.n_tokens))
        np.add.at(counts, (np.nonzero(is_key)[0], shown[is_key]), 1)
        assert_allclose(bags.log_counts[run].exp(), counts, atol=0)
        asked = list(zip(np.nonzero(masked)[0], shown[masked], tokens[masked], strict=True))
        assert answered(bags, run) == Counter(asked)
        pairs = Counter((doc, token) for doc, token, _ in asked)
        assert pairs_of(bags, run) == pairs


def answered(bags, run):
    """(document, shown token, hidden word) of each masked position, as the bags have it."""
    pair = bags.target_pair[run]
    rows = zip(bags.query_doc[run][pair], bags.query_token[run][pair], bags.target_token[run],
               bags.target_weight[run], strict=True)  # fmt: skip
    return Counter((int(d), int(q), int(t)) for d, q, t, weight in rows if weight == 1)


def pairs_of(bags, run):
    rows = zip(bags.query_doc[run], bags.query_token[run], bags.n_targets[run], strict=True)
    return Counter({(int(d), int(q)): int(n) for d, q, n in rows if n})


# Streams of batches ---------------------------------------------------------------------------


@pytest.mark.parametrize("masked_keys", [True, False])
def test_bags_hold_the_documents_of_positions(masked_keys):
    seeds, steps = (0, 1), 120  # more steps than are drawn at a time
    rngs = [np.random.default_rng(seed) for seed in seeds]
    bags = islice(sample_bags(MIXED, 4, rngs, masked_keys), steps)
    runs = [sample_positions(MIXED, 4, np.random.default_rng(s), masked_keys) for s in seeds]
    for step, *batches in zip(bags, *runs, strict=False):
        fields = [[getattr(b, f).numpy() for b in batches] for f in ("words", "shown", "masked")]
        expected = as_bags(*map(np.stack, fields), MIXED, masked_keys)
        assert torch.equal(step.log_counts, expected.log_counts)
        for run in range(len(seeds)):
            assert answered(step, run) == answered(expected, run)
            assert pairs_of(step, run) == pairs_of(expected, run)


def test_batches_are_fresh_documents_of_the_asked_number():
    cfg = CorpusConfig(n_topics=3, words_per_topic=5, doc_len=20)
    batches = [*islice(sample_positions(cfg, 7, np.random.default_rng(0)), 110)]
    assert all(batch.words.shape == (7, 20) for batch in batches)
    documents = {tuple(row.tolist()) for batch in batches for row in batch.words}
    assert len(documents) == 770
