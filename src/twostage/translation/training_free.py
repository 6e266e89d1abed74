"""Training the free model: many runs side by side, each on sentences of its own."""

import copy
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from twostage.seeding import numpy_rng
from twostage.training import History, Measure, TrainConfig, measure_nothing, train
from twostage.translation.corpus import CorpusConfig, Pairs, sample_batches
from twostage.translation.model_free import FreeTranslator


def target_loss(
    scores: Float[Tensor, "run pair query word"], pairs: Pairs
) -> Float[Tensor, " run"]:
    """Mean negative log probability of each run's target words, in nats; [EOS] is left out."""
    words = pairs.tgt[:, :-1].reshape(scores.shape[:3]) - 1
    return -scores.log_softmax(-1).gather(-1, words[..., None]).mean((1, 2, 3))


def train_free(
    start: FreeTranslator,
    train_cfg: TrainConfig,
    seeds: Sequence[int],
    measure: Measure = measure_nothing,
    *,
    batch_size: int = 16,
) -> tuple[FreeTranslator, History]:
    """Train a copy of `start`, each run on the sentences that its seed draws.

    As heads are averaged, each feels 1/n_heads of the gradient that it would feel alone: under
    SGD, give n_heads times the learning rate to compare numbers of heads at equal speed.
    """
    if len(seeds) != len(start.table):
        raise ValueError(f"seeds must be one for each of {len(start.table)} runs, got {len(seeds)}")
    model = copy.deepcopy(start)
    rngs = [numpy_rng(seed, "sentences") for seed in seeds]
    batches = sample_runs(model.corpus, batch_size, rngs)
    return model, train(model, batches, _loss, train_cfg, measure)


def _loss(model: FreeTranslator, pairs: Pairs) -> Float[Tensor, " run"]:
    return target_loss(model(pairs.src), pairs)


def sample_runs(
    cfg: CorpusConfig, batch_size: int, rngs: Sequence[np.random.Generator]
) -> Iterator[Pairs]:
    """Draw batches without end: `batch_size` pairs of each run, from its generator, run by run."""
    n_steps = 50  # drawn at once, for speed
    for runs in zip(*(sample_batches(cfg, n_steps * batch_size, rng) for rng in rngs), strict=True):
        src, tgt = (
            torch.stack([getattr(pairs, side).unflatten(0, (n_steps, -1)) for pairs in runs], 1)
            for side in ("src", "tgt")
        )
        yield from map(Pairs, src.flatten(1, 2), tgt.flatten(1, 2))


def draw_heads(
    kinds: Sequence[tuple[Sequence[int], int]], n_draws: int, rng: np.random.Generator
) -> Int[Tensor, "draw head"]:
    """Choose heads for each draw: of each kind (its heads, how many), none of them twice.

    Seven bad heads and a good one: `[(bad, 7), (good, 1)]`.
    """
    for heads, n in kinds:
        if n > len(heads):
            raise ValueError(f"cannot draw {n} heads of a kind that has only {len(heads)}")
    draws = [
        np.concatenate([rng.choice(heads, n, replace=False) for heads, n in kinds])
        for _ in range(n_draws)
    ]
    return torch.from_numpy(np.array(draws, dtype=np.int64))
