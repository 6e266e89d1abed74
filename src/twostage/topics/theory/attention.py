"""Stage 2 in closed form: where word queries look once W_V holds the topics.

W_V stays at a block-constant stage-1 optimum. A query that shows word k weighs its keys c1 (the
same word), c2 (other words of its topic), c3 (words of other topics) and c3 ([MASK]); documents
are long. Only rho = (c1 + (v - 1) c2)/(v c3) enters: the odds of attention to the query's topic.
[MASK] queries know nothing of their word: uniform attention is exactly optimal for them.

Model: li2023topic, section 5 (optimal attention); the loss in rho, its optimum and the times are
beyond the paper. Both mask conventions as in `theory_setting`; under either one attention to the
topic pays only because some masked words are left in place (p_c > 0).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.polynomial import Polynomial
from scipy.optimize import minimize_scalar

from twostage.topics.theory.setting import Setting, TopicModel, block_projectors, read_setting


class StageRates(NamedTuple):
    """Exponential rates of gradient flow on the squared error, per unit of time."""

    values: float  # W_V reaches its topic block as 1 - exp(-values t)
    attention: float  # W_K and W_Q grow as exp(attention t) once it has


class _Terms(NamedTuple):
    """Coefficients of the stage-2 loss."""

    x: float  # visible mass of one topic of the document
    y: float  # visible mass of one other topic
    U: float  # squared error caused by a query whose topic is in the document
    U_out: float  # the same, for a query whose topic is not
    kept: float  # chance that the query shows the true word, times what attention then gains
    inside: float  # chance that a word query's topic is in the document
    outside: float  # chance that it is not


def _terms(s: Setting, eta: float) -> _Terms:
    T, tau, p_c, p_r = s.n_topics, s.topics_per_doc, s.keep_rate, s.random_rate
    if tau == T:
        raise ValueError(f"topics_per_doc must be < n_topics (at tau = T no topic gap), got {tau}")
    y = s.b * s.words_per_topic
    x = s.a / tau + y
    U = (1 - x - eta) ** 2 + (tau - 1) * (x + eta) ** 2 + (T - tau) * (y + eta) ** 2
    U_out = (1 - y - eta) ** 2 + tau * (x + eta) ** 2 + (T - tau - 1) * (y + eta) ** 2
    kept = p_c * (1 - 1 / tau)
    return _Terms(x, y, U, U_out, kept, p_c + p_r * tau / T, p_r * (1 - tau / T))


def predict_mask_offset(
    cfg: TopicModel, W_V: Float[np.ndarray, "word token"], masked_keys: bool = True
) -> float:
    """eta = v a m (W_k0 - W_other), read from a block-constant W_V.

    It is 0 for the form with zero [MASK] column, zero off-block part and a bias, m/T for the
    finite-document form; it is how far [MASK] and other topics speak with different voices.
    """
    s = read_setting(cfg, masked_keys)
    return float(s.words_per_topic * s.a * s.m * (W_V[0, 0] - W_V[0, -1]))


def predict_attention_loss(
    cfg: TopicModel,
    rho: float | Float[np.ndarray, "*grid"],
    own: float | Float[np.ndarray, "*grid"] = 0.0,
    eta: float = 0.0,
    masked_keys: bool = True,
) -> Float[np.ndarray, "*grid"]:
    """L(rho) - L(1), the stage-2 loss of attention with topic odds rho >= 0.

    (1/v) {p_c [-2 theta (1 - 1/tau) + theta^2 U] + p_r [(tau/T) theta^2 U + (1 - tau/T) phi^2 U']}
    with theta = (rho-1) x/(a (1 + (rho-1) x)) and phi the same of y. `own` = (c1 - c2)/c3 matters
    where W_V has the own-word weight kappa K of finite documents: with g = kappa own x/(v (1 +
    (rho-1) x)), h the same of y, it adds (1 - 1/v) {p_c [g^2 - 2g] + p_r [(tau/T) g^2 +
    (1 - tau/T) h^2]}. Raises ValueError for tau = T, where W_V has no topic gap.
    """
    s = read_setting(cfg, masked_keys)
    k = _terms(s, eta)
    v, q, own = s.words_per_topic, np.asarray(rho, float) - 1, np.asarray(own, float)
    share_in, share_out = (mass / (1 + q * mass) for mass in (k.x, k.y))
    theta, phi = q * share_in / s.a, q * share_out / s.a
    topic = k.inside * theta**2 * k.U + k.outside * phi**2 * k.U_out - 2 * k.kept * theta
    g, h = s.kappa * own * share_in / v, s.kappa * own * share_out / v
    word = k.inside * g**2 + k.outside * h**2 - 2 * s.keep_rate * g
    return np.asarray(topic / v + (1 - 1 / v) * word)


def predict_attention_slope(cfg: TopicModel, masked_keys: bool = True) -> float:
    """dL/drho at uniform attention: -(2 p_c x/(a v)) (1 - 1/tau).

    Negative, so that attention to the topic pays, iff p_c > 0 and tau >= 2.
    """
    s = read_setting(cfg, masked_keys)
    k = _terms(s, 0.0)
    return -2 * k.kept * k.x / (s.a * s.words_per_topic)


def predict_attention_odds(cfg: TopicModel, masked_keys: bool = True, eta: float = 0.0) -> float:
    """rho*, the odds that minimise `predict_attention_loss` (own = 0).

    The stationary point is a root of a quartic in rho - 1. Special cases: masked positions not
    keys, rho* = 1 + T p_c/p_r, whatever tau >= 2, v and p_m, the posterior odds that a shown word
    is the true one; p_r = 0 = eta, rho* = [(tau-a)^2 + a (tau-1)]/((1-a)(tau-a)). rho* = 1 iff
    p_c = 0 or tau = 1; inf where more attention always helps. At tau = T it is 1 too: W_V has
    no topic gap, and attention stays where it was.
    """
    s = read_setting(cfg, masked_keys)
    if s.topics_per_doc == s.n_topics or s.topics_per_doc == 1 or s.keep_rate == 0:
        return 1.0
    roots = _stationary(_terms(s, eta), s.a)
    odds = np.append(1 + roots, 1e15)
    best = odds[predict_attention_loss(cfg, odds, 0.0, eta, masked_keys).argmin()]
    return float(best) if best < 1e15 else np.inf


def _stationary(k: _Terms, a: float) -> Float[np.ndarray, " root"]:
    """Positive roots in rho - 1 of dL/drho, cleared of its denominators."""
    q = Polynomial([0, 1])
    inside = k.inside * k.U * k.x * q - k.kept * a * (1 + k.x * q)
    outside = k.outside * k.U_out * k.y**2 * q
    slope = k.x * inside * (1 + k.y * q) ** 3 + outside * (1 + k.x * q) ** 3
    roots = slope.trim().roots()
    return roots.real[(abs(roots.imag) < 1e-9 * abs(roots)) & (roots.real > 0)]


def predict_attention_drive(
    cfg: TopicModel, own_word: bool = False, masked_keys: bool = True
) -> Float[np.ndarray, "query key"]:
    """C = -dL/d(scores) at uniform attention and a stage-1 optimum; [MASK] is row and column 0.

    C = sv M, sv = 2 p_c x (1 - 1/tau)/(a v V) T/(T - 1), of rank T - 1, from queries that keep
    their word; it is 0 for tau = T. With `own_word`, W_V is the finite-document form, which adds
    2 p_c x kappa/(v V) K: a word then pulls more than others of its topic, c1 > c2.
    """
    s = read_setting(cfg, masked_keys)
    T, v, tau = s.n_topics, s.words_per_topic, s.topics_per_doc
    _, between, within = block_projectors(s)
    pull = 2 * s.keep_rate * (s.a / tau + s.b * v) / (v * s.n_words)
    own = s.kappa if own_word else 0.0
    gain = 1 / s.a if s.topic_variance else own
    contrast = (1 - 1 / tau) * T / max(T - 1, 1)
    return np.pad(pull * (gain * contrast * between + own * within), ((1, 0), (1, 0)))


def predict_gradient_orders() -> dict[str, dict[str, int]]:
    """Powers of eps in the gradients when W_V, W_K and W_Q (or only W_K, W_Q) are of order eps.

    At the start that of W_V is of order 1 and those of W_K, W_Q of order eps^2: stage 1 comes
    first. At the stage-1 optimum they are of order eps, and W_V only follows the attention.
    """
    return {
        "start": {"W_V": 0, "W_K": 2, "W_Q": 2},
        "stage-1 optimum": {"W_V": 2, "W_K": 1, "W_Q": 1},
    }


def predict_stage_rates(cfg: TopicModel, d_model: int, masked_keys: bool = True) -> StageRates:
    """Rates of gradient flow: 2 a^2 s^2 for W_V's topic block, sv(C)/sqrt(d) for attention.

    dW_K/dt = W_Q C/sqrt(d) and dW_Q/dt = W_K C^T/sqrt(d) after stage 1, for scores
    W_Q^T W_K/sqrt(d) and the loss summed over words. Time is step size times steps.
    """
    if d_model < 1:
        raise ValueError(f"d_model must be >= 1, got {d_model}")
    s = read_setting(cfg, masked_keys)
    values = 2 * s.a**2 * s.topic_variance
    strength = np.linalg.norm(predict_attention_drive(cfg, masked_keys=masked_keys), 2)
    return StageRates(values, float(strength / np.sqrt(d_model)))


def predict_start_delay(
    cfg: TopicModel, d_model: int, shrink: float = 10.0, masked_keys: bool = True
) -> float:
    """How much later stage 2 starts when the initial weights are `shrink` times smaller.

    ln(shrink) sqrt(d)/sv(C), in units of gradient-flow time: the start is t0 + ln(1/eps) sqrt(d)/
    sv(C). Infinite where nothing drives attention (p_c = 0, tau = 1 or tau = T). Under Adam the
    start does not depend on eps, as long as gradients stay above its epsilon.
    """
    if shrink <= 0:
        raise ValueError(f"shrink must be > 0, got {shrink}")
    rate = predict_stage_rates(cfg, d_model, masked_keys).attention
    return float(np.log(shrink) / rate) if rate > 0 else np.inf


def predict_joint_odds(cfg: TopicModel, masked_keys: bool = True) -> float:
    """rho at the joint optimum of block-constant W_V and attention, [MASK] ignored.

    If masked positions are not keys, it is that of a frozen W_V, 1 + T p_c/p_r: nothing in W_V
    can then be improved. If they are, it lies between `predict_attention_odds` and that.
    1 where nothing drives attention (p_c = 0, tau = 1 or tau = T); needs p_r > 0 otherwise.
    """
    s = read_setting(cfg, masked_keys)
    if s.topics_per_doc in (1, s.n_topics) or s.keep_rate == 0:
        return 1.0
    if s.random_rate == 0:
        raise ValueError("random_rate must be > 0: without random words the odds have no bound")
    best = minimize_scalar(
        lambda log: predict_joint_loss(cfg, np.exp(log), masked_keys), bounds=(0, 16)
    )
    return float(np.exp(best.x))


def predict_joint_loss(cfg: TopicModel, odds: float, masked_keys: bool = True) -> float:
    """Squared error at the best block-constant W_V for these odds, less that of W_V = 0."""
    s = read_setting(cfg, masked_keys)
    tau, outside = s.topics_per_doc, s.random_rate * (1 - s.topics_per_doc / s.n_topics)
    mean = (np.arange(s.n_topics) < tau) / tau  # P, summed over a topic's words
    kept = np.eye(s.n_topics)[0]
    cases = [
        (s.mask_token_rate, _attended(s, None, odds), mean),
        (s.keep_rate, _attended(s, 0, odds), kept),
        (s.random_rate - outside, _attended(s, 0, odds), mean),
        (outside, _attended(s, -1, odds), mean),
    ]
    rows = [np.stack([np.ones(s.n_topics), shares], axis=1) for _, shares, _ in cases]
    chances = [chance for chance, _, _ in cases]
    square = sum(p * row.T @ row for p, row in zip(chances, rows, strict=True))
    signal = sum(p * row.T @ wanted for (p, _, wanted), row in zip(cases, rows, strict=True))
    return float(-signal @ np.linalg.solve(square, signal) / s.words_per_topic)


def _attended(s: Setting, query_topic: int | None, odds: float) -> Float[np.ndarray, " topic"]:
    """Attention to each topic in a document of topics 0..tau-1, by a query of a topic or [MASK]."""
    inside = np.arange(s.n_topics) < s.topics_per_doc
    mass = s.a * inside / s.topics_per_doc + s.b * s.words_per_topic
    if query_topic is not None:
        mass[query_topic] *= odds
    return mass / mass.sum()
