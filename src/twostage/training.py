"""A training loop that knows nothing of the papers: a model, batches, a loss, what to measure."""

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing import current_process

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from tqdm import trange

from twostage.seeding import DEVICES, check_device, move

OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}


def measure_nothing(model: nn.Module) -> dict:
    """Record nothing: for runs of which only the trained model matters."""
    return {}


Measure = Callable[[nn.Module], dict[str, Float[np.ndarray, "run ..."]]]


@dataclass(frozen=True)
class TrainConfig:
    """How long to train, how fast, and how often to look."""

    steps: int = 1000
    learning_rate: float = 0.01
    optimizer: str = "adam"  # sgd or adam
    weight_decay: float = 0.0  # coefficient of half the squared norm
    n_records: int = 100  # how often to measure
    spacing: str = "log"  # log: early often and later seldom; even: every so many steps
    device: str = "cpu"  # or cuda, where training and probes compute; all is drawn on the CPU

    def __post_init__(self) -> None:
        """Refuse impossible settings, naming the value and what is allowed."""
        if self.device not in DEVICES:
            raise ValueError(f"device must be one of {[*DEVICES]}, got {self.device!r}")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer must be one of {[*OPTIMIZERS]}, got {self.optimizer!r}")
        if self.spacing not in ("log", "even"):
            raise ValueError(f"spacing must be 'log' or 'even', got {self.spacing!r}")
        for name in ("steps", "n_records"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be >= 1, got {getattr(self, name)}")
        for name, rule in (("learning_rate", "> 0"), ("weight_decay", ">= 0")):
            value = getattr(self, name)
            allowed = 0 < value < np.inf or (value == 0 and name == "weight_decay")
            if not allowed:
                raise ValueError(f"{name} must be {rule}, got {value}")

    @property
    def record_steps(self) -> Int[np.ndarray, " record"]:
        """Steps at which models are measured, from 0 (before the first step) to the last."""
        if self.spacing == "even":
            return np.unique(np.linspace(0, self.steps, self.n_records + 1).round().astype(int))
        evenly = np.geomspace(1, self.steps, self.n_records).round().astype(int)
        return np.unique([0, *evenly, self.steps])


@dataclass(frozen=True, eq=False)
class History:
    """What was measured, when."""

    steps: Int[np.ndarray, " record"]
    values: dict[str, Float[np.ndarray, "run ... record"]]


def train(
    model: nn.Module,
    batches: Iterable,
    loss_fn: Callable[[nn.Module, object], Float[Tensor, " run"]],
    cfg: TrainConfig,
    measure: Measure = measure_nothing,
    stop: Callable[[dict], bool] = lambda record: False,
) -> History:
    """Train a model in place, on its new device; measure it at 0 and at `cfg.record_steps`.

    A model may hold many runs side by side: the loss then has an entry per run, and as SGD and
    Adam act on each weight alone, every run trains as if it were alone. Training ends early when
    `stop` says so of what was just measured.
    """
    check_device(cfg.device)
    model.to(cfg.device)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = OPTIMIZERS[cfg.optimizer](
        weights, lr=cfg.learning_rate, weight_decay=cfg.weight_decay, fused=True
    )
    records, stream, looks = [measure(model)], iter(batches), set(cfg.record_steps)
    for step in _progress(cfg.steps):
        optimizer.zero_grad()
        loss_fn(model, move(next(stream), cfg.device)).sum().backward()
        optimizer.step()
        if step in looks:
            records.append(measure(model))
            if stop(records[-1]):
                break
    return History(
        cfg.record_steps[: len(records)],
        {k: np.stack([r[k] for r in records], axis=-1) for k in records[0]},
    )


def _progress(steps: int) -> Iterable[int]:
    """Count steps from 1, with a bar when a person watches (never in stored outputs).

    Where several processes train at once none draws a bar: they would draw over each other.
    """
    watched = sys.stderr.isatty() or os.environ.get("JPY_SESSION_NAME")
    watched = watched and current_process().name == "MainProcess"
    return trange(1, steps + 1, disable=not watched, leave=False)
