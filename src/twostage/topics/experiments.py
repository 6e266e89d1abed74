"""The experiments on topics that are repeated, recorded or swept (li2023topic, and beyond it).

Their settings are made of the configs of the half. Masked positions are not keys unless a setting
says so, as in the authors' code. Criteria and the vote of held value matrices were fixed before the
runs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import spearmanr

from twostage.experiments import Experiment, Runs
from twostage.seeding import move, numpy_rng, torch_rng
from twostage.topics.bags import BagTransformer, set_values, solve_values
from twostage.topics.batches import sample_bags
from twostage.topics.corpus import CorpusConfig, sample_corpus
from twostage.topics.model import ModelConfig
from twostage.topics.probes.record import CRITERIA, measure_gradients, record_odds, stage_measure
from twostage.topics.theory.values import predict_value_matrix
from twostage.topics.training import cross_entropy, train_attention, train_topics
from twostage.training import History, Measure, TrainConfig

Table = Float[np.ndarray, "word word"]
SYMBOLS = {"n_topics": "T", "keep_rate": "p_c", "random_rate": "p_r"}  # of the notation

# Two stages --------------------------------------------------------------------------------


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


# Odds of attention ----------------------------------------------------------------------------


@dataclass(frozen=True)
class OddsSettings:
    """Runs in which attention may find its odds, W_V held at its optimum or trained along."""

    corpus: CorpusConfig = CorpusConfig(
        3, 2, 2, doc_len=128, mask_rate=0.5, keep_rate=0.2, random_rate=0.2
    )
    train: TrainConfig = TrainConfig(200, 0.01, n_records=40)
    held: bool = False  # W_V stays at its optimum for squared loss; otherwise it trains along
    loss: str = "squared"
    masked_keys: bool = False
    init_scale: float = 0.01  # standard deviation of every trained weight at the start
    batch_size: int = 16


def train_odds(settings: OddsSettings, seeds: Sequence[int]) -> tuple[BagTransformer, History]:
    """Train one run per seed, side by side; record what `record_odds` measures."""
    model = ModelConfig(init_scale=settings.init_scale)
    common = settings.train, seeds, record_odds
    options = {name: getattr(settings, name) for name in ("batch_size", "loss", "masked_keys")}
    if not settings.held:
        return train_topics(settings.corpus, model, *common, **options)
    like = replace(settings.corpus, topics_per_doc=1)  # without a penalty it is one for all tau < T
    W_V = predict_value_matrix(like, masked_keys=settings.masked_keys)
    return train_attention(settings.corpus, W_V, *common, model_cfg=model, **options)


def _record_odds(settings: OddsSettings, seeds: Sequence[int]) -> History:
    return train_odds(settings, seeds)[1]


ODDS = Experiment(
    name="odds",
    question="Which odds does attention give the topic, with W_V held or trained along?",
    base=OddsSettings(),
    conditions={
        "W_V held": {"held": True, "learning_rate": 0.03},
        "all trained": {},
        "all trained, masks are keys": {"masked_keys": True},
    },
    train=_record_odds,
    measures=("odds", "word spread", "mask attention"),
    side_by_side=True,
)


def average_late(history: History, measure: str, since: float = 0.6) -> Float[np.ndarray, " run"]:
    """Average a measure of each run over the records after the share `since` of the steps."""
    late = history.steps > since * history.steps[-1]
    return history.values[measure][:, late].mean(axis=1)


def average_runs(runs: Runs, measure: str) -> Float[np.ndarray, "condition run"]:
    """Return `average_late` of every condition."""
    return np.array([average_late(runs.history(name), measure) for name in runs.conditions])


def tabulate_odds(
    grid: Sequence[Mapping[str, int | float]], odds: Mapping[str, Float[np.ndarray, "setting *run"]]
) -> pd.DataFrame:
    """Lay settings out as rows with their odds, predicted or the median of the runs."""
    table = pd.DataFrame(grid).rename(columns=SYMBOLS)
    for name, values in odds.items():
        table[name] = values if values.ndim == 1 else np.median(values, axis=1)
    return table


@dataclass(frozen=True, eq=False)
class Agreement:
    """How logarithms of trained odds follow those of predicted ones over settings, run by run."""

    rank: Float[np.ndarray, " run"]  # Spearman's correlation (chance: 0)
    slope: Float[np.ndarray, " run"]  # of least squares (as predicted: 1)
    distance: float  # of a setting's median run from its prediction, relative; the median setting

    @classmethod
    def of(
        cls, predicted: Float[np.ndarray, " setting"], trained: Float[np.ndarray, "setting run"]
    ) -> "Agreement":
        """Compare the odds of every run with those predicted for its setting."""
        x, runs = np.log(predicted), np.log(trained).T
        rank = np.array([spearmanr(x, run).statistic for run in runs])
        slope = np.array([np.polyfit(x, run, 1)[0] for run in runs])
        off = np.median(np.abs(np.median(trained, axis=1) / predicted - 1))
        return cls(rank, slope, float(off))


# Orders of gradients --------------------------------------------------------------------------


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


EXPERIMENTS = (STAGES, ODDS)
