"""Statements 5 to 9 and 15, on stage 2, against full matrices, autograd and optimisation."""

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import torch
from numpy.testing import assert_allclose
from scipy import optimize
from theory_documents import (
    BOTH,
    CFG,
    NO_RANDOM,
    TWIN,
    WIDE,
    close,
    corruption,
    documents,
    finite_moments,
    least_norm,
    noise,
    solve,
)
from theory_joint_documents import least_loss, least_odds

from twostage.topics.corpus import CorpusConfig

# Statements 5 to 8: attention ---------------------------------------------------------------


def kernel(cfg, same_word, same_topic, other=1.0):
    """Weight of each key for each query that shows a word."""
    topic = cfg.topic_of[:, None] == cfg.topic_of
    words = np.where(topic, same_topic, other) + np.eye(cfg.n_words) * (same_word - same_topic)
    return np.hstack([np.full((cfg.n_words, 1), other), words])


def enumerated_loss(cfg, masked_keys, W, weights, bias=0.0):
    """Squared error (less its constant 1) of word queries that weigh keys by `weights`."""
    X, P = documents(cfg, masked_keys)
    shares = X[:, None] * weights
    output = (shares / shares.sum(axis=2, keepdims=True)) @ W.T + bias  # [S, query, word]
    norm = (output**2).sum(axis=2)
    kept = (P * (norm - 2 * np.einsum("skk->sk", output))).sum(axis=1)
    random = (norm - 2 * np.einsum("ski,si->sk", output, P)).mean(axis=1)
    return (cfg.keep_rate * kept + cfg.random_rate * random).mean()


def gain(cfg, masked_keys, W, weights, bias=0.0):
    uniform = enumerated_loss(cfg, masked_keys, W, np.ones_like(weights), bias)
    return enumerated_loss(cfg, masked_keys, W, weights, bias) - uniform


@cache
def value_forms(cfg, masked_keys):
    """Block-constant minimisers: zero off-block with a bias, and minimum norm."""
    X, P = documents(cfg, masked_keys)
    blocks = np.pad((cfg.topic_of[:, None] == cfg.topic_of).astype(float), ((0, 0), (1, 0)))
    scale, bias = np.polyfit((X @ blocks.T).ravel(), P.ravel(), 1)
    return (scale * blocks, bias), (least_norm(cfg, masked_keys), 0.0)


def check_attention_loss(theory):
    grid = [(1.0, 1.0), (3.0, 3.0), (0.2, 5.0), (9.0, 0.5), (0.1, 0.3)]
    for cfg, keys in [*BOTH, (NO_RANDOM, True)]:
        for W, bias in value_forms(cfg, keys):
            eta = 0.0 if bias else theory.predict_mask_offset(cfg, W, keys)
            for c1, c2 in grid:
                rho = (c1 + (cfg.words_per_topic - 1) * c2) / cfg.words_per_topic
                found = theory.predict_attention_loss(cfg, rho, 0.0, eta, keys)
                close(found, gain(cfg, keys, W, kernel(cfg, c1, c2), bias), 1e-15)


def check_mask_offset(theory):
    for cfg in (CFG, WIDE):
        limit = theory.predict_value_matrix(cfg, 0.0, 9)
        close(theory.predict_mask_offset(cfg, limit), mask_mass(cfg) / cfg.n_topics, 1e-15)


def mask_mass(cfg):
    return documents(cfg, True)[0][0, 0]


def check_mask_queries_want_uniform_attention(theory):
    """At [MASK] no reweighting of words, blind to the document, lowers the loss."""
    cfg = CFG
    W = theory.predict_value_matrix(cfg)
    X, P = documents(cfg, True)

    def loss(scores):
        shares = X * np.exp(np.append(0.0, scores))
        return ((shares / shares.sum(axis=1, keepdims=True) @ W.T - P) ** 2).sum()

    close(loss(np.zeros(cfg.n_words)), 0, 1e-28)
    assert min(loss(noise(cfg.n_words, seed=seed)) for seed in range(20)) > 1e-4


def check_attention_slope(theory):
    step = 1e-4
    for cfg, keys in BOTH:
        (W, bias), _ = value_forms(cfg, keys)
        ahead, behind = (gain(cfg, keys, W, kernel(cfg, 1 + d, 1 + d), bias) for d in (step, -step))
        slope = theory.predict_attention_slope(cfg, keys)
        assert_allclose(slope, (ahead - behind) / (2 * step), rtol=1e-6)


@cache
def best_odds(cfg, masked_keys, form):
    """Minimise the enumerated loss over log odds."""
    W, bias = value_forms(cfg, masked_keys)[form]

    def loss(log_odds):
        return gain(cfg, masked_keys, W, kernel(cfg, *[np.exp(log_odds)] * 2), bias)

    grid = np.linspace(-2, 6, 60)
    best = grid[np.argmin([loss(point) for point in grid])]

    # the root of the slope is sharper than the minimum of the loss
    def slope(log_odds):
        return loss(log_odds + 1e-3) - loss(log_odds - 1e-3)

    return np.exp(optimize.brentq(slope, best - 0.3, best + 0.3, xtol=1e-13))


def check_attention_odds(theory):
    for cfg, keys in [*BOTH, (NO_RANDOM, True)]:
        for form, (W, bias) in enumerate(value_forms(cfg, keys)):
            eta = 0.0 if bias else theory.predict_mask_offset(cfg, W, keys)
            found = theory.predict_attention_odds(cfg, keys, eta)
            assert_allclose(found, best_odds(cfg, keys, form), rtol=1e-6)


def check_odds_of_simple_cases(theory):
    for cfg in (CFG, WIDE):
        T, tau = cfg.n_topics, cfg.topics_per_doc
        odds = 1 + T * cfg.keep_rate / cfg.random_rate
        assert_allclose(theory.predict_attention_odds(cfg, False), odds, rtol=1e-12)
    cfg, T, tau = NO_RANDOM, NO_RANDOM.n_topics, NO_RANDOM.topics_per_doc
    a = 1 - mask_mass(cfg)
    odds = ((tau - a) ** 2 + a * (tau - 1)) / ((1 - a) * (tau - a))
    assert_allclose(theory.predict_attention_odds(cfg), odds, rtol=1e-12)


def check_where_attention_stays_uniform(theory):
    for keys in (True, False):
        for change in ({"keep_rate": 0.0}, {"topics_per_doc": 1}, {"topics_per_doc": 4}):
            assert theory.predict_attention_odds(replace(CFG, **change), keys) == 1
    assert theory.predict_attention_odds(NO_RANDOM, False) == np.inf


def bumped(cfg, masked_keys):
    """Minimum-norm W_V plus the own-word weight that finite documents teach."""
    W = value_forms(cfg, masked_keys)[1][0].copy()
    topic = cfg.topic_of[:, None] == cfg.topic_of
    kappa = cfg.keep_rate / (1 - mask_mass(cfg)) if masked_keys else 0.0
    W[:, 1:] += kappa * (np.eye(cfg.n_words) - topic / cfg.words_per_topic)
    return W


def check_own_word_loss(theory):
    for cfg, keys in BOTH:
        W = bumped(cfg, keys)
        eta = theory.predict_mask_offset(cfg, value_forms(cfg, keys)[1][0], keys)
        for c1, c2 in [(1.0, 1.0), (3.0, 3.0), (0.2, 5.0), (9.0, 0.5)]:
            rho = (c1 + (cfg.words_per_topic - 1) * c2) / cfg.words_per_topic
            found = theory.predict_attention_loss(cfg, rho, c1 - c2, eta, keys)
            close(found, gain(cfg, keys, W, kernel(cfg, c1, c2)), 1e-15)


# Statement 9: why two stages ----------------------------------------------------------------


def population_loss(cfg, masked_keys, scores, W_V):
    """Squared error over all queries, as a function of attention scores [query, key] and W_V."""
    X, P = (torch.from_numpy(part) for part in documents(cfg, masked_keys))
    shares = X[:, None] * scores.exp()
    output = shares / shares.sum(2, keepdim=True) @ W_V.T  # [S, query, word]
    chance = torch.einsum("sw,wk->swk", P, torch.from_numpy(corruption(cfg)))
    norm = (chance.sum(1) * output.square().sum(2)).sum(1)
    hit = torch.einsum("swk,skw->s", chance, output)
    return (norm - 2 * hit).mean() + 1


def automatic_drive(cfg, W, masked_keys=True):
    """-dL/d(scores) at uniform attention."""
    scores = torch.zeros((cfg.n_words + 1,) * 2, dtype=torch.float64, requires_grad=True)
    population_loss(cfg, masked_keys, scores, torch.from_numpy(W)).backward()
    return -scores.grad.numpy()


def check_attention_drive(theory):
    for (cfg, keys), finite in product(BOTH, (False, True)):
        W = bumped(cfg, keys) if finite else value_forms(cfg, keys)[1][0]
        expected = automatic_drive(cfg, W, keys)
        close(theory.predict_attention_drive(cfg, finite, keys), expected, 1e-16)
        if finite and keys:  # statement 8: a word pulls more than its topic, that more than others
            assert expected[1, 1] > expected[1, 2] > 0 > expected[1, -1]


def check_rank_of_the_drive(theory):
    for cfg, keys in BOTH:
        values = np.linalg.svd(theory.predict_attention_drive(cfg, False, keys))[1]
        assert_allclose(values[: cfg.n_topics - 1], values[0], rtol=1e-12)
        close(values[cfg.n_topics - 1 :], 0, 1e-17)


def check_first_value_gradient(theory):
    for cfg, keys in [*BOTH, (TWIN, True), (TWIN, False)]:
        W = torch.zeros((cfg.n_words, cfg.n_words + 1), dtype=torch.float64, requires_grad=True)
        scores = torch.zeros((cfg.n_words + 1,) * 2, dtype=torch.float64)
        population_loss(cfg, keys, scores, W).backward()
        close(theory.predict_first_value_gradient(cfg, keys), W.grad.numpy(), 1e-16)


def check_stage_rates(theory):
    for cfg, keys in BOTH:
        rates = theory.predict_stage_rates(cfg, 7, keys)
        drive = automatic_drive(cfg, value_forms(cfg, keys)[1][0], keys)
        strength = np.linalg.norm(drive, 2)
        assert_allclose(rates.attention, strength / 7**0.5, rtol=1e-12)
        X, _ = documents(cfg, keys)
        spread = np.linalg.eigvalsh(np.cov(X.T, bias=True))[-1]  # all topic contrasts alike
        assert_allclose(rates.values, 2 * spread, rtol=1e-12)


def check_start_delay(theory):
    for (cfg, keys), shrink in product(BOTH, (10.0, 100.0)):
        drive = automatic_drive(cfg, value_forms(cfg, keys)[1][0], keys)
        strength = np.linalg.norm(drive, 2)
        delay = theory.predict_start_delay(cfg, 7, shrink, keys)
        assert_allclose(np.exp(delay * strength / 7**0.5), shrink, rtol=1e-10)


def gradient_sizes(cfg, eps, W_V):
    """The first gradients with weights of size eps (times one fixed draw)."""
    side = cfg.n_words + 1
    W_K, W_Q = (
        torch.tensor(eps * noise(side, side, seed=seed), requires_grad=True) for seed in (1, 2)
    )
    W_V = torch.tensor(W_V, requires_grad=True)
    population_loss(cfg, True, W_Q.T @ W_K / side**0.5, W_V).backward()
    return {"W_V": W_V.grad, "W_K": W_K.grad, "W_Q": W_Q.grad}


def check_gradient_orders(theory):
    cfg, scales = CFG, (1e-3, 1e-4)
    start, optimum = noise(cfg.n_words, cfg.n_words + 1), value_forms(cfg, True)[1][0]
    for stage in ("start", "stage-1 optimum"):
        values = [eps * start if stage == "start" else optimum for eps in scales]
        sizes = [gradient_sizes(cfg, *pair) for pair in zip(scales, values, strict=True)]
        for name, order in theory.predict_gradient_orders()[stage].items():
            large, small = (float(size[name].norm()) for size in sizes)
            close(np.log10(large / small), order, 0.002)


# Statement 15: the twin of the permutation --------------------------------------------------


def check_twin_learns_nothing_between_topics(theory):
    topics = np.eye(TWIN.n_topics)[TWIN.topic_of]
    contrast = topics.T / 2 - topics.T[::-1] / 2
    for keys in (True, False):
        for form in (
            theory.predict_value_matrix(TWIN, 0.0, None, keys),
            theory.predict_value_matrix(TWIN, 0.1, None, keys),
            -theory.predict_first_value_gradient(TWIN, keys),
            theory.predict_embedding_gram(TWIN, None, keys)[1:],
        ):
            close(form[:, 1:] @ contrast.T, 0, 1e-15)
        close(theory.predict_attention_drive(TWIN, False, keys), 0, 0)
        assert theory.predict_start_delay(TWIN, 7, 10.0, keys) == np.inf
        assert theory.predict_attention_odds(TWIN, keys) == 1


def check_twin_learns_its_own_words_in_finite_documents(theory):
    W = theory.predict_value_matrix(TWIN, 0.0, 10**5)
    close(W, solve(*finite_moments(TWIN, 10**5)), 1e-5)
    words = W[:, 1:]
    assert_allclose(words[~np.eye(len(words), dtype=bool)], words[0, 1], rtol=1e-12)
    assert words[0, 0] > words[0, 1]
    drive = automatic_drive(TWIN, solve(*finite_moments(TWIN, 10**5)))
    close(theory.predict_attention_drive(TWIN, True), drive, 1e-6)


@cache
def joint_by_least_squares(cfg):
    return {rho: least_loss(cfg, rho) for rho in (1.0, 2.0, 5.0)}, least_odds(cfg)


def check_joint_odds(theory):
    cfg = CorpusConfig(3, 2, 2, mask_rate=0.5, keep_rate=0.2, random_rate=0.2)
    for case in (cfg, replace(cfg, n_topics=4, topics_per_doc=3, keep_rate=0.3)):
        odds, best = joint_by_least_squares(case)
        assert_allclose(theory.predict_joint_odds(case), best, rtol=1e-4)
        found = [theory.predict_joint_loss(case, rho) for rho in odds]
        close(np.diff(found), np.diff(list(odds.values())), 1e-13)
    alone = theory.predict_joint_odds(cfg, masked_keys=False)
    assert_allclose(alone, 1 + 3 * 0.2 / 0.2, rtol=1e-4)
    assert theory.predict_joint_odds(replace(cfg, keep_rate=0.0)) == 1
