"""Stage 1 in closed form: what W_V, or trained embeddings, learn under uniform attention.

The output is W_V X, for X the shares of the tokens that a document shows (`theory_setting`), and
the loss E|e_w - W_V X|^2 over masked positions: a sum over words, without a bias. Matrices are
[word predicted, token shown], with [MASK] as column 0.

A W_V that treats topics alike is a sum of three parts on the words: constant (J/V), between
topics (M) and within topics (K). The closed forms are the gains of these parts.
"""

from numbers import Integral

import numpy as np
from jaxtyping import Float
from scipy.stats import binom

from twostage.topics.theory.setting import Setting, TopicModel, block_projectors, read_setting


def predict_value_matrix(
    cfg: TopicModel, ridge: float = 0.0, doc_len: int | None = None, masked_keys: bool = True
) -> Float[np.ndarray, "word token"]:
    """W_V at the end of stage 1: minimum norm, ridge, or the limit of long finite documents.

    Ridge (loss + ridge |W_V|^2): W = 1 x_bar^T/(V (D + ridge)) + a s^2/(a^2 s^2 + ridge) [0 | M],
    D = |x_bar|^2; ridge 0 is its limit, the minimiser of least norm, same topic minus other 1/(av).
    With `doc_len`, the form that ridge 0 and N -> infinity lead to: [MASK] 1/V, words
    J/V + M/a + kappa K, kappa = p_c/(1 - m). It does not depend on the value of `doc_len`: at N
    words the exact topic gap (`predict_finite_value_matrix`) is smaller by a share of order
    1/N. At tau = T nothing is learned between topics (M has gain 0, or kappa
    in finite documents). Block form: li2023topic; minimum norm, ridge and finite documents: beyond
    the paper.
    Raises ValueError for ridge < 0, doc_len < 2, or both ridge and doc_len.
    """
    s = read_setting(cfg, masked_keys)
    _check(ridge, doc_len)
    mean, between, within = block_projectors(s)
    if doc_len is None:
        x_bar, variance = s.mean_shown, s.topic_variance
        gain = s.a * variance / (s.a**2 * variance + ridge) if variance else 0.0
        words = np.hstack([np.zeros((s.n_words, 1)), gain * between])
        return words + x_bar / (s.n_words * (x_bar @ x_bar + ridge))
    if ridge:
        raise ValueError("give ridge or doc_len; predict_finite_value_matrix takes both")
    gain = 1 / s.a if s.topic_variance else s.kappa
    mask = np.full((s.n_words, 1), 1 / s.n_words if s.m else 0.0)
    return np.hstack([mask, mean + gain * between + s.kappa * within])


def predict_finite_value_matrix(
    cfg: TopicModel, doc_len: int, ridge: float = 0.0, masked_keys: bool = True
) -> Float[np.ndarray, "word token"]:
    """W_V that minimises the population loss on documents of exactly `doc_len` words.

    W = E[e_w X^T] (E[X X^T] + ridge)^-1, X the shown shares of one document of N positions that
    are masked independently, the predicted one among the keys (or not, and then X averages the
    unmasked ones). Exact for every N >= 2: the two limits of `predict_value_matrix` are
    ridge -> 0 before and after N -> infinity, with the crossover at ridge ~ 1/(VN).
    Beyond the paper.
    """
    s = read_setting(cfg, masked_keys)
    _check(ridge, doc_len)
    mean, between, within = block_projectors(s)
    keys = _keys_with_own if masked_keys else _keys_without_own
    (signal, power), (own, noise), (e1, e2) = keys(s, doc_len)
    root = np.sqrt(s.n_words)
    shown = np.array([e1, (1 - e1) / root])
    second = np.array([[e2, (e1 - e2) / root], [(e1 - e2) / root, (1 - 2 * e1 + e2) / root**2]])
    mask, flat = np.linalg.pinv(second + ridge * np.eye(2)) @ shown / s.n_words
    words = root * flat * mean + signal / (power + ridge) * between + own / (noise + ridge) * within
    return np.hstack([np.full((s.n_words, 1), mask), words])


def _keys_with_own(s: Setting, N: int) -> tuple[tuple[float, float], ...]:
    """Return (E[e_w X^T], E[X X^T]) between and within topics, and (E X_0, E X_0^2)."""
    V, a, m, p_c, variance = s.n_words, s.a, s.m, s.keep_rate, s.topic_variance
    q = s.mask_token_rate
    noise = ((N - 1) * (1 - m) + 1 - q) / (V * N**2)
    power = (N - 1) * ((N - 2) * a**2 + 2 * p_c * a) * variance / N**2 + noise
    own = p_c / (N * V)
    e1 = ((N - 1) * m + q) / N
    e2 = ((N - 1) * m * (1 - m) + q * (1 - q)) / N**2 + e1**2
    return ((N - 1) / N * a * variance + own, power), (own, noise), (e1, e2)


def _keys_without_own(s: Setting, N: int) -> tuple[tuple[float, float], ...]:
    """Return the same for X over the unmasked positions, of which there is at least one."""
    n = np.arange(1, N)
    chance = binom.pmf(n, N - 1, 1 - s.mask_rate)
    spread = chance @ (1 / n) / chance.sum()
    noise, variance = spread / s.n_words, s.topic_variance
    return (variance, (1 - spread) * variance + noise), (0.0, noise), (0.0, 0.0)


def predict_value_minimiser(
    cfg: TopicModel,
    u: float | Float[np.ndarray, " word"] = 0.0,
    spread: Float[np.ndarray, "word word"] | float = 0.0,
    masked_keys: bool = True,
) -> Float[np.ndarray, "word token"]:
    """Any W_V of zero excess loss: sum_{j in t} W_ij = u_i + 1[t = topic(i)]/a, u_i free.

    The [MASK] column is W_i0 = -[(a/v + bT) u_i + b/a]/m; `spread` is added with its topic sums
    removed. For tau < T these are all minimisers; for tau = T there are more. Source: li2023topic
    (optimal W_V), completed here by the [MASK] column.
    Raises ValueError if [MASK] is never shown (m = 0) and u is not the one value left,
    u = -b v/(a (1 - m)), which is 0 when masked positions are not keys.
    """
    s = read_setting(cfg, masked_keys)
    V, v, T = s.n_words, s.words_per_topic, s.n_topics
    _, _, within = block_projectors(s)
    u = np.broadcast_to(np.asarray(u, float), V)
    forced = (s.a / v + s.b * T) * u + s.b / s.a
    if not s.m and not np.allclose(forced, 0, atol=1e-12):
        raise ValueError(
            f"[MASK] is never a key, so only u = {0.0 - s.b * v / (s.a * (1 - s.m)):.6g} has no "
            f"excess loss, got u from {u.min():.6g} to {u.max():.6g}"
        )
    mask = -forced / (s.m or 1.0)
    topic = np.kron(np.eye(T), np.full((v, v), 1 / v))
    words = u[:, None] / v + topic / s.a + np.broadcast_to(spread, (V, V)) @ within
    return np.hstack([mask[:, None], words])


def predict_value_residual(
    cfg: TopicModel, W_V: Float[np.ndarray, "word token"], masked_keys: bool = True
) -> Float[np.ndarray, "word condition"]:
    """What separates W_V from zero excess loss: all zeros iff it is a stage-1 minimiser.

    Column 0 is the mean error (W x_bar)_i - 1/V; column 1 + t is the topic sum
    sum_{j in t} W_ij - u_i - 1[t = topic(i)]/a, u_i its average over t (0 for tau = T, where
    nothing is forced).
    """
    s = read_setting(cfg, masked_keys)
    T, v = s.n_topics, s.words_per_topic
    sums = W_V[:, 1:].reshape(T * v, T, v).sum(axis=2) - np.repeat(np.eye(T), v, axis=0) / s.a
    sums = (sums - sums.mean(axis=1, keepdims=True)) * (s.topic_variance > 0)
    return np.hstack([W_V @ s.mean_shown[:, None] - 1 / s.n_words, sums])


def predict_excess_loss(
    cfg: TopicModel, W_V: Float[np.ndarray, "row token"], masked_keys: bool = True
) -> float:
    """Loss above the best possible, E_S|W X(S) - P(S)|^2, under uniform attention.

    Equals |W x_bar - 1/V|^2 + s^2 |(a W - I) M|_F^2. With V + 1 rows, row 0 predicts [MASK],
    whose target is 0: so the Gram matrix E^T E of tied embeddings can be given too.
    """
    s = read_setting(cfg, masked_keys)
    _, between, _ = block_projectors(s)
    target = np.eye(s.n_words + 1)[s.n_words + 1 - len(W_V) :, 1:]
    mean_error = W_V @ s.mean_shown - target.mean(axis=1)
    topic_error = (s.a * W_V[:, 1:] - target) @ between
    return float(mean_error @ mean_error + s.topic_variance * (topic_error**2).sum())


def predict_embedding_gram(
    cfg: TopicModel,
    factor: Float[np.ndarray, "token column"] | None = None,
    masked_keys: bool = True,
) -> Float[np.ndarray, "token token"]:
    """Gram matrix E^T E of trained embeddings at zero excess loss (W_V = I, tied decoder).

    G = 0 + [M/a + J/(V (1 - m))] + R: the least-norm one has R = 0; `factor` F gives any other,
    R = Q Q^T with Q = F less its part in the span of all X(S). Same-topic minus other-topic sums
    are 1/a in each. Block form: li2023topic (optimal embeddings); exact set: beyond the paper.
    """
    s = read_setting(cfg, masked_keys)
    mean, between, _ = block_projectors(s)
    between = between * (s.topic_variance > 0)
    gram = np.pad(between / s.a + mean / (1 - s.m), ((1, 0), (1, 0)))
    if factor is None:
        return gram
    x_bar = s.mean_shown
    span = np.pad(between, ((1, 0), (1, 0))) + np.outer(x_bar, x_bar) / (x_bar @ x_bar)
    free = factor - span @ factor
    return gram + free @ free.T


def predict_embedding_excess(
    cfg: TopicModel, d_model: int, bias: bool = False, masked_keys: bool = True
) -> float:
    """Least excess loss with tied embeddings of dimension d_model.

    (T - d) s^2 for d < T, and 0 from d = T on; a free bias saves one dimension, (T - 1 - d) s^2:
    the topics then form a simplex in T - 1 dimensions. Beyond the paper.
    """
    s = read_setting(cfg, masked_keys)
    if d_model < 1:
        raise ValueError(f"d_model must be >= 1, got {d_model}")
    return max(0, s.n_topics - int(bias) - d_model) * s.topic_variance


def predict_first_value_gradient(
    cfg: TopicModel, masked_keys: bool = True
) -> Float[np.ndarray, "word token"]:
    """Gradient of the loss in W_V at W_V = 0: -2 (1 x_bar^T/V + a s^2 [0 | M]), of order 1.

    For tau = T the topic block is gone: s^2 = 0.
    """
    s = read_setting(cfg, masked_keys)
    _, between, _ = block_projectors(s)
    block = np.hstack([np.zeros((s.n_words, 1)), s.a * s.topic_variance * between])
    return -2 * (s.mean_shown / s.n_words + block)


def _check(ridge: float, doc_len: int | None) -> None:
    if not 0 <= ridge < np.inf:
        raise ValueError(f"ridge must be >= 0, got {ridge}")
    if doc_len is not None and (not isinstance(doc_len, Integral) or doc_len < 2):
        raise ValueError(f"doc_len must be a whole number >= 2, got {doc_len}")
