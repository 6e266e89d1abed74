"""What is recorded of a translator: from the single probes, in one pass, and named by its end."""

from collections import Counter

import numpy as np
import pytest
import torch

from twostage.seeding import numpy_rng
from twostage.training import TrainConfig
from twostage.translation import probes
from twostage.translation.corpus import CorpusConfig, sample_pairs
from twostage.translation.model import ModelConfig, Translator
from twostage.translation.probes.record import measure_translator_heads
from twostage.translation.training import train_translators

CORPUS = CorpusConfig(vocab_size=6, seq_len=4, dictionary="random", block=2)
PAIRS = sample_pairs(CORPUS, 20, numpy_rng(0, "pairs"))


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


def test_everything_the_book_records_comes_from_the_single_probes():
    trace = Translator(ModelConfig(hidden=8), CORPUS, seed=1).trace(PAIRS)
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


def test_fates_are_named_by_attention_and_contrast():
    fates = probes.name_fates(LAST)
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
