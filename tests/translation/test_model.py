"""The model against a loop over positions with torch's own cells, and its switches one by one."""

import pytest
import torch
from torch.testing import assert_close

from twostage.seeding import numpy_rng
from twostage.translation.corpus import EOS, CorpusConfig, sample_pairs
from twostage.translation.model import ModelConfig, Translator

CORPUS = CorpusConfig(vocab_size=7, seq_len=4, dictionary="random")
PAIRS = sample_pairs(CORPUS, 3, numpy_rng(0, "pairs"))


def build(seed=0, **settings):
    return Translator(ModelConfig(hidden=8, **settings), CORPUS, seed)


def by_hand(model, source, target):
    """Scores of one pair, word by word, as one would write them on a board."""
    encoder, decoder = torch.nn.LSTMCell(8, 8), torch.nn.LSTMCell(8, 8)
    for cell, net in ((encoder, model.encoder), (decoder, model.decoder)):
        cell.load_state_dict({k.removesuffix("_l0"): v for k, v in net.state_dict().items()})
    state, memory, scores = None, [], []
    for word in source:
        state = encoder(model.embedding.weight[word][None], state)
        memory.append(state[0][0])
    for before in [EOS, *target[:-1]]:
        state = decoder(model.embedding.weight[before][None], state)
        h = state[0][0]
        attn = torch.stack([model.attention.query[0](h) @ m for m in memory]).softmax(0)
        read = model.attention.context[0](sum(a * m for a, m in zip(attn, memory, strict=True)))
        scores.append(model.output(torch.tanh(model.mix(torch.cat([h, read])))))
    return torch.stack(scores)


def test_scores_equal_a_loop_over_words():
    model = build()
    scores = model(PAIRS.src, PAIRS.tgt)
    for i in range(3):
        expected = by_hand(model, PAIRS.src[i].tolist(), PAIRS.tgt[i].tolist())
        assert_close(scores[i], expected, rtol=1e-5, atol=1e-6)


def test_a_prediction_sees_only_target_words_before_it():
    model, changed = build(), PAIRS.tgt.clone()
    changed[:, 2] = 1 + changed[:, 2] % 7
    moved = (model(PAIRS.src, changed) - model(PAIRS.src, PAIRS.tgt)).abs().sum((0, 2)) > 0
    assert moved.tolist() == [False, False, False, True, True]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_only_a_bidirectional_encoder_sees_later_words(cell, bidirectional):
    model, changed = build(cell=cell, bidirectional=bidirectional), PAIRS.src.clone()
    changed[:, 2] = 1 + changed[:, 2] % 7
    moved = (model.encode(changed, PAIRS.tgt)[0] - model.encode(PAIRS.src, PAIRS.tgt)[0]).abs().sum(
        (0, 2)
    ) > 0
    assert moved.tolist() == [bidirectional, bidirectional, True, True, True]


def test_attention_is_trained_or_uniform_or_unread():
    attn = build().trace(PAIRS).attn
    assert_close(attn.sum(-1), torch.ones(3, 1, 5))
    assert attn.std() > 0
    assert_close(build(attention="uniform").trace(PAIRS).attn, torch.full_like(attn, 0.2))
    blind = build(attention="none")
    blind(PAIRS.src, PAIRS.tgt).sum().backward()
    assert blind.attention.context[0].weight.grad.abs().sum() == 0
    assert blind.embedding.weight.grad.abs().sum() > 0


def test_uniform_attention_does_not_learn_where_to_look():
    model = build(attention="uniform")
    model(PAIRS.src, PAIRS.tgt).sum().backward()
    assert model.attention.query[0].weight.grad is None
    assert model.attention.context[0].weight.grad.abs().sum() > 0


def test_heads_combine_by_mean_sum_or_side_by_side():
    attn = torch.rand(3, 2, 5, 5).softmax(-1)
    memory = torch.rand(3, 5, 8)
    mean, total, side = (build(n_heads=2, combine=how) for how in ("mean", "sum", "concat"))
    assert_close(total.attention.read(attn, memory), 2 * mean.attention.read(attn, memory))
    joined = side.attention.read(attn, memory)
    first = side.attention.context[0](attn[:, 0] @ memory)
    assert joined.shape == (3, 5, 8) and first.shape == (3, 5, 4)
    assert_close(joined[..., :4], first)


def test_one_state_read_alone_is_attention_on_it_alone():
    model = build(n_heads=2, combine="sum")
    memory = torch.rand(3, 5, 8)
    on_second = torch.zeros(3, 2, 5, 5)
    on_second[..., 1] = 1
    expected = model.attention.read(on_second, memory)[:, 0]
    assert_close(model.read_alone(memory)[:, 1], expected)


@pytest.mark.parametrize("uniform", [False, True])
def test_a_trace_keeps_what_one_forward_pass_computed(uniform):
    model = build(n_heads=2)
    trace, (memory, states) = model.trace(PAIRS, uniform), model.encode(PAIRS.src, PAIRS.tgt)
    assert_close(trace.memory, memory)
    assert_close(trace.states, states)
    scores = torch.stack([head(states) @ memory.mT for head in model.attention.query], 1)
    assert_close(trace.scores, scores * (not uniform))
    assert_close(trace.attn, trace.scores.softmax(-1))
    assert_close(trace.output, model(PAIRS.src, PAIRS.tgt, uniform))
    assert trace.model is model and not trace.output.requires_grad


def test_the_trace_of_the_first_pairs_is_a_part_of_the_whole():
    few, whole = build().trace(PAIRS).first(2), build().trace(PAIRS)
    assert few.pairs.tgt.tolist() == PAIRS.tgt[:2].tolist()
    for name in ("memory", "states", "scores", "attn", "output"):
        assert_close(getattr(few, name), getattr(whole, name)[:2])


@pytest.mark.parametrize("attention", ["trained", "none"])
def test_every_state_meets_every_context(attention):
    model, states, contexts = build(attention=attention), torch.rand(3, 5, 8), torch.rand(3, 4, 8)
    found = model.predict_each(states, contexts)
    for query, key in ((0, 0), (4, 2), (1, 3)):
        alone = model.predict(states[:, query], contexts[:, key])
        assert_close(found[:, query, key], alone)


def test_embeddings_are_shared_unless_told():
    model, apart = build(), build(shared_embedding=False)
    assert model.target_embedding is model.embedding
    assert (apart.target_embedding.weight != apart.embedding.weight).any()


def test_weights_come_from_the_seed_and_nothing_else_moves():
    state = torch.random.get_rng_state()
    first, again, other = build(1), build(1), build(2)
    assert_close(first.mix.weight, again.mix.weight, rtol=0, atol=0)
    assert (first.mix.weight != other.mix.weight).any()
    assert_close(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"n_heads": 0}, "n_heads must be >= 1, got 0"),
        ({"hidden": 0}, "hidden must be >= 1, got 0"),
        ({"cell": "rnn"}, "cell must be one of .* got 'rnn'"),
        ({"attention": "causal"}, "attention must be one of .* got 'causal'"),
        ({"combine": "max"}, "combine must be one of .* got 'max'"),
        ({"hidden": 9, "n_heads": 2, "combine": "concat"}, "hidden must be a multiple of 2, got 9"),
        ({"hidden": 9, "bidirectional": True}, "hidden must be a multiple of 2, got 9"),
    ],
)
def test_impossible_models_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ModelConfig(**settings)
