"""Print the memory (MB) that training or reading takes above what stands before; Linux only.

Calls: peak.py training n_topics words_per_topic steps, counted from the moment when the weights
stand in memory: drawing documents, gradients, the optimiser's state and all that a step computes;
peak.py reading thousands_of_words, counted from the moment when articles, topics and the model
do. A process of its own, as memory once used stays with a process.
"""

import sys
from pathlib import Path

import numpy as np

from twostage.seeding import numpy_rng, run_alike_everywhere, torch_rng
from twostage.topics.bags import BagTransformer
from twostage.topics.batches import sample_bags
from twostage.topics.corpus import CorpusConfig
from twostage.topics.model import ModelConfig
from twostage.topics.training import cross_entropy
from twostage.training import TrainConfig, measure_nothing, train


def read_status(field: str) -> float:
    """Return a memory field of this process, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024 / 1e6


def train_embeddings(n_topics: int, words_per_topic: int, steps: int) -> float:
    """Train embeddings of 64 dimensions on documents of 512 words, 32 a batch."""
    run_alike_everywhere()
    corpus = CorpusConfig(n_topics, words_per_topic, doc_len=512)
    cfg = ModelConfig(embedding="trained", decoder="trained", d_model=64, dtype="float32")
    model = BagTransformer(cfg, corpus, [torch_rng(0)])
    before = read_status("VmRSS")
    batches = sample_bags(corpus, 32, [numpy_rng(0)])
    train(model, batches, cross_entropy, TrainConfig(steps), measure_nothing)
    return read_status("VmHWM") - before


def read_windows(thousands: int) -> float:
    """Read attention in 16 windows of 64 tokens, drawn from so many thousand words of articles."""
    from twostage.topics.text.articles import TextCorpus
    from twostage.topics.text.encoder import load_model
    from twostage.topics.text.lda import Topics
    from twostage.topics.text.windows import WindowConfig, collect_attention

    run_alike_everywhere()
    text = "the king and the queen of the island met the people by the river in " * 67  # 1000 words
    corpus = TextCorpus(
        "made up", ("t",) * thousands, tuple(f"{text}{i}" for i in range(thousands))
    )
    topics = Topics(("king", "queen", "island", "river"), np.repeat(np.eye(2), 2, axis=1))
    model, before = load_model(), read_status("VmRSS")
    collect_attention(model, corpus, topics, WindowConfig(16, 64), numpy_rng(0))
    return read_status("VmHWM") - before


if __name__ == "__main__":
    measure = {"training": train_embeddings, "reading": read_windows}[sys.argv[1]]
    print(measure(*map(int, sys.argv[2:])))
