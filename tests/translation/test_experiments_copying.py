"""What the experiments on copying predict, measure and hand over."""

import numpy as np
import pytest
import torch

from twostage.seeding import numpy_rng
from twostage.translation import CorpusConfig, ModelConfig, Translator, experiments, sample_pairs
from twostage.translation.free import FreeModelConfig, FreeTranslator
from twostage.translation.probes.record import measure_accuracy, measure_translator

ALL = {  # fixed before the runs, and said beforehand in chapter 10
    "from scratch": 0.5,
    "KTIW of a copier": 1,
    "KTIW of a uniform donor": 1,
    "query of a copier": 0.5,
    "query and decoder of a copier": 0.5,
    "attention map of a copier": 1,
    "uniform on repeats, released": 1,
    "uniform on permutations, released": 0.5,
    "uniform on shuffled repeats, released": 1,
    "uniform on shuffled permutations, released": 0.5,
    "12 of 18 words, from scratch": 0.5,
    "uniform on 18 words, released": 1,
    "2 steps of repeats first": 1,
    "5 steps of repeats first": 1,
    "10 steps of repeats first": 1,
    "20 steps of repeats first": 1,
}


def test_every_rescue_is_predicted_by_its_rule_as_it_was_before_the_runs():
    rescues = experiments.RESCUES
    settings = {name: rescues.settings(name) for name in rescues.conditions}
    assert {name: rescues.predict(one) for name, one in settings.items()} == ALL


@pytest.mark.parametrize(
    "values, complaint",
    [
        ({"n_probed": 0}, "n_probed must be >= 1, got 0"),
        ({"n_test": 0}, "n_test must be >= 1, got 0"),
        ({"batch_size": 0}, "batch_size must be >= 1, got 0"),
        ({"n_test": 32}, "n_probed must be <= n_test = 32, got 64"),
    ],
)
def test_impossible_numbers_of_sentences_are_refused(values, complaint):
    with pytest.raises(ValueError, match=f"^{complaint}$"):
        experiments.CopySettings(**values)


def test_a_map_of_uniform_attention_is_no_map():
    lesson = experiments.Lesson(attention="uniform")
    settings = experiments.CopySettings(lesson=lesson, parts=experiments.MAP)
    assert experiments.predict_rescue(settings) == 0.5


def test_attention_forced_uniform_is_measured_on_the_same_sentences():
    corpus = CorpusConfig(4, 4)
    model = Translator(ModelConfig(hidden=8), corpus, seed=0)
    with torch.no_grad():
        for weight in model.parameters():
            weight *= 5
    pairs = sample_pairs(corpus, 40, numpy_rng(0))
    found = experiments.measure_forced(model.trace(pairs))
    forced = measure_accuracy(model.trace(pairs, uniform=True))
    assert found == measure_translator(model.trace(pairs)) | {"uniform_accuracy": forced}
    assert forced != found["token_accuracy"]


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_donor_learns_from_batches_of_the_runs_size(shuffled):
    corpus = CorpusConfig(4, 4, repeats=True)
    lesson = experiments.Lesson(corpus, steps=2, shuffled=shuffled)
    parts = experiments.PARTS
    at = {"lesson": lesson, "parts": parts, "stop_at": None}
    size = {"vocab_size": 4, "seq_len": 4, "hidden": 8, "steps": 1, "n_records": 1}
    size |= {"n_test": 4, "n_probed": 4}
    known = [
        experiments.RESCUES.at({"one": at}, batch_size=n, **size).run([0]).table for n in (2, 3)
    ]
    assert (known[0][known[0].step == 0].ktiw.size, len(known)) == (1, 2)
    first, other = (one[one.step == 0].signed_contrast.item() for one in known)
    assert first != other, "the same donor, whatever the batch size"


def test_heads_are_trained_from_their_seeds_or_from_a_start_each_as_fast_as_one():
    one, two = (experiments.FREE_HEADS.at(steps=3, n_heads=n, n_test=2).base for n in (1, 2))
    own = experiments.train_free_heads(one, [0, 1]).values["loss"]
    start = FreeTranslator(FreeModelConfig(n_heads=1), one.corpus, [0, 1])
    given = experiments.train_free_heads(two, [0, 1], start).values["loss"]
    np.testing.assert_array_equal(own, given)
    assert (experiments.train_free_heads(two, [0, 1]).values["loss"] != own).all()


@pytest.mark.parametrize(
    "changes",
    [{"vocab_size": 9}, {"repeats": True}, {"init_scale": 0.0}, {"attention": "uniform"}],
)
def test_heads_are_predicted_on_permutations_alone(changes):
    heads = experiments.FREE_HEADS.at(n_heads=2)
    assert heads.predict(heads.base) == 0.75
    assert heads.predict(heads.at(**changes).base) is None
