"""W_V and attention together: least squares over every document, query and hidden word."""

from itertools import combinations
from math import comb

import numpy as np
from scipy.optimize import minimize_scalar


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
    """Squared error per masked position at the best of all W_V, by weighted least squares."""
    attn, word, chance = map(np.array, zip(*features(cfg, odds), strict=True))
    root = np.sqrt(chance)[:, None]
    wanted = np.eye(cfg.n_words)[word] * root
    best = np.linalg.lstsq(attn * root, wanted, rcond=1e-12)[0]
    error = ((attn * root @ best - wanted) ** 2).sum()
    return error / comb(cfg.n_topics, cfg.topics_per_doc)


def least_odds(cfg):
    """Odds at which the best W_V leaves the least squared error."""
    found = minimize_scalar(lambda log: least_loss(cfg, np.exp(log)), bracket=(0.5, 1.5))
    return np.exp(found.x)
