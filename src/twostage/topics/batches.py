"""What a model reads: masked documents, position by position or as bags of words.

Without position embeddings, one layer of a transformer computes the same prediction at every
masked position of a document that shows the same token, and a key that stands there n times
weighs n times as much. So a document is its word counts, and its masked positions fall into few
(document, shown token) pairs. `Positions` is the readable form, `Bags` the fast one; a test holds
both to the same losses and gradients.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from twostage.topics.corpus import MASK, CorpusConfig, sample_corpus


@dataclass(frozen=True)
class Positions:
    """Masked documents, position by position."""

    shown: Int[Tensor, "doc position"]  # what the model sees
    is_key: Bool[Tensor, "doc position"]  # where attention may look
    masked: Bool[Tensor, "doc position"]  # where a word is to be predicted
    words: Int[Tensor, "doc position"]  # the tokens before masking


@dataclass(frozen=True)
class Bags:
    """Masked documents as bags of words, for several runs side by side."""

    log_counts: Float[Tensor, "run doc token"]  # log n of each shown token; -inf where n = 0
    query_doc: Int[Tensor, "run pair"]  # the distinct (document, shown token) pairs ...
    query_token: Int[Tensor, "run pair"]  # ... that stand at masked positions
    n_targets: Float[Tensor, "run pair"]  # masked positions that a pair answers for
    target_pair: Int[Tensor, "run target"]  # the pair that predicts each masked position
    target_token: Int[Tensor, "run target"]  # the word behind the mask
    target_weight: Float[Tensor, "run target"]  # 1, or 0 where it only pads


def sample_masks(
    tokens: Int[np.ndarray, "doc position"], cfg: CorpusConfig, rng: np.random.Generator
) -> tuple[Int[np.ndarray, "doc position"], Bool[np.ndarray, "doc position"]]:
    """Mask each word with chance p_m, at least one a document; return shown tokens and masks.

    A masked position keeps its word (p_c), shows a random word (p_r) or [MASK].
    """
    luck = np.where(cfg.is_word(tokens), rng.random(tokens.shape), np.inf)
    masked = luck < cfg.mask_rate
    spared = np.flatnonzero(~masked.any(axis=1))
    masked[spared, luck[spared].argmin(axis=1)] = True
    at = np.flatnonzero(masked)
    words = tokens.ravel()[at]
    fate, noise = rng.random(len(words)), rng.integers(1, cfg.n_words + 1, len(words))
    corrupted = np.where(fate < cfg.keep_rate + cfg.random_rate, noise, MASK)
    shown = tokens.copy()
    shown.ravel()[at] = np.where(fate < cfg.keep_rate, words, corrupted)
    return shown, masked


def as_positions(
    tokens: Int[np.ndarray, "doc position"],
    shown: Int[np.ndarray, "doc position"],
    masked: Bool[np.ndarray, "doc position"],
    cfg: CorpusConfig,
    masked_keys: bool = True,
) -> Positions:
    """Lay documents out position by position; `masked_keys` lets attention look at masks."""
    is_key = _find_keys(tokens, masked, cfg, masked_keys)
    return Positions(*map(torch.from_numpy, (shown, is_key, masked, tokens)))


def as_bags(
    tokens: Int[np.ndarray, "run doc position"],
    shown: Int[np.ndarray, "run doc position"],
    masked: Bool[np.ndarray, "run doc position"],
    cfg: CorpusConfig,
    masked_keys: bool = True,
) -> Bags:
    """Count shown tokens, and gather masked positions into (document, shown token) pairs."""
    is_key = _find_keys(tokens, masked, cfg, masked_keys)
    n_runs, n_docs, doc_len = tokens.shape
    cells = (n_runs, n_docs, cfg.n_tokens)
    cell = shown + cfg.n_tokens * np.arange(n_runs * n_docs).reshape(n_runs, n_docs, 1)
    counts = np.bincount(cell[is_key], minlength=np.prod(cells)).reshape(cells)
    at = np.flatnonzero(masked)
    target_cell = cell.ravel()[at]
    asked = np.bincount(target_cell, minlength=counts.size)
    pair_cell = np.flatnonzero(asked > 0)
    run, doc, token = np.unravel_index(pair_cell, cells)
    pair_of_cell = np.zeros_like(asked)
    pair_of_cell[pair_cell] = _rank(run, n_runs)
    pairs = _pad(run, n_runs, doc, token, asked[pair_cell].astype(float))
    hits = (pair_of_cell[target_cell], tokens.ravel()[at], np.ones(len(at)))
    targets = _pad(at // (n_docs * doc_len), n_runs, *hits)
    with np.errstate(divide="ignore"):
        log_n = np.log(np.arange(doc_len + 1))  # few numbers, asked for often
    return Bags(torch.from_numpy(log_n[counts]), *pairs, *targets)


def _find_keys(tokens, masked, cfg: CorpusConfig, masked_keys: bool) -> np.ndarray:
    is_key = tokens != cfg.pad
    if not masked_keys:
        is_key &= ~masked
    if not is_key.any(axis=-1).all():
        raise ValueError(
            "a document has no visible word left: lower mask_rate, or let masked positions be keys"
        )
    return is_key


def _pad(run: Int[np.ndarray, " item"], n_runs: int, *columns: np.ndarray) -> list[Tensor]:
    """Lay items, sorted by run, out as [run, item], filled up with zeros."""
    rank = _rank(run, n_runs)
    width = rank.max() + 1
    cell = width * run + rank
    padded = [np.zeros(n_runs * width, column.dtype) for column in columns]
    for table, column in zip(padded, columns, strict=True):
        table[cell] = column
    return [torch.from_numpy(table).unflatten(0, (n_runs, width)) for table in padded]


def _rank(run: Int[np.ndarray, " item"], n_runs: int) -> Int[np.ndarray, " item"]:
    """Number the items of each run, sorted by run, from 0."""
    return np.arange(len(run)) - np.searchsorted(run, np.arange(n_runs))[run]


def sample_positions(
    cfg: CorpusConfig, batch_size: int, rng: np.random.Generator, masked_keys: bool = True
) -> Iterator[Positions]:
    """Draw batches of fresh documents without end, position by position."""
    for bags in _sample_masked(cfg, batch_size, rng):
        for documents in zip(*bags, strict=True):
            yield as_positions(*documents, cfg, masked_keys)


def sample_bags(
    cfg: CorpusConfig,
    batch_size: int,
    rngs: Sequence[np.random.Generator],
    masked_keys: bool = True,
) -> Iterator[Bags]:
    """Draw batches of fresh documents without end, as bags; each run from its own generator.

    A run sees the same documents as `sample_positions` gives from the same generator.
    """
    at_once = max(1, 500_000 // (len(rngs) * batch_size * cfg.n_tokens))  # steps, for memory
    for runs in zip(*(_sample_masked(cfg, batch_size, rng) for rng in rngs), strict=True):
        stacked = [np.stack(arrays, axis=1) for arrays in zip(*runs, strict=True)]
        for first in range(0, len(stacked[0]), at_once):
            steps = [a[first : first + at_once] for a in stacked]
            flat = [a.reshape(-1, *a.shape[2:]) for a in steps]  # (step, run) doc position
            bags = as_bags(*flat, cfg, masked_keys)
            fields = [f.unflatten(0, (-1, len(rngs))) for f in bags.__dict__.values()]
            yield from (Bags(*step) for step in zip(*fields, strict=True))


def _sample_masked(
    cfg: CorpusConfig, batch_size: int, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield tokens, shown, masked [step, doc, position], many steps at a time for speed."""
    n_steps = max(1, min(50, 200_000 // (batch_size * max(cfg.length_range))))
    while True:
        tokens = sample_corpus(cfg, n_steps * batch_size, rng).tokens
        arrays = (tokens, *sample_masks(tokens, cfg, rng))
        yield tuple(a.reshape(n_steps, batch_size, -1) for a in arrays)
