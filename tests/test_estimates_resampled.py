"""Intervals and chance by hand, and how often the intervals of attention hold the truth."""

import numpy as np
import pytest

from twostage.estimates import ResampleConfig, bootstrap_interval, shuffle_chance
from twostage.topics.text.attention import measure_attention
from twostage.topics.text.lda import Topics
from twostage.topics.text.windows import AttentionPairs


def test_interval_is_the_middle_95_percent_of_each_column():
    draws = np.stack([np.arange(1001.0), 2 * np.arange(1001.0) + 1], axis=1)
    found = bootstrap_interval(draws[np.random.default_rng(0).permutation(1001)])
    np.testing.assert_allclose(found["low"], [25, 51])
    np.testing.assert_allclose(found["high"], [975, 1951])


def test_chance_places_a_value_among_the_shuffled_ones():
    shuffled = np.concatenate([np.arange(1000.0), [1500.0]])
    found = shuffle_chance(990.0, shuffled)
    assert found["shuffled"] == pytest.approx(shuffled.mean())
    assert (found["shuffled_low"], found["shuffled_high"]) == (25, 975)
    assert found["p_value"] == pytest.approx(12 / 1002)  # 990 to 999 and 1500, ties count
    sd = np.sqrt(((shuffled - shuffled.mean()) ** 2).sum() / 1000)
    assert found["shuffle_sds"] == pytest.approx((990 - shuffled.mean()) / sd)


def test_shuffles_that_never_vary_have_no_effect_size():
    found = shuffle_chance(1.0, np.zeros(200))
    assert np.isnan(found["shuffle_sds"]) and found["p_value"] == pytest.approx(1 / 201)


def test_draws_without_pairs_are_left_out_unless_they_are_the_more():
    draws = np.array([1.0, 2.0, np.nan, np.nan])
    assert bootstrap_interval(draws)["low"] == pytest.approx(1.025)
    assert np.isnan(bootstrap_interval(np.array([1.0, np.nan, np.nan]))["low"])


@pytest.mark.parametrize("name", ["n_shuffles", "n_bootstraps"])
def test_fewer_draws_than_the_outer_points_need_are_refused(name):
    ResampleConfig(**{name: 200})
    with pytest.raises(ValueError, match=f"{name} must be at least 200 .* got 199"):
        ResampleConfig(**{name: 199})


# Coverage -------------------------------------------------------------------------------------

GAIN, WORD_GAIN, N_ARTICLES, N_EACH = 1.5, 3.0, 40, 4
TOPICS = Topics(tuple("abcd"), np.array([[0.9, 0.9, 0.1, 0.1], [0.1, 0.1, 0.9, 0.9]]))
PAIRS = [(0, 2), (0, 1), (3, 3)]  # other topic, same topic, same word


def draw_articles(rng):
    """Articles that differ in how much a topic and a word gain; the mean gains are known."""
    article, kind, distance, _ = np.indices((N_ARTICLES, 3, 2, N_EACH)).reshape(4, -1)
    own = 1 + 0.4 * (rng.random((N_ARTICLES, 3)) - 0.5) * np.sqrt(12)  # an sd of 40 % of the mean
    gain = np.array([1.0, GAIN, WORD_GAIN])[kind] * np.where(kind, own[article, kind], 1)
    attention = gain / (1 + distance) * (1 + 0.1 * rng.normal(size=len(kind)))
    order = np.argsort(distance, kind="stable")
    columns = attention[:, None, None].astype(np.float32), np.array(PAIRS)[kind], distance + 1
    return AttentionPairs(*(column[order] for column in (*columns, article)))


def test_intervals_of_attention_cover_the_truth_as_often_as_they_say():
    config, hits, n = ResampleConfig(200, 200), np.zeros(2), 200
    for seed in range(n):
        rng = np.random.default_rng(seed)
        model = measure_attention(draw_articles(rng), TOPICS, config, rng).model.iloc[0]
        hits += (
            model["low"] <= GAIN <= model["high"],
            (model["same_word_low"] <= WORD_GAIN <= model["same_word_high"]),
        )
    share = hits / n  # half as wide an interval covers 67 %, one of 80 % covers 80 %
    assert (share > 0.9).all() and (share < 0.99).all(), share
