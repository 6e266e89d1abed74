"""What is recorded of a run: the stages, a film, the odds, the conclusions of li2023topic."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int

from twostage.estimates import Estimate
from twostage.seeding import move
from twostage.stages import Criterion, StageTimes, crossing_time
from twostage.topics.bags import BagTransformer
from twostage.topics.batches import Bags
from twostage.topics.corpus import CorpusConfig
from twostage.topics.model import TopicTransformer
from twostage.topics.probes.attention import (
    measure_attention,
    measure_attention_odds,
    measure_attention_table,
    measure_mask_attention,
    measure_position_contrast,
    measure_preference_table,
    measure_word_spread,
)
from twostage.topics.probes.knowledge import (
    measure_position_votes,
    measure_value_blocks,
    measure_value_gap,
    measure_value_matrix,
    measure_votes,
    order_votes,
)
from twostage.topics.relations import correlate_blocks
from twostage.topics.training import squared_error
from twostage.training import History, Measure

CRITERIA = (
    Criterion("knowledge", 0.0, 0.8),  # block correlation of W_V
    Criterion("attention", 1.0, 1.2),  # same-topic over other-topic attention
)


def stage_measure(counts: Int[np.ndarray, "doc word"]) -> Measure:
    """Return what `train` records of both stages: their direction and their size (first head)."""

    def measure(model: BagTransformer) -> dict[str, Float[np.ndarray, " run"]]:
        attention, topic_of = measure_attention(model, counts), model.corpus.topic_of
        relative = attention.relative[:, 0].T
        return {
            "knowledge": measure_value_blocks(model),
            "value gap": measure_value_gap(model),
            "attention": attention.contrast[:, 0],
            "direction": correlate_blocks(measure_preference_table(model), topic_of),
            "own word": relative[0],
            "same topic": relative[1],
            "other topic": relative[2],
        }

    return measure


def film_measure(counts: Int[np.ndarray, "doc word"]) -> Measure:
    """Return what `train` records to film a run: the stages, and its word-by-word tables."""
    stages = stage_measure(counts)

    def measure(model: BagTransformer) -> dict[str, Float[np.ndarray, "run ..."]]:
        tables = {
            "value table": measure_value_matrix(model)[:, :, 1:],
            "score table": measure_preference_table(model),
            "attention table": measure_attention_table(model),
        }
        return stages(model) | tables

    return measure


CLOCKS = {  # name: measure, chance, threshold (none: half of its own way from chance to the end)
    "knowledge, direction": ("knowledge", 0.0, 0.8),
    "knowledge, half size": ("value gap", 0.0, None),
    "attention, direction": ("direction", 0.0, 0.8),
    "attention, 1.2": ("attention", 1.0, 1.2),
    "attention, half size": ("attention", 1.0, None),
}


def read_clocks(history: History) -> dict[str, Float[np.ndarray, " run"]]:
    """Time both stages by direction (a correlation) and by size, each in steps (never: inf)."""
    times = {}
    for name, (measure, chance, passed) in CLOCKS.items():
        values = history.values[measure]
        if passed is None:
            values, passed = measure_way(values, chance), 0.5
        times[name] = crossing_time(history.steps, values, passed)
    return times


def measure_way(
    values: Float[np.ndarray, "run record"], chance: float
) -> Float[np.ndarray, "run record"]:
    """Share of its own way from chance to its last value that each run has gone; 0 if none."""
    gone, way = values - chance, values[:, -1:] - chance
    return np.divide(gone, way, out=np.zeros_like(gone), where=way != 0)


def tabulate_clocks(histories: dict[str, History]) -> pd.DataFrame:
    """Table of the clocks, in median steps with intervals, a row per setting."""
    return pd.DataFrame(
        [
            {"setting": name}
            | {clock: f"{Estimate.of_median(t):.3g}" for clock, t in read_clocks(h).items()}
            for name, h in histories.items()
        ]
    )


def _describe_knowledge(
    votes: Float[np.ndarray, "run shown predicted"], cfg: CorpusConfig
) -> dict[str, Float[np.ndarray, " run"]]:
    return {
        "knowledge": correlate_blocks(votes, cfg.topic_of),
        "votes": order_votes(votes, cfg.topic_of),
    }


def conclusions_measure(counts: Int[np.ndarray, "doc word"]) -> Measure:
    """Return what `train` records of bag models: knowledge, and attention (mean over heads)."""

    def measure(model: BagTransformer) -> dict[str, Float[np.ndarray, " run"]]:
        attention = measure_attention(model, counts).contrast.mean(1)
        return {"attention": attention, **_describe_knowledge(measure_votes(model), model.corpus)}

    return measure


def position_measure(tokens: Int[np.ndarray, "doc position"]) -> Measure:
    """Return the same for one model on positions; `attention` is the layer that prefers most."""
    shown = torch.from_numpy(tokens)

    def measure(model: TopicTransformer) -> dict[str, Float[np.ndarray, " run"]]:
        trace = model.trace(shown, torch.ones_like(shown, dtype=torch.bool))
        layers = measure_position_contrast(trace).mean(1)
        votes = measure_position_votes(model)[None]
        return {"attention": layers.max(keepdims=True), **_describe_knowledge(votes, model.corpus)}

    return measure


@dataclass(frozen=True, eq=False)
class Conclusions:
    """The three conclusions in one setting, over runs."""

    knowledge: Float[np.ndarray, " run"]  # block correlation at the end (chance: 0)
    votes: Float[np.ndarray, " run"]  # order of votes at the end (chance: 1/2)
    attention: Float[np.ndarray, " run"]  # same over other topic at the end (chance: 1)
    times: StageTimes  # when each stage came

    @classmethod
    def of(cls, history: History, runs: slice = slice(None)) -> "Conclusions":
        """Read all three off a history that recorded `knowledge` and `attention`."""
        last = [history.values[name][runs, -1] for name in ("knowledge", "votes", "attention")]
        return cls(*last, StageTimes.of(history, CRITERIA, runs))

    def row(self) -> dict[str, str]:
        """Medians with their 95 % intervals, runs that reached stages, and in which order."""
        first, both = self.times.order()
        n, knew = len(self.knowledge), int(np.isfinite(self.times.knowledge).sum())
        looked = int(np.isfinite(self.times.attention).sum())
        return {
            "knowledge": f"{Estimate.of_median(self.knowledge):.3g}",
            "votes": f"{Estimate.of_median(self.votes):.3g}",
            "attention": f"{Estimate.of_median(self.attention):.3g}",
            "stage 1": f"{knew} of {n}",
            "stage 2": f"{looked} of {n}",
            "knowledge first": f"{first} of {both}" if both else "-",
        }

    def brief(self) -> str:
        """Write the medians of knowledge and attention, and the order, in one line."""
        middle = f"{np.median(self.knowledge):.3g} / {np.median(self.attention):.3g}"
        return f"{middle} / {self.row()['knowledge first']}"

    def lost(self) -> str:
        """Name the conclusions that fail: medians below the criteria, attention first in most runs.

        The order counts only among runs that passed both criteria.
        """
        first, both = self.times.order()
        medians = np.median(self.knowledge), np.median(self.attention)
        fails = {
            **{
                criterion.measure: median < criterion.passed
                for criterion, median in zip(CRITERIA, medians, strict=True)
            },
            "order": first < both / 2,
        }
        return ", ".join(name for name, failed in fails.items() if failed) or "nothing"


def tabulate_conclusions(settings: dict[str, Conclusions]) -> pd.DataFrame:
    """Table of the conclusions, a row per setting."""
    return pd.DataFrame([{"setting": name, **c.row()} for name, c in settings.items()])


def measure_gradients(model: BagTransformer, bags: Bags) -> dict[str, Float[np.ndarray, " run"]]:
    """Frobenius norms of the squared error's gradients in W_V, W_K and W_Q."""
    weights = {name: getattr(model.layer, name) for name in ("W_V", "W_K", "W_Q")}
    loss = squared_error(model, move(bags, model.W_E.device)).sum()
    gradients = torch.autograd.grad(loss, list(weights.values()))
    norms = (g.flatten(1).norm(dim=1).cpu().numpy() for g in gradients)
    return dict(zip(weights, norms, strict=True))


def record_odds(model: BagTransformer) -> dict[str, Float[np.ndarray, " run"]]:
    """What `train` records of attention: odds rho, spread within topics, [MASK] to [MASK]."""
    return {
        "odds": measure_attention_odds(model),
        "word spread": measure_word_spread(model),
        "mask attention": measure_mask_attention(model),
    }
