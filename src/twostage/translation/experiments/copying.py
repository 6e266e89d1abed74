"""Copying, and other languages, at small size and at the authors' (snell2021attention, section 4).

Every rule of success was fixed before the runs of its table.
"""

from dataclasses import replace
from functools import partial

import torch

from twostage.experiments import Experiment
from twostage.stages import Criterion
from twostage.training import TrainConfig
from twostage.translation.corpus import CorpusConfig
from twostage.translation.experiments.lessons import COPIES, KNOWS, CopySettings, train_copy
from twostage.translation.model import ModelConfig, Trace
from twostage.translation.probes.attention import ATTENTION_PASSED, measure_attention
from twostage.translation.probes.record import (
    measure_accuracy,
    measure_translator,
    measure_words,
)


def measure_first_steps(trace: Trace, n_probed: int = 0) -> dict[str, float]:
    """Share of target words whose strongest attention is on the right word, near it, before it."""
    best = trace.attn[:, 0].argmax(-1)[:, 1:-1]  # the first word has none before it
    ahead = best - torch.from_numpy(trace.model.corpus.aligned)[1:-1].to(best)
    return {
        "attn_accuracy": measure_attention(trace),
        "within_one": measure_attention(trace, within=1),
        "word_before": (ahead == -1).float().mean().item(),
    }


def measure_forced(trace: Trace, n_probed: int | None = None) -> dict[str, float]:
    """What is recorded of every run, and the token accuracy if attention is forced uniform."""
    forced = trace.model.trace(trace.pairs, uniform=True)
    return measure_translator(trace, n_probed) | {"uniform_accuracy": measure_accuracy(forced)}


COPY = Experiment(
    name="copy",
    question="Which ways of drawing sentences teach copying by attention?",
    base=CopySettings(),
    conditions={
        "permutations": {},
        "one word more": {"vocab_size": 13},
        "12 of 18 words": {"vocab_size": 18},
        "with repeats": {"repeats": True},
        "half permutations": {"vocab_size": 18, "mixture": 0.5},
    },
    train=partial(train_copy, measure=measure_forced),
    measures=("token_accuracy", "uniform_accuracy", "ktiw", "attn_accuracy", "signed_contrast"),
    success=COPIES,
    seeds=range(100, 108),
)

AUTHORS_SIZE = Experiment(
    name="copy_authors_size",
    question="Is copying learned from 40 of 60 words, and from permutations of 40?",
    base=CopySettings(
        CorpusConfig(vocab_size=40, seq_len=40),
        ModelConfig(hidden=256),
        TrainConfig(200, 1e-3, n_records=20, spacing="even"),
        batch_size=128,
        n_test=128,
        n_probed=16,
        stop_at=0.99,
    ),
    conditions={
        "permutations, shared table": {},
        "40 of 60 words, shared table": {"vocab_size": 60},
        "permutations, separate tables": {"shared_embedding": False},
        "40 of 60 words, separate tables": {"vocab_size": 60, "shared_embedding": False},
    },
    train=train_copy,
    measures=("token_accuracy", "attn_accuracy", "ktiw", "signed_contrast"),
    success=COPIES,
    seeds=range(20),
)

FIRST_STEPS = Experiment(
    name="copy_first_steps",
    question="Where does attention go in the first steps on permutations?",
    base=replace(
        AUTHORS_SIZE.base, train=TrainConfig(15, 1e-3, n_records=3, spacing="even"), stop_at=None
    ),
    conditions={"shared": {}, "separate": {"shared_embedding": False}},
    train=partial(train_copy, measure=measure_first_steps),
    measures=("attn_accuracy", "within_one", "word_before"),
    seeds=range(12),
)

FROZEN = {"attention": "uniform", "n_records": 1}
LANGUAGES = Experiment(
    name="languages",
    question="Are words known before attention finds them, whatever their order and frequencies?",
    base=CopySettings(
        CorpusConfig(vocab_size=18, seq_len=12, dictionary="random"),
        train=TrainConfig(100, 2e-3, n_records=20, spacing="even"),
        n_test=32,
        n_probed=32,
        stop_at=None,
    ),
    conditions={
        "plain": {},
        "blocks of 3": {"block": 3},
        "Zipf": {"zipf": 1.0},
        "plain, uniform": FROZEN,
        "blocks of 3, uniform": {"block": 3} | FROZEN,
        "Zipf, uniform": {"zipf": 1.0} | FROZEN,
    },
    train=partial(train_copy, measure=measure_words),
    measures=("token_accuracy", "ktiw", "word_ktiw", "attn_accuracy", "within_one"),
    success=(KNOWS, Criterion("attn_accuracy", 1 / 13, ATTENTION_PASSED)),
    seeds=range(100, 112),
)
