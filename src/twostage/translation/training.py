"""Training translators: from scratch, from another run's weights, or with a donor's parts.

Each run is trained by itself on one thread (recurrent networks gain nothing side by side), in as
many processes as `jobs` says; its numbers do not depend on that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch.nn.functional as F
from jaxtyping import Float
from joblib import Parallel, delayed
from torch import Tensor

from twostage.seeding import numpy_rng, run_alike_everywhere
from twostage.training import History, TrainConfig, train
from twostage.translation.corpus import CorpusConfig, Pairs, sample_batches, sample_pairs
from twostage.translation.model import PARTS, ModelConfig, Trace, Translator

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
