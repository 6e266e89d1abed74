"""The theory of stage 2, of why there are two stages, and what follows from it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import integrate, optimize
from theory_checks import find_checks
from theory_checks_attention import population_loss
from theory_documents import noise

from twostage.topics import theory
from twostage.topics.corpus import CorpusConfig

CHECKS = find_checks("theory_checks_attention")
PAPER = CorpusConfig(topics_per_doc=3)  # T = v = 10, p_m = .15, p_c = p_r = .1
FAST = CorpusConfig(3, 2, 2, mask_rate=0.5, keep_rate=0.5, random_rate=0.1)


@pytest.mark.parametrize("name", CHECKS)
def test_statement(name):
    CHECKS[name](theory)


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
