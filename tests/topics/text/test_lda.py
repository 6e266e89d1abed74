"""LDA on text: topics that are there are found, and every draw comes from the generator."""

import numpy as np
import pytest

from twostage.topics.text import lda as lda_module
from twostage.topics.text.articles import TextCorpus
from twostage.topics.text.lda import LdaConfig, Topics, content_words, cut_pieces, fit_topics

PETS, TOWNS = (
    "cat dog fur paw tail whisker".split(),
    "street tower bridge square tram mayor".split(),
)


def two_topic_corpus(n_articles=40):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(PETS if i % 2 else TOWNS, 60)) for i in range(n_articles)]
    return TextCorpus("made up", tuple(map(str, range(n_articles))), tuple(texts))


SMALL = LdaConfig(n_topics=2, piece_len=20, min_pieces=2, max_piece_share=1.0)


def test_lda_finds_the_two_topics():
    topics = fit_topics(two_topic_corpus(), SMALL, np.random.default_rng(0))
    assert {frozenset(row) for row in topics.top_words(6)} == {frozenset(PETS), frozenset(TOWNS)}
    assert topics.topic_word.dtype == np.float64
    np.testing.assert_allclose(topics.topic_word.sum(1), 1)
    assert topics.topic_share.min() > 0.9


def test_lda_repeats_with_its_generator_and_only_with_it():
    fits = [
        fit_topics(two_topic_corpus(), SMALL, np.random.default_rng(seed)) for seed in (1, 1, 2)
    ]
    assert fits[0].words == fits[1].words == fits[2].words
    np.testing.assert_array_equal(fits[0].topic_word, fits[1].topic_word)
    assert not np.array_equal(fits[0].topic_word, fits[2].topic_word)


def test_lda_on_tf_idf_weights_and_with_another_prior():
    options = ({}, {"tf_idf": True}, {"word_prior": 5.0})
    configs = [LdaConfig(2, piece_len=20, min_pieces=2, max_piece_share=1.0, **o) for o in options]
    fits = [fit_topics(two_topic_corpus(), c, np.random.default_rng(1)) for c in configs]
    assert not np.allclose(fits[0].topic_word, fits[1].topic_word)
    assert fits[2].topic_share.mean() < fits[0].topic_share.mean()  # a strong prior is unsure


@pytest.fixture
def lda_calls(monkeypatch):
    """What LdaModel was given, call by call."""
    calls, lda = [], lda_module.LdaModel

    def spy(counts, **options):
        calls.append({"counts": counts, "draw": options["random_state"].randint(2**31), **options})
        return lda(counts, **options)

    monkeypatch.setattr(lda_module, "LdaModel", spy)
    return calls


@pytest.mark.parametrize("n_pieces", [1, 127, 129, 257, 385])
def test_no_online_batch_is_much_smaller_than_the_others(lda_calls, n_pieces):
    corpus = TextCorpus("made up", ("t",), (" ".join(PETS * 2 * n_pieces),))
    config = LdaConfig(2, passes=1, piece_len=12, min_pieces=1, max_piece_share=1.0)
    fit_topics(corpus, config, np.random.default_rng(0))
    batch = lda_calls[0]["chunksize"]
    assert len(lda_calls[0]["counts"]) == n_pieces
    assert (n_pieces % batch or batch) >= 0.9 * batch


def test_order_of_pieces_and_start_of_lda_both_come_from_the_generator(lda_calls):
    for seed in (0, 0, 1):
        fit_topics(two_topic_corpus(), SMALL, np.random.default_rng(seed))
    first, again, other = lda_calls
    for what in ("counts", "draw"):
        assert first[what] == again[what] != other[what]


def test_lda_without_words_enough_says_what_to_change():
    config = LdaConfig(n_topics=20, piece_len=20, min_pieces=1000)
    with pytest.raises(ValueError, match="made up: only 0 words .* lower min_pieces or raise"):
        fit_topics(two_topic_corpus(), config, np.random.default_rng(0))


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"n_topics": 1}, "n_topics must be at least 2, got 1"),
        ({"passes": 0}, "passes must be at least 1, got 0"),
        ({"piece_len": 1}, "piece_len must be at least 2, got 1"),
        ({"min_pieces": 0}, "min_pieces must be at least 1, got 0"),
        ({"max_piece_share": 1.5}, r"max_piece_share must be in \(0, 1\], got 1.5"),
        ({"word_prior": 0.0}, "word_prior must be above 0, got 0.0"),
    ],
)
def test_lda_config_refuses(wrong, message):
    with pytest.raises(ValueError, match=message):
        LdaConfig(**wrong)


def test_topics_by_hand():
    topics = Topics(("cat", "dog", "tram"), np.array([[0.6, 0.3, 0.1], [0.2, 0.1, 0.7]]))
    assert topics.topic_of.tolist() == [0, 0, 1]
    np.testing.assert_allclose(topics.topic_share, [0.75, 0.75, 0.875])
    np.testing.assert_allclose(topics.p_topic_given_word.sum(0), 1)
    assert topics.top_words(2) == [["cat", "dog"], ["tram", "cat"]]


def test_content_words_are_lower_case_without_stop_words_letters_and_numbers():
    text = "The U2 song, 220px wide: Café-owners don't sing it A B 1984 snake_case."
    assert content_words(text) == ["song", "wide", "café", "owners", "sing"]


def test_content_words_keep_their_marks_and_one_spelling():
    assert content_words("Franc\u0327ais français हिन्दी और") == ["français"] * 2 + ["हिन्दी", "और"]
    pieces = cut_pieces(TextCorpus("made up", ("t",), ("e\u0301te\u0301 हिन्दी",)), 200)
    assert pieces == [["été", "हिन्दी"]]
