"""Whole words in running text, for each kind of tokeniser, and attention between them."""

import itertools
import tracemalloc

import numpy as np
import pytest
import torch
from tiny_models import N_HEADS, N_LAYERS, save_tiny

from twostage.topics.text import windows
from twostage.topics.text.articles import TextCorpus
from twostage.topics.text.encoder import load_model
from twostage.topics.text.lda import Topics
from twostage.topics.text.windows import WindowConfig, collect_attention

TEXT = "the dogs played chess; Dogs, with cats' games (tower) and Tower\nchessy dogs2 cats-games"
WORDS = ("dogs", "chess", "cats", "games", "tower", "play", "unheard")
SHARE = np.array([0.9, 0.6, 0.9, 0.6, 0.9, 0.9, 0.9])
TOPICS = Topics(WORDS, np.stack([SHARE, 1 - SHARE]))

# Found in TEXT, with their positions: never `played`, `chessy` and `dogs2`, which hold more than
# the word; after a bracket or hyphen only where the tokeniser has the same token there.
WORDPIECE = {2: "dogs", 5: "chess", 7: "dogs", 10: "cats", 12: "games"}
WORDPIECE |= {14: "tower", 17: "tower", 21: "cats", 23: "games"}
UNIGRAM = {2: "dogs", 5: "chess", 7: "dogs", 10: "cats", 12: "games", 18: "tower", 23: "cats"}
BYTES = {4: "dogs", 8: "chess", 10: "dogs", 13: "cats", 15: "games", 25: "tower", 35: "cats"}
FOUND = {"bert": WORDPIECE, "electra": WORDPIECE, "albert": UNIGRAM, "roberta": BYTES}
FOUND["bart"] = BYTES


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folders = {family: tmp_path_factory.mktemp(family) for family in FOUND}
    return {family: load_model(save_tiny(family, folders[family])) for family in FOUND}


def collect(model, *texts, window_len=None, n_windows=10, seed=0, **options):
    """Pairs of some texts; by default the window is as long as the first text."""
    corpus = TextCorpus("made up", tuple(f"t{i}" for i in range(len(texts))), texts)
    window_len = window_len or len(model.tokenizer(texts[0])["input_ids"])
    config, rng = WindowConfig(n_windows, window_len), np.random.default_rng(seed)
    return collect_attention(model, corpus, TOPICS, config, rng, **options)


def listed(pairs):
    words = [tuple(WORDS[i] for i in row) for row in pairs.words]
    return sorted((d, *row) for d, row in zip(pairs.distance.tolist(), words, strict=True))


@pytest.mark.parametrize("family", FOUND)
def test_pairs_are_those_of_the_whole_words(models, family):
    spots = itertools.combinations(FOUND[family].items(), 2)
    expected = sorted((j - i, first, second) for (i, first), (j, second) in spots)
    assert listed(collect(models[family], TEXT)) == expected


@pytest.mark.parametrize("family", FOUND)
def test_attention_of_a_pair_is_the_mean_of_both_directions(models, family):
    model = models[family]
    attn = model.attend(torch.tensor([model.tokenizer(TEXT)["input_ids"]]))[0].numpy()
    pairs = collect(model, TEXT)
    assert pairs.attention.shape[1:] == (N_LAYERS, N_HEADS) == attn.shape[:2]
    spots = sorted(itertools.combinations(FOUND[family], 2), key=lambda spot: spot[1] - spot[0])
    for row, (i, j) in zip(pairs.attention, spots, strict=True):
        np.testing.assert_allclose(row, (attn[:, :, i, j] + attn[:, :, j, i]) / 2, rtol=1e-5)


def test_rows_are_sorted_by_distance_and_know_their_article(models):
    pairs = collect(models["bert"], TEXT, TEXT)
    assert (np.diff(pairs.distance) >= 0).all()
    assert np.bincount(pairs.document).tolist() == [36, 36]
    halves = [pairs.select(pairs.document == i) for i in (0, 1)]
    np.testing.assert_allclose(halves[0].attention, halves[1].attention, rtol=1e-5)


def test_min_share_leaves_ambiguous_words_out(models):
    pairs = collect(models["bert"], TEXT, min_share=0.7)
    assert {WORDS[i] for i in pairs.words.ravel()} == {"dogs", "cats", "tower"}


def test_windows_all_have_the_same_length_and_are_drawn_from_all(models):
    text = "the dogs play chess with cats and " * 30  # 210 tokens: 11 windows of 18 + 2, and a rest
    bert = models["bert"]
    every = collect(bert, text, window_len=20, n_windows=99)
    assert every.distance.max() < 18
    some = [collect(bert, text, window_len=20, n_windows=3, seed=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(some[0].attention, some[1].attention)
    assert some[0].attention.shape != some[2].attention.shape or not np.array_equal(
        some[0].attention, some[2].attention
    )
    assert len(some[0].words) < len(every.words)


def test_windows_are_those_that_a_draw_from_all_of_them_gives(models):
    texts = ["the dogs play chess with cats " * n for n in (9, 1, 30, 0, 14, 2, 50)]
    corpus, tokenizer = (
        TextCorpus("made up", tuple("abcdefg"), tuple(texts)),
        models["bert"].tokenizer,
    )
    options = {"truncation": True, "max_length": 20, "return_overflowing_tokens": True}
    cut = tokenizer(texts, return_offsets_mapping=True, **options)
    columns = cut["overflow_to_sample_mapping"], cut["input_ids"], cut["offset_mapping"]
    full = [row for row in zip(*columns, strict=True) if len(row[1]) == 20]
    for n_windows in (1, 5, len(full), 99):
        chosen = np.random.default_rng(0).permutation(len(full))[:n_windows]
        expected = [full[i] for i in sorted(chosen)]
        config, rng = WindowConfig(n_windows, 20), np.random.default_rng(0)
        assert windows._draw_windows(models["bert"], corpus, config, rng) == expected


def test_memory_is_that_of_the_windows_drawn_whatever_the_corpus(models):
    def peak(n_articles):
        texts = ("the dogs play chess with cats " * 100,) * n_articles
        corpus = TextCorpus("made up", ("t",) * n_articles, texts)
        tracemalloc.start()
        drawn = windows._draw_windows(
            models["bert"], corpus, WindowConfig(4, 20), np.random.default_rng(0)
        )
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(drawn) == 4
        return size

    peak(2)
    assert peak(40) < 1.5 * peak(5)


@pytest.mark.parametrize("text", ["हिन्दी", "ह\u200dx", "ह1"])
def test_a_letter_whose_mark_follows_is_no_whole_word(text):
    window = windows._Window(0, [7], [(0, 1)])
    assert windows._find_words(window, text, {7: "ह"}) == ([], [])
    assert windows._find_words(window, "ह है", {7: "ह"}) == ([0], ["ह"])


def test_a_word_cut_by_a_window_is_no_whole_word(models):
    text = "dogs chessy dogs"  # windows: [CLS] dogs chess [SEP], [CLS] ##y dogs [SEP]
    pairs = collect(models["bert"], text, window_len=4)
    assert listed(pairs) == []


def test_too_short_articles_and_too_long_windows(models):
    with pytest.raises(ValueError, match="made up: no article has window_len = 60 tokens; take a"):
        collect(models["bert"], TEXT, window_len=60)
    with pytest.raises(ValueError, match="window_len must be at most 64 for "):
        collect(models["bert"], TEXT, window_len=65)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"n_windows": 0}, "n_windows must be at least 1, got 0"),
        ({"window_len": 3}, "window_len must be at least 4, got 3"),
    ],
)
def test_window_config_refuses(wrong, message):
    with pytest.raises(ValueError, match=message):
        WindowConfig(**wrong)
