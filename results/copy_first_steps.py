"""Record where attention goes in the first steps: python results/copy_first_steps.py

Permutations at the size of snell2021attention, with one table of embeddings for source and
target words and with a table each. Writes copy_first_steps.csv and .json; three minutes.
"""

from dataclasses import asdict
from pathlib import Path

import torch
from recording import record_runs

from twostage.training import History, TrainConfig
from twostage.translation.corpus import CorpusConfig
from twostage.translation.model import ModelConfig, Trace
from twostage.translation.probes.attention import measure_attention
from twostage.translation.training import train_translators

SEEDS, BATCH_SIZE, N_TEST = range(12), 128, 128
CORPUS = CorpusConfig(vocab_size=40, seq_len=40)
MODELS = {
    name: ModelConfig(hidden=256, shared_embedding=name == "shared")
    for name in ("shared", "separate")
}
TRAIN = TrainConfig(steps=15, learning_rate=1e-3, n_records=3, spacing="even")


def measure(trace: Trace) -> dict[str, float]:
    """Share of target words whose strongest attention is on the right word, near it, before it."""
    best = trace.attn[:, 0].argmax(-1)[:, 1:-1]  # the first has none before
    ahead = best - torch.from_numpy(trace.model.corpus.aligned)[1:-1]
    return {
        "attn_accuracy": measure_attention(trace),
        "within_one": measure_attention(trace, within=1),
        "word_before": (ahead == -1).float().mean().item(),
    }


def train_run(condition: str, seed: int) -> History:
    """Train one run for a few steps."""
    more = {"batch_size": BATCH_SIZE, "n_test": N_TEST, "jobs": 1}
    return train_translators(CORPUS, MODELS[condition], TRAIN, [seed], measure, **more)[1]


if __name__ == "__main__":
    parameters = {
        "corpus": asdict(CORPUS),
        "models": {name: asdict(model) for name, model in MODELS.items()},
        "training": asdict(TRAIN),
        "batch_size": BATCH_SIZE,
        "test_pairs": N_TEST,
    }
    record_runs(Path(__file__), parameters, list(MODELS), SEEDS, train_run)
