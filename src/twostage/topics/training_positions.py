"""Training position by position, for models that bags of words cannot hold: several layers."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float
from torch import Tensor

from twostage.seeding import numpy_rng, torch_rng
from twostage.topics.batches import Positions, sample_positions
from twostage.topics.corpus import CorpusConfig
from twostage.topics.model import ModelConfig, TopicTransformer
from twostage.topics.training import position_loss
from twostage.training import History, Measure, TrainConfig, measure_nothing, train


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
