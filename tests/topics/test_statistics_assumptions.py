"""Measures of how far text meets the assumptions: each recovers the setting that broke it."""

import numpy as np
import pytest

from twostage.estimates import mean_interval
from twostage.seeding import numpy_rng
from twostage.topics.corpus import CorpusConfig, sample_corpus
from twostage.topics.statistics import (
    count_pieces,
    effective_topics,
    equivalent_alpha,
    infer_mixtures,
    measure_overlap,
    measure_zipf,
    tabulate_spread,
)
from twostage.topics.text.articles import TextCorpus
from twostage.topics.text.lda import Topics


@pytest.mark.parametrize("overlap", [0.0, 0.3, 1.0])
def test_overlap_is_the_setting_of_the_corpus(overlap):
    cfg = CorpusConfig(4, 6, overlap=overlap)
    np.testing.assert_allclose(measure_overlap(cfg.topic_word, cfg.topic_of), overlap, atol=1e-12)


def test_overlap_does_not_ask_for_topics_of_equal_size():
    topic_of = np.array([0, 0, 0, 0, 1])
    own = np.array([[0.25, 0.25, 0.25, 0.25, 0], [0, 0, 0, 0, 1]])
    np.testing.assert_allclose(measure_overlap(0.6 * own + 0.4 / 5, topic_of), 0.4)


@pytest.mark.parametrize("zipf", [0.0, 0.7, 1.5])
@pytest.mark.parametrize("n_ranks", [4, 100])
def test_zipf_is_the_setting_of_the_corpus_whatever_the_order_of_words(zipf, n_ranks):
    cfg = CorpusConfig(3, 8, zipf=zipf)
    order = numpy_rng(0).permutation(cfg.n_words)
    found = measure_zipf(cfg.topic_word[:, order], cfg.topic_of[order], n_ranks)
    np.testing.assert_allclose(found, zipf, atol=1e-12)


def test_a_topic_that_owns_no_two_words_has_no_zipf_exponent():
    topic_word = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.3, 0.2, 0.1]])
    found = measure_zipf(topic_word, np.array([0, 0, 1]), 3)  # two words, one and none
    np.testing.assert_allclose(found, [np.log2(5 / 3)])


def test_effective_topics_of_equal_and_of_unequal_shares():
    mixtures = np.array([[1, 0, 0], [0.5, 0.5, 0], [1 / 3] * 3, [0.9, 0.1, 0]])
    np.testing.assert_allclose(effective_topics(mixtures), [1, 2, 3, 1 / 0.82])


def test_equivalent_alpha_recovers_a_dirichlet():
    mixtures = numpy_rng(0).dirichlet(np.full(6, 0.4), 20_000)
    assert equivalent_alpha(mixtures, 6) == pytest.approx(0.4, rel=0.03)


def test_equivalent_alpha_keeps_the_sum_of_squares_with_fewer_topics():
    mixtures = numpy_rng(0).dirichlet(np.full(6, 0.4), 20_000)
    fewer = numpy_rng(1).dirichlet(np.full(4, equivalent_alpha(mixtures, 4)), 20_000)
    assert (fewer**2).sum(1).mean() == pytest.approx((mixtures**2).sum(1).mean(), rel=0.01)


@pytest.mark.parametrize("n_topics", [2, 3])
def test_no_alpha_is_large_enough_for_more_topics_than_there_are(n_topics):
    mixtures = np.full((5, 3), 1 / 3)
    assert equivalent_alpha(mixtures, n_topics) == np.inf


def test_a_spread_is_a_mean_with_its_interval_and_quartiles():
    skewed = np.array([1.0, 2, 3, 14, 25])
    table = tabulate_spread({"a": skewed, "b": np.arange(3.0)})
    assert list(table.columns) == "measure n mean low high q1 median q3".split()
    assert table.iloc[0].tolist() == ["a", 5, 9, *mean_interval(skewed), 2, 3, 14]
    assert table.iloc[1, [0, 1, 2, 6]].tolist() == ["b", 3, 1, 1]


def test_inferred_mixtures_are_those_that_drew_the_documents():
    corpus = sample_corpus(CorpusConfig(4, 5, None, 0.5, 4000, 0.3), 30, numpy_rng(0))
    found = infer_mixtures(corpus.counts(), corpus.cfg.topic_word, n_rounds=200)
    np.testing.assert_allclose(found.sum(1), 1)
    np.testing.assert_allclose(found, corpus.mixtures, atol=0.04)


def test_inferred_mixtures_are_a_maximum_of_the_likelihood():
    corpus = sample_corpus(CorpusConfig(3, 4, 2, doc_len=30, overlap=0.5), 5, numpy_rng(0))
    counts, topic_word = corpus.counts(), corpus.cfg.topic_word
    best = infer_mixtures(counts, topic_word, n_rounds=500)
    others = numpy_rng(1).dirichlet(np.ones(3), 200)
    likelihood = (counts * np.log(best @ topic_word)).sum(1)
    assert (likelihood >= (counts @ np.log(others @ topic_word).T).max(1) - 1e-9).all()


def test_a_document_without_words_is_refused():
    with pytest.raises(ValueError, match="without words"):
        infer_mixtures(np.array([[1, 2], [0, 0]]), np.eye(2))


def test_pieces_count_known_words_and_leave_out_empty_pieces():
    text = "Cats chase dogs. Dogs chase cats, nobody wins! Elephants elephants elephants"
    corpus = TextCorpus("test", ("a",), (text,))
    topics = Topics(("cats", "dogs"), np.full((1, 2), 0.5))
    np.testing.assert_array_equal(count_pieces(corpus, topics, 3), [[1, 1], [1, 1]])
