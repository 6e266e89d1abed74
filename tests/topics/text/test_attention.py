"""Same-topic against other-topic attention: at equal distance, against brute force and by plan."""

import numpy as np
import pytest

from twostage.estimates import ResampleConfig
from twostage.topics.text.attention import measure_attention, measure_attention_by_distance
from twostage.topics.text.lda import Topics
from twostage.topics.text.windows import AttentionPairs

SMALL = ResampleConfig(200, 200)
N_WORDS, N_TOPICS = 40, 4


def topics_of(share=0.8):
    topic_of = np.arange(N_WORDS) % N_TOPICS
    at_home = np.arange(N_TOPICS)[:, None] == topic_of
    table = np.where(at_home, share, (1 - share) / (N_TOPICS - 1))
    return Topics(tuple(f"w{i}" for i in range(N_WORDS)), table)


def draw_pairs(n=6000, near=0.0, gain=1.0, word_gain=1.0, noise=0.1, seed=0):
    """Attention 1 / distance, times `gain` within a topic; `near` brings topics closer together."""
    rng = np.random.default_rng(seed)
    words = rng.integers(N_WORDS, size=(n, 2))
    same_topic = words[:, 0] % N_TOPICS == words[:, 1] % N_TOPICS
    same_word = words[:, 0] == words[:, 1]
    closer = same_topic & (rng.random(n) < near)
    distance = np.where(closer, rng.integers(1, 5, size=n), rng.integers(1, 21, size=n))
    factor = np.where(same_word, word_gain, np.where(same_topic, gain, 1.0)) / distance
    spread = np.exp(noise * rng.normal(size=(n, 2, 3)))
    attention = (factor[:, None, None] * spread).astype(np.float32)
    order = np.argsort(distance, kind="stable")
    document = rng.integers(30, size=n)
    return AttentionPairs(*(x[order] for x in (attention, words, distance, document)))


def measure(pairs, threshold=0.5, seed=0, topics=None):
    rng = np.random.default_rng(seed)
    return measure_attention(pairs, topics or topics_of(), SMALL, rng, threshold)


def brute_force(pairs, layer, head, topic_of):
    """The ratio, pair by pair and distance by distance."""
    total = own = other = 0.0
    for d in range(1, 21):
        cell = {True: [], False: []}
        rows = zip(pairs.attention[:, layer, head], pairs.words, pairs.distance, strict=True)
        for attn, (first, second), distance in rows:
            if distance == d and first != second:
                cell[bool(topic_of[first] == topic_of[second])].append(float(attn))
        if cell[True] and cell[False]:
            total += len(cell[True])
            own += sum(cell[True])
            other += len(cell[True]) * np.mean(cell[False])
    return own / total, other / total


def test_heads_equal_brute_force():
    pairs = draw_pairs(n=400, near=0.5, gain=1.3)
    heads = measure(pairs).heads.set_index(["layer", "head"])
    for layer, head in [(1, 1), (2, 3)]:
        same, other = brute_force(pairs, layer - 1, head - 1, topics_of().topic_of)
        assert np.allclose(heads.loc[(layer, head), ["same", "other"]], [same, other], rtol=1e-6)
        assert np.isclose(heads.loc[(layer, head), "ratio"], same / other, rtol=1e-6)


def test_distance_alone_is_no_topic_effect():
    model = measure(draw_pairs(near=0.8)).model.iloc[0]
    assert model["uncontrolled"] > 1.5  # near together, hence attended to
    assert abs(model["ratio"] - 1) < 0.02
    assert model["low"] < 1 < model["high"]
    assert model["p_value"] > 0.025


def test_planted_topic_effect_is_recovered():
    contrast = measure(draw_pairs(near=0.8, gain=1.25, word_gain=3.0))
    model = contrast.model.iloc[0]
    assert abs(model["ratio"] - 1.25) < 0.02 and model["low"] < 1.25 < model["high"]
    assert model["low"] > 1 and model["ratio"] > model["shuffled_high"]
    assert model["p_value"] == 1 / 201 and model["shuffle_sds"] > 5
    assert abs(model["same_word"] - 3) < 0.2
    assert model["same_word_low"] < 3 < model["same_word_high"]


def test_shuffled_topics_give_no_effect():
    table = measure(draw_pairs(gain=1.25)).heads
    assert np.allclose(table["shuffled"], 1, atol=0.02)
    assert (table["shuffled_low"] < 1).all() and (table["shuffled_high"] > 1).all()


def test_tables_hold_heads_layers_and_model():
    contrast = measure(draw_pairs(n=800, gain=1.2))
    assert list(zip(contrast.heads["layer"], contrast.heads["head"], strict=True)) == [
        (1, 1),
        (1, 2),
        (1, 3),
        (2, 1),
        (2, 2),
        (2, 3),
    ]
    assert contrast.layers["layer"].tolist() == [1, 2] and len(contrast.model) == 1
    by_layer = contrast.heads.groupby("layer")[["same", "other"]].mean()
    np.testing.assert_allclose(contrast.layers["ratio"], by_layer["same"] / by_layer["other"])
    assert contrast.parts["where"].tolist() == ["layer 1", "layer 2", "all"]
    expected = [*contrast.layers["ratio"], *contrast.model["ratio"]]
    np.testing.assert_array_equal(contrast.parts["ratio"], expected)
    np.testing.assert_allclose(contrast.model["same"], by_layer["same"].mean())


def test_pairs_are_counted_by_kind():
    words = np.array([[0, 4], [0, 1], [0, 0], [8, 4], [1, 2], [5, 1]])  # topics: 0 4 8, 1 5, 2
    ones = np.ones((6, 1, 1), dtype=np.float32)
    pairs = AttentionPairs(ones, words, np.arange(6) // 2 + 1, np.arange(6))
    contrast = measure(pairs)
    assert contrast.n_pairs == {"other topic": 2, "same topic": 3, "same word": 1}
    assert contrast.n_words == 6


def test_words_below_the_threshold_are_left_out():
    pairs, topics = draw_pairs(), topics_of()
    share = np.where(np.arange(N_WORDS) < 20, 0.8, 0.4)
    at_home = np.arange(N_TOPICS)[:, None] == topics.topic_of
    mixed = Topics(topics.words, np.where(at_home, share, (1 - share) / (N_TOPICS - 1)))
    only = pairs.select((pairs.words < 20).all(1))
    expected = measure(only).heads["ratio"]
    np.testing.assert_allclose(measure(pairs, 0.5, topics=mixed).heads["ratio"], expected)
    assert not np.allclose(measure(pairs, 0.3, topics=mixed).heads["ratio"], expected)


def test_intervals_resample_articles():
    pairs = draw_pairs(gain=1.2, noise=0.01)
    lone = AttentionPairs(
        pairs.attention, pairs.words, pairs.distance, np.zeros_like(pairs.document)
    )
    one, many = measure(lone).model.iloc[0], measure(pairs).model.iloc[0]
    assert np.isclose(one["low"], one["high"])  # a single article has nothing to vary with
    assert many["low"] < many["ratio"] < many["high"]


def test_without_pairs_to_compare_says_what_to_change():
    with pytest.raises(ValueError, match="no pairs to compare at topic share >= 0.9: .* lower the"):
        measure(draw_pairs(), threshold=0.9)


def test_without_same_word_pairs_their_column_is_missing():
    pairs = draw_pairs()
    table = measure(pairs.select(pairs.words[:, 0] != pairs.words[:, 1])).heads
    assert table["same_word"].isna().all() and table["ratio"].notna().all()


def test_same_generator_same_numbers():
    pairs = draw_pairs(n=500)
    first, again, other = (measure(pairs, seed=seed).heads for seed in (3, 3, 4))
    assert first.equals(again) and not first.equals(other)


def test_attention_by_distance():
    pairs = draw_pairs(n=20000, gain=2.0, word_gain=3.0, noise=0)
    table = measure_attention_by_distance(pairs, topics_of())
    assert table["distance"].tolist() == [1, 2, 4, 8, 16]
    np.testing.assert_allclose(table.loc[0, ["other topic", "same topic", "same word"]], [1, 2, 3])
    np.testing.assert_allclose(table["same topic"] / table["other topic"], 2, rtol=0.05)
    closer = measure_attention_by_distance(draw_pairs(near=0.5), topics_of())
    assert closer["same_topic_share"][0] > 2 * closer["same_topic_share"][4]
