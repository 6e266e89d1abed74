"""Probes of single heads on planted attention, and against those of one-headed models."""

from dataclasses import replace

import pytest
import torch

from twostage.seeding import numpy_rng
from twostage.translation import probes
from twostage.translation.corpus import CorpusConfig, sample_pairs
from twostage.translation.model import ModelConfig, Translator
from twostage.translation.probes import knowledge
from twostage.translation.probes.record import measure_translator_heads

CORPUS = CorpusConfig(vocab_size=6, seq_len=4, block=2)
PAIRS = sample_pairs(CORPUS, 20, numpy_rng(0, "pairs"))
COPY = torch.nn.functional.one_hot(torch.from_numpy(CORPUS.aligned), 5).float()
UNIFORM, ANTI = torch.full((5, 5), 0.2), (1 - COPY) / 4


def plant(*heads):
    """A trace whose heads' attention is given."""
    trace = Translator(ModelConfig(hidden=4, n_heads=len(heads)), CORPUS, seed=0).trace(PAIRS)
    return replace(trace, attn=torch.stack(heads).expand(len(PAIRS.src), -1, -1, -1))


def test_heads_are_measured_one_by_one():
    trace = plant(ANTI, COPY, 0.5 * COPY + 0.5 * UNIFORM)
    assert probes.measure_head_attention(trace).tolist() == [0, 1, 1]
    contrasts = probes.measure_head_contrast(trace).tolist()
    assert contrasts == pytest.approx([-1, 1, 0.5], abs=1e-6)


def test_one_good_head_is_found_where_the_average_looks_elsewhere():
    good = 0.4 * COPY + 0.6 * UNIFORM
    found = measure_translator_heads(plant(ANTI, ANTI, ANTI, good))
    assert found["attn_accuracy"] == 1 and found["mean_attention"] == 0
    assert found["best_signed_contrast"] > 0 > found["signed_contrast"]


def test_one_head_is_measured_as_by_the_probes_of_the_book():
    trace = Translator(ModelConfig(hidden=8), CORPUS, seed=1).trace(PAIRS)
    found = measure_translator_heads(trace)
    expected = probes.measure_translator(trace)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-6)
    assert found["mean_attention"] == pytest.approx(found["attn_accuracy"], abs=1e-6)
    assert found["best_signed_contrast"] == pytest.approx(found["signed_contrast"], abs=1e-6)


def test_word_contrast_is_that_of_the_word_table(monkeypatch):
    trace, table = plant(COPY), 0.5 + 2 * torch.eye(6).double().numpy()
    monkeypatch.setattr(knowledge, "measure_word_table", lambda trace: table)
    assert knowledge.measure_word_contrast(trace) == {"w": pytest.approx(2)}
