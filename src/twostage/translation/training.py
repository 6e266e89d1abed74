"""Training translators: from scratch, from another run's weights, or with a donor's parts.

Each run is trained by itself on one thread (recurrent networks gain nothing side by side), in as
many processes as `jobs` says; its numbers do not depend on that.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from joblib import Parallel, delayed
from torch import Tensor

from twostage.seeding import numpy_rng, run_alike_everywhere
from twostage.training import History, Measure, TrainConfig, measure_nothing, train
from twostage.translation.corpus import CorpusConfig, Pairs, sample_batches, sample_pairs
from twostage.translation.free import FreeTranslator
from twostage.translation.model import PARTS, BagTranslator, ModelConfig, Trace, Translator

MeasureTrace = Callable[[Trace], dict[str, float]]


@dataclass(frozen=True)
class Transplant:
    """Which parts of a model start as a donor's; the rest starts afresh."""

    donors: Sequence[Translator]  # one per run
    parts: tuple[str, ...] = PARTS  # all of them continues the donor's training

    def __post_init__(self) -> None:
        """Refuse unknown parts, naming those that there are."""
        unknown = [part for part in self.parts if part not in PARTS]
        if unknown or not self.parts:
            raise ValueError(f"parts must be some of {PARTS}, got {self.parts}")

    def into(self, model: Translator, run: int) -> None:
        """Overwrite the parts of `model` with those of the run's donor."""
        donor, weights = self.donors[run].state_dict(), model.state_dict()
        for name, weight in weights.items():
            if not name.removeprefix("attention.").startswith(self.parts):
                continue
            if name not in donor or donor[name].shape != weight.shape:
                size = tuple(donor[name].shape) if name in donor else "no such part"
                raise ValueError(
                    f"the donor must have the model's parts and sizes: {name} is "
                    f"{tuple(weight.shape)} in the model, {size} in the donor"
                )
            weight.copy_(donor[name])


def cross_entropy(model: Translator, pairs: Pairs) -> Float[Tensor, " 1"]:
    """Mean negative log probability of target words and [EOS] under teacher forcing, in nats."""
    return word_loss(model(pairs.src, pairs.tgt), pairs)[None]


def word_loss(output: Float[Tensor, "pair query token"], pairs: Pairs) -> Float[Tensor, ""]:
    """The same from scores that a model has given."""
    return F.cross_entropy(output.flatten(0, 1), pairs.tgt.flatten())


def train_translators(
    corpus: CorpusConfig,
    model_cfg: ModelConfig,
    train_cfg: TrainConfig,
    seeds: Sequence[int],
    measure: MeasureTrace,
    *,
    batch_size: int = 32,
    n_test: int = 64,
    transplant: Transplant | None = None,
    stop_at: float | None = None,
    jobs: int = 2,
) -> tuple[list[Translator], History]:
    """Train one run per seed; each draws its own weights, sentences and `n_test` test pairs.

    `measure` gives each run's numbers, from the trace of its test pairs. With `stop_at`, a run
    ends once its `attn_accuracy` has reached that value, and keeps its last values from there.
    """
    for name, value in (("batch_size", batch_size), ("n_test", n_test), ("jobs", jobs)):
        if value < 1:
            raise ValueError(f"{name} must be >= 1, got {value}")
    if transplant and len(transplant.donors) != len(seeds):
        raise ValueError(f"{len(seeds)} runs need a donor each, got {len(transplant.donors)}")
    train_one = partial(
        _train_one, corpus, model_cfg, train_cfg, measure, batch_size, n_test, transplant, stop_at
    )
    runs = Parallel(n_jobs=jobs)(delayed(train_one)(i, seed) for i, seed in enumerate(seeds))
    models, histories = zip(*runs, strict=True)
    return list(models), _join(histories, train_cfg)


def _train_one(
    corpus: CorpusConfig,
    model_cfg: ModelConfig,
    train_cfg: TrainConfig,
    measure: MeasureTrace,
    batch_size: int,
    n_test: int,
    transplant: Transplant | None,
    stop_at: float | None,
    run: int,
    seed: int,
) -> tuple[Translator, History]:
    run_alike_everywhere()
    model = Translator(model_cfg, corpus, seed)
    if transplant:
        transplant.into(model, run)
    test = sample_pairs(corpus, n_test, numpy_rng(seed, "test"))
    history = train(
        model,
        sample_batches(corpus, batch_size, numpy_rng(seed, "sentences")),
        cross_entropy,
        train_cfg,
        lambda model: {k: np.array([v]) for k, v in measure(model.trace(test)).items()},
        lambda record: stop_at is not None and record["attn_accuracy"][0] >= stop_at,
    )
    return model, history


def _join(histories: Sequence[History], cfg: TrainConfig) -> History:
    """Lay runs side by side; one that stopped early keeps its last values."""
    width = len(cfg.record_steps)
    values = {
        name: np.concatenate([_fill(history.values[name], width) for history in histories], axis=0)
        for name in histories[0].values
    }
    return History(cfg.record_steps, values)


def _fill(
    values: Float[np.ndarray, "1 ... record"], width: int
) -> Float[np.ndarray, "1 ... all_records"]:
    last = np.repeat(values[..., -1:], width - values.shape[-1], axis=-1)
    return np.concatenate([values, last], axis=-1)


def bag_cross_entropy(model: BagTranslator, pairs: Pairs) -> Float[Tensor, " 1"]:
    """Mean negative log probability of the target words given the bag of the source, in nats."""
    return -model(pairs.src).log_softmax(-1).gather(1, pairs.tgt).mean()[None]


def train_bag(
    corpus: CorpusConfig, hidden: int, cfg: TrainConfig, seed: int, batch_size: int = 32
) -> BagTranslator:
    """Train the bag-of-words proxy on the sentences that a translator of this seed sees."""
    model = BagTranslator(corpus, hidden, seed)
    sentences = sample_batches(corpus, batch_size, numpy_rng(seed, "sentences"))
    train(model, sentences, bag_cross_entropy, cfg)
    return model


def shuffle_sources(pairs: Pairs, rng: np.random.Generator) -> Pairs:
    """The same pairs with each source's words in random order; [EOS] stays last."""
    words = pairs.src[:, :-1]
    order = torch.from_numpy(rng.random(tuple(words.shape)).argsort(1))
    return Pairs(torch.cat([words.gather(1, order), pairs.src[:, -1:]], 1), pairs.tgt)


def train_shuffled(
    corpus: CorpusConfig,
    model_cfg: ModelConfig,
    cfg: TrainConfig,
    seeds: Sequence[int],
    *,
    batch_size: int = 32,
    jobs: int = 2,
) -> list[Translator]:
    """Train one translator per seed on pairs whose sources are shuffled."""
    run = delayed(_train_shuffled)
    return Parallel(n_jobs=jobs)(run(corpus, model_cfg, cfg, batch_size, seed) for seed in seeds)


def _train_shuffled(
    corpus: CorpusConfig, model_cfg: ModelConfig, cfg: TrainConfig, batch_size: int, seed: int
) -> Translator:
    run_alike_everywhere()
    model = Translator(model_cfg, corpus, seed)
    rng = numpy_rng(seed, "order")
    sentences = sample_batches(corpus, batch_size, numpy_rng(seed, "sentences"))
    train(model, (shuffle_sources(pairs, rng) for pairs in sentences), cross_entropy, cfg)
    return model


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
