"""Attention planted in a translator, where the answer is known."""

from dataclasses import replace

import pytest
import torch

from twostage.seeding import numpy_rng
from twostage.translation import probes
from twostage.translation.corpus import CorpusConfig, sample_pairs
from twostage.translation.model import ModelConfig, Translator

CORPUS = CorpusConfig(vocab_size=6, seq_len=4, dictionary="random", block=2)

PAIRS = sample_pairs(CORPUS, 20, numpy_rng(0, "pairs"))

ALIGNED = torch.from_numpy(CORPUS.aligned)


def plant(attn):
    """A trace whose attention is given."""
    model = Translator(ModelConfig(hidden=2, n_heads=len(attn)), CORPUS, seed=0)
    trace = model.trace(PAIRS)
    return replace(trace, attn=attn.expand(len(PAIRS.src), -1, -1, -1))


def look_at(position):
    return torch.nn.functional.one_hot(position, 5).float()


COPY, OFF_BY_ONE = look_at(ALIGNED), look_at((ALIGNED + 1).clamp(max=4))

UNIFORM, ANTI = torch.full((5, 5), 0.2), (1 - COPY) / 4


def test_attention_accuracy_counts_the_aligned_word():
    assert probes.measure_attention(plant(COPY[None])) == 1
    assert probes.measure_attention(plant(ANTI[None])) == 0
    assert probes.measure_attention(plant(OFF_BY_ONE[None])) == 0
    assert probes.measure_attention(plant(OFF_BY_ONE[None]), within=1) == 1
    two_heads = torch.stack([COPY, 0.4 * ANTI + 0.6 * OFF_BY_ONE])
    assert probes.measure_attention(plant(two_heads)) == 1


@pytest.mark.parametrize("attn, contrast", [(COPY, 1), (UNIFORM, 0), (ANTI, -1)])
def test_contrast_runs_from_copy_to_anti_copy(attn, contrast):
    assert probes.measure_contrast(plant(attn[None])) == pytest.approx(contrast, abs=1e-6)
    half = (attn + UNIFORM)[None] / 2
    assert probes.measure_contrast(plant(half)) == pytest.approx(contrast / 2, abs=1e-6)
