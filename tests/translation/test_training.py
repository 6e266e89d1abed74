"""Runs on a tiny copy task: alone or beside others, from donors, and stopped early."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from twostage.seeding import numpy_rng
from twostage.training import TrainConfig
from twostage.translation.corpus import CorpusConfig, sample_pairs
from twostage.translation.model import PARTS, ModelConfig, Translator
from twostage.translation.probes.record import measure_translator
from twostage.translation.training import Transplant, cross_entropy, train_translators

CORPUS, MODEL = CorpusConfig(vocab_size=6, seq_len=3), ModelConfig(hidden=8)
TRAIN = TrainConfig(steps=6, learning_rate=1e-2, n_records=3, spacing="even")


def run(seeds=(0, 1), corpus=CORPUS, model=MODEL, cfg=TRAIN, **more):
    settings = {"batch_size": 8, "n_test": 8, "jobs": 1} | more
    return train_translators(corpus, model, cfg, seeds, measure_translator, **settings)


@pytest.fixture(scope="module")
def trained():
    return run()


def weights(model):
    return {name: weight.numpy().copy() for name, weight in model.state_dict().items()}


@pytest.mark.slow
def test_a_run_is_the_same_alone_beside_others_and_in_another_process(trained):
    models, history = trained
    for alone, values in (run((1,)), run((1, 0), jobs=2)):
        for name, value in weights(alone[0]).items():
            assert_array_equal(value, weights(models[1])[name])
        for name in history.values:
            assert_array_equal(values.values[name][0], history.values[name][1])


def test_history_has_a_row_per_run(trained):
    _, history = trained
    assert_array_equal(history.steps, [0, 2, 4, 6])
    assert {value.shape for value in history.values.values()} == {(2, 4)}
    assert (history.values["token_accuracy"][0] != history.values["token_accuracy"][1]).any()


def test_loss_is_the_mean_over_words_and_end():
    model, pairs = Translator(MODEL, CORPUS, 0), sample_pairs(CORPUS, 4, numpy_rng(0))
    scores = model(pairs.src, pairs.tgt).log_softmax(-1).detach().numpy()
    expected = [-scores[i, t, pairs.tgt[i, t]] for i in range(4) for t in range(4)]
    assert_allclose(cross_entropy(model, pairs).item(), np.mean(expected), rtol=1e-6)


def test_training_lowers_the_loss():
    fresh = sample_pairs(CORPUS, 200, numpy_rng(9))
    models, _ = run((0,), cfg=TrainConfig(steps=60, learning_rate=1e-2, n_records=1))
    before, after = (
        cross_entropy(m, fresh).item() for m in (Translator(MODEL, CORPUS, 0), *models)
    )
    assert after < before - 0.3


@pytest.mark.parametrize(
    "parts, given",
    [
        (("query",), {"attention.query.0.weight", "attention.query.0.bias"}),
        (("embedding",), {"embedding.weight", "target_embedding.weight"}),
        (("mix", "output"), {"mix.weight", "mix.bias", "output.weight", "output.bias"}),
        (PARTS, None),
    ],
)
def test_a_transplant_gives_the_parts_it_names(trained, parts, given):
    donor = trained[0][0]
    model = Translator(MODEL, CORPUS, seed=5)
    Transplant([donor], parts).into(model, 0)
    same = {k for k, v in weights(model).items() if (v == weights(donor)[k]).all()}
    assert same == (given or set(weights(donor)))


def test_training_goes_on_from_a_donor(trained):
    still = TrainConfig(steps=1, learning_rate=1e-12, n_records=1)
    models, history = run(cfg=still, transplant=Transplant(trained[0]))
    assert_allclose(
        weights(models[1])["mix.weight"], weights(trained[0][1])["mix.weight"], atol=1e-9
    )
    assert_array_equal(
        history.values["token_accuracy"][:, 0], trained[1].values["token_accuracy"][:, -1]
    )


def test_a_stopped_run_keeps_its_last_values():
    models, history = run(stop_at=-1.0)
    full_models, full = run()
    for name, values in history.values.items():
        assert_array_equal(values[:, 1:], np.repeat(full.values[name][:, 1:2], 3, axis=1))
    assert (weights(models[0])["mix.weight"] != weights(full_models[0])["mix.weight"]).any()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Transplant([], ("head",)), "parts must be some of .* got \\('head',\\)"),
        (lambda: Transplant([], ()), "parts must be some of .* got \\(\\)"),
        (lambda: run(transplant=Transplant([])), "2 runs need a donor each, got 0"),
        (lambda: run(batch_size=0), "batch_size must be >= 1, got 0"),
        (lambda: run(jobs=0), "jobs must be >= 1, got 0"),
        (
            lambda: run(
                (0,), transplant=Transplant([Translator(ModelConfig(hidden=4), CORPUS, 0)])
            ),
            "embedding.weight is \\(7, 8\\) in the model, \\(7, 4\\) in the donor",
        ),
        (
            lambda: run(
                (0,),
                model=ModelConfig(hidden=8, n_heads=2),
                transplant=Transplant([Translator(MODEL, CORPUS, 0)], ("query",)),
            ),
            "query.1.weight is \\(8, 8\\) in the model, no such part in the donor",
        ),
    ],
)
def test_impossible_runs_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_models_are_left_ready_to_use(trained):
    pairs = sample_pairs(CORPUS, 2, numpy_rng(3))
    assert torch.isfinite(trained[0][0](pairs.src, pairs.tgt)).all()
