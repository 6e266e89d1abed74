"""Where numbers are computed: a config names the device, batches and probes follow the model.

All that is drawn is drawn on the CPU, so that documents, sentences and first weights do not depend
on the device.
"""

from dataclasses import is_dataclass, replace
from typing import TypeVar

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
