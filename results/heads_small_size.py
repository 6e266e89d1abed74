"""Record heads on permutations at small size: python results/heads_small_size.py

Writes heads_small_size.csv and .json; about 20 minutes of one thread. The criterion was fixed
before any of these runs: a run succeeds if its best head ends with an attention accuracy of at
least LEARNED. (`attn_accuracy` is the best head's, `mean_attention` that of the heads' average.)
"""

from dataclasses import asdict
from pathlib import Path

from recording import record_runs

from twostage.training import History, TrainConfig
from twostage.translation.corpus import CorpusConfig
from twostage.translation.model import ModelConfig
from twostage.translation.probes.attention import LEARNED
from twostage.translation.probes.record import measure_translator_heads
from twostage.translation.training import train_translators

SEEDS = range(100, 124)
CORPUS = CorpusConfig(vocab_size=12, seq_len=12)
TRAIN = TrainConfig(steps=300, learning_rate=2e-3, n_records=6, spacing="even")
MODELS = {"lstm mean 1": ModelConfig()}
MODELS |= {
    f"lstm {combine} {n}": ModelConfig(n_heads=n, combine=combine)
    for combine in ("mean", "sum", "concat")
    for n in (2, 4, 8)
}
MODELS |= {  # the cell, the embeddings and the mean of the authors' experiment
    f"gru mean {n}": ModelConfig(cell="gru", shared_embedding=False, n_heads=n)
    for n in (1, 2, 4, 8)
}


def train_run(condition: str, seed: int) -> History:
    """Train one run of one model."""
    _, history = train_translators(
        CORPUS, MODELS[condition], TRAIN, [seed], measure_translator_heads, jobs=1
    )
    return history


def main() -> None:
    """Record what is missing, run by run."""
    parameters = {
        "corpus": asdict(CORPUS),
        "models": {name: asdict(model) for name, model in MODELS.items()},
        "training": asdict(TRAIN),
        "batch_size": 32,
        "test_pairs": 64,
        "success": f"attn_accuracy >= {LEARNED} at the last step",
    }
    record_runs(Path(__file__), parameters, list(MODELS), SEEDS, train_run)


if __name__ == "__main__":
    main()
