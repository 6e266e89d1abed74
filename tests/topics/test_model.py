"""The transformer by hand on three words of two topics, and against plain numpy loops."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import Tensor

from twostage.seeding import numpy_rng, torch_rng
from twostage.topics.batches import Positions, sample_positions
from twostage.topics.corpus import CorpusConfig
from twostage.topics.model import ModelConfig, TopicTransformer
from twostage.topics.training import position_loss

TINY = CorpusConfig(n_topics=2, words_per_topic=2)  # [MASK], words 1 2 | 3 4, [PAD] 5, 6, 7
MIXED = CorpusConfig(3, 2, doc_len=(2, 6), boundaries=True, mask_rate=0.3)
EVERYTHING = {"n_layers": 2, "n_heads": 2, "residual": True, "layer_norm": True, "mlp": True}
WIDE = {"embedding": "trained", "d_model": 5, "init_scale": 0.7}


def make(cfg, corpus=TINY, seed=0):
    return TopicTransformer(cfg, corpus, torch_rng(seed))


# By hand --------------------------------------------------------------------------------------


@pytest.fixture
def taught():
    """[MASK] looks at word 1 twice as much as elsewhere; values are what they are."""
    model = make(ModelConfig(value="identity", init_scale=0.0))
    with torch.no_grad():
        model.layers[0].W_Q[0, 0, 0] = math.sqrt(8) * math.log(2)  # d = 8 tokens
        model.layers[0].W_K[0, 0, 1] = 1
    return model


DOCUMENT = Positions(  # words 1 2 3, of which word 3 (the other topic) hides
    shown=torch.tensor([[1, 2, 0]]),
    is_key=torch.tensor([[True, True, True]]),
    masked=torch.tensor([[False, False, True]]),
    words=torch.tensor([[1, 2, 3]]),
)
WORDS_ONLY = Positions(
    DOCUMENT.shown, torch.tensor([[True, True, False]]), DOCUMENT.masked, DOCUMENT.words
)


@pytest.mark.parametrize(
    "batch, expected", [(DOCUMENT, [1 / 2, 1 / 4, 1 / 4]), (WORDS_ONLY, [2 / 3, 1 / 3, 0])]
)
def test_attention_by_hand(taught, batch, expected):
    (attn,) = taught.trace(batch.shown, batch.is_key).attn
    assert_allclose(attn[0, 0, 2].detach(), expected, rtol=1e-14)
    assert_allclose(attn[0, 0, 0].detach(), batch.is_key[0] / batch.is_key.sum(), rtol=1e-7)


def test_losses_by_hand(taught):
    scores = taught(DOCUMENT.shown, DOCUMENT.is_key)[0, 2]
    assert_allclose(scores.detach(), [1 / 4, 1 / 2, 1 / 4, 0, 0, 0, 0, 0], rtol=1e-14)
    normalizer = 2 * math.exp(1 / 4) + math.exp(1 / 2) + 5  # word 3 scores 0
    assert_allclose(
        position_loss(taught, DOCUMENT, "cross-entropy").item(), math.log(normalizer), rtol=1e-14
    )
    distance = 2 * (1 / 4) ** 2 + (1 / 2) ** 2 + 1
    assert_allclose(position_loss(taught, DOCUMENT, "squared").item(), distance, rtol=1e-14)


def test_topic_blocks_by_hand():
    model = make(ModelConfig(attention="uniform", value="blocks"))
    scores = model(DOCUMENT.shown, DOCUMENT.is_key)[0, 2]  # 2 of 3 positions speak for topic 1
    assert_allclose(scores, [0, 2 / 3, 2 / 3, 0, 0, 0, 0, 0], rtol=1e-14)


# Against loops --------------------------------------------------------------------------------


def loop_scores(model, tokens, is_key):
    """Scores of one document, one number at a time, and the attention of each layer."""
    cfg = model.cfg
    weights = {name: w.detach().numpy() for name, w in model.named_parameters()}
    x, attns = [weights["W_E"][:, token] for token in tokens], []
    for layer in range(cfg.n_layers):
        W = {n.split(".")[-1]: w for n, w in weights.items() if n.startswith(f"layers.{layer}.")}
        attn = [[loop_attention(q, x, is_key, W, head) for q in x] for head in range(cfg.n_heads)]
        attns.append(attn)
        x = [loop_combine(query, x, [a[i] for a in attn], W, cfg) for i, query in enumerate(x)]
    if cfg.decoder != "identity":
        decode = weights["W_E"].T if cfg.decoder == "tied" else weights["W_decode"]
        x = [decode @ state for state in x]
    return np.array(x) + (weights["bias"] if cfg.bias else 0), np.array(attns)


def loop_attention(query, x, is_key, W, head):
    q = W["W_Q"][head] @ query
    odds = [
        math.exp(q @ (W["W_K"][head] @ key) / math.sqrt(len(q))) if seen else 0.0
        for key, seen in zip(x, is_key, strict=True)
    ]
    return [odd / sum(odds) for odd in odds]


def loop_combine(query, x, attns, W, cfg):
    mixed = sum(
        weight * (W["W_V"][head] @ key)
        for head, attn in enumerate(attns)
        for weight, key in zip(attn, x, strict=True)
    )
    state = loop_norm(query + mixed, cfg) if cfg.residual else mixed
    if not cfg.mlp:
        return state
    inner = [h * (1 + math.erf(h / math.sqrt(2))) / 2 for h in state @ W["W_in"]]  # GELU
    return loop_norm(state + np.array(inner) @ W["W_out"], cfg)


def loop_norm(state, cfg):
    if not cfg.layer_norm:
        return state
    return (state - state.mean()) / np.sqrt(state.var() + 1e-5)


CONFIGS = {
    "paper": {"init_scale": 0.7},
    "uniform attention": {"attention": "uniform", "init_scale": 0.7},
    "identity values": {"value": "identity", "init_scale": 0.7},
    "block values": {"value": "blocks", "init_scale": 0.7, "n_heads": 2},
    "trained embedding": {"embedding": "trained", "init_scale": 0.7},
    "tied decoder": {"decoder": "tied", **WIDE},
    "trained decoder and bias": {"decoder": "trained", "bias": True, **WIDE},
    "residual": {"residual": True, "init_scale": 0.7},
    "norm after the residual": {"residual": True, "layer_norm": True, "init_scale": 0.7},
    "norm after the MLP": {"mlp": True, "layer_norm": True, "init_scale": 0.7},
    "two layers": {"n_layers": 2, "init_scale": 0.7},
    "full encoder": {**EVERYTHING, **WIDE, "decoder": "trained", "bias": True},
    "full encoder, tied": {**EVERYTHING, **WIDE, "decoder": "tied"},
}


@pytest.mark.parametrize("masked_keys", [True, False])
@pytest.mark.parametrize("name", CONFIGS)
def test_scores_and_attention_are_those_of_loops(name, masked_keys):
    model = make(ModelConfig(**CONFIGS[name]), MIXED)
    if model.cfg.bias:
        torch.nn.init.normal_(model.bias, generator=torch_rng(1))
    batch = next(sample_positions(MIXED, 5, numpy_rng(0), masked_keys))
    scores = model(batch.shown, batch.is_key).detach()
    trace = model.trace(batch.shown, batch.is_key)
    attns = torch.stack(trace.attn)
    assert_allclose(trace.output, scores, rtol=0, atol=0)
    assert_allclose(model.decode(trace.states[-1]).detach(), scores, rtol=0, atol=0)
    assert len(trace.states) == 1 + len(trace.scores) == 1 + len(model.layers)
    for doc, (shown, is_key) in enumerate(zip(batch.shown, batch.is_key, strict=True)):
        expected, attn = loop_scores(model, shown.tolist(), is_key.tolist())
        assert_allclose(scores[doc], expected, rtol=1e-12, atol=1e-13)
        assert_allclose(attns[:, doc], attn, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ["paper", "full encoder"])
def test_padding_changes_nothing(name):
    model = make(ModelConfig(**CONFIGS[name]), MIXED)
    short = torch.tensor([[1, 0, 4, 2]])
    padded = torch.tensor([[1, 0, 4, 2, MIXED.pad, MIXED.pad]])
    alone = model(short, torch.ones_like(short, dtype=torch.bool))
    assert_allclose(
        model(padded, padded != MIXED.pad)[:, :4].detach(), alone.detach(), rtol=1e-12, atol=1e-15
    )


@pytest.mark.parametrize("name", ["paper", "full encoder"])
def test_order_changes_nothing(name):
    model = make(ModelConfig(**CONFIGS[name]), MIXED)
    tokens, order = torch.tensor([[1, 0, 4, 2, 2]]), torch.tensor([3, 0, 4, 2, 1])
    seen = torch.ones_like(tokens, dtype=torch.bool)
    scores = model(tokens, seen).detach()
    assert_allclose(model(tokens[:, order], seen).detach(), scores[:, order], rtol=1e-10)


# How it starts, what is frozen ----------------------------------------------------------------


def test_first_weights_have_the_scale_asked_for():
    cfg = ModelConfig(
        **{**EVERYTHING, "embedding": "trained", "decoder": "trained", "bias": True},
        d_model=64,
        init_scale=0.02,
    )
    model = make(cfg, CorpusConfig(n_topics=10, words_per_topic=10))
    for name, weight in model.named_parameters():
        scale = {"W_E": 64**-0.5, "bias": 0.0}.get(name, 0.02)
        assert abs(weight.std().item() - scale) <= 4 * scale / math.sqrt(2 * weight.numel())
        assert abs(weight.mean().item()) <= 4 * scale / math.sqrt(weight.numel())
    scaled = make(ModelConfig(**WIDE, embedding_scale=3.0, decoder="tied"), MIXED)
    assert 2 < scaled.W_E.std() < 4


def test_one_seed_starts_alike_at_either_precision_and_scale():
    double, again = make(ModelConfig(mlp=True)), make(ModelConfig(mlp=True))
    single, other = (
        make(ModelConfig(mlp=True, dtype="float32")),
        make(ModelConfig(mlp=True), seed=1),
    )
    tripled = make(ModelConfig(mlp=True, init_scale=0.03))
    for name, weight in double.named_parameters():
        assert weight.dtype == torch.float64 and single.get_parameter(name).dtype == torch.float32
        assert torch.equal(weight, again.get_parameter(name))
        assert torch.equal(weight.float(), single.get_parameter(name))
        if name != "W_E":
            assert not torch.equal(weight, other.get_parameter(name))
            assert_allclose(tripled.get_parameter(name).detach(), 3 * weight.detach(), rtol=1e-12)


FROZEN = {
    "paper": ({}, {"W_E"}),
    "uniform attention": ({"attention": "uniform"}, {"W_E", "W_Q", "W_K"}),
    "identity values": ({"value": "identity"}, {"W_E", "W_V"}),
    "block values": ({"value": "blocks"}, {"W_E", "W_V"}),
    "trained embedding": ({"embedding": "trained", "decoder": "tied"}, set()),
    "all but the decoder": (
        {"value": "identity", "attention": "uniform", "decoder": "trained", "bias": True},
        {"W_E", "W_V", "W_Q", "W_K"},
    ),
}


@pytest.mark.parametrize("name", FROZEN)
def test_frozen_parts_stay_and_the_others_move(name):
    settings, frozen = FROZEN[name]
    model = make(ModelConfig(n_layers=2, init_scale=0.3, **settings), MIXED)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    optimizer = torch.optim.Adam(model.parameters(), weight_decay=0.1)
    for _, batch in zip(range(3), sample_positions(MIXED, 8, numpy_rng(0)), strict=False):
        optimizer.zero_grad()
        position_loss(model, batch, "cross-entropy").backward()
        optimizer.step()
    for name, weight in model.named_parameters():
        stays = name.split(".")[-1] in frozen
        assert torch.equal(weight, before[name]) == stays, f"{name} must {'stay' * stays or 'move'}"


def test_frozen_parts_are_what_they_say():
    identity = make(ModelConfig(attention="uniform", value="identity", n_heads=2))
    eye = torch.eye(8, dtype=torch.float64)
    assert torch.equal(identity.W_E, eye)
    (layer,) = identity.layers
    assert torch.equal(layer.W_V, torch.stack([eye, eye]))
    assert not layer.W_Q.any() and not layer.W_K.any()
    blocks = torch.zeros(8, 8, dtype=torch.float64)
    blocks[1:3, 1:3] = blocks[3:5, 3:5] = 1
    assert torch.equal(make(ModelConfig(value="blocks")).layers[0].W_V, blocks[None])


# Refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"embedding": "learned"}, "embedding must be one of ('one-hot', 'trained')"),
        ({"attention": "none"}, "attention must be one of ('trained', 'uniform')"),
        ({"value": "block"}, "value must be one of ('trained', 'identity', 'blocks')"),
        ({"decoder": "linear"}, "decoder must be one of ('identity', 'trained', 'tied')"),
        ({"dtype": "float16"}, "dtype must be one of ('float64', 'float32')"),
        ({"n_layers": 0}, "n_layers must be >= 1, got 0"),
        ({"n_heads": 0}, "n_heads must be >= 1, got 0"),
        ({"init_scale": -0.1}, "init_scale must be a number >= 0, got -0.1"),
        ({"init_scale": float("nan")}, "init_scale must be a number >= 0, got nan"),
        ({"layer_norm": True}, "layer_norm follows a sum: set residual or mlp as well"),
    ],
)
def test_impossible_settings_are_refused_in_words(wrong, message):
    with pytest.raises(ValueError) as error:
        ModelConfig(**wrong)
    assert str(error.value).startswith(message)
    (value,) = wrong.values()
    assert value is True or str(value) in str(error.value), "the message says what was given"


@pytest.mark.parametrize(
    "settings",
    [
        {"d_model": 5},
        {"d_model": 5, "embedding": "trained"},
        {"d_model": 5, "embedding": "trained", "decoder": "tied", "value": "blocks"},
        {"d_model": 0, "embedding": "trained", "decoder": "tied"},
    ],
)
def test_a_width_that_does_not_fit_is_refused(settings):
    with pytest.raises(ValueError, match=f"n_tokens = 8 .* got {settings['d_model']}$"):
        make(ModelConfig(**settings))


def test_a_narrow_model_has_that_width():
    model = make(ModelConfig(embedding="trained", decoder="tied", d_model=3))
    assert model.W_E.shape == (3, 8) and isinstance(model.layers[0].W_V, Tensor)
    assert model.layers[0].W_V.shape == (1, 3, 3)
