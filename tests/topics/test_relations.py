"""Relations of words by hand, and what a table shows of topics by chance."""

import math

import numpy as np
from numpy.testing import assert_allclose

from twostage import style
from twostage.estimates import mean_interval
from twostage.topics.relations import (
    RELATIONS,
    mean_by_relation,
    relation_of,
    relations,
    shuffle_topics,
    tabulate_relations,
)


def test_relations_by_hand():
    word, topic, other = relations(np.array([0, 0, 1]))
    assert RELATIONS == ("same word", "same topic", "other topic")
    assert word.astype(int).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert topic.astype(int).tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    assert other.astype(int).tolist() == [[0, 0, 1], [0, 0, 1], [1, 1, 0]]


def test_mean_by_relation_by_hand():
    table = np.array([[1.0, 2.0, 5.0], [4.0, 3.0, 6.0], [7.0, 10.0, 5.0]])
    means = mean_by_relation(np.stack([table, 2 * table]), np.array([0, 0, 1]))
    assert_allclose(means, [[3, 3, 7], [6, 6, 14]])


def test_shuffled_topics_are_what_a_table_shows_by_chance():
    topic_of, draws = np.array([0, 0, 0, 1, 1, 2]), 2000
    table = np.random.default_rng(0).normal(size=(6, 6)) + np.equal.outer(topic_of, topic_of)
    found = shuffle_topics(table, topic_of, np.random.default_rng(1), draws)
    assert found.shape == (draws,)
    assert abs(found.mean()) < 4 * found.std() / math.sqrt(draws)
    rng = np.random.default_rng(1)
    for difference in found[:5]:
        shuffled = rng.permutation(topic_of)
        pairs = {True: [], False: []}
        for i in range(6):
            for j in set(range(6)) - {i}:
                pairs[bool(shuffled[i] == shuffled[j])].append(table[i, j])
        assert_allclose(difference, np.mean(pairs[True]) - np.mean(pairs[False]), rtol=1e-12)


def test_pairs_are_numbered_in_the_order_of_the_masks():
    topic_of = np.array([0, 0, 1])
    words = np.stack(np.indices((3, 3)), axis=-1).reshape(-1, 2)
    numbers = relation_of(words, topic_of).reshape(3, 3)
    assert numbers.tolist() == [[0, 1, 2], [1, 0, 2], [2, 2, 0]]
    assert (relations(topic_of).argmax(0) == numbers).all()


def test_colours_of_relations_stand_in_their_order():
    assert tuple(style.RELATION) == RELATIONS


def test_table_has_a_mean_with_its_interval_for_each_case_and_relation():
    runs = np.array([[9.0, 5, 1], [7, 5, 2], [8, 2, 6]])
    table = tabulate_relations({"a": runs, "b": 2 * runs})
    assert list(table.trained) == ["a"] * 3 + ["b"] * 3
    assert list(table.relation) == [*RELATIONS, *RELATIONS]
    assert_allclose(table["mean"], [8, 4, 3, 16, 8, 6])
    assert_allclose(table[["low", "high"]][:3], np.stack(mean_interval(runs), axis=1))
