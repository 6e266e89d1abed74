"""One run of the encoder-decoder, from scratch or after a donor's lesson."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from twostage.stages import Criterion
from twostage.training import History, TrainConfig
from twostage.translation.corpus import CorpusConfig
from twostage.translation.model import ModelConfig, Translator
from twostage.translation.probes.attention import KTIW_PASSED, LEARNED
from twostage.translation.probes.record import measure_translator
from twostage.translation.training import Transplant, train_shuffled, train_translators

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
