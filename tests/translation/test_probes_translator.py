"""Probes on planted attention and knowledge, where the answer is known, and against slow loops."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from twostage.seeding import numpy_rng
from twostage.translation import probes
from twostage.translation.corpus import CorpusConfig, sample_pairs
from twostage.translation.model import ModelConfig, Translator

CORPUS = CorpusConfig(vocab_size=6, seq_len=4, dictionary="random", block=2)
PAIRS = sample_pairs(CORPUS, 20, numpy_rng(0, "pairs"))
ALIGNED = torch.from_numpy(CORPUS.aligned)


class Planted(Translator):
    """A model whose attention is given."""

    def __init__(self, attn):
        super().__init__(ModelConfig(hidden=2), CORPUS, seed=0)
        self.attn = attn

    def attend(self, src, tgt):
        return self.attn.expand(len(src), -1, -1, -1)


def look_at(position):
    return torch.nn.functional.one_hot(position, 5).float()


COPY, OFF_BY_ONE = look_at(ALIGNED), look_at((ALIGNED + 1).clamp(max=4))
UNIFORM, ANTI = torch.full((5, 5), 0.2), (1 - COPY) / 4


def test_attention_accuracy_counts_the_aligned_word():
    assert probes.measure_attention(Planted(COPY[None]), PAIRS) == 1
    assert probes.measure_attention(Planted(ANTI[None]), PAIRS) == 0
    assert probes.measure_attention(Planted(OFF_BY_ONE[None]), PAIRS) == 0
    assert probes.measure_attention(Planted(OFF_BY_ONE[None]), PAIRS, within=1) == 1
    two_heads = torch.stack([COPY, 0.4 * ANTI + 0.6 * OFF_BY_ONE])
    assert probes.measure_attention(Planted(two_heads), PAIRS) == 1


@pytest.mark.parametrize("attn, contrast", [(COPY, 1), (UNIFORM, 0), (ANTI, -1)])
def test_contrast_runs_from_copy_to_anti_copy(attn, contrast):
    assert probes.measure_contrast(Planted(attn[None]), PAIRS) == pytest.approx(contrast, abs=1e-6)
    half = (attn + UNIFORM)[None] / 2
    assert probes.measure_contrast(Planted(half), PAIRS) == pytest.approx(contrast / 2, abs=1e-6)


@pytest.fixture(scope="module")
def knowing():
    """A translator without a decoder state whose encoder states name the word just read."""
    model = Translator(ModelConfig(hidden=16), CORPUS, seed=0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.embedding.weight[:, :7] = torch.eye(7)
        forget, keep = slice(16, 32), slice(0, 16)  # gates of an LSTM: input, forget, cell, output
        model.encoder.bias_ih_l0[forget], model.encoder.bias_ih_l0[keep] = -9, 9
        model.encoder.bias_ih_l0[48:] = 9
        model.encoder.weight_ih_l0[32:48] = 4 * torch.eye(16)
        model.attention.context[0].weight.copy_(torch.eye(16))
        model.mix.weight[:, 16:] = torch.eye(16)
        for word, target in enumerate(CORPUS.translation_of):
            model.output.weight[target, word] = 9
    return model


def test_planted_knowledge_is_found_and_attention_is_not(knowing):
    assert probes.measure_ktiw(knowing, PAIRS) == 1
    assert probes.measure_word_ktiw(knowing, PAIRS) == 1
    assert probes.measure_attention(knowing, PAIRS) < 0.5
    assert probes.measure_contrast(knowing, PAIRS) == pytest.approx(0, abs=1e-6)


def test_knowledge_of_another_dictionary_is_none(knowing):
    other = CorpusConfig(vocab_size=6, seq_len=4, dictionary="random", dictionary_seed=3)
    assert probes.measure_ktiw(knowing, sample_pairs(other, 50, numpy_rng(0))) < 0.5


def test_accuracy_counts_words_but_not_the_end():
    model = Translator(ModelConfig(hidden=4), CORPUS, seed=0)
    with torch.no_grad():
        model.output.weight.zero_()
        model.output.bias.copy_(torch.tensor([9.0, 5, 0, 0, 0, 0, 0]))
    assert probes.measure_accuracy(model, PAIRS) == 0
    with torch.no_grad():
        model.output.bias[0] = 0
    share = (PAIRS.tgt[:, :-1] == 1).float().mean().item()
    assert probes.measure_accuracy(model, PAIRS) == pytest.approx(share)


def test_state_probe_equals_a_loop_over_states():
    model = Translator(ModelConfig(hidden=8, n_heads=2), CORPUS, seed=1)
    beta = probes.measure_state_probe(model, PAIRS)
    with torch.no_grad():
        memory, states = model.encode(PAIRS.src, PAIRS.tgt)
        for query, key in ((0, 0), (2, 3), (4, 1)):
            context = sum(head(memory[5, key]) for head in model.attention.context) / 2
            shares = model.predict(states[5, query], context).log_softmax(-1)
            assert_close(beta[5, query, key], shares[PAIRS.tgt[5, query]])


def test_word_table_equals_a_loop_over_words():
    model = Translator(ModelConfig(hidden=8), CORPUS, seed=1)
    table = probes.measure_word_table(model, PAIRS)
    with torch.no_grad():
        states = model.encode(PAIRS.src, PAIRS.tgt)[1][:, :-1].reshape(-1, 8)
        memory = model.encoder(model.embedding(torch.tensor([[3]])))[0][0]
        context = model.attention.context[0](memory).expand(len(states), -1)
        row = model.predict(states, context).log_softmax(-1).mean(0)[1:]
    assert table.shape == (6, 6)
    assert_close(torch.from_numpy(table[2]), row)


def test_everything_the_book_records_comes_from_the_single_probes(knowing):
    assert probes.measure_translator(knowing, PAIRS) == {
        "token_accuracy": probes.measure_accuracy(knowing, PAIRS),
        "knowledge": probes.measure_ktiw(knowing, PAIRS),
        "attention": probes.measure_attention(knowing, PAIRS),
        "contrast": probes.measure_contrast(knowing, PAIRS),
    }


def test_fates_are_named_by_attention_and_contrast():
    attention, contrast = (
        np.array([0.95, 0.9, 0.5, 0.0, 0.0]),
        np.array([0.7, 0.6, 0.1, -0.4, -0.5]),
    )
    fates = probes.name_fates(attention, contrast)
    assert fates.tolist() == ["copy", "copy", "slow", "undecided", "anti-copy"]


def test_accuracy_without_looking_needs_no_other_model():
    model = Translator(ModelConfig(hidden=8), CORPUS, seed=4)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.mul_(50 if "query" in name else 5)
    before, forced = (probes.measure_accuracy(model, PAIRS, uniform) for uniform in (False, True))
    blind = Translator(ModelConfig(hidden=8, attention="uniform"), CORPUS, seed=4)
    blind.load_state_dict(model.state_dict())
    assert forced == probes.measure_accuracy(blind, PAIRS) != before
    assert probes.measure_accuracy(model, PAIRS) == before


def test_loss_is_the_mean_surprise_of_words_and_end():
    model = Translator(ModelConfig(hidden=8), CORPUS, seed=1)
    with torch.no_grad():
        expected = torch.nn.functional.cross_entropy(
            model(PAIRS.src, PAIRS.tgt).flatten(0, 1), PAIRS.tgt.flatten()
        )
    assert probes.measure_loss(model, PAIRS) == pytest.approx(expected.item())
