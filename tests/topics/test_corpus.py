"""Documents against the exact statistics of their generators; text corpora in and out.

Frequencies are compared by z-scores and chi-squared tests at fixed seeds; the bounds would be
passed by chance less than once in 10,000 draws.
"""

from itertools import combinations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from twostage.topics.corpus import (
    MASK,
    CorpusConfig,
    _invert,
    read_corpus,
    sample_corpus,
    sample_mixtures,
    write_corpus,
)

RARE = 1e-4
TINY = CorpusConfig(n_topics=2, words_per_topic=3, topics_per_doc=1, doc_len=(1, 4))


def draw(cfg, n_docs=4000, seed=0):
    return sample_corpus(cfg, n_docs, np.random.default_rng(seed))


def assert_frequencies(values, shares):
    """The values 0, 1, ... occur with these shares."""
    shares = np.asarray(shares)
    counts = np.bincount(values.ravel(), minlength=len(shares))
    assert len(counts) == len(shares) and not counts[shares == 0].any()
    expected = (shares * counts.sum())[shares > 0]
    assert stats.chisquare(counts[shares > 0], expected).pvalue > RARE


def assert_mean(values, expected):
    """The mean of independent values lies within 4 standard errors of the expected one."""
    values = np.asarray(values, dtype=float)
    assert abs(values.mean() - expected) < 4 * values.std(ddof=1) / len(values) ** 0.5


# Tokens ---------------------------------------------------------------------------------------


def test_token_table_by_hand():
    cfg = CorpusConfig(n_topics=2, words_per_topic=3)
    assert (MASK, cfg.pad, cfg.start, cfg.end, cfg.n_tokens, cfg.n_words) == (0, 7, 8, 9, 10, 6)
    assert cfg.topic_of.tolist() == [0, 0, 0, 1, 1, 1]
    assert cfg.is_word(np.arange(10)).tolist() == [False] + [True] * 6 + [False] * 3


@pytest.mark.parametrize("overlap, zipf", [(0, 0), (0.3, 0), (0, 1.2), (0.5, 2), (1, 1)])
def test_topic_word_table(overlap, zipf):
    cfg = CorpusConfig(n_topics=3, words_per_topic=4, overlap=float(overlap), zipf=float(zipf))
    shares = np.array([1, 2**-zipf, 3**-zipf, 4**-zipf]) / sum(n**-zipf for n in (1, 2, 3, 4))
    own = (1 - overlap) * shares + overlap / 12
    expected = [
        [*([overlap / 12] * 4 * t), *own, *([overlap / 12] * 4 * (2 - t))] for t in range(3)
    ]
    assert_allclose(cfg.topic_word, expected, rtol=1e-12)


# The two generators ---------------------------------------------------------------------------


def test_theorys_documents_have_exactly_tau_topics_each_set_equally_often():
    cfg = CorpusConfig(n_topics=5, words_per_topic=2, topics_per_doc=2, doc_len=64)
    corpus = draw(cfg)
    sets = {pair: i for i, pair in enumerate(combinations(range(5), 2))}
    drawn = [tuple(np.unique(row)) for row in corpus.token_topics]  # missing one: 2 ** -63
    assert_frequencies(np.array([sets[topics] for topics in drawn]), np.full(10, 0.1))
    for topics, mixture in zip(drawn, corpus.mixtures, strict=True):
        assert_array_equal(mixture, [0.5 * (t in topics) for t in range(5)])


@pytest.mark.parametrize("tau", [1, 3, 5])
def test_theorys_shares_are_equal(tau):
    cfg = CorpusConfig(n_topics=5, words_per_topic=2, topics_per_doc=tau, doc_len=30)
    corpus = draw(cfg)
    assert_allclose(np.sort(corpus.mixtures)[:, -tau:], 1 / tau)
    assert_allclose(corpus.mixtures.sum(1), 1)
    same = corpus.token_topics[:, 0] == corpus.token_topics[:, 1]
    assert (same.all() if tau == 1 else True) and abs(same.mean() - 1 / tau) < 0.04


@pytest.mark.parametrize("alpha", [0.05, 1.0, 10.0])
def test_lda_mixtures_have_the_moments_of_dirichlet(alpha):
    T = 4
    cfg = CorpusConfig(n_topics=T, alpha=alpha)
    mixtures = sample_mixtures(cfg, 20_000, np.random.default_rng(1))
    assert_allclose(mixtures.sum(1), 1)
    for topic in mixtures.T:
        assert_mean(topic, 1 / T)
        assert_mean(topic**2, (alpha + 1) / (T * (T * alpha + 1)))
    assert_mean(mixtures[:, 0] * mixtures[:, 1], alpha / (T * (T * alpha + 1)))


def test_lda_tokens_follow_their_documents_mixture():
    corpus = draw(CorpusConfig(n_topics=4, words_per_topic=2, alpha=0.5, doc_len=400), 2000)
    for topic in range(4):
        theta = corpus.mixtures[:, topic]
        excess = (corpus.token_topics == topic).mean(1) - theta
        assert_mean(excess, 0)
        assert_allclose((400 * excess**2).mean(), (theta * (1 - theta)).mean(), rtol=0.15)


def test_positions_are_exchangeable():
    corpus = draw(CorpusConfig(n_topics=3, words_per_topic=2, topics_per_doc=2, doc_len=10), 20_000)
    for position in (0, 9):
        assert_frequencies(corpus.tokens[:, position] - 1, np.full(6, 1 / 6))


# Words of a topic -----------------------------------------------------------------------------


@pytest.mark.parametrize("overlap", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("zipf", [0.0, 1.5])
def test_words_follow_their_topic(overlap, zipf):
    cfg = CorpusConfig(3, 4, topics_per_doc=2, doc_len=50, overlap=overlap, zipf=zipf)
    corpus = draw(cfg)
    for topic in range(3):
        words = corpus.tokens[corpus.token_topics == topic] - 1
        assert_frequencies(words, cfg.topic_word[topic])


def test_disjoint_topics_never_mix():
    corpus = draw(CorpusConfig(n_topics=7, words_per_topic=3, topics_per_doc=2, doc_len=40))
    assert_array_equal(corpus.topic_of[corpus.tokens - 1], corpus.token_topics)


@pytest.mark.parametrize("overlap", [0.1, 0.6])
def test_overlap_sends_that_share_of_words_astray(overlap):
    cfg = CorpusConfig(n_topics=4, words_per_topic=5, doc_len=50, overlap=overlap)
    corpus = draw(cfg)
    astray = (corpus.topic_of[corpus.tokens - 1] != corpus.token_topics).mean(1)
    assert_mean(astray, overlap * 3 / 4)


# Lengths, boundaries, counts ------------------------------------------------------------------


def test_fixed_length_has_no_padding():
    corpus = draw(CorpusConfig(n_topics=2, doc_len=17), 50)
    assert corpus.tokens.shape == corpus.token_topics.shape == (50, 17)
    assert corpus.cfg.is_word(corpus.tokens).all()


def test_lengths_are_uniform_over_the_inclusive_range():
    cfg = CorpusConfig(n_topics=3, words_per_topic=2, doc_len=(5, 9))
    corpus = draw(cfg)
    is_word = cfg.is_word(corpus.tokens)
    lengths = is_word.sum(1)
    assert_frequencies(lengths - 5, np.full(5, 0.2))
    assert_array_equal(is_word, np.arange(9) < lengths[:, None])  # padding stands at the end
    assert (corpus.tokens[~is_word] == cfg.pad).all()
    assert (corpus.token_topics[~is_word] == -1).all()
    assert (corpus.token_topics[is_word] >= 0).all()


@pytest.mark.parametrize("doc_len", [6, (3, 6)])
def test_boundaries_frame_the_words(doc_len):
    cfg = CorpusConfig(n_topics=2, words_per_topic=3, doc_len=doc_len, boundaries=True)
    bare = draw(CorpusConfig(n_topics=2, words_per_topic=3, doc_len=doc_len), 100)
    corpus = draw(cfg, 100)
    assert corpus.tokens.shape == corpus.token_topics.shape == (100, 8)
    for framed, topics, words in zip(corpus.tokens, corpus.token_topics, bare.tokens, strict=True):
        words = words[cfg.is_word(words)]
        rest = [cfg.pad] * (6 - len(words))
        assert framed.tolist() == [cfg.start, *words, cfg.end, *rest]
        assert_array_equal(topics >= 0, cfg.is_word(framed))
    assert_array_equal(corpus.counts(), bare.counts())


def test_counts_by_hand():
    corpus = draw(TINY, 30)
    naive = [[(row == word).sum() for word in range(1, 7)] for row in corpus.tokens]
    assert_array_equal(corpus.counts(), naive)


@pytest.mark.parametrize("n_items", [2, 255, 256, 257, 70_000])
def test_inversion_agrees_with_a_search_for_any_number_of_items(n_items):
    cdf = np.cumsum(np.full(n_items, 1 / n_items))
    luck = np.append(np.random.default_rng(0).random((3, 4)), [[0.0, 0.5, 0.7, 1 - 1e-16]], axis=0)
    drawn = _invert(cdf, luck)
    assert drawn.dtype == np.int64
    assert (drawn == np.searchsorted(cdf[:-1] / cdf[-1], luck, side="right")).all()


def test_same_generator_same_documents():
    first, second, other = draw(TINY, 50, seed=3), draw(TINY, 50, seed=3), draw(TINY, 50, seed=4)
    assert_array_equal(first.tokens, second.tokens)
    assert (first.tokens != other.tokens).any()


# Refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"n_topics": 0}, "n_topics must be >= 1, got 0"),
        ({"words_per_topic": 0}, "words_per_topic must be >= 1, got 0"),
        ({"topics_per_doc": 0}, "topics_per_doc must be in 1..10, got 0"),
        ({"topics_per_doc": 11}, "topics_per_doc must be in 1..10, got 11"),
        ({"alpha": 0.0}, "alpha must be > 0, got 0.0"),
        ({"alpha": float("nan")}, "alpha must be > 0, got nan"),
        ({"doc_len": 0}, "doc_len must be >= 1, or a pair low <= high, got 0"),
        ({"doc_len": (5, 4)}, "doc_len must be >= 1, or a pair low <= high, got (5, 4)"),
        ({"doc_len": (0, 4)}, "doc_len must be >= 1, or a pair low <= high, got (0, 4)"),
        ({"overlap": 1.1}, "overlap must be in [0, 1], got 1.1"),
        ({"overlap": -0.1}, "overlap must be in [0, 1], got -0.1"),
        ({"zipf": -1.0}, "zipf must be >= 0, got -1.0"),
        ({"mask_rate": 0.0}, "mask_rate must be in (0, 1], got 0.0"),
        ({"mask_rate": 1.5}, "mask_rate must be in (0, 1], got 1.5"),
        ({"keep_rate": -0.1}, "keep_rate must be in [0, 1], got -0.1"),
        ({"random_rate": 1.1}, "random_rate must be in [0, 1], got 1.1"),
        (
            {"keep_rate": 0.75, "random_rate": 0.5},
            "keep_rate + random_rate must be <= 1, got 1.25",
        ),
    ],
)
def test_impossible_settings_are_refused_in_words(wrong, message):
    with pytest.raises(ValueError) as error:
        CorpusConfig(**wrong)
    assert str(error.value) == message


@pytest.mark.parametrize("limit", [{"mask_rate": 1.0}, {"overlap": 1.0}, {"topics_per_doc": 10}])
def test_limits_are_allowed(limit):
    assert draw(CorpusConfig(**limit), 2).tokens.shape == (2, 128)


def test_no_documents_are_refused():
    with pytest.raises(ValueError, match="n_docs must be >= 1, got 0"):
        draw(TINY, 0)


# Text -----------------------------------------------------------------------------------------


def test_text_by_hand(tmp_path):
    path = tmp_path / "corpus.txt"
    corpus = draw(TINY, 40)
    write_corpus(corpus, path)
    lines = [
        " ".join([str(token - 1) for token in row if token != TINY.pad] + ["END"])
        for row in corpus.tokens
    ]
    assert path.read_text() == "\n".join(lines) + "\n"


@pytest.mark.parametrize("boundaries", [False, True])
@pytest.mark.parametrize("doc_len", [5, (1, 9)])
@pytest.mark.parametrize("end", [True, False])
def test_what_is_written_is_read_again(tmp_path, boundaries, doc_len, end):
    cfg = CorpusConfig(3, 4, doc_len=doc_len, boundaries=boundaries)
    corpus = draw(cfg, 50)
    write_corpus(corpus, tmp_path / "corpus.txt", end)
    tokens = read_corpus(tmp_path / "corpus.txt", cfg)
    words = corpus.tokens[:, 1:-1] if boundaries else corpus.tokens
    words = np.where(words == cfg.end, cfg.pad, words)[:, : tokens.shape[1]]
    assert_array_equal(tokens, words)


def test_end_and_last_newline_are_optional(tmp_path):
    (tmp_path / "corpus.txt").write_text("0 5 END\n1\n  2   3\tEND ")
    tokens = read_corpus(tmp_path / "corpus.txt", TINY)
    assert tokens.tolist() == [[1, 6], [2, 7], [3, 4]]  # 7 pads


@pytest.mark.parametrize(
    "text, line, complaint",
    [
        ("0 1\n2 three\n", 2, "'three' is not a word number in 0..5"),
        ("0 6\n", 1, "'6' is not a word number in 0..5"),
        ("0 -1\n", 1, "'-1' is not a word number in 0..5"),
        ("0\n0 1.0\n", 2, "'1.0' is not a word number in 0..5"),
        ("0\n1\n1 END 2\n", 3, "'END' is not a word number in 0..5"),
        ("0 ٣\n", 1, "'٣' is not a word number in 0..5"),
        ("0 1\n\n2\n", 2, "empty document"),
        ("0 1\n2\nEND\n", 3, "empty document"),
        ("0 1\n  \n", 2, "empty document"),
    ],
)
def test_a_bad_line_is_named(tmp_path, text, line, complaint):
    path = tmp_path / "corpus.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError) as error:
        read_corpus(path, TINY)
    assert str(error.value).startswith(f"{path}, line {line}: {complaint}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content, complaint",
    [(b"", "no documents"), (b"0 1\n\xff\xfe2", "not a text file (byte 4 is not UTF-8)")],
)
def test_a_bad_file_is_named(tmp_path, content, complaint):
    path = tmp_path / "corpus.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError) as error:
        read_corpus(path, TINY)
    assert str(error.value).startswith(f"{path}: {complaint}")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.txt"):
        read_corpus(tmp_path / "nowhere.txt", TINY)
