"""The odds that attention gives its topic, with W_V held at its optimum or trained along."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import spearmanr

from twostage.experiments import Experiment, Runs
from twostage.topics.bags import BagTransformer
from twostage.topics.corpus import CorpusConfig
from twostage.topics.model import ModelConfig
from twostage.topics.probes.record import record_odds
from twostage.topics.theory.values import predict_value_matrix
from twostage.topics.training import train_attention, train_topics
from twostage.training import History, TrainConfig

SYMBOLS = {"n_topics": "T", "keep_rate": "p_c", "random_rate": "p_r"}  # of the notation


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
