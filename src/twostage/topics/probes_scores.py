"""How much of learned attention is about topics: its scores, split into independent parts.

li2023topic (section 5) lets attention depend on nothing but whether query and key are the same
word, share a topic, or neither. Here that is a question: what share of the variance of the scores
does the relation explain?
"""

import numpy as np
import torch
from jaxtyping import Float, Int

from twostage.topics.bags import BagTransformer
from twostage.topics.relations import relations

PARTS = ("key alone", "relation", "pair of topics", "rest")


@torch.no_grad()
def measure_word_scores(model: BagTransformer) -> Float[np.ndarray, "run query key"]:
    """Attention scores between words, mean over heads, less each query's mean (softmax's own)."""
    n_words = model.corpus.n_words
    scores = model.scores()[..., 1 : n_words + 1, 1 : n_words + 1].mean(1)
    return (scores - scores.mean(-1, keepdim=True)).cpu().numpy()


def split_variance(
    scores: Float[np.ndarray, "run query key"], topic_of: Int[np.ndarray, " word"]
) -> Float[np.ndarray, "run part"]:
    """Shares of the variance of scores in `PARTS`, each fitted to what the last one left.

    Key alone: what a key gets from all queries. Relation: same word, same topic, other topic.
    Pair of topics: each topic with each other one, beyond the relation. They sum to 1.
    """
    left = scores - scores.mean(2, keepdims=True)
    total, shares = (left**2).sum((1, 2)), []
    for explain in (_key_means, _relation_means, _topic_means):
        before, left = left, left - explain(left, topic_of)
        shares.append(((before**2).sum((1, 2)) - (left**2).sum((1, 2))) / total)
    return np.stack([*shares, (left**2).sum((1, 2)) / total], axis=1)


def _key_means(table: np.ndarray, topic_of: np.ndarray) -> np.ndarray:
    return table.mean(1, keepdims=True)


def _relation_means(table: np.ndarray, topic_of: np.ndarray) -> np.ndarray:
    masks = relations(topic_of).astype(float)
    means = np.einsum("nqk,rqk->nr", table, masks) / masks.sum((1, 2))
    return np.einsum("nr,rqk->nqk", means, masks)


def _topic_means(table: np.ndarray, topic_of: np.ndarray) -> np.ndarray:
    member = (topic_of[:, None] == np.unique(topic_of)).astype(float)
    project = member @ np.linalg.pinv(member)
    return project @ table @ project
