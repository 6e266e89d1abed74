"""The joint optimum against least squares over every document and query, W_V unrestricted."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from twostage.topics import theory
from twostage.topics.corpus import CorpusConfig
from twostage.topics.theory_joint import predict_joint_odds

CFG = CorpusConfig(3, 2, 2, mask_rate=0.5, keep_rate=0.2, random_rate=0.2)


def features(cfg, odds):
    """Attention to each word, the hidden word and its chance: every document, query, word."""
    V, tau = cfg.n_words, cfg.topics_per_doc
    shown_mask = 1 - cfg.keep_rate - cfg.random_rate
    visible = 1 - (1 - cfg.keep_rate) * cfg.mask_rate
    for topics in combinations(range(cfg.n_topics), tau):
        P = np.isin(cfg.topic_of, topics) / (tau * cfg.words_per_topic)
        X = visible * P + cfg.mask_rate * cfg.random_rate / V
        for query in (None, *range(V)):
            same = (
                np.ones(V)
                if query is None
                else np.where(cfg.topic_of == cfg.topic_of[query], odds, 1)
            )
            attn = X * same / (X * same).sum()
            for word in np.flatnonzero(P):
                kept = cfg.keep_rate * (query == word) + cfg.random_rate / V
                yield attn, word, P[word] * (shown_mask if query is None else kept)


def least_loss(cfg, odds):
    """Squared error at the best of all W_V, by weighted least squares."""
    attn, word, chance = map(np.array, zip(*features(cfg, odds), strict=True))
    root = np.sqrt(chance)[:, None]
    wanted = np.eye(cfg.n_words)[word] * root
    best = np.linalg.lstsq(attn * root, wanted, rcond=1e-12)[0]
    return ((attn * root @ best - wanted) ** 2).sum()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"keep_rate": 0.3, "random_rate": 0.1},
        {"n_topics": 4},
        {"n_topics": 4, "topics_per_doc": 3},
    ],
)
def test_joint_odds_are_those_of_least_squares(changes):
    cfg = replace(CFG, **changes)
    odds = predict_joint_odds(cfg)
    found = minimize_scalar(lambda log: least_loss(cfg, np.exp(log)), bracket=(0.5, 1.5))
    assert odds == pytest.approx(np.exp(found.x), rel=1e-3)
    assert least_loss(cfg, odds) < min(least_loss(cfg, odds * f) for f in (0.97, 1.03))


def test_joint_odds_lie_between_the_two_frozen_predictions():
    frozen = theory.predict_attention_odds(CFG)
    not_keys = theory.predict_attention_odds(CFG, masked_keys=False)
    assert frozen * 1.1 < predict_joint_odds(CFG) < not_keys * 0.9
    assert predict_joint_odds(CFG, masked_keys=False) == pytest.approx(not_keys, rel=1e-4)


@pytest.mark.parametrize(
    "changes", [{"keep_rate": 0.0}, {"topics_per_doc": 1}, {"topics_per_doc": 3}]
)
def test_attention_stays_uniform_where_nothing_drives_it(changes):
    assert predict_joint_odds(replace(CFG, **changes)) == 1


def test_without_random_words_the_odds_have_no_bound():
    with pytest.raises(ValueError, match="random_rate must be > 0"):
        predict_joint_odds(replace(CFG, random_rate=0.0))
