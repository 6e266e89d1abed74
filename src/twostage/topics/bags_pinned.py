"""Models with a part put where theory says: a given W_V, given topic odds of attention.

They let each stage be looked at alone (li2023topic, section 5): attention on top of a finished
W_V, the loss at any odds, and W_V that no small step could improve on the documents at hand.
One-hot embeddings and one head, as in the theory.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from twostage.devices import move
from twostage.topics.bags import BagTransformer
from twostage.topics.batches import Bags


@torch.no_grad()
def set_values(
    model: BagTransformer, W_V: Float[np.ndarray, "*run word shown"]
) -> Float[Tensor, "run head token token"]:
    """Write W_V [word predicted, token shown], as theory lays it out, into every run.

    The other rows and columns (padding, boundaries, [MASK] predicted) become 0. Returns the
    weight, so that a caller can freeze it.
    """
    n_words = model.corpus.n_words
    weight = model.layer.W_V
    block = torch.as_tensor(W_V, dtype=weight.dtype).reshape(-1, 1, n_words, n_words + 1)
    weight.zero_()
    weight[:, :, 1 : n_words + 1, : n_words + 1] = block
    return weight


@torch.no_grad()
def set_odds(model: BagTransformer, odds: Float[np.ndarray, " run"]) -> None:
    """Give run r attention with topic odds rho = odds[r]: c1 = c2 = rho, c3 = 1; [MASK] uniform.

    W_K becomes the identity and W_Q holds the scores, so that W_Q^T W_K/sqrt(d) = log c.
    """
    n_words, topic_of = model.corpus.n_words, torch.from_numpy(model.corpus.topic_of)
    same_topic = (topic_of[:, None] == topic_of).to(model.layer.W_Q.dtype)
    width = model.layer.W_K.shape[-1]
    model.layer.W_K.copy_(torch.eye(width))
    model.layer.W_Q.zero_()
    scores = torch.as_tensor(odds).log()[:, None, None] * same_topic  # symmetric
    model.layer.W_Q[:, 0, 1 : n_words + 1, 1 : n_words + 1] = scores * width**0.5


@torch.no_grad()
def solve_values(model: BagTransformer, bags: Bags) -> Float[Tensor, "run word shown"]:
    """W_V of least squared error on the very documents in `bags`, attention as it is in the model.

    Minimum norm where documents leave it open. Layout as in `set_values`.
    """
    n_words, bags = model.corpus.n_words, move(bags, model.W_E.device)
    shares = model.trace(bags).attn[0][:, 0, :, : n_words + 1]  # run pair shown
    targets = _count_targets(bags, n_words, shares)
    root = bags.n_targets.sqrt()[..., None]
    wanted = targets / root.clamp(min=1)  # weighted least squares, row by row
    return (torch.linalg.pinv(root * shares) @ wanted).mT


def _count_targets(
    bags: Bags, n_words: int, like: Float[Tensor, "run pair shown"]
) -> Float[Tensor, "run pair word"]:
    run: Int[Tensor, "run 1"] = torch.arange(len(like), device=like.device)[:, None]
    counts = like.new_zeros(*like.shape[:2], n_words + 1)
    index = (run.expand_as(bags.target_pair), bags.target_pair, bags.target_token)
    counts.index_put_(index, bags.target_weight.to(like.dtype), accumulate=True)
    return counts[..., 1:]
