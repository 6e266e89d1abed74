"""How much of a pretrained model's attention is about topics: variance explained, head by head.

The counterpart of `probes_scores` for running text, where words also have a distance.
"""

import numpy as np
from jaxtyping import Float, Int

from twostage.topics.relations import relation_of
from twostage.topics.windows import AttentionPairs

TEXT_PARTS = ("distance", "the two words", "relation", "rest")


def split_pair_variance(
    pairs: AttentionPairs, topic_of: Int[np.ndarray, " word"]
) -> Float[np.ndarray, "layer head part"]:
    """Shares of the variance of log attention in `TEXT_PARTS`, each fitted to what is left.

    Distance: the mean at each distance. The two words: what each attracts beside all others (one
    round of means, a word after the other). Relation: same word, same topic, other topic. They
    sum to 1. Raises ValueError where attention is 0, as beyond a local window.
    """
    if not (pairs.attention > 0).all():
        raise ValueError("attention of 0 has no logarithm: take a model without local windows")
    log_attention = np.log(pairs.attention).reshape(len(pairs.distance), -1)
    left = log_attention - log_attention.mean(0)
    total, shares = (left**2).sum(0), []
    first, second = pairs.words.T
    relation = relation_of(pairs.words, topic_of)
    for groups in ((pairs.distance,), (first, second), (relation,)):
        before = (left**2).sum(0)
        for group in groups:
            left = left - _group_means(left, group)
        shares.append((before - (left**2).sum(0)) / total)
    parts = np.stack([*shares, (left**2).sum(0) / total], axis=-1)
    return parts.reshape(*pairs.attention.shape[1:], len(TEXT_PARTS))


def _group_means(
    table: Float[np.ndarray, "pair column"], group: Int[np.ndarray, " pair"]
) -> Float[np.ndarray, "pair column"]:
    """Each row's mean over the rows of its group."""
    _, group, size = np.unique(group, return_inverse=True, return_counts=True)
    sums = np.zeros((len(size), table.shape[1]))
    np.add.at(sums, group, table)
    return (sums / size[:, None])[group]
