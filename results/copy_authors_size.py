"""Record the copy task at the size of snell2021attention: python results/copy_authors_size.py

Writes copy_authors_size.csv (a row per run and record) and copy_authors_size.json (where the
numbers come from), for source and target words in one table of embeddings, as the authors have
it; and copy_separate_embeddings.csv and .json for a table each. A run ends once it has learned.
About 70 minutes of one thread; a run that is already in the table is not repeated, so a stopped
recording goes on where it stopped.
"""

import json
import platform
import time
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import product
from pathlib import Path

import pandas as pd

from twostage.files import write_whole
from twostage.training import TrainConfig
from twostage.translation.corpus import CorpusConfig
from twostage.translation.model import ModelConfig, Trace
from twostage.translation.probes.attention import measure_attention
from twostage.translation.probes.knowledge import measure_ktiw
from twostage.translation.probes.record import measure_accuracy
from twostage.translation.training import train_translators

FOLDER = Path(__file__).parent
MODELS = {
    "copy_authors_size": ModelConfig(hidden=256),
    "copy_separate_embeddings": ModelConfig(hidden=256, shared_embedding=False),
}
VOCAB_SIZES, SEQ_LEN, N_SEEDS, STOP_AT = (40, 60), 40, 20, 0.99
TRAIN = TrainConfig(steps=200, learning_rate=1e-3, n_records=20, spacing="even")
BATCH_SIZE, N_TEST, N_PROBED = 128, 128, 16


def measure(trace: Trace) -> dict[str, float]:
    """Measure on all test pairs, the state probe (which costs L times as much) on a few."""
    return {
        "token_accuracy": measure_accuracy(trace),
        "attn_accuracy": measure_attention(trace),
        "ktiw": measure_ktiw(trace.first(N_PROBED)),
    }


def record(model: ModelConfig, vocab_size: int, seed: int) -> tuple[pd.DataFrame, float]:
    """Train one run; return its rows until it has learned, and how many seconds it took."""
    start = time.perf_counter()
    corpus = CorpusConfig(vocab_size=vocab_size, seq_len=SEQ_LEN)
    more = {"batch_size": BATCH_SIZE, "n_test": N_TEST, "stop_at": STOP_AT, "jobs": 1}
    _, history = train_translators(corpus, model, TRAIN, [seed], measure, **more)
    values = {name: value[0].round(6) for name, value in history.values.items()}
    rows = pd.DataFrame({"vocab_size": vocab_size, "seed": seed, "step": history.steps, **values})
    learned = (rows.attn_accuracy >= STOP_AT).shift(fill_value=False).cummax()
    return rows[~learned], time.perf_counter() - start


def describe(model: ModelConfig, seconds: float) -> dict:
    """Collect the provenance of the table."""
    return {
        "written_by": f"python results/{Path(__file__).name}",
        "parameters": {
            "vocab_size": VOCAB_SIZES,
            "seq_len": SEQ_LEN,
            "seeds": list(range(N_SEEDS)),
            "model": asdict(model),
            "training": asdict(TRAIN),
            "batch_size": BATCH_SIZE,
            "test_pairs": N_TEST,
            "pairs_for_ktiw": N_PROBED,
            "ends_at_attn_accuracy": STOP_AT,
        },
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("torch", "numpy", "twostage")},
        "device": f"{platform.machine()} CPU, one thread",
        "finished": datetime.now(UTC).date().isoformat(),
        "seconds": round(seconds),
    }


def add_run(name: str, vocab_size: int, seed: int) -> None:
    """Train a run and add it to its table, unless it is there."""
    table, about = FOLDER / f"{name}.csv", FOLDER / f"{name}.json"
    done = pd.read_csv(table) if table.exists() else None
    if done is not None and ((done.vocab_size == vocab_size) & (done.seed == seed)).any():
        return
    seconds = json.loads(about.read_text())["seconds"] if about.exists() else 0
    rows, took = record(MODELS[name], vocab_size, seed)
    done = pd.concat([done, rows]).sort_values(["vocab_size", "seed", "step"])
    write_whole(about, json.dumps(describe(MODELS[name], seconds + took), indent=1) + "\n")
    write_whole(table, done.to_csv(index=False))
    print(name, rows.iloc[-1].to_dict(), f"{took:.0f} s", flush=True)


if __name__ == "__main__":
    for seed, name, vocab_size in product(range(N_SEEDS), MODELS, VOCAB_SIZES):
        add_run(name, vocab_size, seed)
