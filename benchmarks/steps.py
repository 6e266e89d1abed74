"""Training steps to be timed, by the package's own loop: on bags of words and on positions.

Each function returns two (action, units) pairs for `measuring.interleave`: training on batches at
hand, and drawing fresh batches. A unit is one step.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from baselines import ask_masked, masked_queries_loss

from twostage.seeding import numpy_rng, torch_rng
from twostage.topics.bags import BagTransformer
from twostage.topics.batches import sample_bags, sample_positions
from twostage.topics.corpus import CorpusConfig
from twostage.topics.model import ModelConfig, TopicTransformer
from twostage.topics.training import cross_entropy, position_loss
from twostage.training import TrainConfig, measure_nothing, train

DRAWN = 200  # batches in one drawing: several of the stacks that the package draws at a time
Action = tuple[Callable[[], object], float]


def bag_steps(
    corpus: CorpusConfig, cfg: ModelConfig, batch_size: int, seeds: Sequence[int], plan: TrainConfig
) -> tuple[Action, Action]:
    """Steps of the fast model, of one run per seed side by side."""
    model = BagTransformer(cfg, corpus, [torch_rng(seed) for seed in seeds])
    batches = sample_bags(corpus, batch_size, [numpy_rng(seed) for seed in seeds])
    return _both(model, batches, cross_entropy, plan)


def position_steps(
    corpus: CorpusConfig, cfg: ModelConfig, batch_size: int, plan: TrainConfig
) -> tuple[Action, Action]:
    """Steps of the readable model, as it stands."""
    model = TopicTransformer(cfg, corpus, torch_rng(0))
    batches = sample_positions(corpus, batch_size, numpy_rng(0))
    return _both(model, batches, lambda m, batch: position_loss(m, batch, "cross-entropy"), plan)


def masked_steps(
    corpus: CorpusConfig, cfg: ModelConfig, batch_size: int, plan: TrainConfig
) -> tuple[Action, Action]:
    """Steps of the readable model's weights with queries at masked positions only."""
    model = TopicTransformer(cfg, corpus, torch_rng(0))
    batches = map(ask_masked, sample_positions(corpus, batch_size, numpy_rng(0)))
    return _both(model, batches, masked_queries_loss, plan)


def _both(model, batches: Iterator, loss, plan: TrainConfig) -> tuple[Action, Action]:
    at_hand = list(islice(batches, plan.steps))
    return (
        (lambda: train(model, at_hand, loss, plan, measure_nothing), plan.steps),
        (lambda: all(islice(batches, DRAWN)), DRAWN),
    )
