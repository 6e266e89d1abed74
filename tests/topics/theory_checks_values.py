"""Statements 1 to 4, on stage 1, against solvers, enumeration and direct optimisation."""

from functools import cache
from itertools import product

import numpy as np
from numpy.testing import assert_allclose
from scipy import optimize
from theory_documents import (
    BOTH,
    CFG,
    NO_RANDOM,
    TINY,
    TWIN,
    WIDE,
    close,
    documents,
    enumerated_moments,
    excess,
    finite_moments,
    large_moments,
    least_norm,
    noise,
    solve,
)

from twostage.topics.corpus import CorpusConfig

# Statement 1: all minimisers ----------------------------------------------------------------


def check_constructed_minimisers_have_no_excess(theory):
    for cfg, keys in [*BOTH, (NO_RANDOM, True), (TWIN, True)]:
        u = 0.0 if not keys else noise(cfg.n_words)
        W = theory.predict_value_minimiser(cfg, u, noise(cfg.n_words, cfg.n_words), keys)
        X, P = documents(cfg, keys)
        close(W @ X.T, P.T, 1e-15)
        close(theory.predict_value_residual(cfg, W, keys), 0, 4e-15)
        close(theory.predict_excess_loss(cfg, W, keys), 0, 1e-28)


def check_spread_changes_no_topic_sum(theory):
    spread = noise(CFG.n_words, CFG.n_words)
    change = theory.predict_value_minimiser(CFG, 1.0, spread) - theory.predict_value_minimiser(
        CFG, 1.0
    )
    pairs = spread.reshape(CFG.n_words, CFG.n_topics, CFG.words_per_topic)
    centred = pairs - pairs.mean(axis=2, keepdims=True)
    close(change, np.pad(centred.reshape(spread.shape), ((0, 0), (1, 0))), 1e-14)


def check_every_minimiser_is_recognised(theory):
    for cfg, keys in [*BOTH, (TWIN, True), (TWIN, False)]:
        X, P = documents(cfg, keys)
        W = noise(cfg.n_words, cfg.n_words + 1)
        nearest = W - (W @ X.T - P.T) @ np.linalg.pinv(X.T)
        close(theory.predict_value_residual(cfg, nearest, keys), 0, 1e-14)


def check_forced_u_without_mask_token(theory):
    cfg = CorpusConfig(4, 3, 2, mask_rate=0.3, keep_rate=0.4, random_rate=0.6)
    X, P = documents(cfg, True)
    column = np.linalg.pinv(X[:, 1:]) @ P  # the least-norm solution has equal topic sums
    u = column[:, 0].reshape(4, 3).sum(axis=1)[1]
    close(theory.predict_value_minimiser(cfg, u) @ X.T, P.T, 1e-14)


def check_excess_of_any_matrix(theory):
    for cfg, keys in [*BOTH, (TWIN, True), (TWIN, False)]:
        for rows in (cfg.n_words, cfg.n_words + 1):
            W = noise(rows, cfg.n_words + 1)
            found = theory.predict_excess_loss(cfg, W, keys)
            assert_allclose(found, excess(cfg, keys, W), rtol=1e-13)


def check_residual_measures_the_excess(theory):
    for cfg, keys in BOTH:
        W = noise(cfg.n_words, cfg.n_words + 1)
        X, P = documents(cfg, keys)
        mean, topic = np.split(theory.predict_value_residual(cfg, W, keys), [1], axis=1)
        close(mean[:, 0], (X @ W.T - P).mean(axis=0), 1e-14)
        sums = W[:, 1:] @ np.eye(cfg.n_topics)[cfg.topic_of]
        share = X[:, 1:] @ np.eye(cfg.n_topics)[cfg.topic_of] / cfg.words_per_topic
        # slope of each topic's error against its visible share, by regression over documents
        errors = (X @ W.T - P) - (X @ W.T - P).mean(axis=0)
        slopes = np.linalg.pinv(share - share.mean(axis=0), rcond=1e-10) @ errors
        close(topic, slopes.T, 1e-12 * abs(sums).max())


# Statement 2: ridge and minimum norm --------------------------------------------------------


def check_ridge(theory):
    for cfg, keys in [*BOTH, (TWIN, True), (TWIN, False)]:
        for ridge in (1e-5, 1e-3, 0.1, 3.0):
            expected = solve(*large_moments(cfg, keys), ridge)
            close(theory.predict_value_matrix(cfg, ridge, None, keys), expected, 1e-13)


def check_minimum_norm(theory):
    for cfg, keys in [*BOTH, (TWIN, True), (TWIN, False)]:
        found = theory.predict_value_matrix(cfg, 0.0, None, keys)
        close(found, least_norm(cfg, keys), 1.5e-15)


# Statement 3: finite documents --------------------------------------------------------------


def check_finite_documents_enumerated(theory):
    for N, keys in product((2, 3), (True, False)):
        cross, second = enumerated_moments(TINY, N, keys)
        for ridge in (0.0, 0.05):
            found = theory.predict_finite_value_matrix(TINY, N, ridge, keys)
            close(found, solve(cross, second, ridge), 1e-13)


def check_finite_documents(theory):
    for cfg, N, ridge in product((CFG, WIDE, TWIN), (2, 40), (0.0, 1e-3)):
        expected = solve(*finite_moments(cfg, N), ridge)
        close(theory.predict_finite_value_matrix(cfg, N, ridge), expected, 1e-12)


def check_limit_of_finite_documents(theory):
    for cfg in (CFG, WIDE, TWIN):
        limit = theory.predict_value_matrix(cfg, 0.0, 9)
        for N in (10**3, 10**5):
            close(limit, solve(*finite_moments(cfg, N)), 2 / N)
        X, P = documents(cfg, True)
        close(limit @ X.T, P.T, 1e-15)


def check_limit_with_masked_positions_left_out(theory):
    for cfg in (CFG, WIDE):  # it is the minimum-norm form: here the limits do commute
        found = theory.predict_value_matrix(cfg, 0.0, 9, False)
        close(found, least_norm(cfg, False), 1.5e-15)


# Statement 4: trained embeddings ------------------------------------------------------------


def check_gram_has_no_excess(theory):
    for cfg, keys in [*BOTH, (TWIN, True)]:
        X, P = documents(cfg, keys)
        factor = noise(cfg.n_words + 1, 3)
        for gram in (
            theory.predict_embedding_gram(cfg, None, keys),
            theory.predict_embedding_gram(cfg, factor, keys),
        ):
            close(gram @ X.T, np.pad(P, ((0, 0), (1, 0))).T, 1e-14)
            assert np.linalg.eigvalsh(gram).min() > -1e-13


def check_gram_is_the_least(theory):
    """Any G >= 0 with G X = (0, P) is at least Y (X^T Y)^+ Y^T, for Y the columns (0, P(S))."""
    for cfg, keys in BOTH:
        X, P = documents(cfg, keys)
        target = np.pad(P, ((0, 0), (1, 0))).T
        least = target @ np.linalg.pinv(X @ target, rcond=1e-10) @ target.T
        close(theory.predict_embedding_gram(cfg, None, keys), least, 1e-13)
        assert np.linalg.matrix_rank(least, 1e-10) == cfg.n_topics


def check_trained_gram_is_above_the_least(theory):
    """Embeddings optimised directly, wider than needed: G less the least G is >= 0 and free."""
    X, _ = documents(CFG, True)
    E, _ = trained_embedding(CFG, 6, False, True, seed=3)
    free = E.T @ E - theory.predict_embedding_gram(CFG)
    close(free @ X.T, 0, 1e-13)
    assert np.linalg.eigvalsh(free).min() > -1e-12 and np.trace(free) > 0.1


def check_free_part_of_the_gram(theory):
    for cfg, keys in [*BOTH, (TWIN, True)]:
        factor = noise(cfg.n_words + 1, 3)
        X, _ = documents(cfg, keys)
        out = factor - np.linalg.pinv(X, rcond=1e-10) @ (X @ factor)
        plain = theory.predict_embedding_gram(cfg, None, keys)
        free = theory.predict_embedding_gram(cfg, factor, keys) - plain
        close(free, out @ out.T, 1e-13)


@cache
def trained_embedding(cfg, d_model, bias, masked_keys, seed):
    """E found by optimising it (and a bias) directly, and the excess loss it reaches."""
    X, P = documents(cfg, masked_keys)
    target = np.pad(P, ((0, 0), (1, 0)))
    size = d_model * X.shape[1]

    def errors(flat):
        E = flat[:size].reshape(d_model, -1)
        return (X @ E.T @ E + (flat[size:] if bias else 0) - target).ravel() / np.sqrt(len(X))

    start = noise(size + X.shape[1] * bias, seed=seed)
    run = optimize.least_squares(errors, start, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    return run.x[:size].reshape(d_model, -1), 2 * run.cost


def check_embedding_dimension(theory):
    for (cfg, keys), bias in product([(CFG, True), (CFG, False)], (False, True)):
        for d_model in (2, 3, 4):
            found = theory.predict_embedding_excess(cfg, d_model, bias, keys)
            runs = (trained_embedding(cfg, d_model, bias, keys, seed) for seed in range(3))
            expected = min(cost for _, cost in runs)
            close(found, expected, 1e-12 if found else 1e-21)
