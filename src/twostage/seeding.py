"""Where numbers are computed: a config names the device, batches and probes follow the model.

All that is drawn is drawn on the CPU, so that documents, sentences and first weights do not depend
on the device.
"""

import hashlib
import os
from dataclasses import is_dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

DEVICES = ("cpu", "cuda")
Batch = TypeVar("Batch")


def check_device(name: str) -> None:
    """Raise ValueError, in one line, if a device is asked for that this machine does not have."""
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is 'cuda', but torch finds none on this machine: use 'cpu'")


def move(batch: Batch, device: torch.device | str) -> Batch:
    """Return the same batch (a tensor, or a dataclass of tensors) on this device."""
    if isinstance(batch, Tensor):
        return batch.to(device)
    if is_dataclass(batch):
        return replace(batch, **{name: each.to(device) for name, each in vars(batch).items()})
    return batch


def numpy_rng(seed: int, *stream: int | str) -> np.random.Generator:
    """Return the numpy generator of one named stream of `seed`; other streams are independent.

    `numpy_rng(0, "corpus")` and `numpy_rng(0, "masks")` share no random numbers, so that adding
    a draw to one never shifts the other.
    """
    name = repr((_natural(seed), *map(_part, stream)))
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()))


def torch_rng(seed: int, *stream: int | str) -> torch.Generator:
    """Return the torch generator (on the CPU) of one named stream of `seed`."""
    return torch.Generator().manual_seed(int(numpy_rng(seed, *stream).integers(2**63 - 1)))


def _part(part: int | str) -> int | str:
    return part if isinstance(part, str) else _natural(part)


def _natural(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be a whole number >= 0, got {seed!r}")
    return int(seed)


def run_alike_everywhere() -> None:
    """Set torch to one thread and deterministic algorithms; chapters call this once, in view."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # asked for on a GPU
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
