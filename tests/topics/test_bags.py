"""The fast engine is exact: losses and gradients of bags are those of positions."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from twostage.seeding import numpy_rng, torch_rng
from twostage.topics import training
from twostage.topics.bags import BagTransformer
from twostage.topics.batches import as_bags, as_positions, sample_bags, sample_masks
from twostage.topics.corpus import CorpusConfig, sample_corpus
from twostage.topics.model import ModelConfig, TopicTransformer
from twostage.topics.training import LOSSES, compare_bags, position_loss

CORPUS = CorpusConfig(n_topics=3, words_per_topic=2, doc_len=(4, 9), mask_rate=0.3)


def random_corpus(rng):
    low = int(rng.integers(5, 12))
    return CorpusConfig(
        n_topics=int(rng.integers(1, 5)),
        words_per_topic=int(rng.integers(1, 5)),
        topics_per_doc=None if rng.random() < 0.5 else 1,
        doc_len=(low, low + int(rng.integers(8))) if rng.random() < 0.7 else low,
        overlap=float(rng.choice([0.0, 0.3])),
        boundaries=bool(rng.random() < 0.5),
        mask_rate=float(rng.choice([0.01, 0.15, 0.4])),
        keep_rate=float(rng.choice([0.0, 0.3])),
        random_rate=float(rng.choice([0.0, 0.3])),
    )


def random_model(rng, dtype):
    free = bool(rng.random() < 0.6)  # trained embeddings of another width than n_tokens
    residual, mlp = rng.random(2) < 0.4
    return ModelConfig(
        embedding="trained" if free else "one-hot",
        attention=str(rng.choice(["trained", "trained", "uniform"])),
        value=str(
            rng.choice(["trained", "identity"] if free else ["trained", "identity", "blocks"])
        ),
        decoder=str(rng.choice(["trained", "tied"] if free else ["identity", "trained", "tied"])),
        bias=bool(rng.random() < 0.5),
        d_model=int(rng.integers(2, 9)) if free else None,
        n_heads=int(rng.integers(1, 4)),
        residual=bool(residual),
        layer_norm=bool((residual or mlp) and rng.random() < 0.5),
        mlp=bool(mlp),
        init_scale=0.6,
        dtype=dtype,
    )


def both_forms(corpus, cfg, masked_keys, seed, n_runs):
    """One model and its documents as bags, and as positions run by run."""
    tokens = sample_corpus(corpus, 5 * n_runs, numpy_rng(seed)).tokens
    arrays = (tokens, *sample_masks(tokens, corpus, numpy_rng(seed, "masks")))
    runs = [a.reshape(n_runs, 5, -1) for a in arrays]
    positions = [as_positions(*run, corpus, masked_keys) for run in zip(*runs, strict=True)]
    model = BagTransformer(cfg, corpus, [torch_rng(seed, run) for run in range(n_runs)])
    if cfg.bias:
        with torch.no_grad():
            model.bias += torch.randn(model.bias.shape, generator=torch_rng(seed, "bias"))
    return model, as_bags(*runs, corpus, masked_keys), positions


@pytest.mark.parametrize("dtype, rtol", [("float64", 1e-10), ("float32", 1e-5)])
@pytest.mark.parametrize("seed", range(25))
def test_losses_and_gradients_are_those_of_positions(seed, dtype, rtol):
    rng = np.random.default_rng(seed)
    corpus, cfg, n_runs = random_corpus(rng), random_model(rng, dtype), 1 + seed % 3
    model, bags, positions = both_forms(corpus, cfg, bool(seed % 2), seed, n_runs)
    for loss in LOSSES:
        model.zero_grad()
        losses = LOSSES[loss](model, bags)
        losses.sum().backward()
        for index, batch in enumerate(positions):
            alone = model.run(index)
            expected = position_loss(alone, batch, loss)
            expected.backward()
            assert_allclose(losses[index].item(), expected.item(), rtol=rtol)
            assert_same_gradients(model, alone, index, rtol)


def assert_same_gradients(model, alone, index, rtol):
    """Equal to `rtol` of each weight's largest gradient, or to the rounding of numbers near 1."""
    trained = {name: w for name, w in alone.named_parameters() if w.requires_grad}
    assert trained.keys() == {name for name, w in model.named_parameters() if w.requires_grad}
    for name, weight in trained.items():
        fast = model.get_parameter(name).grad[index]
        atol = rtol * weight.grad.abs().max().item() + 4 * torch.finfo(weight.dtype).eps
        assert_allclose(fast, weight.grad, rtol=0, atol=atol, err_msg=name)


def test_the_random_configurations_reach_every_switch():
    drawn = [
        (random_corpus(r), random_model(r, "float64"))
        for r in map(np.random.default_rng, range(25))
    ]
    for name, values in {
        "embedding": 2,
        "attention": 2,
        "value": 3,
        "decoder": 3,
        "bias": 2,
        "n_heads": 3,
        "residual": 2,
        "layer_norm": 2,
        "mlp": 2,
    }.items():
        assert len({getattr(cfg, name) for _, cfg in drawn}) == values, name
    assert len({corpus.boundaries for corpus, _ in drawn}) == 2
    assert len({isinstance(corpus.doc_len, int) for corpus, _ in drawn}) == 2


@pytest.mark.parametrize("attention", ["trained", "uniform"])
@pytest.mark.parametrize("masked_keys", [True, False])
def test_attention_is_that_of_positions_summed_over_copies(attention, masked_keys):
    cfg = ModelConfig(n_heads=2, init_scale=1.0, attention=attention)
    model, bags, positions = both_forms(CORPUS, cfg, masked_keys, 0, 2)
    trace = model.trace(bags)
    (scores,), (attn,) = trace.scores, trace.attn
    assert_allclose(trace.output, model(bags).detach(), rtol=1e-14)
    for index, batch in enumerate(positions):
        by_position = model.run(index).trace(batch.shown, batch.is_key)
        slow = by_position.attn[0]
        for pair in bags.n_targets[index].nonzero()[:, 0]:
            doc, token = bags.query_doc[index, pair], bags.query_token[index, pair]
            query = (batch.masked[doc] & (batch.shown[doc] == token)).nonzero()[0, 0]
            for state, wanted in zip(trace.states, by_position.states, strict=True):
                assert_allclose(state[index, pair], wanted[doc, query], rtol=1e-11, atol=1e-14)
            key = batch.shown[doc, 0]
            wanted = by_position.scores[0][doc, :, query, 0]
            assert_allclose(scores[index, :, pair, key], wanted, rtol=1e-11, atol=1e-14)
            for key in range(CORPUS.n_tokens):
                copies = slow[doc, :, query, batch.shown[doc] == key].sum(-1).detach()
                assert_allclose(attn[index, :, pair, key], copies, rtol=1e-12, atol=1e-15)


def test_scores_are_those_of_any_two_tokens():
    model = BagTransformer(ModelConfig(n_heads=2, init_scale=1.0), CORPUS, [torch_rng(0)])
    q, k = model.layer.W_Q[0], model.layer.W_K[0]  # one-hot: columns are tokens
    expected = q.mT @ k / CORPUS.n_tokens**0.5
    assert_allclose(model.scores()[0].detach(), expected.detach(), rtol=1e-12)


# Runs side by side ----------------------------------------------------------------------------


def test_each_run_starts_as_it_would_alone_at_its_own_scale():
    cfgs = [ModelConfig(n_heads=2, mlp=True, init_scale=scale) for scale in (0.1, 0.01, 0.0)]
    model = BagTransformer(cfgs, CORPUS, [torch_rng(seed) for seed in (4, 5, 6)])
    for index, (cfg, seed) in enumerate(zip(cfgs, (4, 5, 6), strict=True)):
        alone = TopicTransformer(cfg, CORPUS, torch_rng(seed))
        copy = model.run(index)
        assert alone.state_dict().keys() == copy.state_dict().keys()
        for name, weight in alone.state_dict().items():
            assert torch.equal(copy.state_dict()[name], weight), name


def test_a_copied_run_is_a_model_of_its_own():
    model = BagTransformer(ModelConfig(attention="uniform"), CORPUS, [torch_rng(0), torch_rng(1)])
    copy = model.run(1)
    assert {n for n, w in copy.named_parameters() if w.requires_grad} == {"layers.0.W_V"}
    with torch.no_grad():
        copy.layers[0].W_V.zero_()
    assert model.layer.W_V[1].any()


def test_more_than_one_layer_is_refused():
    with pytest.raises(ValueError, match="exact for one layer only, got n_layers = 2"):
        BagTransformer(ModelConfig(n_layers=2), CORPUS, [torch_rng(0)])


@pytest.mark.parametrize(
    "cfgs, n_runs",
    [
        ([ModelConfig(), ModelConfig(attention="uniform")], 2),
        ([ModelConfig(), ModelConfig(n_heads=2)], 2),
        ([ModelConfig()], 2),
        (ModelConfig(), 0),
    ],
)
def test_runs_that_differ_in_more_than_their_scale_are_refused(cfgs, n_runs):
    count = len(cfgs) if isinstance(cfgs, list) else n_runs
    with pytest.raises(ValueError, match=f"got {count} configurations for {n_runs} runs"):
        BagTransformer(cfgs, CORPUS, [torch_rng(seed) for seed in range(n_runs)])


def test_float32_computes_in_float32():
    cfg = ModelConfig(dtype="float32", bias=True, n_heads=2)
    model = BagTransformer(cfg, CORPUS, [torch_rng(0)])
    bags = next(sample_bags(CORPUS, 3, [numpy_rng(0)]))
    assert model(bags).dtype == torch.float32


def test_the_comparison_finds_both_forms_alike():
    found = compare_bags(ModelConfig(init_scale=0.5, n_heads=2), CORPUS, 8, 0)
    assert found["same loss"] and found["same gradients"]
    assert found["pairs"] < found["positions"] and found["weights"] == 3


def test_the_comparison_sees_a_loss_that_differs(monkeypatch):
    monkeypatch.setattr(training, "squared_error", lambda *args: 1.001 * error(*args))
    error = LOSSES["squared"]
    found = compare_bags(ModelConfig(init_scale=0.5), CORPUS, 8, 0)
    assert not found["same loss"] and not found["same gradients"]
