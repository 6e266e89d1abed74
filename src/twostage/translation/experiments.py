"""The experiments on copying that are repeated, recorded or swept (snell2021attention, section 4).

Their settings are made of the configs of the half. Every rule of success was fixed before the
runs of its table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import torch

from twostage.experiments import Experiment
from twostage.seeding import numpy_rng
from twostage.stages import Criterion
from twostage.training import History, TrainConfig
from twostage.translation.corpus import CorpusConfig, Pairs, sample_pairs
from twostage.translation.free import FreeModelConfig, FreeTranslator
from twostage.translation.model import PARTS, ModelConfig, Trace, Translator
from twostage.translation.probes.attention import (
    ATTENTION_PASSED,
    KTIW_PASSED,
    LEARNED,
    measure_attention,
)
from twostage.translation.probes.free import measure_free
from twostage.translation.probes.record import (
    measure_accuracy,
    measure_translator,
    measure_translator_heads,
    measure_words,
)
from twostage.translation.theory.copy import predict_heads, predict_signal
from twostage.translation.training import Transplant, train_free, train_shuffled, train_translators

KTIW = ("embedding", "encoder", "context", "mix", "output")  # the parts that know words
MAP = ("embedding", "encoder", "decoder", "query")  # the parts that decide where to look
DONOR_SEEDS = 1000  # a run's donor has its seed and this many more
COPIES = (Criterion("attn_accuracy", 1 / 13, LEARNED),)
KNOWS = Criterion("ktiw", 1 / 13, KTIW_PASSED)


@dataclass(frozen=True)
class Lesson:
    """What a donor is trained on, under which attention, and for how long."""

    corpus: CorpusConfig = CorpusConfig(vocab_size=12, seq_len=12, repeats=True)
    attention: str = "trained"
    steps: int = 300
    stop_at: float | None = None
    shuffled: bool = False  # sources in random order: nothing but co-occurrence is left


@dataclass(frozen=True)
class CopySettings:
    """Runs of the encoder-decoder on copying, from scratch or after a lesson."""

    corpus: CorpusConfig = CorpusConfig(vocab_size=12, seq_len=12)
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig(300, 2e-3, n_records=15, spacing="even")
    batch_size: int = 32
    n_test: int = 64  # fresh pairs on which a run is measured
    n_probed: int = 64  # of these, pairs on which KTIW is measured: it costs L times as much
    stop_at: float | None = LEARNED  # attention accuracy at which a run ends
    lesson: Lesson | None = None  # what the donor of each run learns
    parts: tuple = ()  # what it hands over

    def __post_init__(self) -> None:
        """Refuse impossible numbers of sentences, naming the value and what is allowed."""
        for name in ("batch_size", "n_test", "n_probed"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be >= 1, got {getattr(self, name)}")
        if self.n_probed > self.n_test:
            raise ValueError(f"n_probed must be <= n_test = {self.n_test}, got {self.n_probed}")


@dataclass(frozen=True)
class FreeSettings:
    """Runs of the free model: attention logits and a table for each head, and nothing else."""

    corpus: CorpusConfig = CorpusConfig(vocab_size=8, seq_len=8)
    model: FreeModelConfig = FreeModelConfig()
    train: TrainConfig = TrainConfig(400, 10.0, "sgd", n_records=1)  # rate of one head alone
    batch_size: int = 16
    n_test: int = 64


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


def train_copy(
    settings: CopySettings, seeds: Sequence[int], measure: Callable = measure_translator
) -> History:
    """Train runs, each after its donor's lesson if there is one; a run ends at `stop_at`."""
    transplant = None
    if settings.lesson:
        donors = [_train_donor(_alone(settings), seed + DONOR_SEEDS) for seed in seeds]
        transplant = Transplant(donors, settings.parts)
    _, history = train_translators(
        settings.corpus,
        settings.model,
        settings.train,
        seeds,
        partial(measure, n_probed=settings.n_probed),
        batch_size=settings.batch_size,
        n_test=settings.n_test,
        transplant=transplant,
        stop_at=settings.stop_at,
        jobs=1,
    )
    return history


def _alone(settings: CopySettings) -> CopySettings:
    """What a donor depends on, so that conditions which share a lesson share its donors."""
    lesson = settings.lesson
    return CopySettings(
        model=replace(settings.model, attention=lesson.attention),
        train=replace(settings.train, steps=lesson.steps),
        batch_size=settings.batch_size,
        lesson=lesson,
    )


@lru_cache(maxsize=2)
def _train_donor(settings: CopySettings, seed: int) -> Translator:
    lesson, more = settings.lesson, {"batch_size": settings.batch_size, "jobs": 1}
    setting = lesson.corpus, settings.model, settings.train, [seed]
    if lesson.shuffled:
        return train_shuffled(*setting, **more)[0]
    donors, history = train_translators(
        *setting, measure_translator, stop_at=lesson.stop_at, **more
    )
    if lesson.stop_at and history.values["attn_accuracy"][0, -1] < lesson.stop_at:
        raise RuntimeError(f"donor {seed} did not learn; give its lesson more steps")
    return donors[0]


def train_free_heads(
    settings: FreeSettings, seeds: Sequence[int], start: FreeTranslator | None = None
) -> History:
    """Train free models side by side, from their seeds' weights or from those of `start`.

    Averaged heads each feel 1/n_heads of the gradient, so they learn n_heads times as fast.
    """
    start = start or FreeTranslator(settings.model, settings.corpus, list(seeds))
    rate = settings.train.learning_rate * start.cfg.n_heads
    plan = replace(settings.train, learning_rate=rate)
    pairs = [sample_pairs(settings.corpus, settings.n_test, numpy_rng(s, "test")) for s in seeds]
    test = Pairs(torch.cat([each.src for each in pairs]), torch.cat([each.tgt for each in pairs]))
    measure = partial(measure_free, pairs=test)
    return train_free(start, plan, seeds, measure, batch_size=settings.batch_size)[1]


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

HEADS = Experiment(
    name="heads_small_size",
    question="Does a translator of several heads copy permutations more often than one of a head?",
    base=CopySettings(train=TrainConfig(300, 2e-3, n_records=6, spacing="even"), stop_at=None),
    conditions={"lstm mean 1": {}}
    | {
        f"lstm {combine} {n}": {"n_heads": n, "combine": combine}
        for combine in ("mean", "sum", "concat")
        for n in (2, 4, 8)
    }
    | {
        f"gru mean {n}": {"cell": "gru", "shared_embedding": False, "n_heads": n}
        for n in (1, 2, 4, 8)  # the cell, the tables and the mean of the authors' experiment
    },
    train=partial(train_copy, measure=measure_translator_heads),
    measures=(
        "token_accuracy",
        "ktiw",
        "attn_accuracy",
        "mean_attention",
        "signed_contrast",
        "best_signed_contrast",
    ),
    success=COPIES,
    seeds=range(100, 124),
)


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


def predict_free_heads(settings: FreeSettings) -> float | None:
    """Share of runs whose best head copies; none but for trained attention on permutations."""
    corpus, model = settings.corpus, settings.model
    permutes = corpus.vocab_size == corpus.seq_len > 1 and not corpus.repeats
    learns = model.attention == "trained" and model.init_scale > 0
    return predict_heads(model.n_heads) if permutes and learns else None


FREE_HEADS = Experiment(
    name="free_heads",
    question="How often does the best of n heads of the free model learn permutations?",
    base=FreeSettings(),
    conditions={f"{n} heads": {"n_heads": n} for n in (1, 2, 4, 8)},
    train=train_free_heads,
    measures=("loss", "uniform_loss", "token_accuracy", "ktiw", "attn_accuracy", "signed_contrast"),
    success=(Criterion("attn_accuracy", 1 / 8, LEARNED),),
    predict=predict_free_heads,
    seeds=range(48),
    side_by_side=True,
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

EXPERIMENTS = (COPY, AUTHORS_SIZE, FIRST_STEPS, HEADS, RESCUES, FREE_HEADS, LANGUAGES)
