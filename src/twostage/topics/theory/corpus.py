"""Exact expectations of generated corpora: LDA (blei2003lda) and tau of T topics.

Positions of a document are independent given its topic mixture theta, so everything follows from
E[theta theta^T] and the topics' word distributions, whatever their overlap or Zipf exponent.
"""

import numpy as np
from jaxtyping import Float
from scipy.special import gammaln

from twostage.topics.corpus import CorpusConfig


def predict_topic_moments(cfg: CorpusConfig) -> Float[np.ndarray, "topic topic"]:
    """E[theta theta^T] of the topic mixture.

    Dirichlet: (1[t=s] + alpha)/(T (T alpha + 1)). tau topics: 1/(tau T) on the diagonal,
    (tau - 1)/(tau T (T - 1)) beside it. Entries sum to 1.
    """
    T, tau = cfg.n_topics, cfg.topics_per_doc
    if tau is None:
        return (np.eye(T) + cfg.alpha) / (T * (T * cfg.alpha + 1))
    same, other = 1 / (tau * T), (tau - 1) / (tau * T * max(T - 1, 1))
    return other + (same - other) * np.eye(T)


def predict_same_topic(cfg: CorpusConfig) -> float:
    """Chance that two positions of a document were drawn from one topic, tr E[theta theta^T].

    (alpha + 1)/(T alpha + 1) for Dirichlet mixtures, 1/tau for tau topics; 1/T is chance level.
    """
    return float(np.trace(predict_topic_moments(cfg)))


def predict_cooccurrence(cfg: CorpusConfig) -> Float[np.ndarray, "word word"]:
    """Chance that two different positions of a document hold words i and j.

    beta^T E[theta theta^T] beta, beta the topics' word distributions. Sums to 1; times N (N - 1)
    it is the expected number of ordered pairs in a document of N words.
    """
    return cfg.topic_word.T @ predict_topic_moments(cfg) @ cfg.topic_word


def predict_same_word(cfg: CorpusConfig) -> float:
    """Chance that two different positions of a document hold the same word.

    For disjoint topics of equally frequent words this is `predict_same_topic` divided by v.
    """
    return float(np.trace(predict_cooccurrence(cfg)))


def predict_distinct_topics(cfg: CorpusConfig, doc_len: int) -> float:
    """Expected number of different topics that drew a word of a document of N words.

    T (1 - E[(1 - theta_t)^N]): with (T alpha - alpha)_N/(T alpha)_N (rising factorials) for
    Dirichlet mixtures, and tau (1 - (1 - 1/tau)^N) for tau topics.
    """
    if doc_len < 1:
        raise ValueError(f"doc_len must be >= 1, got {doc_len}")
    T, tau, alpha = cfg.n_topics, cfg.topics_per_doc, cfg.alpha
    if tau is not None:
        return tau * (1 - (1 - 1 / tau) ** doc_len)
    rest, total = (T - 1) * alpha, T * alpha
    log_ratio = gammaln(rest + doc_len) + gammaln(total) - gammaln(total + doc_len)
    missing = np.exp(log_ratio - gammaln(rest)) if T > 1 else 0.0
    return float(T * (1 - missing))


def predict_mask_shares(cfg: CorpusConfig) -> dict[str, float]:
    """Expected share of a document's positions that are masked, and what they show.

    Keys: masked, shown_mask, kept, random. Each position is masked with p_m, one drawn at random
    if none was: p_m + (1 - p_m)^N/N, averaged over the lengths N of `cfg`. A random word may be
    the true one by chance (1 in V), which counts as random here.
    """
    low, high = cfg.length_range
    N = np.arange(low, high + 1)
    masked = float(np.mean(cfg.mask_rate + (1 - cfg.mask_rate) ** N / N))
    rates = {
        "shown_mask": 1 - cfg.keep_rate - cfg.random_rate,
        "kept": cfg.keep_rate,
        "random": cfg.random_rate,
    }
    return {"masked": masked} | {name: masked * rate for name, rate in rates.items()}


def predict_statistics(cfg: CorpusConfig) -> dict[str, float]:
    """Expectations of `statistics.count_statistics` for documents of one length, same keys."""
    (low, high), shares = cfg.length_range, predict_mask_shares(cfg)
    if low != high:
        raise ValueError(f"doc_len must be one number for exact expectations, got {cfg.doc_len}")
    return {
        "two positions share a topic": predict_same_topic(cfg),
        "two positions share a word": predict_same_word(cfg),
        "topics in a document": predict_distinct_topics(cfg, low),
        "share of positions masked": shares["masked"],
        "share that shows [MASK]": shares["shown_mask"],
        "share masked but left in place": shares["kept"] + shares["random"] / cfg.n_words,
    }
