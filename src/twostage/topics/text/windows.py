"""Attention in running text: which words a pretrained model attends to from which, and how far.

The articles are cut into windows; in each, the words that stand as one whole token are found and
the attention between any two of them is kept, with their distance (li2023topic measure the same
pairs, at no fixed distance).
"""

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from twostage.topics.text.articles import WORD, TextCorpus
from twostage.topics.text.encoder import PretrainedModel
from twostage.topics.text.lda import Topics

BATCH = 4  # windows per forward pass: some 75 MB of attention for 6 layers of 12 heads


@dataclass(frozen=True)
class WindowConfig:
    """Which stretches of text the model reads; see `collect_attention`."""

    n_windows: int = 128  # drawn from all windows of the corpus
    window_len: int = 256  # tokens, special ones included; some 180 words

    def __post_init__(self) -> None:
        """Refuse windows that hold no pair of words."""
        if self.n_windows < 1:
            raise ValueError(f"n_windows must be at least 1, got {self.n_windows}")
        if self.window_len < 4:
            raise ValueError(f"window_len must be at least 4, got {self.window_len}")


@dataclass(frozen=True, eq=False)
class AttentionPairs:
    """Attention between pairs of whole words in running text, both directions averaged."""

    attention: Float[np.ndarray, "pair layer head"]  # mean of i to j and j to i
    words: Int[np.ndarray, "pair 2"]  # indices into Topics.words
    distance: Int[np.ndarray, " pair"]  # in tokens, at least 1; rows are sorted by it
    document: Int[np.ndarray, " pair"]  # the article, which is what intervals resample

    def select(self, kept: Bool[np.ndarray, " pair"]) -> "AttentionPairs":
        """Return the pairs for which `kept` is true."""
        return AttentionPairs(*(getattr(self, field.name)[kept] for field in fields(self)))


def collect_attention(
    model: PretrainedModel,
    corpus: TextCorpus,
    topics: Topics,
    config: WindowConfig,
    rng: np.random.Generator,
    min_share: float = 0.0,
) -> AttentionPairs:
    """Read windows of the articles; keep attention between the words that have a topic.

    A word counts where it stands as its own single token, touched by no word piece, and its topic
    share is at least `min_share`. Windows all have `window_len` tokens with the model's own
    special tokens around; what is left at an article's end is not read. Special tokens, stop words
    and pieces take their part of the softmax, but are never one of a pair; attention is not
    renormalised over the words that are. Memory: 4 bytes per pair, layer and head, and the tokens
    of one article at a time.
    """
    words = [topics.words[i] for i in np.flatnonzero(topics.topic_share >= min_share)]
    word_of_token = _word_of_token(model, words)
    if len(word_of_token) < 2:
        raise ValueError(
            f"{len(word_of_token)} words have a topic share of at least {min_share:g} and are one "
            "token of the model: lower the threshold, fit fewer topics or take more text"
        )
    index = {word: i for i, word in enumerate(topics.words)}
    windows = _draw_windows(model, corpus, config, rng)
    found = []
    for first in range(0, len(windows), BATCH):
        batch = windows[first : first + BATCH]
        attn = model.attend(torch.tensor([window.ids for window in batch]))
        for window, weights in zip(batch, attn.numpy(), strict=True):
            at, word = _find_words(window, corpus.texts[window.document], word_of_token)
            found.append(_pair_up(weights, at, [index[w] for w in word], window.document))
    return _sort_by_distance(found)


class _Window(NamedTuple):
    document: int
    ids: list[int]
    spans: list[tuple[int, int]]  # where in the article's text each token comes from


def _draw_windows(
    model: PretrainedModel, corpus: TextCorpus, config: WindowConfig, rng: np.random.Generator
) -> list[_Window]:
    """Cut the articles into windows of full length; draw some, and return them in text order.

    The articles are cut twice, one at a time: to count their windows, and to keep those drawn.
    """
    if config.window_len > model.max_tokens:
        raise ValueError(f"window_len must be at most {model.max_tokens} for {model.name}")
    counts = [len(_cut(model, corpus, i, config.window_len)) for i in range(len(corpus))]
    ends = np.cumsum(counts)
    if not sum(counts):
        shortest = f"no article has window_len = {config.window_len} tokens"
        raise ValueError(f"{corpus.source}: {shortest}; take a smaller window_len or longer texts")
    chosen = np.sort(rng.permutation(ends[-1])[: config.n_windows])
    document = np.searchsorted(ends, chosen, side="right")
    windows = []
    for i in np.unique(document).tolist():
        cut = _cut(model, corpus, i, config.window_len)
        windows += [cut[number] for number in chosen[document == i] - ends[i] + counts[i]]
    return windows


def _cut(model: PretrainedModel, corpus: TextCorpus, document: int, length: int) -> list[_Window]:
    """Cut one article into windows; what is left at its end is no window."""
    cut = model.tokenizer(
        [corpus.texts[document]],
        truncation=True,
        max_length=length,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    rows = zip(cut["input_ids"], cut["offset_mapping"], strict=True)
    return [_Window(document, ids, spans) for ids, spans in rows if len(ids) == length]


def _word_of_token(model: PretrainedModel, words: list[str]) -> dict[int, str]:
    """Map tokens that are whole words to the word: also Capitalised, where the model minds case."""
    lower = model.token_ids(words)
    spellings = {form: word for word in lower for form in (word.upper(), word.capitalize(), word)}
    tokens = model.token_ids(list(spellings))
    return {token: spellings[form] for form, token in tokens.items()}


def _find_words(
    window: _Window, text: str, word_of_token: dict[int, str]
) -> tuple[list[int], list[str]]:
    """Find positions at which one token is one whole word of the text, and name the words."""
    at, words = [], []
    for position, (token, (start, end)) in enumerate(zip(window.ids, window.spans, strict=True)):
        if token in word_of_token:
            start += len(text[start:end]) - len(text[start:end].lstrip())  # the space before it
            match = WORD.match(text, start)  # the whole word of the text that begins here
            if match and match.group().lower() == word_of_token[token]:
                at.append(position)
                words.append(word_of_token[token])
    return at, words


def _pair_up(
    attn: Float[np.ndarray, "layer head pos pos"], at: list[int], words: list[int], document: int
) -> AttentionPairs:
    """List all pairs of different positions once, the earlier first."""
    first, second = np.triu_indices(len(at), k=1)
    at, words = np.array(at, dtype=int), np.array(words, dtype=int)
    i, j = at[first], at[second]
    both_ways = (attn[:, :, i, j] + attn[:, :, j, i]) / 2
    return AttentionPairs(
        np.moveaxis(both_ways, -1, 0),
        np.stack([words[first], words[second]], axis=1),
        j - i,
        np.full(len(i), document),
    )


def _sort_by_distance(parts: list[AttentionPairs]) -> AttentionPairs:
    columns = [np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(AttentionPairs)]
    order = np.argsort(columns[2], kind="stable")
    return AttentionPairs(*(column[order] for column in columns))
