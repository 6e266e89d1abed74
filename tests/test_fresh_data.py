"""What a run is judged on was not trained on: evaluation draws from streams of its own."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from twostage.seeding import numpy_rng
from twostage.topics import training as topics_training
from twostage.topics.batches import sample_positions
from twostage.topics.corpus import CorpusConfig as TopicsCorpus
from twostage.topics.model import ModelConfig as TopicsModel
from twostage.topics.training import measure_loss, train_topics
from twostage.training import TrainConfig
from twostage.translation import training
from twostage.translation import training as translation_training
from twostage.translation.corpus import CorpusConfig, sample_pairs
from twostage.translation.model import ModelConfig

COPY = CorpusConfig(vocab_size=12, seq_len=6)  # 665,280 sentences: none is drawn twice by chance
PLAN = TrainConfig(steps=4, n_records=1)


def sentences(pairs):
    return {tuple(row) for row in pairs.src.tolist()}


def watch(monkeypatch, module, losses, seen):
    """Keep what a module's loss is asked for while it trains."""
    original = getattr(module, losses)

    def loss(model, batch):
        seen.append(batch)
        return original(model, batch)

    monkeypatch.setattr(module, losses, loss)


@pytest.mark.parametrize("seeds", [(0,), (0, 1), (7, 3)])
def test_no_test_sentence_of_a_translator_was_trained_on(monkeypatch, seeds):
    trained, tested = [], []
    watch(monkeypatch, training, "cross_entropy", trained)

    def measure(trace):
        tested.append(trace.pairs)
        return {"attention": 0.0}

    options = {"batch_size": 16, "n_test": 64, "jobs": 1}
    training.train_translators(COPY, ModelConfig(hidden=4), PLAN, seeds, measure, **options)
    assert len(trained) == 4 * len(seeds) and tested
    known = set().union(*map(sentences, trained))
    assert len(known) == 64 * len(seeds)  # all different: an overlap would not be chance
    for pairs in tested:
        assert len(pairs.src) == 64 and not sentences(pairs) & known


def test_runs_are_tested_on_pairs_of_their_own():
    tested = []

    def measure(trace):
        tested.append(sentences(trace.pairs))
        return {"attention": 0.0}

    training.train_translators(COPY, ModelConfig(hidden=4), PLAN, (0, 1), measure, jobs=1)
    first, again, *_, other = tested
    assert first == again and not first & other


@pytest.mark.parametrize("stream", ["sentences", "test", "order"])
def test_streams_of_a_seed_share_no_sentence(stream):
    others = {"sentences", "test", "order"} - {stream}
    own = sentences(sample_pairs(COPY, 64, numpy_rng(0, stream)))
    for other in others:
        assert not own & sentences(sample_pairs(COPY, 64, numpy_rng(0, other)))


def test_the_proxy_and_the_shuffled_translator_learn_the_sentences_of_the_translator(monkeypatch):
    seen = []
    watch(monkeypatch, translation_training, "bag_cross_entropy", seen)
    translation_training.train_bag(COPY, 4, PLAN, seed=0, batch_size=16)
    expected = sample_pairs(COPY, 16, numpy_rng(0, "sentences"))
    assert torch.equal(seen[0].src, expected.src)


def test_fresh_documents_are_not_those_of_training(monkeypatch):
    corpus = TopicsCorpus(4, 5, topics_per_doc=2, doc_len=30)
    seen, losses = [], dict(topics_training.LOSSES)

    def keep(model, bags, *options):
        seen.append(bags)
        return losses["cross-entropy"](model, bags, *options)

    monkeypatch.setitem(topics_training.LOSSES, "cross-entropy", keep)
    model, _ = train_topics(corpus, TopicsModel(), PLAN, [0, 1], batch_size=8)
    trained = {tuple(doc) for bags in seen for doc in bags.log_counts.flatten(0, 1).tolist()}
    seen.clear()
    measure_loss(model, 8, numpy_rng(0, "fresh documents"))
    (bags,) = seen
    tested = [tuple(doc) for doc in bags.log_counts.flatten(0, 1).tolist()]
    assert len(set(tested)) == 16 and not set(tested) & trained


def test_training_documents_come_from_their_own_stream():
    corpus = TopicsCorpus(4, 5, topics_per_doc=2, doc_len=30)
    first, other = (
        next(sample_positions(corpus, 8, numpy_rng(0, stream))).words.numpy()
        for stream in ("documents", "fresh")
    )
    assert not any((row == other).all(1).any() for row in first)
    assert np.unique(first, axis=0).shape == first.shape


def test_chapters_never_draw_from_the_streams_of_training():
    chapters = [*(Path(__file__).parents[1] / "chapters").glob("*.ipynb")]
    assert chapters
    for path in chapters:
        drawn = re.findall(r"_rng\([^)]*\)", path.read_text(encoding="utf-8"))
        wrong = [call for call in drawn if re.search("documents|sentences|weights", call)]
        assert not wrong, f"{path.name} evaluates on what it trains on: {wrong}"
