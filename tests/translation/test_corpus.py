"""Sentence pairs against what their configuration promises, by hand and by counting."""

from itertools import islice

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from twostage.seeding import numpy_rng
from twostage.translation.corpus import EOS, CorpusConfig, sample_batches, sample_pairs


def draw(n_pairs=2000, **settings):
    cfg = CorpusConfig(**settings)
    return cfg, sample_pairs(cfg, n_pairs, numpy_rng(0, "test"))


def test_copying_repeats_the_source_and_ends_it():
    cfg, pairs = draw(vocab_size=5, seq_len=3)
    assert_array_equal(pairs.src, pairs.tgt)
    assert (pairs.src[:, -1] == EOS).all()
    words = pairs.src[:, :-1].numpy()
    assert set(words.ravel()) == {1, 2, 3, 4, 5}
    assert all(len(set(sentence)) == 3 for sentence in words)


def test_permutations_hold_every_word_and_every_order():
    cfg, pairs = draw(vocab_size=3, seq_len=3)
    _, counts = np.unique(pairs.src.numpy(), axis=0, return_counts=True)
    assert len(counts) == 6
    assert counts.min() > 2000 / 6 - 4 * 17


def test_repeats_are_drawn_independently():
    cfg, pairs = draw(vocab_size=4, seq_len=9, repeats=True, n_pairs=4000)
    words = pairs.src[:, :-1].numpy()
    assert_allclose(np.bincount(words.ravel(), minlength=5)[1:] / words.size, 0.25, atol=0.012)
    assert_allclose((words[:, 0] == words[:, 1]).mean(), 0.25, atol=0.03)


def test_mixture_is_the_share_of_permutations_of_the_first_words():
    cfg, pairs = draw(vocab_size=9, seq_len=3, mixture=0.3, n_pairs=4000)
    permuted = (pairs.src[:, :-1].numpy() <= 3).all(axis=1).mean()
    assert_allclose(permuted, 0.3 + 0.7 / 84, atol=0.03)  # 84 ways to choose 3 of 9 words


@pytest.mark.parametrize("repeats", [True, False])
def test_zipf_is_the_law_of_the_first_word(repeats):
    cfg, pairs = draw(vocab_size=4, seq_len=2, zipf=1.0, repeats=repeats, n_pairs=8000)
    shares = np.bincount(pairs.src[:, 0].numpy(), minlength=5)[1:] / 8000
    assert_allclose(shares, np.array([12, 6, 4, 3]) / 25, atol=0.02)


def test_a_dictionary_translates_word_by_word():
    cfg, pairs = draw(vocab_size=6, seq_len=4, dictionary="random")
    table = cfg.translation_of
    assert (
        table[EOS] == EOS and sorted(table) == list(range(7)) and (table[1:] != range(1, 7)).any()
    )
    assert_array_equal(pairs.tgt.numpy(), table[pairs.src.numpy()])
    other = CorpusConfig(vocab_size=6, seq_len=4, dictionary="random", dictionary_seed=1)
    assert (other.translation_of != table).any()


def test_blocks_are_reversed():
    cfg, pairs = draw(vocab_size=9, seq_len=5, block=2, n_pairs=10)
    assert_array_equal(cfg.aligned, [1, 0, 3, 2, 4, 5])
    assert_array_equal(pairs.tgt.numpy(), pairs.src.numpy()[:, cfg.aligned])


def test_batches_are_fresh_and_come_from_the_generator():
    cfg = CorpusConfig()
    first, second = islice(sample_batches(cfg, 8, numpy_rng(0)), 2)
    assert (first.src != second.src).any()
    assert_array_equal(first.src, sample_pairs(cfg, 8, numpy_rng(0)).src)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"vocab_size": 10, "seq_len": 11}, "seq_len must be <= vocab_size = 10 unless repeats"),
        (
            {"vocab_size": 10, "seq_len": 11, "repeats": True, "mixture": 0.5},
            "seq_len must be <= vocab_size = 10 unless repeats are drawn and mixture is 0, got 11",
        ),
        ({"mixture": 1.1}, r"mixture must be in \[0, 1\], got 1.1"),
        ({"mixture": -0.1}, r"mixture must be in \[0, 1\], got -0.1"),
        ({"mixture": float("nan")}, r"mixture must be in \[0, 1\], got nan"),
        ({"vocab_size": 1, "seq_len": 1}, "vocab_size must be >= 2, got 1"),
        ({"seq_len": 0}, "seq_len must be >= 1, got 0"),
        ({"zipf": -1.0}, "zipf must be >= 0, got -1.0"),
        ({"dictionary": "french"}, "dictionary must be one of .* got 'french'"),
        ({"block": 13}, r"block must be in 1..12, got 13"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        CorpusConfig(**settings)


def test_no_pairs_are_refused():
    with pytest.raises(ValueError, match="n_pairs must be >= 1, got 0"):
        sample_pairs(CorpusConfig(), 0, numpy_rng(0))
