"""The free model against loops over heads and positions, and the picking of heads."""

import math

import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from twostage.seeding import numpy_rng
from twostage.translation.corpus import CorpusConfig, sample_pairs
from twostage.translation.free import FreeModelConfig, FreeTranslator

CORPUS = CorpusConfig(vocab_size=5, seq_len=3, repeats=True)


def make(n_heads=2, seeds=(0, 1), corpus=CORPUS, **options):
    return FreeTranslator(FreeModelConfig(n_heads, init_scale=1.0, **options), corpus, seeds)


def test_scores_are_those_of_a_loop_over_heads_and_positions():
    model, n_pairs = make(), 4
    src = sample_pairs(CORPUS, 2 * n_pairs, numpy_rng(0)).src
    scores = model(src).tolist()
    logits, table, sentences = (x.tolist() for x in (model.logits, model.table, src))
    for run in range(2):
        for pair in range(n_pairs):
            words = sentences[run * n_pairs + pair][:3]
            for query in range(3):
                expected = [0.0] * 5
                for head in range(2):
                    odds = [math.exp(x) for x in logits[run][head][query]]
                    for odd, word in zip(odds, words, strict=True):
                        for out in range(5):
                            score = table[run][head][word - 1][out]
                            expected[out] += odd / sum(odds) * score / 2
                assert_allclose(scores[run][pair][query], expected, rtol=1e-12)


def test_attention_forced_uniform_is_uniform_and_stays():
    model = make(attention="uniform")
    assert_allclose(model.attention().detach(), 1 / 3, rtol=1e-15)
    assert [name for name, p in model.named_parameters() if p.requires_grad] == ["table"]
    assert make().logits.requires_grad


def test_permutations_under_uniform_attention_give_every_word_the_same_gradient():
    def gradient_of(vocab_size):
        corpus = CorpusConfig(vocab_size, seq_len=4)
        model = make(n_heads=1, seeds=[0], corpus=corpus, attention="uniform")
        pairs = sample_pairs(corpus, 20, numpy_rng(0))
        scores = model(pairs.src).log_softmax(-1)
        scores.gather(-1, pairs.tgt[None, :, :-1, None] - 1).sum().backward()
        return model.table.grad[0, 0]

    rows = gradient_of(4)
    assert rows.abs().max() > 0.1
    assert_allclose(rows, rows[:1].expand_as(rows), atol=1e-13)
    rows = gradient_of(5)
    assert (rows - rows[0]).abs().max() > 0.1


def test_a_run_starts_alike_whatever_stands_beside_it():
    both, alone, again = make(seeds=[3, 4]), make(seeds=[4]), make(seeds=[3, 4])
    assert_array_equal(both.logits[1].detach(), alone.logits[0].detach())
    assert_array_equal(both.table.detach(), again.table.detach())
    assert (both.table[0] - both.table[1]).abs().max() > 0.1


def test_picked_heads_are_copies():
    pool = make(n_heads=3)
    model = pool.pick(torch.tensor([[0, 5], [4, 4], [2, 3]]))
    assert model.cfg.n_heads == 2
    for weight, origin in ((model.logits, pool.logits), (model.table, pool.table)):
        assert_array_equal(weight[0, 1].detach(), origin[1, 2].detach())
        assert_array_equal(weight[1].detach(), origin[1, [1, 1]].detach())
        assert_array_equal(weight[2].detach(), torch.stack([origin[0, 2], origin[1, 0]]).detach())
    model.table.data.zero_()
    assert pool.table.abs().min() > 0


@pytest.mark.parametrize(
    "options, message",
    [
        ({"n_heads": 0}, "n_heads must be >= 1, got 0"),
        ({"init_scale": -0.1}, "init_scale must be >= 0, got -0.1"),
        ({"init_scale": math.inf}, "init_scale must be >= 0, got inf"),
        ({"attention": "none"}, r"attention must be one of \('trained', 'uniform'\), got 'none'"),
    ],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        FreeModelConfig(**options)
