"""Record what rescues permutations at small size: python results/rescues_small_size.py

Writes rescues_small_size.csv and .json; about 15 minutes of one free core. Every run is trained on
permutations; some start with parts of a donor, or of themselves after a lesson on another
distribution. The criterion was fixed before any of these runs: a run succeeds if at its last step
attention accuracy is at least LEARNED and KTIW at least KTIW_PASSED. Runs stop once attention has
got there, and keep their last values from there on; only a run that is handed its attention goes
on to the end.
"""

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

from recording import record_runs

from twostage.training import History, TrainConfig
from twostage.translation.corpus import CorpusConfig
from twostage.translation.model import PARTS, ModelConfig, Translator
from twostage.translation.probes.attention import KTIW_PASSED, LEARNED
from twostage.translation.probes.record import measure_translator
from twostage.translation.training import Transplant, train_shuffled, train_translators

SEEDS, DONOR_SEEDS = range(100, 132), 1000  # a run's donor has its seed + 1000
HARD = CorpusConfig(vocab_size=12, seq_len=12)
HARD_OF_18 = CorpusConfig(vocab_size=18, seq_len=12, mixture=1.0)  # permutes 12 of 18 words
MODEL = ModelConfig()
TRAIN = TrainConfig(steps=300, learning_rate=2e-3, n_records=15, spacing="even")


@dataclass(frozen=True)
class Lesson:
    """What a donor is trained on, under which attention, and for how long."""

    corpus: CorpusConfig = CorpusConfig(vocab_size=12, seq_len=12, repeats=True)
    attention: str = "trained"
    steps: int = 300
    stop_at: float | None = None
    shuffled: bool = False  # sources in random order: nothing but co-occurrence is left


COPIER = Lesson(stop_at=LEARNED)
UNIFORM = Lesson(attention="uniform", steps=150)
KTIW = ("embedding", "encoder", "context", "mix", "output")
MAP = ("embedding", "encoder", "decoder", "query")

CONDITIONS = {
    "from scratch": (HARD, None, ()),
    "KTIW of a copier": (HARD, COPIER, KTIW),
    "KTIW of a uniform donor": (HARD, UNIFORM, KTIW),
    "query of a copier": (HARD, COPIER, ("query",)),
    "query and decoder of a copier": (HARD, COPIER, ("query", "decoder")),
    "attention map of a copier": (HARD, COPIER, MAP),
    "uniform on repeats, released": (HARD, UNIFORM, PARTS),
    "uniform on permutations, released": (HARD, replace(UNIFORM, corpus=HARD), PARTS),
    "uniform on shuffled repeats, released": (HARD, replace(UNIFORM, shuffled=True), PARTS),
    "uniform on shuffled permutations, released": (
        HARD,
        replace(UNIFORM, corpus=HARD, shuffled=True),
        PARTS,
    ),
    "12 of 18 words, from scratch": (HARD_OF_18, None, ()),
    "uniform on 18 words, released": (
        HARD_OF_18,
        replace(UNIFORM, corpus=CorpusConfig(vocab_size=18, seq_len=12)),
        PARTS,
    ),
} | {
    f"{steps} steps of repeats first": (HARD, Lesson(steps=steps), PARTS)
    for steps in (2, 5, 10, 20)
}


@lru_cache(maxsize=2)
def train_donor(lesson: Lesson, seed: int) -> Translator:
    """Train a donor; conditions that share a lesson share it."""
    cfg, plan = replace(MODEL, attention=lesson.attention), replace(TRAIN, steps=lesson.steps)
    if lesson.shuffled:
        return train_shuffled(lesson.corpus, cfg, plan, [seed], jobs=1)[0]
    donors, history = train_translators(
        lesson.corpus, cfg, plan, [seed], measure_translator, stop_at=lesson.stop_at, jobs=1
    )
    if lesson.stop_at and history.values["attn_accuracy"][0, -1] < lesson.stop_at:
        raise RuntimeError(f"donor {seed} did not learn; give its lesson more steps")
    return donors[0]


def train_run(condition: str, seed: int) -> History:
    """Train one run of one condition, its donor first."""
    corpus, lesson, parts = CONDITIONS[condition]
    transplant = lesson and Transplant([train_donor(lesson, seed + DONOR_SEEDS)], parts)
    _, history = train_translators(
        corpus,
        MODEL,
        TRAIN,
        [seed],
        measure_translator,
        transplant=transplant,
        stop_at=None if parts == MAP else LEARNED,
        jobs=1,
    )
    return history


def main() -> None:
    """Record what is missing, run by run."""
    parameters = {
        "starts": {
            name: {"corpus": asdict(corpus), "lesson": lesson and asdict(lesson), "parts": parts}
            for name, (corpus, lesson, parts) in CONDITIONS.items()
        },
        "model": asdict(MODEL),
        "training": asdict(TRAIN),
        "batch_size": 32,
        "test_pairs": 64,
        "donor_seeds": f"seed + {DONOR_SEEDS}",
        "stop_at": f"attn_accuracy >= {LEARNED}, except with an attention map",
        "success": f"attn_accuracy >= {LEARNED} and ktiw >= {KTIW_PASSED} at the last step",
    }
    record_runs(Path(__file__), parameters, list(CONDITIONS), SEEDS, train_run)


if __name__ == "__main__":
    main()
