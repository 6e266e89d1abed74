"""Knowledge planted in a translator, where the answer is known, and against slow loops."""

import pytest
import torch
from torch.testing import assert_close

from twostage.seeding import numpy_rng
from twostage.translation import probes
from twostage.translation.corpus import CorpusConfig, sample_pairs
from twostage.translation.model import ModelConfig, Translator

CORPUS = CorpusConfig(vocab_size=6, seq_len=4, dictionary="random", block=2)

PAIRS = sample_pairs(CORPUS, 20, numpy_rng(0, "pairs"))


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
    assert probes.measure_ktiw(knowing.trace(PAIRS)) == 1
    assert probes.measure_word_ktiw(knowing.trace(PAIRS)) == 1
    assert probes.measure_attention(knowing.trace(PAIRS)) < 0.5
    assert probes.measure_contrast(knowing.trace(PAIRS)) == pytest.approx(0, abs=1e-6)


def test_knowledge_of_another_dictionary_is_none(knowing):
    other = CorpusConfig(vocab_size=6, seq_len=4, dictionary="random", dictionary_seed=3)
    assert probes.measure_ktiw(knowing.trace(sample_pairs(other, 50, numpy_rng(0)))) < 0.5


def test_state_probe_equals_a_loop_over_states():
    model = Translator(ModelConfig(hidden=8, n_heads=2), CORPUS, seed=1)
    beta = probes.measure_state_probe(model.trace(PAIRS))
    with torch.no_grad():
        memory, states = model.encode(PAIRS.src, PAIRS.tgt)
        for query, key in ((0, 0), (2, 3), (4, 1)):
            context = sum(head(memory[5, key]) for head in model.attention.context) / 2
            shares = model.predict(states[5, query], context).log_softmax(-1)
            assert_close(beta[5, query, key], shares[PAIRS.tgt[5, query]])


def test_word_table_equals_a_loop_over_words():
    model = Translator(ModelConfig(hidden=8), CORPUS, seed=1)
    table = probes.measure_word_table(model.trace(PAIRS))
    with torch.no_grad():
        states = model.encode(PAIRS.src, PAIRS.tgt)[1][:, :-1].reshape(-1, 8)
        memory = model.encoder(model.embedding(torch.tensor([[3]])))[0][0]
        context = model.attention.context[0](memory).expand(len(states), -1)
        row = model.predict(states, context).log_softmax(-1).mean(0)[1:]
    assert table.shape == (6, 6)
    assert_close(torch.from_numpy(table[2]), row)
