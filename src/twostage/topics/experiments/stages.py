"""Both stages, watched with the loss beside them; W_V held; orders of the first gradients.

Masked positions are not keys unless a setting says so, as in the authors' code (li2023topic).
Criteria and the vote of held value matrices were fixed before the runs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from twostage.experiments import Experiment
from twostage.seeding import move, numpy_rng, torch_rng
from twostage.topics.bags import BagTransformer, set_values, solve_values
from twostage.topics.batches import sample_bags
from twostage.topics.corpus import CorpusConfig, sample_corpus
from twostage.topics.model import ModelConfig
from twostage.topics.probes.record import CRITERIA, measure_gradients, stage_measure
from twostage.topics.training import cross_entropy, train_attention, train_topics
from twostage.training import History, Measure, TrainConfig

Table = Float[np.ndarray, "word word"]


@dataclass(frozen=True)
class StageSettings:
    """Runs of the one-layer transformer of which both stages and the loss are watched."""

    corpus: CorpusConfig = CorpusConfig(5, 10, topics_per_doc=2, doc_len=64)
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig(2000, 15.0, "sgd", n_records=80)
    batch_size: int = 32
    n_test: int = 200  # fresh documents of each run, on which its loss is measured
    n_probed: int = 100  # further documents, on which attention is measured
    masked_keys: bool = False  # whether attention may look at masked positions
    held: str | None = None  # what W_V is frozen at, a name of HELD; none trains it
    vote: float = 4.0  # what a word adds to the score of its topic's words, where W_V is held


def keep_blocks(blocks: Table, rng: np.random.Generator) -> Table:
    """Return the true topics."""
    return blocks


def permute_words(blocks: Table, rng: np.random.Generator) -> Table:
    """Return topics as clean as the true ones, of wrong words."""
    order = rng.permutation(len(blocks))
    return blocks[order][:, order]


def shuffle_votes(blocks: Table, rng: np.random.Generator) -> Table:
    """Return the same votes for pairs of words drawn at random: no topics at all."""
    return rng.permutation(blocks.ravel()).reshape(blocks.shape)


def drop_votes(blocks: Table, rng: np.random.Generator) -> Table:
    """Return no votes."""
    return np.zeros_like(blocks)


HELD: dict[str, Callable[[Table, np.random.Generator], Table]] = {
    "right": keep_blocks,
    "wrong words": permute_words,
    "shuffled": shuffle_votes,
    "zero": drop_votes,
}


def hold_values(
    settings: StageSettings, seeds: Sequence[int]
) -> Float[np.ndarray, "run word shown"]:
    """W_V of each run, drawn from its seed where chance has a say; [MASK] votes for no word."""
    if settings.held not in HELD:
        raise ValueError(f"held must be none or one of {[*HELD]}, got {settings.held!r}")
    topic_of = settings.corpus.topic_of
    blocks = settings.vote * (topic_of[:, None] == topic_of)
    tables = [HELD[settings.held](blocks, numpy_rng(seed, "held")) for seed in seeds]
    return np.pad(tables, ((0, 0), (0, 0), (1, 0)))


def train_stages(settings: StageSettings, seeds: Sequence[int]) -> History:
    """Train runs side by side, with all weights free or with W_V held."""
    common = settings.corpus, settings.model, settings.train, seeds, watch(settings, seeds)
    options = {"batch_size": settings.batch_size, "masked_keys": settings.masked_keys}
    if settings.held is None:
        return train_topics(*common, **options)[1]
    corpus, model, *rest = common
    W_V = hold_values(settings, seeds)
    options |= {"model_cfg": model, "loss": "cross-entropy"}
    return train_attention(corpus, W_V, *rest, **options)[1]


def watch(settings: StageSettings, seeds: Sequence[int]) -> Measure:
    """Return what is recorded: the stages, and the loss on documents that no run trains on.

    A run sees the same fresh documents at every record and in every condition.
    """
    counts = sample_corpus(settings.corpus, settings.n_probed, numpy_rng(0, "probe")).counts()
    rngs = [numpy_rng(seed, "fresh") for seed in seeds]
    fresh = next(sample_bags(settings.corpus, settings.n_test, rngs, settings.masked_keys))
    stages = stage_measure(counts)

    def measure(model: BagTransformer) -> dict[str, Float[np.ndarray, " run"]]:
        loss = cross_entropy(model, move(fresh, model.W_E.device)).detach()
        return {"loss": loss.cpu().numpy(), **stages(model)}

    return measure


UNIFORM = {"attention": "uniform"}
LARGE = {"learning_rate": 60.0, "masked_keys": True}  # four times a rate at which the loss falls
ADAM = {"learning_rate": 0.003, "optimizer": "adam"}
STAGES = Experiment(
    name="stages",
    question="Is what goes with what learned before where to look, and because of what?",
    base=StageSettings(),
    conditions={
        "weights 0.1": {"init_scale": 0.1},
        "weights 0.01": {"init_scale": 0.01},
        "weights 0.001": {"init_scale": 0.001},
        "uniform": UNIFORM,
        "masks are keys": {"masked_keys": True},
        "masks are keys, uniform": {"masked_keys": True, **UNIFORM},
        "no word kept": {"keep_rate": 0.0},
        "no word kept, uniform": {"keep_rate": 0.0, **UNIFORM},
        "large step": LARGE,
        "large step, uniform": {**LARGE, **UNIFORM},
        "Adam": ADAM,
        "Adam, uniform": {**ADAM, **UNIFORM},
    }
    | {f"W_V {held}": {"held": held} for held in HELD},
    train=train_stages,
    measures=(
        "loss",
        "knowledge",
        "value gap",
        "attention",
        "direction",
        "own word",
        "same topic",
        "other topic",
    ),
    success=CRITERIA,
    seeds=range(16),
    side_by_side=True,
)


def measure_gradient_orders(
    corpus: CorpusConfig,
    scales: Float[np.ndarray, " scale"],
    seeds: Sequence[int],
    n_docs: int = 64,
) -> dict[str, dict[str, Float[np.ndarray, "scale run"]]]:
    """Norms of gradients at the start and where W_V is the best for the very documents seen."""
    runs = list(seeds) * len(scales)
    configs = [ModelConfig(init_scale=float(scale)) for scale in scales for _ in seeds]
    start = BagTransformer(configs, corpus, [torch_rng(seed) for seed in runs])
    flat = ModelConfig(attention="uniform")
    flat = BagTransformer(flat, corpus, [torch_rng(seed) for seed in runs])
    seen = next(sample_bags(corpus, n_docs, [numpy_rng(seed) for seed in runs]))
    norms = {"start": measure_gradients(start, seen)}
    set_values(start, solve_values(flat, seen).numpy())
    norms["stage-1 optimum"] = measure_gradients(start, seen)
    shape = len(scales), len(seeds)
    return {
        when: {name: norm.reshape(shape) for name, norm in each.items()}
        for when, each in norms.items()
    }
