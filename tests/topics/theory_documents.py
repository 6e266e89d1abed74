"""Documents of the theory's model by enumeration: the independent side of the theory's checks.

Every set of topics, and where N is small every document and every way of showing it, is gone
through position by position. Nothing here uses the theory's formulas.
"""

from functools import cache
from itertools import combinations, product

import numpy as np
from numpy.testing import assert_allclose

from twostage.topics.corpus import CorpusConfig

CFG = CorpusConfig(4, 2, 2, mask_rate=0.3, keep_rate=0.2, random_rate=0.25)
WIDE = CorpusConfig(5, 3, 3, mask_rate=0.4, keep_rate=0.3, random_rate=0.1)
NO_RANDOM = CorpusConfig(4, 3, 2, mask_rate=0.3, keep_rate=0.2, random_rate=0.0)
TWIN = CorpusConfig(3, 2, 3, mask_rate=0.3, keep_rate=0.2, random_rate=0.25)  # tau = T
TINY = CorpusConfig(3, 2, 2, mask_rate=0.3, keep_rate=0.2, random_rate=0.25)
BOTH = [(cfg, keys) for cfg in (CFG, WIDE) for keys in (True, False)]


def close(found, expected, error):
    """Largest difference must be at most `error`."""
    assert_allclose(found, expected, rtol=0, atol=error)


@cache
def topic_sets(cfg):
    """P[S, w] for all sets S of topics."""
    sets = list(combinations(range(cfg.n_topics), cfg.topics_per_doc))
    P = np.zeros((len(sets), cfg.n_words))
    for row, topics in zip(P, sets, strict=True):
        row[np.isin(cfg.topic_of, topics)] = 1
    return P / P.sum(axis=1, keepdims=True)


@cache
def corruption(cfg):
    """Chance that a masked word w shows a token."""
    keep = np.eye(cfg.n_words, cfg.n_words + 1, k=1) * cfg.keep_rate
    noise = np.pad(np.full((cfg.n_words,) * 2, cfg.random_rate / cfg.n_words), ((0, 0), (1, 0)))
    shown = keep + noise
    shown[:, 0] = 1 - shown.sum(axis=1)
    return shown


@cache
def showing(cfg, masked_keys):
    """Chance that a position holding word w shows a token, if it is a key at all."""
    visible = np.eye(cfg.n_words, cfg.n_words + 1, k=1)
    if not masked_keys:
        return visible
    return (1 - cfg.mask_rate) * visible + cfg.mask_rate * corruption(cfg)


@cache
def documents(cfg, masked_keys):
    """X[S, token] and P[S, word] of infinitely long documents."""
    P = topic_sets(cfg)
    return P @ showing(cfg, masked_keys), P


@cache
def large_moments(cfg, masked_keys):
    """E[e_w X^T] and E[X X^T] of infinitely long documents."""
    X, P = documents(cfg, masked_keys)
    return P.T @ X / len(X), X.T @ X / len(X)


@cache
def finite_moments(cfg, N):
    """The same for documents of N words, masked positions being keys."""
    X, P = documents(cfg, True)
    n_sets, own = len(P), P @ corruption(cfg)
    joint = (P.mean(axis=0)[:, None] * corruption(cfg)) / N
    mixed = own.T @ X / n_sets
    pairs = (N - 1) * (N - 2) * X.T @ X / n_sets + (N - 1) * (mixed + mixed.T)
    single = (N - 1) * X.mean(axis=0) + own.mean(axis=0)
    return joint + (N - 1) / N * P.T @ X / n_sets, (pairs + np.diag(single)) / N**2


@cache
def enumerated_moments(cfg, N, masked_keys):
    """The same by going through every document of N words and every way of showing it."""
    n_tokens = cfg.n_words + 1
    absent = np.full((cfg.n_words, 1), 0.0 if masked_keys else cfg.mask_rate)
    other = np.hstack([showing(cfg, masked_keys) * (1 - absent), absent])  # last column: no key
    own = corruption(cfg) if masked_keys else np.ones((cfg.n_words, 1))
    cross, second, total = np.zeros((cfg.n_words, n_tokens)), np.zeros((n_tokens,) * 2), 0.0
    for P in topic_sets(cfg):
        others = P @ other
        for tokens in product(range(n_tokens + 1), repeat=N - 1):
            counts = np.bincount(tokens, minlength=n_tokens + 1)[:-1].astype(float)
            X = np.tile(counts, (own.shape[1], 1)) + (np.eye(n_tokens) if masked_keys else 0)
            if not X.sum():
                continue
            X /= X.sum(axis=1, keepdims=True)
            chance = P[:, None] * own * others[list(tokens)].prod()
            cross += chance @ X
            second += X.T @ (chance.sum(axis=0)[:, None] * X)
            total += chance.sum()
    return cross / total, second / total


def solve(cross, second, ridge=0.0):
    """Ridge or least-norm regression from second moments."""
    values, vectors = np.linalg.eigh(second)
    kept = values > 1e-13 * values[-1]
    inverse = np.where(kept, 1 / (np.where(kept, values, 1) + ridge), 0)
    return cross @ (vectors * inverse) @ vectors.T


@cache
def least_norm(cfg, masked_keys):
    """W of least norm with W X(S) = P(S)."""
    X, P = documents(cfg, masked_keys)
    return P.T @ np.linalg.pinv(X.T, rcond=1e-10)


def excess(cfg, masked_keys, W):
    """E_S|W X(S) - target|^2; a first row beyond the words has target 0."""
    X, P = documents(cfg, masked_keys)
    P = np.pad(P, ((0, 0), (len(W) - cfg.n_words, 0)))
    return ((X @ W.T - P) ** 2).sum(axis=1).mean()


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)
