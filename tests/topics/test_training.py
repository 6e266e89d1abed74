"""Both losses by hand, and many runs at once against runs one by one."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from twostage.seeding import numpy_rng, torch_rng
from twostage.topics.bags import BagTransformer
from twostage.topics.batches import sample_bags, sample_positions
from twostage.topics.corpus import CorpusConfig
from twostage.topics.model import ModelConfig, TopicTransformer
from twostage.topics.probes.knowledge import measure_value_blocks
from twostage.topics.training import LOSSES, measure_loss, position_loss, train_topics
from twostage.training import TrainConfig

CORPUS = CorpusConfig(3, 3, topics_per_doc=1, doc_len=(8, 14), mask_rate=0.3)
RUNS = {0: 0.3, 1: 0.1, 7: 0.01}  # seed: init_scale
PLANS = {"sgd": TrainConfig(20, 0.05, "sgd"), "adam": TrainConfig(20, 0.05, "adam")}
MODELS = {
    "paper": ModelConfig(),
    "encoder": ModelConfig(
        embedding="trained",
        decoder="trained",
        bias=True,
        d_model=6,
        n_heads=2,
        residual=True,
        layer_norm=True,
        mlp=True,
    ),
}


def nothing(model):
    return {"norm": model.W_E.detach().flatten(1).norm(dim=1).numpy()}


def train_runs(cfg, plan, runs, **options):
    cfgs = [replace(cfg, init_scale=scale) for scale in runs.values()]
    return train_topics(CORPUS, cfgs, plan, [*runs], nothing, batch_size=6, **options)


# Losses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss, expected", [("cross-entropy", math.log(13)), ("squared", 1.0)])
def test_a_model_of_zeros_knows_nothing(loss, expected):
    model = BagTransformer(ModelConfig(init_scale=0.0), CORPUS, [torch_rng(0), torch_rng(1)])
    bags = next(sample_bags(CORPUS, 5, [numpy_rng(0), numpy_rng(1)]))
    assert_allclose(LOSSES[loss](model, bags).detach(), [expected] * 2, rtol=1e-14)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_are_means_over_masked_positions(loss):
    model = TopicTransformer(ModelConfig(init_scale=1.0), CORPUS, torch_rng(0))
    batch = next(sample_positions(CORPUS, 5, numpy_rng(0)))
    scores, terms = model(batch.shown, batch.is_key).detach().numpy(), []
    for doc, position in batch.masked.nonzero().tolist():
        row, word = scores[doc, position], batch.words[doc, position].item()
        if loss == "squared":
            terms.append(sum((s - (token == word)) ** 2 for token, s in enumerate(row)))
        else:
            terms.append(-math.log(math.exp(row[word]) / sum(math.exp(s) for s in row)))
    assert_allclose(position_loss(model, batch, loss).item(), np.mean(terms), rtol=1e-12)


# Runs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("name", MODELS)
def test_runs_side_by_side_train_as_one_by_one(name, plan, loss):
    together, history = train_runs(MODELS[name], PLANS[plan], RUNS, loss=loss)
    assert history.values["norm"].shape == (3, len(history.steps))
    for index, (seed, scale) in enumerate(RUNS.items()):
        alone, _ = train_runs(MODELS[name], PLANS[plan], {seed: scale}, loss=loss)
        assert_weights(together.run(index), alone.run(0), 1e-10)


@pytest.mark.parametrize("masked_keys", [True, False])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("name", MODELS)
def test_a_run_trains_as_the_readable_model_does(name, plan, loss, masked_keys):
    options = {"loss": loss, "masked_keys": masked_keys}
    fast, _ = train_runs(MODELS[name], PLANS[plan], RUNS, **options)
    seed, scale = [*RUNS.items()][1]
    slow = TopicTransformer(
        replace(MODELS[name], init_scale=scale), CORPUS, torch_rng(seed, "weights")
    )
    batches = sample_positions(CORPUS, 6, numpy_rng(seed, "documents"), masked_keys)
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[plan]
    optimizer = kind(slow.parameters(), lr=PLANS[plan].learning_rate)
    for _, batch in zip(range(20), batches, strict=False):
        optimizer.zero_grad()
        position_loss(slow, batch, loss).backward()
        optimizer.step()
    assert_weights(fast.run(1), slow, 1e-10)


def assert_weights(first, second, rtol):
    for name, weight in second.state_dict().items():
        size = weight.abs().max().item()
        assert_allclose(first.state_dict()[name], weight, rtol=0, atol=rtol * size, err_msg=name)


def test_a_seed_repeats_and_another_differs():
    runs = [train_runs(ModelConfig(), PLANS["adam"], {seed: 0.1})[0] for seed in (3, 3, 4)]
    first, again, other = (run.layer.W_V.detach().numpy() for run in runs)
    assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_training_finds_the_topics():
    model, history = train_topics(
        CORPUS, ModelConfig(), TrainConfig(80, 5.0, "sgd", n_records=5), range(8),
        lambda model: {"blocks": measure_value_blocks(model)},
    )  # fmt: skip
    assert abs(history.values["blocks"][:, 0]).max() < 0.6
    assert history.values["blocks"][:, -1].min() > 0.9


def test_an_unknown_loss_is_refused():
    message = r"loss must be one of \['cross-entropy', 'squared'\], got 'hinge'"
    with pytest.raises(ValueError, match=message):
        train_runs(ModelConfig(), PLANS["sgd"], {0: 0.1}, loss="hinge")


def test_loss_on_fresh_documents_is_known_for_a_model_that_knows_nothing():
    cfg = CorpusConfig(n_topics=2, words_per_topic=3, topics_per_doc=1, doc_len=10)
    model = BagTransformer(ModelConfig(init_scale=0.0), cfg, [torch_rng(0), torch_rng(1)])
    losses = measure_loss(model, 5, numpy_rng(0, "fresh"))
    assert_allclose(losses, np.log(cfg.n_tokens))
    assert_allclose(measure_loss(model, 5, numpy_rng(0, "fresh"), "squared"), 1.0)
    with pytest.raises(ValueError, match="loss must be one of"):
        measure_loss(model, 5, numpy_rng(0, "fresh"), "hinge")
