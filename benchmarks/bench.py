"""What the fast algorithms cost, as ratios to the plain ones: printed, and kept as JSON.

Ratios of processor time on one thread: medians of interleaved repetitions, with 95 % intervals.
What is needed is met or missed by the whole interval. Where it holds the bound, more repetitions
narrow it; what stays open after a few rounds is not settled, which says something of the machine
alone. Exit status 1 if a needed ratio is missed. `make bench` runs it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from baselines import attention_pair_by_pair, sample_word_by_word
from measuring import Row, fit_exponents, interleave, make_row, settle
from steps import bag_steps, masked_steps, position_steps
from sweeping import JOBS, time_heads, time_overhead
from translators import bare_steps, free_runs, translator_records, translator_steps

from twostage.files import write_whole
from twostage.seeding import numpy_rng, run_alike_everywhere, torch_rng
from twostage.topics.bags import BagTransformer
from twostage.topics.corpus import CorpusConfig, sample_corpus
from twostage.topics.model import ModelConfig
from twostage.topics.probes.attention import measure_attention
from twostage.training import TrainConfig

LONG = CorpusConfig(n_topics=10, words_per_topic=10, doc_len=128)
SMALL = CorpusConfig(n_topics=5, words_per_topic=10, topics_per_doc=2, doc_len=64)
PEAK = 300  # MB above the weights
READ = 100  # MB above articles and model; all windows of 2 million words would be 1200


@dataclass(frozen=True)
class Sizes:
    """How much work is measured; the defaults are those of `make bench`."""

    repetitions: int = 9
    rounds: int = 4  # of as many repetitions, until what is needed is settled
    steps: int = 20  # training steps in a repetition
    sampled_docs: int = 10_000
    probed_docs: int = 500
    loop_docs: int = 20  # documents that a Python loop gets
    n_seeds: int = 8
    lengths: tuple[int, ...] = (8, 16, 32, 64, 128, 256, 512, 1024)  # words per document
    batches: tuple[int, ...] = (6, 12, 24, 48, 96, 192)  # documents per batch
    vocabulary: tuple[int, int] = (100, 100)  # topics, words per topic
    peak_steps: int = 10  # training steps in a process that measures memory
    processes: int = 6
    read: int = 2000  # thousand words of articles
    translator: tuple[int, int, int] = (40, 256, 128)  # words per sentence, width, batch
    translator_steps: int = 2
    free_seeds: int = 48
    free_steps: int = 400
    swept_runs: int = 100
    swept_steps: int = 1000


def bench_sampling(sizes: Sizes) -> Iterator[Row]:
    """All documents at once against np.random.choice word by word (128 words)."""
    rng, plain, n_slow = numpy_rng(0), np.random.RandomState(0), sizes.loop_docs
    fast, slow = interleave(
        [
            (lambda: sample_corpus(LONG, sizes.sampled_docs, rng), sizes.sampled_docs),
            (lambda: sample_word_by_word(LONG, n_slow, plain), n_slow),
        ],
        sizes.repetitions,
    )
    note = f"{sizes.sampled_docs} documents; the loop extrapolated from {n_slow}"
    yield make_row("sampling: word-by-word loop / fast", slow / fast, ">= 150", note)


def bench_step(sizes: Sizes) -> Iterator[Row]:
    """A step on positions against one on bags (T = v = 10, batch 40, 128 words, Adam)."""
    plan, cfg = TrainConfig(sizes.steps), ModelConfig()
    pairs = [
        bag_steps(LONG, cfg, 40, [0], plan),
        position_steps(LONG, cfg, 40, plan),
        masked_steps(LONG, cfg, 40, plan),
    ]
    steps, draws = np.split(interleave([p[i] for i in (0, 1) for p in pairs], sizes.repetitions), 2)
    whole = steps + draws
    readable, masked = "the readable model", "queries at masked positions only"
    yield make_row("step: positions / bags", steps[1] / steps[0], ">= 8", readable)
    yield make_row("step: masked positions / bags", steps[2] / steps[0], ">= 8", masked)
    readable, masked = (f"{note}, with the drawing of documents" for note in (readable, masked))
    yield make_row("step + data: positions / bags", whole[1] / whole[0], note=readable)
    yield make_row("step + data: masked positions / bags", whole[2] / whole[0], note=masked)


def bench_seeds(sizes: Sizes) -> Iterator[Row]:
    """Seeds one by one against side by side (T = 5, v = 10, batch 32, 64 words, SGD).

    Only overhead can be shared, and in float64 arithmetic that no run can save for another is
    most of a step: the bounds are on float32.
    """
    plan, n = TrainConfig(sizes.steps, optimizer="sgd"), sizes.n_seeds
    for dtype in ("float64", "float32"):
        cfg = ModelConfig(dtype=dtype)
        many, one = (bag_steps(SMALL, cfg, 32, range(k), plan) for k in (n, 1))
        step, draw, step_1, draw_1 = interleave([*many, *one], sizes.repetitions)
        ratio, whole = n * step_1 / step, n * (step_1 + draw_1) / (step + draw)
        name, needed = f"{n} seeds, {dtype}: one by one / side by side", ""
        if dtype == "float32":
            needed = ">= 3"
        yield make_row(f"step, {name}", ratio, needed)
        yield make_row(f"step + data, {name}", whole, needed)


def bench_probe(sizes: Sizes) -> Iterator[Row]:
    """Attention by relation: pairs of positions against word counts (100 words)."""
    corpus = sample_corpus(CorpusConfig(doc_len=100), sizes.probed_docs, numpy_rng(0))
    model = BagTransformer(ModelConfig(init_scale=1.0), corpus.cfg, [torch_rng(0)])
    scores, counts = model.scores()[0, 0].detach().numpy(), corpus.counts()
    few = corpus.tokens[: sizes.loop_docs]
    fast, slow = interleave(
        [
            (lambda: measure_attention(model, counts), sizes.probed_docs),
            (lambda: attention_pair_by_pair(scores, few, corpus.topic_of), len(few)),
        ],
        sizes.repetitions,
    )
    note = f"{sizes.probed_docs} documents; the loop extrapolated from {len(few)}"
    yield make_row("attention probe: pair loop / fast", slow / fast, ">= 100", note)


def bench_growth(sizes: Sizes) -> Iterator[Row]:
    """Exponents of the cost of a fast step in document length and in documents per batch."""
    plan, cfg = TrainConfig(sizes.steps, optimizer="sgd"), ModelConfig()
    lengths = [(CorpusConfig(doc_len=n), 40) for n in sizes.lengths]
    batches = [(LONG, n) for n in sizes.batches]
    for axis, xs, cases in (
        ("words per document", sizes.lengths, lengths),
        ("documents per batch", sizes.batches, batches),
    ):
        pairs = [bag_steps(corpus, cfg, n, [0], plan) for corpus, n in cases]
        actions = [pair[i] for i in (0, 1) for pair in pairs]
        step, draw = np.split(interleave(actions, sizes.repetitions), 2)
        for what, seconds in (("step", step), ("step + data", step + draw)):
            for first in (0, len(xs) // 2):
                values = fit_exponents(xs[first:], seconds[first:])
                name = f"exponent of {what}, {xs[first]} to {xs[-1]} {axis}"
                yield make_row(name, values, "<= 1")


def bench_memory(sizes: Sizes) -> Iterator[Row]:
    """Peak memory of training at a large vocabulary, above the weights.

    The bound is on what the step needs, with freed blocks handed back at once. With the default
    allocator blocks that the C library keeps count too, and differ from run to run: a second row.
    """
    what = f"{np.prod(sizes.vocabulary)} words, batches of 32 documents of 512"
    at_once = os.environ | {"MALLOC_MMAP_THRESHOLD_": "1000000"}
    for name, environment, needed in (
        (f"memory above the weights / {PEAK} MB", at_once, "<= 1"),
        (f"the same, default allocator / {PEAK} MB", os.environ, ""),
    ):
        call = "training", *sizes.vocabulary, sizes.peak_steps
        peaks = np.array([_measure_peak(environment, *call) for _ in range(sizes.processes)])
        yield make_row(name, peaks / PEAK, needed, f"{np.median(peaks):.0f} MB; {what}")


def bench_translator(sizes: Sizes) -> Iterator[Row]:
    """A training step of the translator against the two recurrent passes it cannot do without.

    And a record of it, on half as many test pairs as a batch has, against the ten steps between.
    """
    step, bare, record = interleave(
        [
            translator_steps(*sizes.translator, sizes.translator_steps),
            bare_steps(*sizes.translator, sizes.translator_steps),
            translator_records(*sizes.translator[:2], sizes.translator[2] // 2),
        ],
        sizes.repetitions,
    )
    note = "{} words, width {}, batch {}".format(*sizes.translator)
    yield make_row("step: translator / two bare nn.LSTM passes", step / bare, "<= 1.5", note)
    name = "recording a translator every 10 steps / training it"
    yield make_row(name, record / (10 * step), "<= 0.1", note)


def bench_free_model(sizes: Sizes) -> Iterator[Row]:
    """Seconds that a condition of the free model takes."""
    heads = (1, 2, 4, 8)
    actions = [free_runs(n, sizes.free_seeds, sizes.free_steps) for n in heads]
    for n, seconds in zip(heads, interleave(actions, min(sizes.repetitions, 5)), strict=True):
        name = f"seconds for {sizes.free_seeds} free models, {n} head{'s' * (n > 1)}"
        yield make_row(name, seconds, "<= 5")


def bench_reading(sizes: Sizes) -> Iterator[Row]:
    """Peak memory of reading few windows of many articles, above articles and model."""
    n = max(sizes.processes // 2, 1)
    peaks = np.array([_measure_peak(os.environ, "reading", sizes.read) for _ in range(n)])
    note = f"{np.median(peaks):.0f} MB; 16 windows of 64 tokens, of {sizes.read} thousand words"
    yield make_row(f"memory of reading / {READ} MB", peaks / READ, "<= 1", note)


def bench_sweep(sizes: Sizes) -> Iterator[Row]:
    """What a sweep adds to each run, and 24 runs by one process against two.

    By the clock on the wall: a machine that is busy with something else cannot be judged.
    """
    few, n = min(sizes.repetitions, 5), sizes.swept_runs
    for jobs, seconds in zip(JOBS, time_overhead(n, few), strict=True):
        name = f"overhead of a run in a sweep, {jobs} at a time / 50 ms"
        yield make_row(name, seconds / 0.05, "<= 1", f"{n} runs")
    one, two = time_heads(sizes.swept_steps, few)
    yield make_row("sweep of 24 runs: one process / two", one / two, ">= 1.7")


def _measure_peak(environment: Mapping[str, str], *call: str | int) -> float:
    script = Path(__file__).with_name("peak.py")
    run = [sys.executable, script, *map(str, call)]
    done = subprocess.run(run, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout)


BENCHES = (
    bench_sampling,
    bench_step,
    bench_seeds,
    bench_probe,
    bench_growth,
    bench_memory,
    bench_reading,
    bench_translator,
    bench_free_model,
    bench_sweep,
)


def show(row: Row) -> str:
    """One line of the table."""
    verdict = {"met": "", "missed": "MISSED"}.get(row.verdict, row.verdict)
    numbers = f"{row.ratio:8.3g} {row.low:8.3g} {row.high:8.3g}"
    return f"{row.name:57} {numbers} {row.needed:>7} {verdict:11} {row.note}".rstrip()


def main(path: Path, sizes: Sizes) -> int:
    """Print lines as soon as they are settled, write all as JSON, return the exit status."""
    run_alike_everywhere()
    print(f"{'':57} {'ratio':>8} {'low':>8} {'high':>8} {'needed':>7}")
    rows = []
    for bench in BENCHES:
        settled = settle(partial(bench, sizes), sizes.rounds)
        print(*map(show, settled), sep="\n", flush=True)
        rows += settled
    path.parent.mkdir(exist_ok=True)
    write_whole(path, json.dumps([asdict(row) for row in rows], indent=1, allow_nan=False) + "\n")
    for verdict in ("not settled", "missed"):
        names = [row.name for row in rows if row.verdict == verdict]
        if names:
            print(f"needed and {verdict}: {'; '.join(names)}", file=sys.stderr)
    return int(any(row.verdict == "missed" for row in rows))


if __name__ == "__main__":
    sys.exit(main(Path("_build/bench.json"), Sizes()))
