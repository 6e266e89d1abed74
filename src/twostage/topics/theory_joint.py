"""W_V and attention at their joint optimum, where [MASK] is ignored and topics are blocks.

`theory_attention` holds W_V where stage 1 left it and gives [MASK] keys the weight of an
other-topic word. Trained together, both move: attention drops [MASK] keys, so that a document
shows a/(1-m) P + b/(1-m), and W_V = off + gap M follows. Beyond the paper. Within this class of
block-constant W_V; without it, W_V and attention can tell words of a topic apart and do better.
"""

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar

from twostage.topics.theory_setting import Setting, TopicModel, read_setting


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
