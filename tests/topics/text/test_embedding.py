"""Same-topic against other-topic embeddings: against brute force, planted and absent structure."""

import numpy as np
import pytest

from twostage.estimates import ResampleConfig, bootstrap_interval, shuffle_chance
from twostage.topics.text.embedding import _mean_products, _pair_sd, measure_embedding
from twostage.topics.text.encoder import PretrainedModel
from twostage.topics.text.lda import Topics

SMALL = ResampleConfig(200, 200)


class FakeModel(PretrainedModel):
    """Word w{i} is token i; words beyond the table are in pieces."""

    embeddings = None

    def __init__(self, embeddings):
        object.__setattr__(self, "embeddings", embeddings)

    def token_ids(self, words):
        return {w: int(w[1:]) for w in words if int(w[1:]) < len(self.embeddings)}


def planted(strength, n_words=60, n_topics=3, n_pieces=5, seed=0):
    """Embeddings: noise plus `strength` times a direction of the topic; shares 0.4, 0.8 in turn."""
    rng = np.random.default_rng(seed)
    topic_of = np.arange(n_words + n_pieces) % n_topics
    x = rng.normal(size=(n_words, 8)) + strength * np.eye(8)[topic_of[:n_words]]
    share = np.where(np.arange(n_words + n_pieces) // n_topics % 2, 0.8, 0.4)
    table = np.where(np.arange(n_topics)[:, None] == topic_of, share, (1 - share) / (n_topics - 1))
    return FakeModel(x), Topics(tuple(f"w{i}" for i in range(n_words + n_pieces)), table)


def measure(model, topics, thresholds=(0.0,), seed=0):
    return measure_embedding(model, topics, SMALL, np.random.default_rng(seed), thresholds)


def brute_force(x, topic_of, times):
    """Visit all pairs of copies of different words."""
    same, other = [], []
    for i in range(len(x)):
        for j in range(len(x)):
            if i != j:
                group = same if topic_of[i] == topic_of[j] else other
                group += [x[i] @ x[j]] * int(times[i] * times[j])
    return np.mean(same), np.mean(other)


@pytest.mark.parametrize("times", [np.ones(9), np.array([0, 2, 1, 3, 0, 1, 1, 0, 1])])
def test_mean_products_equal_brute_force(times):
    rng = np.random.default_rng(1)
    x, topic_of = rng.normal(size=(9, 4)), np.array([0, 1, 2, 0, 1, 0, 0, 2, 5])
    assert np.allclose(_mean_products(x, topic_of, times), brute_force(x, topic_of, times))


def test_pair_sd_equals_brute_force():
    x = np.random.default_rng(2).normal(size=(7, 3))
    products = (x @ x.T)[~np.eye(7, dtype=bool)]
    assert np.isclose(_pair_sd(x), products.std())


def test_by_hand():
    x = np.array([[2.0, 0.0], [1.0, 0.0], [0.0, 3.0]])
    topics = Topics(("w0", "w1", "w2"), np.array([[0.9, 0.9, 0.1], [0.1, 0.1, 0.9]]))
    table = measure(FakeModel(x), topics).set_index("measure")
    assert table.loc["cosine", ["same", "other"]].tolist() == [1, 0]
    assert table.loc["inner product", ["same", "other"]].tolist() == [2, 0]


def test_planted_topics_are_seen():
    table = measure(*planted(strength=2.0))
    assert (table["low"] > table["shuffled_high"]).all()
    assert (table["p_value"] == 1 / 201).all()
    assert (table["shuffle_sds"] > 5).all()


@pytest.mark.slow
def test_no_topics_no_difference():
    tables = [measure(*planted(strength=0.0, seed=seed)) for seed in range(5)]
    inside = [
        ((t["shuffled_low"] < t["difference"]) & (t["difference"] < t["shuffled_high"]))
        for t in tables
    ]
    assert np.mean(inside) >= 0.8
    assert np.median([t["p_value"] for t in tables]) > 0.05
    assert np.mean([(t["low"] < 0) & (t["high"] > 0) for t in tables]) >= 0.8


@pytest.mark.slow
def test_interval_covers_the_truth_as_often_as_it_says():
    tables = [measure(*planted(2.0, n_words=90, seed=seed)) for seed in range(20)]
    rows = [table.set_index("measure").loc["inner product"] for table in tables]
    covered = [row["low"] < 4 < row["high"] for row in rows]  # strength^2 between orthogonal topics
    assert np.mean(covered) >= 0.8


def test_thresholds_and_words_in_pieces():
    table = measure(*planted(2.0), thresholds=(0.0, 0.7, 0.9))
    assert table.query("measure == 'cosine'")["n_words"].tolist() == [60, 30, 0]
    left = table.query("threshold == 0.9")
    assert left.drop(columns=["measure", "threshold", "n_words"]).isna().all(axis=None)


def test_one_topic_only_gives_no_numbers_and_no_warning(recwarn):
    model, _ = planted(1.0)
    topics = Topics(("w0", "w1", "w2"), np.array([[0.9, 0.9, 0.9], [0.1, 0.1, 0.1]]))
    assert measure(model, topics)["same"].isna().all()
    few = Topics(("w0", "w1", "w2"), np.array([[0.9, 0.9, 0.1], [0.1, 0.1, 0.9]]))
    assert measure(model, few)["low"].isna().all()  # most draws hold no pair
    assert not recwarn.list


def test_same_generator_same_numbers():
    first, again, other = (measure(*planted(1.0), seed=seed) for seed in (3, 3, 4))
    assert first.equals(again) and not first.equals(other)


def test_chance_by_hand():
    shuffled = np.arange(199.0)
    placed = shuffle_chance(197.0, shuffled)
    assert placed["p_value"] == 3 / 200  # 197 and 198 are as large
    assert placed["shuffled"] == 99 and np.isclose(placed["shuffled_low"], 4.95)
    assert np.isclose(placed["shuffle_sds"], 98 / shuffled.std(ddof=1))
    assert bootstrap_interval(shuffled) == {
        "low": placed["shuffled_low"],
        "high": placed["shuffled_high"],
    }


def test_draws_without_pairs_are_left_out_of_both_sides():
    values = np.arange(300.0)
    values[100:] = np.nan
    assert all(np.isnan(number) for number in shuffle_chance(50.0, values).values())
    values[100:200] = np.arange(100.0, 200.0)
    placed = shuffle_chance(197.0, values)
    assert placed["p_value"] == 4 / 201 and placed["shuffled"] == 99.5
    assert bootstrap_interval(values) == bootstrap_interval(np.arange(200.0))


@pytest.mark.parametrize("name", ["n_shuffles", "n_bootstraps"])
def test_too_few_draws_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 200 for 95 % intervals, got 9"):
        ResampleConfig(**{name: 9})
