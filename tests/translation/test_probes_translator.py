"""Probes on planted attention and knowledge, where the answer is known, and against slow loops."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch.testing import assert_close

from twostage.seeding import numpy_rng
from twostage.training import TrainConfig
from twostage.translation import probes
from twostage.translation.corpus import CorpusConfig, sample_pairs
from twostage.translation.model import ModelConfig, Translator
from twostage.translation.probes.record import measure_translator_heads
from twostage.translation.training import train_translators

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


def test_accuracy_counts_words_but_not_the_end():
    model = Translator(ModelConfig(hidden=4), CORPUS, seed=0)
    with torch.no_grad():
        model.output.weight.zero_()
        model.output.bias.copy_(torch.tensor([9.0, 5, 0, 0, 0, 0, 0]))
    assert probes.measure_accuracy(model.trace(PAIRS)) == 0
    with torch.no_grad():
        model.output.bias[0] = 0
    share = (PAIRS.tgt[:, :-1] == 1).float().mean().item()
    assert probes.measure_accuracy(model.trace(PAIRS)) == pytest.approx(share)


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


def test_everything_the_book_records_comes_from_the_single_probes(knowing):
    trace = knowing.trace(PAIRS)
    assert probes.measure_translator(trace) == {
        "token_accuracy": probes.measure_accuracy(trace),
        "ktiw": probes.measure_ktiw(trace),
        "attn_accuracy": probes.measure_attention(trace),
        "signed_contrast": probes.measure_contrast(trace),
    }


@pytest.mark.parametrize("measure", [probes.measure_translator, measure_translator_heads])
def test_a_record_runs_encoder_and_decoder_once(measure):
    passes = Counter()
    train_cfg = TrainConfig(steps=1, n_records=1)
    kept = Translator.encode

    def counted(self, src, tgt):
        passes[len(src)] += 1
        return kept(self, src, tgt)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Translator, "encode", counted)
        more = {"batch_size": 3, "n_test": 5, "jobs": 1}
        train_translators(CORPUS, ModelConfig(hidden=8), train_cfg, [0], measure, **more)
    assert passes == {3: 1, 5: 2}  # a step, and a record before and after it


LAST = {
    "attn_accuracy": np.array([0.95, 0.9, 0.5, 0.0, 0.0]),
    "signed_contrast": np.array([0.7, 0.6, 0.1, -0.4, -0.5]),
}


@pytest.mark.parametrize("last", [LAST, pd.DataFrame(LAST)], ids=["live", "recorded"])
def test_fates_are_named_by_attention_and_contrast(last):
    fates = probes.name_fates(last)
    assert fates.tolist() == ["copy", "copy", "slow", "undecided", "anti-copy"]


def test_a_fate_is_not_guessed_from_half_of_what_it_hangs_on():
    with pytest.raises(ValueError, match="hangs on \\['signed_contrast'\\]: record it too"):
        probes.name_fates({"attn_accuracy": LAST["attn_accuracy"]})


def test_both_stages_are_judged_on_a_scale_from_chance():
    knowledge, attention = probes.stage_criteria(CORPUS)
    assert (knowledge.measure, attention.measure) == ("ktiw", "attn_accuracy")
    assert knowledge.chance == attention.chance == 1 / 5
    assert knowledge.passed == attention.passed == 0.5


def test_accuracy_without_looking_needs_no_other_model():
    model = Translator(ModelConfig(hidden=8), CORPUS, seed=4)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.mul_(50 if "query" in name else 5)
    before, forced = (
        probes.measure_accuracy(model.trace(PAIRS, uniform)) for uniform in (False, True)
    )
    blind = Translator(ModelConfig(hidden=8, attention="uniform"), CORPUS, seed=4)
    blind.load_state_dict(model.state_dict())
    assert forced == probes.measure_accuracy(blind.trace(PAIRS)) != before
    assert probes.measure_accuracy(model.trace(PAIRS)) == before


def test_loss_is_the_mean_surprise_of_words_and_end():
    model = Translator(ModelConfig(hidden=8), CORPUS, seed=1)
    with torch.no_grad():
        expected = torch.nn.functional.cross_entropy(
            model(PAIRS.src, PAIRS.tgt).flatten(0, 1), PAIRS.tgt.flatten()
        )
    assert probes.measure_loss(model.trace(PAIRS)) == pytest.approx(expected.item())
