"""Same topic against other topic in the embeddings of a pretrained model (li2023topic).

The claim: words of one topic have closer embeddings. Each threshold of topic share comes with its
baseline, the same measure after the topics are shuffled over the words, and with an interval.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix

from twostage.estimates import ResampleConfig, bootstrap_interval, shuffle_chance
from twostage.topics.text.encoder import PretrainedModel
from twostage.topics.text.lda import Topics

THRESHOLDS = (0.0, 0.3, 0.5, 0.7, 0.9)  # topic share from which a word counts
COLUMNS = ("measure", "threshold", "n_words", "same", "other", "difference", "low", "high")
COLUMNS += ("shuffled", "shuffled_low", "shuffled_high", "p_value", "shuffle_sds", "pair_sds")


def measure_embedding(
    model: PretrainedModel,
    topics: Topics,
    config: ResampleConfig,
    rng: np.random.Generator,
    thresholds: Sequence[float] = THRESHOLDS,
) -> pd.DataFrame:
    """Compare embeddings of same-topic and other-topic words, by threshold of topic share.

    One row per measure ("cosine", "inner product") and threshold, over all pairs of different
    words that are single tokens of the model: means `same` and `other`; their `difference` with a
    95 % interval `low`, `high` (words drawn with replacement, since pairs share words); the mean
    and 95 % range of the difference under shuffled topics; the one-sided permutation `p_value`;
    and two effect sizes, the difference in standard deviations of the shuffled ones
    (`shuffle_sds`) and of single pairs (`pair_sds`). Where a threshold leaves no two words of one
    topic, or one topic only, all but the number of words is missing; where it leaves so few that
    most draws hold no pair, the interval is.
    """
    token_of = model.token_ids(topics.words)
    known = np.array([word in token_of for word in topics.words])
    embeddings = model.embeddings
    rows = []
    for threshold in thresholds:
        kept = np.flatnonzero(known & (topics.topic_share >= threshold))
        vectors = embeddings[[token_of[topics.words[i]] for i in kept]]
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        for measure, x in (("cosine", unit), ("inner product", vectors)):
            row = {"measure": measure, "threshold": threshold, "n_words": len(kept)}
            rows.append(row | _contrast_embeddings(x, topics.topic_of[kept], config, rng))
    return pd.DataFrame(rows, columns=COLUMNS)


def _contrast_embeddings(
    x: Float[np.ndarray, "word dim"],
    topic_of: Int[np.ndarray, " word"],
    config: ResampleConfig,
    rng: np.random.Generator,
) -> dict[str, float]:
    n, n_per_topic = len(x), np.unique(topic_of, return_counts=True)[1]
    if len(n_per_topic) < 2 or n_per_topic.max() < 2:
        return {}
    once = np.ones(n)
    same, other = _mean_products(x, topic_of, once)
    shuffles = (rng.permutation(topic_of) for _ in range(config.n_shuffles))
    shuffled = [np.subtract(*_mean_products(x, topics, once)) for topics in shuffles]
    draws = rng.multinomial(n, once / n, size=config.n_bootstraps)
    redrawn = [np.subtract(*_mean_products(x, topic_of, times)) for times in draws]
    row = {"same": same, "other": other, "difference": same - other}
    row |= bootstrap_interval(np.array(redrawn))
    row |= shuffle_chance(same - other, np.array(shuffled))
    return row | {"pair_sds": (same - other) / _pair_sd(x)}


def _mean_products(
    x: Float[np.ndarray, "word dim"],
    topic_of: Int[np.ndarray, " word"],
    times: Float[np.ndarray, " word"] | Int[np.ndarray, " word"],
) -> tuple[float, float]:
    """Mean inner product over same-topic and over other-topic pairs of different words.

    Word i is taken `times[i]` times, but never paired with itself. No pair is visited: summed over
    all ordered pairs of a set of words, <x_i, x_j> is |sum of x|^2.
    """
    member = csr_matrix((times, (topic_of, np.arange(len(x)))))
    sums, sizes = member @ x, np.bincount(topic_of, times)
    itself, n_itself = times**2 @ np.sum(x**2, axis=1), np.sum(times**2)
    same, n_same = np.sum(sums**2), np.sum(sizes**2)
    every, n_every = np.sum(sums.sum(0) ** 2), sizes.sum() ** 2
    groups = (same - itself, n_same - n_itself), (every - same, n_every - n_same)
    return tuple(float(total / n) if n else np.nan for total, n in groups)


def _pair_sd(x: Float[np.ndarray, "word dim"]) -> float:
    """Standard deviation of <x_i, x_j> over all pairs of different words."""
    own = np.sum(x**2, axis=1)
    n_pairs = len(x) * (len(x) - 1)
    mean = (np.sum(x.sum(0) ** 2) - own.sum()) / n_pairs
    mean_square = (np.sum((x.T @ x) ** 2) - np.sum(own**2)) / n_pairs
    return float(np.sqrt(mean_square - mean**2))
