"""Record the copy task at the size of snell2021attention: python results/copy_authors_size.py

Writes copy_authors_size.csv (a row per run and record) and copy_authors_size.json (where the
numbers come from). About 75 minutes of one thread; a run that is already in the table is not
repeated, so a stopped recording goes on where it stopped.
"""

import json
import platform
import time
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from twostage.files import write_whole
from twostage.training import TrainConfig
from twostage.translation.corpus import CorpusConfig, Pairs
from twostage.translation.model import ModelConfig, Translator
from twostage.translation.probes import measure_accuracy, measure_attention, measure_ktiw
from twostage.translation.training import train_translators

TABLE = Path(__file__).with_suffix(".csv")
VOCAB_SIZES, SEQ_LEN, N_SEEDS = (40, 60), 40, 20
MODEL = ModelConfig(hidden=256)
TRAIN = TrainConfig(steps=200, learning_rate=1e-3, n_records=20, spacing="even")
BATCH_SIZE, N_TEST, N_PROBED = 128, 128, 16


def measure(model: Translator, pairs: Pairs) -> dict[str, float]:
    """Measure on all test pairs, the state probe (which costs L times as much) on a few."""
    few = Pairs(pairs.src[:N_PROBED], pairs.tgt[:N_PROBED])
    return {
        "token_accuracy": measure_accuracy(model, pairs),
        "attention": measure_attention(model, pairs),
        "ktiw": measure_ktiw(model, few),
    }


def record(vocab_size: int, seed: int) -> tuple[pd.DataFrame, float]:
    """Train one run; return its rows and how many seconds it took."""
    start = time.perf_counter()
    corpus = CorpusConfig(vocab_size=vocab_size, seq_len=SEQ_LEN)
    _, history = train_translators(
        corpus, MODEL, TRAIN, [seed], measure, batch_size=BATCH_SIZE, n_test=N_TEST, jobs=1
    )
    values = {name: value[0].round(6) for name, value in history.values.items()}
    rows = pd.DataFrame({"vocab_size": vocab_size, "seed": seed, "step": history.steps, **values})
    return rows.rename(columns={"attention": "attn_accuracy"}), time.perf_counter() - start


def describe(seconds: float) -> dict:
    """Collect the provenance of the table."""
    return {
        "written_by": f"python results/{Path(__file__).name}",
        "parameters": {
            "vocab_size": VOCAB_SIZES,
            "seq_len": SEQ_LEN,
            "seeds": list(range(N_SEEDS)),
            "model": asdict(MODEL),
            "training": asdict(TRAIN),
            "batch_size": BATCH_SIZE,
            "test_pairs": N_TEST,
            "pairs_for_ktiw": N_PROBED,
        },
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("torch", "numpy", "twostage")},
        "device": f"{platform.machine()} CPU, one thread",
        "finished": datetime.now(UTC).date().isoformat(),
        "seconds": round(seconds),
    }


def main() -> None:
    """Record what is missing, run by run."""
    done = pd.read_csv(TABLE) if TABLE.exists() else pd.DataFrame(columns=["vocab_size", "seed"])
    known = set(zip(done.vocab_size, done.seed, strict=True))
    about = TABLE.with_suffix(".json")
    seconds = json.loads(about.read_text())["seconds"] if about.exists() else 0.0
    for seed in range(N_SEEDS):
        for vocab_size in VOCAB_SIZES:
            if (vocab_size, seed) in known:
                continue
            rows, took = record(vocab_size, seed)
            done, seconds = pd.concat([done, rows]) if len(done) else rows, seconds + took
            done = done.sort_values(["vocab_size", "seed", "step"])
            write_whole(TABLE, done.to_csv(index=False))
            write_whole(about, json.dumps(describe(seconds), indent=1) + "\n")
            print(vocab_size, seed, rows.iloc[-1].to_dict(), f"{took:.0f} s", flush=True)


if __name__ == "__main__":
    main()
