"""Masked language modelling on topics: the two losses of li2023topic, and many seeds at once."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from twostage.seeding import move, numpy_rng, torch_rng
from twostage.topics.bags import BagTransformer, set_values
from twostage.topics.batches import Bags, Positions, sample_bags, sample_positions
from twostage.topics.corpus import CorpusConfig
from twostage.topics.model import ModelConfig, TopicTransformer
from twostage.training import History, Measure, TrainConfig, measure_nothing, train


def cross_entropy(
    model: BagTransformer, bags: Bags, uniform: bool = False
) -> Float[Tensor, " run"]:
    """Mean negative log probability of the masked words, in nats."""
    log_shares = model(bags, uniform).log_softmax(-1)
    return -_at_targets(log_shares, bags) / bags.target_weight.sum(1)


def squared_error(
    model: BagTransformer, bags: Bags, uniform: bool = False
) -> Float[Tensor, " run"]:
    """Mean squared distance of the output from the one-hot masked word (no softmax)."""
    output = model(bags, uniform)
    norm = (bags.n_targets * output.square().sum(-1)).sum(1)
    return (norm - 2 * _at_targets(output, bags)) / bags.target_weight.sum(1) + 1


def _at_targets(output: Float[Tensor, "run pair token"], bags: Bags) -> Float[Tensor, " run"]:
    """Sum the outputs at the masked words over the masked positions."""
    run = torch.arange(len(output), device=output.device)[:, None]
    return (bags.target_weight * output[run, bags.target_pair, bags.target_token]).sum(1)


PLAIN = ModelConfig()  # the paper's model
LOSSES = {"cross-entropy": cross_entropy, "squared": squared_error}


def train_topics(
    corpus: CorpusConfig,
    model_cfg: ModelConfig | Sequence[ModelConfig],
    train_cfg: TrainConfig,
    seeds: Sequence[int],
    measure: Measure = measure_nothing,
    *,
    batch_size: int = 32,
    loss: str = "cross-entropy",
    masked_keys: bool = True,
) -> tuple[BagTransformer, History]:
    """Train one run per seed, side by side; each draws its own weights and documents."""
    _check_loss(loss)
    if batch_size < 1:
        raise ValueError(f"batch_size must be >= 1, got {batch_size}")
    model = BagTransformer(model_cfg, corpus, [torch_rng(seed, "weights") for seed in seeds])
    rngs = [numpy_rng(seed, "documents") for seed in seeds]
    batches = sample_bags(corpus, batch_size, rngs, masked_keys)
    return model, train(model, batches, LOSSES[loss], train_cfg, measure)


@torch.no_grad()
def measure_loss(
    model: BagTransformer,
    n_docs: int,
    rng: np.random.Generator,
    loss: str = "cross-entropy",
    masked_keys: bool = True,
    uniform: bool = False,
) -> Float[np.ndarray, " run"]:
    """Loss of each run on fresh documents of its own, in nats for cross-entropy.

    `uniform` ignores the scores of attention: what the model can do without looking anywhere.
    """
    _check_loss(loss)
    rngs = rng.spawn(len(model.W_E))
    bags = next(sample_bags(model.corpus, n_docs, rngs, masked_keys))
    return LOSSES[loss](model, move(bags, model.W_E.device), uniform).cpu().numpy()


def position_loss(model: TopicTransformer, batch: Positions, loss: str) -> Float[Tensor, ""]:
    """Either loss as one would write it on a board, position by position."""
    _check_loss(loss)
    output = model(batch.shown, batch.is_key)[batch.masked]  # masked position, token
    if loss == "cross-entropy":
        return F.cross_entropy(output, batch.words[batch.masked])
    return (output - F.one_hot(batch.words[batch.masked], output.shape[-1])).square().sum(-1).mean()


def _check_loss(loss: str) -> None:
    if loss not in LOSSES:
        raise ValueError(f"loss must be one of {[*LOSSES]}, got {loss!r}")


def train_attention(
    corpus: CorpusConfig,
    W_V: Float[np.ndarray, "*run word shown"],
    train_cfg: TrainConfig,
    seeds: Sequence[int],
    measure: Measure,
    *,
    model_cfg: ModelConfig = PLAIN,
    batch_size: int = 32,
    loss: str = "squared",
    masked_keys: bool = True,
) -> tuple[BagTransformer, History]:
    """Train W_K and W_Q with W_V frozen, at one table for all runs or at one of each run.

    Seeds give the same first weights and documents as in `train_topics`.
    """
    _check_loss(loss)
    rngs = [torch_rng(seed, "weights") for seed in seeds]
    model = BagTransformer(model_cfg, corpus, rngs)
    set_values(model, W_V).requires_grad_(False)
    documents = [numpy_rng(seed, "documents") for seed in seeds]
    batches = sample_bags(corpus, batch_size, documents, masked_keys)
    return model, train(model, batches, LOSSES[loss], train_cfg, measure)


def train_positions(
    corpus: CorpusConfig,
    model_cfg: ModelConfig,
    train_cfg: TrainConfig,
    seeds: Sequence[int],
    measure: Measure = measure_nothing,
    *,
    batch_size: int = 32,
    loss: str = "cross-entropy",
    masked_keys: bool = True,
) -> tuple[list[TopicTransformer], History]:
    """Train one model per seed, one after the other: `training.train_topics`, with any depth.

    A seed starts from the same weights and sees the same documents in both. `measure` gives each
    value a leading axis of one run.
    """
    models, histories, loss_fn = [], [], _loss_of(loss)
    for seed in seeds:
        model = TopicTransformer(model_cfg, corpus, torch_rng(seed, "weights"))
        rng = numpy_rng(seed, "documents")
        batches = sample_positions(corpus, batch_size, rng, masked_keys)
        histories.append(train(model, batches, loss_fn, train_cfg, measure))
        models.append(model)
    values = [history.values for history in histories]
    stacked = {name: np.concatenate([each[name] for each in values]) for name in values[0]}
    return models, History(train_cfg.record_steps, stacked)


def _loss_of(loss: str) -> Callable[[TopicTransformer, Positions], Float[Tensor, ""]]:
    def loss_fn(model: TopicTransformer, batch: Positions) -> Float[Tensor, ""]:
        return position_loss(model, batch, loss)

    return loss_fn
