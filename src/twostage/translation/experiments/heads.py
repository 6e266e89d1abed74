"""Several heads: of the translator at small size, and of the free model, each with its table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch

from twostage.experiments import Experiment
from twostage.seeding import numpy_rng
from twostage.stages import Criterion
from twostage.training import History, TrainConfig
from twostage.translation.corpus import CorpusConfig, Pairs, sample_pairs
from twostage.translation.experiments.lessons import COPIES, CopySettings, train_copy
from twostage.translation.free import FreeModelConfig, FreeTranslator
from twostage.translation.probes.attention import LEARNED
from twostage.translation.probes.free import measure_free
from twostage.translation.probes.record import measure_translator_heads
from twostage.translation.theory.copy import predict_heads
from twostage.translation.training import train_free


@dataclass(frozen=True)
class FreeSettings:
    """Runs of the free model: attention logits and a table for each head, and nothing else."""

    corpus: CorpusConfig = CorpusConfig(vocab_size=8, seq_len=8)
    model: FreeModelConfig = FreeModelConfig()
    train: TrainConfig = TrainConfig(400, 10.0, "sgd", n_records=1)  # rate of one head alone
    batch_size: int = 16
    n_test: int = 64


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
