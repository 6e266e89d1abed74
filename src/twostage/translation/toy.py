"""Gradient descent on the classifier of two words (snell2021attention, the authors' blog).

A negative text holds the neutral word only, a positive one both words; attention gives the share
p to the telling one. With scores b0 and b1 of the words the positive text is ahead by the margin
p (b1 - b0). Knowledge is b1 - b0, attention is p. Gradients are automatic: the formulas of the
theory are not used here.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from twostage.stages import Criterion
from twostage.training import History, TrainConfig, train

GATES = ("share", "softmax", "fixed")
CRITERIA = (  # odds of 3 to 1 for the telling word
    Criterion("knowledge", 0.0, float(np.log(3))),
    Criterion("attention", 0.5, 3 / 4),
)


class ToyClassifier(nn.Module):
    """Runs side by side, each with two scores and a gate.

    The gate is p itself, cut off at 0 and 1 (share, the authors' toy), a softmax over a logit for
    each word, or p for good (fixed).
    """

    def __init__(
        self, p0: Float[np.ndarray, " run"], delta0: Float[np.ndarray, " run"], gate: str
    ) -> None:
        super().__init__()
        if gate not in GATES:
            raise ValueError(f"gate must be one of {GATES}, got {gate!r}")
        if not ((p0 >= 0) & (p0 <= 1)).all():
            raise ValueError(f"attention p0 is a share and must be in [0, 1], got {p0}")
        self.kind, share = gate, torch.tensor(p0)
        self.scores = nn.Parameter(torch.tensor(delta0)[:, None] * torch.tensor([-0.5, 0.5]))
        start = torch.stack([1 - share, share], -1).log() if gate == "softmax" else share
        self.gate = nn.Parameter(start, requires_grad=gate != "fixed")

    @property
    def attention(self) -> Float[Tensor, " run"]:
        """Share p that the telling word gets."""
        return self.gate.softmax(-1)[:, 1] if self.kind == "softmax" else self.gate.clamp(0, 1)

    @property
    def knowledge(self) -> Float[Tensor, " run"]:
        """How much higher the telling word scores than the neutral one."""
        return self.scores[:, 1] - self.scores[:, 0]

    def forward(self) -> Float[Tensor, "run text"]:
        """Scores of the negative and of the positive text."""
        neutral, telling = self.scores.T
        return torch.stack([neutral, neutral.lerp(telling, self.attention)], -1)


def toy_loss(model: ToyClassifier, batch: None = None) -> Float[Tensor, " run"]:
    """Minus the margin for the authors' toy, else cross-entropy in nats: which text is positive?"""
    margin = model().diff(dim=-1)[:, 0]
    return -margin if model.kind == "share" else softplus(-margin)


def train_toy(
    p0: Float[np.ndarray, " run"],
    delta0: Float[np.ndarray, " run"],
    cfg: TrainConfig,
    gate: str = "softmax",
) -> History:
    """Train runs from these starts; record knowledge, attention and loss of each."""
    model = ToyClassifier(p0, delta0, gate)

    @torch.no_grad()
    def measure(model: ToyClassifier) -> dict[str, np.ndarray]:
        found = {"knowledge": model.knowledge, "attention": model.attention}
        return {k: v.cpu().numpy().copy() for k, v in (found | {"loss": toy_loss(model)}).items()}

    return train(model, iter(lambda: None, 0), toy_loss, cfg, measure)
