"""Same topic against other topic in the attention of a pretrained model on real text.

The claim (li2023topic): words attend more to words of their own topic. Departs from the authors:
pairs are compared at equal distance, since words of one topic stand nearer together and attention
falls with distance; a word and itself elsewhere are kept apart; and the baseline is the same
measure after the topics are shuffled over the words.
"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from twostage.estimates import ResampleConfig, bootstrap_interval, shuffle_chance
from twostage.topics.relations import RELATIONS, relation_of
from twostage.topics.text.lda import Topics
from twostage.topics.text.windows import AttentionPairs

Sums = tuple[np.ndarray, np.ndarray]  # number of pairs [kind, draw], attention [kind, draw, any]
Means = tuple[np.ndarray, np.ndarray]  # of one kind and of other-topic pairs, [draw, layer, head]


@dataclass(frozen=True, eq=False)
class AttentionContrast:
    """Same-topic over other-topic attention, in three tables: by head, by layer, in the mean.

    Columns: `layer` and `head` count from 1; `same` and `other`, mean attention per pair at equal
    distance; their `ratio`, with a 95 % interval `low`, `high` (articles drawn with replacement);
    `shuffled`, `shuffled_low`, `shuffled_high`, the mean and 95 % range of the ratio under
    shuffled topics; the one-sided permutation `p_value` and the effect size `shuffle_sds`;
    `uncontrolled`, the ratio of plain means over all distances; and `same_word`, attention between
    two places of one word over other-topic attention at equal distance, with its own interval.
    """

    heads: pd.DataFrame
    layers: pd.DataFrame
    model: pd.DataFrame  # one row
    n_words: int
    n_pairs: dict[str, int]  # by kind, named as in `RELATIONS`

    @property
    def parts(self) -> pd.DataFrame:
        """The layers and then all of the model, a row each, named in the first column `where`."""
        names = [*(f"layer {layer:.0f}" for layer in self.layers["layer"]), "all"]
        parts = pd.concat([self.layers, self.model])
        parts.insert(0, "where", names)
        return parts


def measure_attention(
    pairs: AttentionPairs,
    topics: Topics,
    config: ResampleConfig,
    rng: np.random.Generator,
    threshold: float = 0.5,
) -> AttentionContrast:
    """Compare attention between same-topic and other-topic words at equal token distance.

    At each distance d the means over same-topic and over other-topic pairs are taken apart, and
    both are averaged over d with the same weights, the numbers of same-topic pairs: `other` is
    what other-topic pairs would get if they stood as the same-topic pairs do. Words with a topic
    share below `threshold` are left out; pairs of a word with itself are kept apart. Shuffles move
    topics among the words left, so that each topic keeps its number of words.
    """
    pairs = pairs.select(topics.topic_share[pairs.words].min(1) >= threshold)
    kind = relation_of(pairs.words, topics.topic_of)
    n_pairs = dict(zip(RELATIONS, np.bincount(kind, minlength=3).tolist(), strict=True))
    if not min(n_pairs["other topic"], n_pairs["same topic"]):
        hint = "lower the threshold or read more windows"
        raise ValueError(f"no pairs to compare at topic share >= {threshold:g}: {n_pairs}; {hint}")
    means = _compare_kinds(pairs, kind, config, rng)
    means["shuffled"] = _compare_shuffled(pairs.select(kind > 0), topics.topic_of, config, rng)
    tables = [_tabulate(means, axes) for axes in ((), (-1,), (-2, -1))]
    return AttentionContrast(*tables, len(np.unique(pairs.words)), n_pairs)


def _compare_kinds(
    pairs: AttentionPairs,
    kind: Int[np.ndarray, " pair"],
    config: ResampleConfig,
    rng: np.random.Generator,
) -> dict[str, Means]:
    """Means at equal distance, measured and with articles redrawn; and plain means."""
    articles, article = np.unique(pairs.document, return_inverse=True)
    once = np.ones((1, len(articles)), dtype=int)
    redrawn = rng.multinomial(len(articles), once[0] / len(articles), size=config.n_bootstraps)
    shape = pairs.attention.shape[1:]
    plain = (pairs.attention[kind == k].mean(0, keepdims=True, dtype=float) for k in (1, 2))
    means = {"uncontrolled": tuple(plain)}
    for suffix, times in (("", once), ("_redrawn", redrawn)):
        sums = _sum_kinds(pairs, kind, article, times)
        means["topic" + suffix], means["word" + suffix] = _at_equal_distance(sums, shape)
    return means


def _same_distance(distance: Int[np.ndarray, " pair"]) -> Iterator[slice]:
    """Cut sorted rows into runs of equal distance."""
    edges = np.flatnonzero(np.diff(distance, prepend=0, append=np.inf))
    return itertools.starmap(slice, itertools.pairwise(edges))


def _sum_kinds(
    pairs: AttentionPairs,
    kind: Int[np.ndarray, " pair"],
    article: Int[np.ndarray, " pair"],
    times: Int[np.ndarray, "draw article"],
) -> Iterator[Sums]:
    """Count and add up pairs of each kind, distance by distance, each article so many `times`.

    Pairs of other topics come first: the other kinds are compared with them.
    """
    for at in _same_distance(pairs.distance):
        attn, masks = _flat(pairs.attention[at]), kind[at] == np.array([[2], [1], [0]])
        weights = [times[:, article[at][mask]].astype(float) for mask in masks]
        sums = [weight @ attn[mask] for weight, mask in zip(weights, masks, strict=True)]
        yield np.array([weight.sum(1) for weight in weights]), np.array(sums)


def _compare_shuffled(
    pairs: AttentionPairs,
    topic_of: Int[np.ndarray, " word"],
    config: ResampleConfig,
    rng: np.random.Generator,
) -> Means:
    """Means of pairs of different words at equal distance, topics shuffled over the words."""
    words, word = np.unique(pairs.words, return_inverse=True)
    topics = [rng.permutation(topic_of[words]) for _ in range(config.n_shuffles)]
    sums = _sum_shuffled(pairs, word, np.stack(topics, axis=1))
    return _at_equal_distance(sums, pairs.attention.shape[1:])[0]


def _sum_shuffled(
    pairs: AttentionPairs, word: Int[np.ndarray, "pair 2"], topics: Int[np.ndarray, "word draw"]
) -> Iterator[Sums]:
    """Count and add up other-topic and same-topic pairs, distance by distance, draw by draw."""
    for at in _same_distance(pairs.distance):
        attn, (first, second) = _flat(pairs.attention[at]), word[at].T
        same = (topics[first] == topics[second]).T.astype(float)
        n_same, sum_same = same.sum(1), same @ attn
        yield np.array([len(attn) - n_same, n_same]), np.array([attn.sum(0) - sum_same, sum_same])


def _flat(attn: Float[np.ndarray, "pair layer head"]) -> Float[np.ndarray, "pair any"]:
    return attn.reshape(len(attn), -1).astype(float)


def _at_equal_distance(sums_by_distance: Iterable[Sums], shape: tuple[int, int]) -> list[Means]:
    """Mean attention of each later kind, and of the first kind at that kind's distances.

    Distances at which one of the two has no pair count for neither.
    """
    total = own = other = 0.0
    for counts, sums in sums_by_distance:
        n, n_other = counts[1:, :, None], counts[:1, :, None]
        both = (n > 0) & (n_other > 0)
        total = total + both * n
        own = own + both * sums[1:]
        other = other + both * n / np.maximum(n_other, 1) * sums[:1]
    total = np.where(total, total, np.nan)
    means = [(group / total).reshape(*group.shape[:2], *shape) for group in (own, other)]
    return list(zip(*means, strict=True))


def _tabulate(means: dict[str, Means], axes: tuple[int, ...]) -> pd.DataFrame:
    """Average attention over `axes` of [draw, layer, head], then compare the two groups."""
    mean = {name: [group.mean(axes) for group in groups] for name, groups in means.items()}
    ratio = {name: same / other for name, (same, other) in mean.items()}
    same, other = (group[0] for group in mean["topic"])
    columns = dict(zip(["layer", "head"], np.indices(same.shape) + 1, strict=False))
    columns |= {"same": same, "other": other, "ratio": ratio["topic"][0]}
    columns |= bootstrap_interval(ratio["topic_redrawn"])
    columns |= shuffle_chance(ratio["topic"][0], ratio["shuffled"])
    columns |= {"uncontrolled": ratio["uncontrolled"][0], "same_word": ratio["word"][0]}
    word = bootstrap_interval(ratio["word_redrawn"])
    columns |= {"same_word_low": word["low"], "same_word_high": word["high"]}
    return pd.DataFrame({name: np.ravel(column) for name, column in columns.items()})


def measure_attention_by_distance(
    pairs: AttentionPairs, topics: Topics, threshold: float = 0.5
) -> pd.DataFrame:
    """Mean attention against distance, over all layers and heads, in octaves of tokens.

    Columns: `distance`, at which the octave begins (1, 2, 4, ...); mean attention of each of
    `RELATIONS`; and `same_topic_share`, the share of same-topic pairs among pairs of different
    words, which is what makes a comparison at unequal distance unfair.
    """
    pairs = pairs.select(topics.topic_share[pairs.words].min(1) >= threshold)
    octave = 2 ** (np.frexp(pairs.distance)[1] - 1)  # the power of 2 at or below
    kind = np.array(RELATIONS)[relation_of(pairs.words, topics.topic_of)]
    attention = pd.Series(pairs.attention.mean((1, 2), dtype=float))
    cells = attention.groupby([octave, kind])
    means = cells.mean().unstack().reindex(columns=RELATIONS)
    counts = cells.size().unstack(fill_value=0).reindex(columns=RELATIONS, fill_value=0)
    different = counts["same topic"] + counts["other topic"]
    means["same_topic_share"] = counts["same topic"] / different
    return means.rename_axis(columns=None).reset_index(names="distance")


TEXT_PARTS = ("distance", "the two words", "relation", "rest")


def split_pair_variance(
    pairs: AttentionPairs, topic_of: Int[np.ndarray, " word"]
) -> Float[np.ndarray, "layer head part"]:
    """Shares of the variance of log attention in `TEXT_PARTS`, each fitted to what is left.

    Distance: the mean at each distance. The two words: what each attracts beside all others (one
    round of means, a word after the other). Relation: same word, same topic, other topic. They
    sum to 1. Raises ValueError without pairs, and where attention is 0, as beyond a local window.
    """
    if not len(pairs.distance):
        raise ValueError("no pairs of words: lower the topic share or read more windows")
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
