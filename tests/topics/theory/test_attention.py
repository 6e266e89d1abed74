"""The theory of stage 1, stage 2 and generated corpora, and what follows from it."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import integrate, optimize, stats
from theory_checks import STATEMENTS
from theory_checks_attention import population_loss
from theory_documents import CFG, WIDE, noise

from twostage.topics import theory
from twostage.topics.batches import sample_masks
from twostage.topics.corpus import MASK, CorpusConfig, sample_corpus

CHECKS = {check.__name__: check for _, checks in STATEMENTS.values() for check in checks}
PAPER = CorpusConfig(topics_per_doc=3)  # T = v = 10, p_m = .15, p_c = p_r = .1
FAST = CorpusConfig(3, 2, 2, mask_rate=0.5, keep_rate=0.5, random_rate=0.1)


@pytest.mark.parametrize("name", CHECKS)
def test_statement(name):
    CHECKS[name](theory)


# Stage 1 ------------------------------------------------------------------------------------


def test_same_topic_minus_other_topic_is_one_over_a_v():
    W = theory.predict_value_matrix(PAPER)
    a = 1 - 0.9 * 0.15
    assert_allclose(W[0, 1] - W[0, -1], 1 / (10 * a), rtol=1e-12)
    gram = theory.predict_embedding_gram(PAPER)[1:, 1:]
    sums = gram.reshape(100, 10, 10).sum(axis=2)
    assert_allclose(sums[0, 0] - sums[0, 1:], 1 / a, rtol=1e-12)


def test_without_their_mean_the_topics_form_a_simplex():
    gram = theory.predict_embedding_gram(PAPER)[1:, 1:]
    centred = gram - gram.mean()
    assert_allclose(centred[0, -1] / centred[0, 0], -1 / 9, rtol=1e-12)


def test_limits_of_small_ridge_and_long_documents_do_not_commute():
    V, least = PAPER.n_words, theory.predict_value_matrix(PAPER)
    long = theory.predict_value_matrix(PAPER, doc_len=9)
    assert np.linalg.norm(least - long) > 0.3 * np.linalg.norm(long)
    for N in (10**5, 10**6):  # the crossover is at ridge ~ 1/(VN)
        small = theory.predict_finite_value_matrix(PAPER, N, ridge=1e-3 / (V * N))
        large = theory.predict_finite_value_matrix(PAPER, N, ridge=1e2 / (V * N))
        middle = theory.predict_finite_value_matrix(PAPER, N, ridge=1 / (V * N))
        assert np.linalg.norm(small - long) < 0.01 * np.linalg.norm(long)
        assert np.linalg.norm(large - least) < 0.05 * np.linalg.norm(least)
        bump = [W[0, 1] - W[0, 2] for W in (small, middle, large)]
        assert_allclose(np.array(bump[1:]) / bump[0], [0.47, 0.009], atol=0.02)


@pytest.mark.parametrize(("tau", "low", "high"), [(2, 0.01, 0.02), (3, 0.03, 0.05), (8, 0.3, 0.5)])
def test_limit_is_nearer_to_finite_documents_of_few_topics(tau, low, high):
    """The learned topic gap falls short of its limit by about tau (T-1)/((T-tau) N)."""
    cfg = replace(PAPER, topics_per_doc=tau)
    exact = theory.predict_finite_value_matrix(cfg, 64)
    limit = theory.predict_value_matrix(cfg, doc_len=64)
    gap, limit_gap = (W[0, 2] - W[0, -1] for W in (exact, limit))
    assert low < 1 - gap / limit_gap < high


# Stage 2 ------------------------------------------------------------------------------------

TABLE = {
    "topics_per_doc": {2: 6.58, 3: 7.68, 5: 8.72, 8: 9.40},
    "n_topics": {5: 4.97, 20: 11.1, 50: 15.6, 100: 18.2},
    "keep_rate": {0.0: 1, 0.02: 2.78, 0.05: 4.93, 0.2: 11.7, 0.4: 18.5},
    "random_rate": {0.0: 21.8, 0.01: 18.2, 0.05: 11.1, 0.2: 4.96, 0.4: 3.16},
}


@pytest.mark.parametrize("name", TABLE)
def test_odds_over_the_settings_of_the_book(name):
    for value, odds in TABLE[name].items():
        found = theory.predict_attention_odds(replace(PAPER, **{name: value}))
        assert float(f"{found:.3g}") == odds


def test_odds_minimise_the_loss_over_random_settings():
    rng, log_odds = np.random.default_rng(0), np.linspace(-3, 12, 4000)
    for _ in range(100):
        T = int(rng.integers(3, 12))
        keep, random, _ = rng.dirichlet([1, 1, 1])
        rates = {"mask_rate": rng.uniform(0.02, 1), "keep_rate": keep, "random_rate": random}
        cfg = CorpusConfig(T, int(rng.integers(1, 9)), int(rng.integers(2, T)), **rates)
        eta = theory.predict_mask_offset(cfg, theory.predict_value_matrix(cfg))
        loss = theory.predict_attention_loss(cfg, np.exp(log_odds), 0.0, eta)
        assert (
            abs(np.log(theory.predict_attention_odds(cfg, True, eta)) - log_odds[loss.argmin()])
            < 0.004
        )


def test_odds_without_masked_keys_are_optimal_whatever_else_is_trained():
    """Joint minimum over the odds and W_V's gap and level: 1 + T p_c/p_r, gap 1/v, level 0."""
    T, v, tau, p_c, p_r = 5, 2, 2, 0.3, 0.1
    in_doc = np.arange(T) < tau
    target = in_doc / (tau * v)

    def squared(weights, gap, level, word):
        shares = in_doc * weights
        output = level + gap * shares / shares.sum()
        return v * output @ output - 2 * word @ output

    def loss(point):
        odds, gap, level = np.exp(point[0]), *point[1:]
        kept, random = (np.where(np.arange(T) == topic, odds, 1) for topic in (0, T - 1))
        shown = squared(kept, gap, level, np.eye(T)[0])
        noise_in = squared(kept, gap, level, v * target)
        noise_out = squared(random, gap, level, v * target)
        masked = squared(np.ones(T), gap, level, v * target)
        wrong = tau / T * noise_in + (1 - tau / T) * noise_out
        return p_c * shown + p_r * wrong + (1 - p_c - p_r) * masked

    best = optimize.minimize(loss, [0.5, 1.0, 0.0], tol=1e-12).x
    cfg = CorpusConfig(T, v, tau, keep_rate=p_c, random_rate=p_r)
    odds = theory.predict_attention_odds(cfg, masked_keys=False)
    assert_allclose([np.exp(best[0]), *best[1:]], [odds, 1 / v, 0], atol=1e-3)


def test_own_word_pulls_harder_and_in_the_end_takes_all():
    drive = theory.predict_attention_drive(PAPER, own_word=True)
    assert_allclose(drive[1, 1] / drive[1, 2], 2.73, rtol=0.01)
    odds = theory.predict_attention_odds(PAPER)
    own = np.linspace(0, 10 * odds, 50)  # at the far end other words of the topic get nothing
    loss = theory.predict_attention_loss(PAPER, np.full(50, odds), own)
    assert (np.diff(loss) < 0).all()


# Why two stages -----------------------------------------------------------------------------


def gradients(cfg, flat):
    """Attention scores of W_V, W_K and W_Q, given as one vector, and the loss's gradient in it."""
    side = cfg.n_words + 1
    sizes = [cfg.n_words * side, side * side, side * side]
    weights = torch.tensor(flat, requires_grad=True)
    W_V, W_K, W_Q = (part.reshape(-1, side) for part in weights.split(sizes))
    scores = W_Q.T @ W_K / side**0.5
    population_loss(cfg, True, scores, W_V).backward()
    return scores.detach().numpy(), weights.grad.numpy()


def topic_contrast(cfg, scores):
    """Mean score of same-topic keys minus that of other topics' keys."""
    same = cfg.topic_of[:, None] == cfg.topic_of
    return scores[1:, 1:][same].mean() - scores[1:, 1:][~same].mean()


def start_of_stage_2(cfg, eps, level=0.3):
    """Time at which gradient flow from weights of size eps lifts the contrast to `level`."""
    start = eps * noise((cfg.n_words + 1) * (3 * cfg.n_words + 2))

    def reached(_, flat):
        return topic_contrast(cfg, gradients(cfg, flat)[0]) - level

    reached.terminal = True

    def velocity(_, flat):
        return -gradients(cfg, flat)[1]

    options = {"method": "LSODA", "events": reached, "rtol": 1e-6, "atol": 1e-9}
    flow = integrate.solve_ivp(velocity, (0, 3000), start, **options)
    return flow.t_events[0][0]


@pytest.mark.slow
def test_stage_2_starts_later_by_the_same_time_for_each_decade():
    times = [start_of_stage_2(FAST, eps) for eps in (1e-2, 1e-3, 1e-4)]
    delay = theory.predict_start_delay(FAST, d_model=FAST.n_words + 1)
    assert_allclose(np.diff(times), delay, rtol=0.002)
    rates = theory.predict_stage_rates(FAST, FAST.n_words + 1)
    assert times[0] > 3 / rates.values  # stage 1 is over by then


def adam_start(cfg, eps, level=0.3, learning_rate=0.01):
    """Steps of Adam until the contrast reaches `level`."""
    flat = eps * noise((cfg.n_words + 1) * (3 * cfg.n_words + 2))
    mean, square = np.zeros_like(flat), np.zeros_like(flat)
    for step in range(1, 1000):
        scores, grad = gradients(cfg, flat)
        if topic_contrast(cfg, scores) > level:
            return step
        mean, square = 0.9 * mean + 0.1 * grad, 0.999 * square + 0.001 * grad**2
        scale = np.sqrt(square / (1 - 0.999**step)) + 1e-8
        flat = flat - learning_rate * mean / (1 - 0.9**step) / scale
    raise AssertionError(f"stage 2 did not start within {step} steps")


def test_under_adam_the_start_hardly_depends_on_the_scale():
    steps = [adam_start(FAST, eps) for eps in (1e-2, 1e-3, 1e-4)]
    assert max(steps) < 1.5 * min(steps), steps


# Generated corpora --------------------------------------------------------------------------


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


# Refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"topics_per_doc": None}, "not Dirichlet"),
        ({"overlap": 0.1}, "overlap must be 0, got 0.1"),
        ({"zipf": 1.0}, "zipf must be 0, got 1.0"),
        ({"mask_rate": 1.0, "keep_rate": 0.0}, "mask_rate must be < 1, got 1.0"),
    ],
)
def test_settings_outside_the_theory_are_refused(change, message):
    cfg = replace(CFG, **change)
    for predict in (theory.predict_value_matrix, theory.predict_attention_odds):
        with pytest.raises(ValueError, match=message):
            predict(cfg)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.predict_value_matrix(CFG, -1.0), "ridge must be >= 0, got -1.0"),
        (lambda: theory.predict_value_matrix(CFG, 0.1, 64), "predict_finite_value_matrix"),
        (lambda: theory.predict_value_matrix(CFG, doc_len=1), "doc_len must be .* >= 2, got 1"),
        (lambda: theory.predict_finite_value_matrix(CFG, 1), "doc_len must be .* >= 2, got 1"),
        (lambda: theory.predict_value_minimiser(CFG, 1.0, masked_keys=False), "only u = 0 has no"),
        (lambda: theory.predict_embedding_excess(CFG, 0), "d_model must be >= 1, got 0"),
        (lambda: theory.predict_stage_rates(CFG, 0), "d_model must be >= 1, got 0"),
        (lambda: theory.predict_start_delay(CFG, 9, 0.0), "shrink must be > 0, got 0.0"),
        (lambda: theory.predict_distinct_topics(CFG, 0), "doc_len must be >= 1, got 0"),
        (
            lambda: theory.predict_attention_loss(replace(CFG, topics_per_doc=4), 2.0),
            "topics_per_doc must be < n_topics",
        ),
    ],
)
def test_impossible_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_any_configuration_with_the_six_names_will_do():
    names = (
        "n_topics",
        "words_per_topic",
        "topics_per_doc",
        "mask_rate",
        "keep_rate",
        "random_rate",
    )
    plain = SimpleNamespace(**{name: getattr(WIDE, name) for name in names})
    assert (theory.predict_value_matrix(plain) == theory.predict_value_matrix(WIDE)).all()
    assert theory.predict_attention_odds(plain) == theory.predict_attention_odds(WIDE)
