"""The theory of generated corpora, and what samples of them show."""

import numpy as np
import pytest
from scipy import stats
from theory_checks import find_checks

from twostage.topics import theory
from twostage.topics.batches import sample_masks
from twostage.topics.corpus import MASK, CorpusConfig, sample_corpus

CHECKS = find_checks("theory_checks")


@pytest.mark.parametrize("name", CHECKS)
def test_statement(name):
    CHECKS[name](theory)


@pytest.mark.parametrize("tau", [None, 2])
def test_expectations_of_sampled_corpora(tau):
    cfg = CorpusConfig(5, 4, tau, 0.3, 6, overlap=0.1, zipf=0.5, mask_rate=0.1)
    corpus = sample_corpus(cfg, 20_000, np.random.default_rng(1))
    first, second = corpus.tokens[:, 0], corpus.tokens[:, 1]
    topics = np.sort(corpus.token_topics, axis=1)
    shown, masked = sample_masks(corpus.tokens, cfg, np.random.default_rng(2))
    shares = theory.predict_mask_shares(cfg)
    measured = {
        theory.predict_same_topic(cfg): corpus.token_topics[:, 0] == corpus.token_topics[:, 1],
        theory.predict_same_word(cfg): first == second,
        theory.predict_cooccurrence(cfg)[0, 3]: (first == 1) & (second == 4),
        theory.predict_distinct_topics(cfg, 6): 1 + (np.diff(topics) > 0).sum(axis=1),
        shares["masked"]: masked.mean(axis=1),
        shares["shown_mask"]: (shown == MASK).mean(axis=1),
    }
    for expected, draws in measured.items():
        assert abs(draws.mean() - expected) < 4.5 * stats.sem(draws) + 1e-12
