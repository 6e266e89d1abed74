"""Losses by hand, many runs at once against runs one by one, and the two ends of copying."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from twostage.seeding import numpy_rng
from twostage.training import TrainConfig
from twostage.translation.corpus import CorpusConfig, sample_pairs
from twostage.translation.free import FreeModelConfig, FreeTranslator
from twostage.translation.probes.free import measure_heads
from twostage.translation.training import draw_heads, sample_runs, target_loss, train_free

PERMUTATIONS = CorpusConfig(vocab_size=6, seq_len=6)
PLANS = {"sgd": TrainConfig(30, 10.0, "sgd"), "adam": TrainConfig(30, 0.05, "adam")}


def start(seeds, corpus=PERMUTATIONS, **options):
    return FreeTranslator(FreeModelConfig(**options), corpus, seeds)


def test_the_loss_is_the_mean_over_target_words():
    corpus = CorpusConfig(vocab_size=4, seq_len=3, dictionary="random", block=2)
    model = start([0, 1], corpus, init_scale=1.0)
    pairs = sample_pairs(corpus, 2 * 5, numpy_rng(0))
    scores = model(pairs.src)
    for run, loss in enumerate(target_loss(scores, pairs).tolist()):
        terms = []
        for pair in range(5):
            for query, word in enumerate(pairs.tgt[5 * run + pair, :3].tolist()):
                row = scores[run, pair, query].tolist()
                terms.append(math.log(sum(map(math.exp, row))) - row[word - 1])
        assert_allclose(loss, np.mean(terms), rtol=1e-12)


@pytest.mark.parametrize("plan", PLANS)
def test_runs_side_by_side_train_as_one_by_one(plan):
    seeds = [0, 1, 7]
    both, history = train_free(start(seeds, n_heads=2), PLANS[plan], seeds, measure_heads)
    assert history.values["signed_contrast"].shape == (3, 2, len(history.steps))
    for run, seed in enumerate(seeds):
        alone, own = train_free(start([seed], n_heads=2), PLANS[plan], [seed], measure_heads)
        assert_allclose(both.logits[run].detach(), alone.logits[0].detach(), atol=1e-11)
        assert_allclose(both.table[run].detach(), alone.table[0].detach(), atol=1e-11)
        assert_allclose(
            history.values["signed_contrast"][run], own.values["signed_contrast"][0], atol=1e-11
        )
        assert np.ptp(own.values["signed_contrast"]) > 0.01


def test_runs_draw_sentences_of_their_own_and_the_start_is_kept():
    model = start([0, 0])
    before = model.table.clone()
    trained, _ = train_free(model, PLANS["sgd"], [0, 1])
    assert_array_equal(model.table.detach(), before.detach())
    assert (trained.table[0] - trained.table[1]).abs().max() > 1e-3


def test_batches_of_a_run_are_those_of_its_generator():
    batches = sample_runs(PERMUTATIONS, 2, [numpy_rng(0), numpy_rng(1)])
    first, second = next(batches), next(batches)
    for run in range(2):
        pairs = sample_pairs(PERMUTATIONS, 100, numpy_rng(run))
        mine = slice(2 * run, 2 * run + 2)
        assert_array_equal(torch.cat([first.src[mine], second.src[mine]]), pairs.src[:4])
        assert_array_equal(torch.cat([first.tgt[mine], second.tgt[mine]]), pairs.tgt[:4])


@pytest.mark.slow
def test_permutations_end_in_two_valleys_and_a_larger_vocabulary_in_one():
    seeds, plan = range(16), TrainConfig(300, 10.0, "sgd", n_records=1)
    for vocab_size, n_copy in ((6, (3, 13)), (9, (16, 16))):
        corpus = CorpusConfig(vocab_size, seq_len=6)
        model, _ = train_free(start(seeds, corpus), plan, seeds)
        heads = measure_heads(model)
        copies, avoids = heads["signed_contrast"] > 0.9, heads["signed_contrast"] < -0.9
        assert (copies | avoids).all()
        assert n_copy[0] <= copies.sum() <= n_copy[1]
        assert_array_equal(heads["attn_accuracy"] > 0.9, copies)
        assert_array_equal(heads["ktiw"] > 0.9, copies)


@pytest.mark.slow
def test_under_uniform_attention_permutations_teach_no_word_and_more_words_all():
    seeds, plan = [0, 1], TrainConfig(200, 10.0, "sgd", n_records=1)
    rise = {}
    for vocab_size in (6, 9):
        model = start(seeds, CorpusConfig(vocab_size, seq_len=6), attention="uniform")
        heads = train_free(model, plan, seeds, measure_heads)[1].values
        assert_array_equal(heads["signed_contrast"], 0)
        rise[vocab_size] = heads["table_contrast"][..., -1] - heads["table_contrast"][..., 0]
    assert_allclose(rise[6], 0, atol=1e-12)
    assert rise[9].min() > 1
    assert_array_equal(heads["ktiw"][..., -1], 1)


def test_heads_are_drawn_of_each_kind_and_none_twice():
    draws = draw_heads([([1, 3, 5, 7], 3), ([2], 1)], 200, numpy_rng(0))
    assert draws.shape == (200, 4)
    for draw in draws.tolist():
        assert len({*draw[:3]}) == 3 and {*draw[:3]} < {1, 3, 5, 7} and draw[3] == 2
    assert len({tuple(sorted(draw)) for draw in draws.tolist()}) == 4


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="cannot draw 8 heads of a kind that has only 2"):
        draw_heads([([1, 2], 8)], 1, numpy_rng(0))
    with pytest.raises(ValueError, match="seeds must be one for each of 2 runs, got 3"):
        train_free(start([0, 1]), PLANS["sgd"], [0, 1, 2])
    with pytest.raises(ValueError, match="n_pairs must be >= 1, got 0"):
        train_free(start([0]), PLANS["sgd"], [0], batch_size=0)
