"""Print the memory (MB) that training takes above the weights, at a large vocabulary; Linux only.

Call: peak.py n_topics words_per_topic steps. A process of its own, as memory once used stays
with a process. Counted from the moment when the weights stand in memory: drawing documents,
gradients, the optimiser's state and all that a step computes.
"""

import sys
from pathlib import Path

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


def main(n_topics: int, words_per_topic: int, steps: int) -> None:
    """Train embeddings of 64 dimensions on documents of 512 words, 32 a batch."""
    run_alike_everywhere()
    corpus = CorpusConfig(n_topics, words_per_topic, doc_len=512)
    cfg = ModelConfig(embedding="trained", decoder="trained", d_model=64, dtype="float32")
    model = BagTransformer(cfg, corpus, [torch_rng(0)])
    before = read_status("VmRSS")
    batches = sample_bags(corpus, 32, [numpy_rng(0)])
    train(model, batches, cross_entropy, TrainConfig(steps), measure_nothing)
    print(read_status("VmHWM") - before)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
