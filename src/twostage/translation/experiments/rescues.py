"""What a run on permutations must start with to learn to copy; the prediction came first."""

from dataclasses import replace

from twostage.experiments import Experiment
from twostage.translation.corpus import CorpusConfig
from twostage.translation.experiments.lessons import (
    COPIES,
    KNOWS,
    CopySettings,
    Lesson,
    train_copy,
)
from twostage.translation.model import PARTS
from twostage.translation.probes.attention import LEARNED
from twostage.translation.theory.copy import predict_signal

KTIW = ("embedding", "encoder", "context", "mix", "output")  # the parts that know words
MAP = ("embedding", "encoder", "decoder", "query")  # the parts that decide where to look


def predict_rescue(settings: CopySettings) -> float:
    """Share of runs that copy permutations, by the sign of w + alpha at the start.

    All do if w > 0 (knowledge from a lesson whose bags of words differ) or alpha > 0 (all that a
    copier's attention is computed from) is handed over; else the sign is random.
    """
    lesson, parts = settings.lesson, set(settings.parts)
    if lesson is None:
        return 0.5
    corpus = lesson.corpus
    signal = predict_signal(corpus.vocab_size, corpus.seq_len, corpus.mixture, corpus.repeats)
    knows = signal > 0 and parts.issuperset(KTIW)
    looks = lesson.attention == "trained" and parts.issuperset(MAP)
    return 1.0 if knows or looks else 0.5


COPIER, UNIFORM = Lesson(stop_at=LEARNED), Lesson(attention="uniform", steps=150)
OF_18 = {"vocab_size": 18, "mixture": 1.0}  # permutes 12 of 18 words
RESCUES = Experiment(
    name="rescues_small_size",
    question="What must a run on permutations start with to learn to copy?",
    base=CopySettings(),
    conditions={
        "from scratch": {},
        "KTIW of a copier": {"lesson": COPIER, "parts": KTIW},
        "KTIW of a uniform donor": {"lesson": UNIFORM, "parts": KTIW},
        "query of a copier": {"lesson": COPIER, "parts": ("query",)},
        "query and decoder of a copier": {"lesson": COPIER, "parts": ("query", "decoder")},
        "attention map of a copier": {"lesson": COPIER, "parts": MAP, "stop_at": None},
        "uniform on repeats, released": {"lesson": UNIFORM, "parts": PARTS},
        "uniform on permutations, released": {
            "lesson": replace(UNIFORM, corpus=CorpusConfig(vocab_size=12, seq_len=12)),
            "parts": PARTS,
        },
        "uniform on shuffled repeats, released": {
            "lesson": replace(UNIFORM, shuffled=True),
            "parts": PARTS,
        },
        "uniform on shuffled permutations, released": {
            "lesson": Lesson(CorpusConfig(12, 12), "uniform", 150, shuffled=True),
            "parts": PARTS,
        },
        "12 of 18 words, from scratch": OF_18,
        "uniform on 18 words, released": {
            **OF_18,
            "lesson": replace(UNIFORM, corpus=CorpusConfig(vocab_size=18, seq_len=12)),
            "parts": PARTS,
        },
    }
    | {
        f"{steps} steps of repeats first": {"lesson": Lesson(steps=steps), "parts": PARTS}
        for steps in (2, 5, 10, 20)
    },
    train=train_copy,
    measures=("token_accuracy", "ktiw", "attn_accuracy", "signed_contrast"),
    success=(*COPIES, KNOWS),
    predict=predict_rescue,
    seeds=range(100, 132),
)
