"""What is counted in a corpus, by hand; and on average what the theory expects."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from twostage.seeding import numpy_rng
from twostage.topics import theory
from twostage.topics.corpus import Corpus, CorpusConfig, sample_corpus
from twostage.topics.statistics import (
    count_cooccurrence,
    count_same,
    count_statistics,
    count_topics,
    tabulate_errors,
)

CFG = CorpusConfig(n_topics=2, words_per_topic=2, topics_per_doc=2, doc_len=3)


def test_counts_by_hand():
    tokens = np.array([[1, 1, 3], [2, 1, 5]])  # words 0 0 2 and words 1 0 with padding
    topics = np.array([[0, 0, 1], [0, 0, -1]])
    corpus = Corpus(tokens, topics, np.full((2, 2), 0.5), CFG)
    assert count_topics(corpus).tolist() == [[2, 1], [2, 0]]
    assert_allclose(count_same(count_topics(corpus)), [2 / 6, 1])
    assert_allclose(count_same(corpus.counts()), [2 / 6, 0])
    together = np.zeros((4, 4))  # 6 ordered pairs in the first document, 2 in the second
    together[0, 0], together[0, 2], together[2, 0] = 2, 2, 2
    together[0, 1], together[1, 0] = 1, 1
    assert_allclose(count_cooccurrence(corpus), together / 8)


def test_errors_are_told_in_standard_errors_and_agreement_in_documents():
    counted = {"a": np.array([1.0, 2, 3, 4]), "b": np.full(4, 0.5)}
    table = tabulate_errors(counted, {"b": 0.25, "a": 2.0})
    assert table.columns.tolist() == ["statistic", "expected", "counted", "low", "high", "z"]
    agreed, spread = table.to_numpy().tolist()
    assert agreed == ["b", 0.25, 0.5, 0.5, 0.5, 1]  # 0.25 in units of 1/4
    error = np.std([1, 2, 3, 4], ddof=1) / 2
    assert spread[:3] == ["a", 2, 2.5] and spread[5] == pytest.approx(0.5 / error)
    low, high = 2.5 - 3.1824 * error, 2.5 + 3.1824 * error  # Student's t with 3 degrees
    assert_allclose(spread[3:5], [low, high], rtol=1e-4)


@pytest.mark.parametrize("tau", [None, 2])
def test_means_are_as_the_theory_expects(tau):
    cfg = CorpusConfig(5, 4, tau, alpha=0.3, doc_len=8)
    corpus = sample_corpus(cfg, 20_000, numpy_rng(1, "corpus"))
    counted = count_statistics(corpus, numpy_rng(1, "masks"))
    expected = theory.predict_statistics(cfg)
    assert counted.keys() == expected.keys()
    for name, values in counted.items():
        error = max(values.std() / len(values) ** 0.5, 1e-12)
        assert abs(values.mean() - expected[name]) < 4.5 * error, name
