"""How two words are related: the same word, another word of the topic, a word of another topic.

li2023topic compares attention, embeddings and values between these three (sections 5 and 6). One
order everywhere, that of `RELATIONS`.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from twostage.estimates import Estimate

RELATIONS = ("same word", "same topic", "other topic")


def relations(topic_of: Int[np.ndarray, " word"]) -> Bool[np.ndarray, "relation word word"]:
    """Which pairs of words are the same word, of the same topic (other word), of other topics."""
    same_word = np.eye(len(topic_of), dtype=bool)
    same_topic = topic_of[:, None] == topic_of
    return np.stack([same_word, same_topic & ~same_word, ~same_topic])


def mean_by_relation(
    table: Float[np.ndarray, "*batch word word"], topic_of: Int[np.ndarray, " word"]
) -> Float[np.ndarray, "*batch relation"]:
    """Average a word-by-word table over the pairs of each relation."""
    masks = relations(topic_of)
    return np.einsum("...qk,rqk->...r", table, masks) / masks.sum((1, 2))


def tabulate_relations(cases: Mapping[str, Float[np.ndarray, "run relation"]]) -> pd.DataFrame:
    """Lay means over runs with 95 % intervals out, a row for each case and relation."""
    rows = [
        [name, relation, found.value, found.low, found.high]
        for name, runs in cases.items()
        for relation, values in zip(RELATIONS, runs.T, strict=True)
        for found in [Estimate.of_mean(values)]
    ]
    return pd.DataFrame(rows, columns=["trained", "relation", "mean", "low", "high"])


def shuffle_topics(
    table: Float[np.ndarray, "word word"],
    topic_of: Int[np.ndarray, " word"],
    rng: np.random.Generator,
    n_shuffles: int = 500,
) -> Float[np.ndarray, " shuffle"]:
    """Same-topic minus other-topic mean of a table after the topics are shuffled over words."""
    means = [mean_by_relation(table, rng.permutation(topic_of)) for _ in range(n_shuffles)]
    return np.array([same - other for _, same, other in means])


def correlate_blocks(
    scores: Float[np.ndarray, "run word word"], topic_of: Int[np.ndarray, " word"]
) -> Float[np.ndarray, " run"]:
    """Correlation of a table with the topic blocks, over pairs of different words (chance: 0).

    A table that is the same everywhere tells nothing: 0.
    """
    _, same_topic, other_topic = relations(topic_of)
    pairs = same_topic | other_topic
    blocks = same_topic[pairs] - same_topic[pairs].mean()
    values = scores[:, pairs] - scores[:, pairs].mean(1, keepdims=True)
    norms = np.sqrt((values**2).sum(1) * (blocks**2).sum())
    return np.divide(values @ blocks, norms, out=np.zeros_like(norms), where=norms > 0)


def relation_of(
    words: Int[np.ndarray, "pair 2"], topic_of: Int[np.ndarray, " word"]
) -> Int[np.ndarray, " pair"]:
    """Number the relation of each pair of words, as `RELATIONS` does: 0, 1 or 2."""
    first, second = words.T
    return np.where(first == second, 0, np.where(topic_of[first] == topic_of[second], 1, 2))
