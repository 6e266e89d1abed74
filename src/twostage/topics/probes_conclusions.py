"""What is left of the paper's three conclusions in a setting: what, where, and in which order.

The conclusions of li2023topic: knowledge is block-wise by topic, attention prefers the topic, and
knowledge comes first. They are asked of every model alike, by what it does: so the same question
can be put to one head and to a stack of encoder layers.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from scipy.stats import rankdata
from torch import Tensor

from twostage.devices import move
from twostage.estimates import Estimate
from twostage.stages import StageTimes
from twostage.topics.bags import BagTransformer
from twostage.topics.batches import as_bags
from twostage.topics.corpus import MASK, CorpusConfig
from twostage.topics.model import TopicTransformer, Trace
from twostage.topics.probes import (
    CRITERIA,
    measure_attention,
)
from twostage.topics.relations import correlate_blocks, relations
from twostage.training import History, Measure


def order_votes(
    scores: Float[np.ndarray, "run shown predicted"], topic_of: Int[np.ndarray, " word"]
) -> Float[np.ndarray, " run"]:
    """How often a same-topic word votes more for a word than an other-topic word (chance: 1/2).

    Mann-Whitney: over all pairs of such voters (the word itself is none), for each word that is
    predicted. Unlike the block correlation, it asks for no equal votes within a topic.
    """
    _, same_topic, other_topic = relations(topic_of)
    voters = np.where(np.eye(len(topic_of), dtype=bool), np.inf, scores)  # ranked above all
    rank_sum = (rankdata(voters, axis=1) * same_topic).sum(1)
    n_same, n_other = same_topic.sum(0), other_topic.sum(0)
    return ((rank_sum - n_same * (n_same + 1) / 2) / (n_same * n_other)).mean(1)


def one_word_documents(cfg: CorpusConfig) -> Int[np.ndarray, "word position"]:
    """Documents *[MASK] w*, one for each word: what is left to predict from is w alone."""
    words = np.arange(1, cfg.n_words + 1)
    return np.stack([np.full_like(words, MASK), words], axis=1)


@torch.no_grad()
def measure_votes(model: BagTransformer) -> Float[np.ndarray, "run shown predicted"]:
    """Scores that [MASK] gives to each word from one visible word.

    With one visible key attention has no choice, so this is knowledge without attention; in the
    paper's model it is W_V, transposed.
    """
    n_runs = len(model.layer.W_V)
    shown = np.repeat(one_word_documents(model.corpus)[None], n_runs, axis=0)
    bags = as_bags(shown, shown, shown == MASK, model.corpus, masked_keys=False)
    return model(move(bags, model.W_E.device))[:, :, 1 : model.corpus.n_words + 1].cpu().numpy()


@torch.no_grad()
def measure_position_votes(model: TopicTransformer) -> Float[np.ndarray, "shown predicted"]:
    """The same for one model of any depth, position by position."""
    shown = torch.from_numpy(one_word_documents(model.corpus)).to(model.W_E.device)
    return model(shown, shown != MASK)[:, 0, 1 : model.corpus.n_words + 1].cpu().numpy()


def measure_position_contrast(trace: Trace) -> Float[np.ndarray, "layer head"]:
    """`AttentionByRelation.contrast` of every layer, position by position (chance: 1).

    Documents are whole: every position shows a word.
    """
    words = trace.tokens - 1
    topic = torch.from_numpy(trace.model.corpus.topic_of).to(words.device)[words]
    same_topic = topic[:, :, None] == topic[:, None, :]
    same = (same_topic & (words[:, :, None] != words[:, None, :])).to(torch.float64)
    other = (~same_topic).to(torch.float64)
    n_same, n_other = same.sum(1), other.sum(1)  # queries of each kind that a key has
    weight = 1 / (n_same + n_other).clamp(min=1)
    contrasts = []
    for attn in trace.attn:
        to_same = torch.einsum("dhqk,dqk,dk->h", attn, same, n_other * weight)
        to_other = torch.einsum("dhqk,dqk,dk->h", attn, other, n_same * weight)
        contrasts.append((to_same / to_other).cpu().numpy())
    return np.array(contrasts)


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


def position_measure(tokens: Int[Tensor, "doc position"]) -> Measure:
    """Return the same for one model on positions; `attention` is the layer that prefers most."""

    def measure(model: TopicTransformer) -> dict[str, Float[np.ndarray, " run"]]:
        trace = model.trace(tokens, torch.ones_like(tokens, dtype=torch.bool))
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
