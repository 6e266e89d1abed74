"""The benchmark's arithmetic, its plain algorithms against their fast twins, and a tiny run."""

import json
import sys
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
import baselines
import bench
import measuring
import steps

from twostage.seeding import numpy_rng, torch_rng
from twostage.topics.bags import BagTransformer
from twostage.topics.batches import sample_positions
from twostage.topics.corpus import CorpusConfig, sample_corpus
from twostage.topics.model import ModelConfig, TopicTransformer
from twostage.topics.probes.attention import measure_attention
from twostage.topics.training import position_loss

TINY = bench.Sizes(
    repetitions=2,
    rounds=1,
    steps=2,
    sampled_docs=40,
    probed_docs=12,
    loop_docs=2,
    n_seeds=2,
    lengths=(4, 8, 16),
    batches=(2, 4, 8),
    vocabulary=(3, 4),
    peak_steps=1,
    processes=1,
    read=2,
    translator=(4, 8, 4),
    translator_steps=1,
    free_seeds=3,
    free_steps=4,
    swept_runs=2,
    swept_steps=1,
)


# Arithmetic -----------------------------------------------------------------------------------


def test_a_row_holds_the_median_of_the_repetitions_and_its_interval():
    row = measuring.make_row("twice", np.array([9.0, 1, 8, 2, 7, 3, 6, 4, 5]), ">= 5", "by hand")
    assert astuple(row)[:6] == ("twice", 5, 2, 8, ">= 5", "by hand")  # ranks 2 and 8 of 9
    assert row.values == (9, 1, 8, 2, 7, 3, 6, 4, 5)


def test_a_row_of_few_repetitions_holds_their_range():
    assert astuple(measuring.make_row("few", np.array([4.0, 1.0, 2.0])))[1:4] == (2, 1, 4)


@pytest.mark.parametrize(
    "needed, verdict",
    [
        ("", "-"),
        *[
            (">= 2", "met"),
            (">= 2.1", "not settled"),
            (">= 4", "not settled"),
            (">= 4.1", "missed"),
        ],
        *[
            ("<= 4", "met"),
            ("<= 3.9", "not settled"),
            ("<= 2", "not settled"),
            ("<= 1.9", "missed"),
        ],
    ],
)
def test_a_bound_is_met_or_missed_by_the_whole_interval(needed, verdict):
    assert measuring.Row("x", 3.0, 2.0, 4.0, needed).verdict == verdict


def test_a_bound_of_another_form_is_refused():
    with pytest.raises(ValueError, match="needed must be '>= x', '<= x' or empty, got '= 3'"):
        measuring.Row("x", 3.0, 2.0, 4.0, "= 3").verdict  # noqa: B018


def measure_in_turn(*rounds):
    """A measurement of one row, which gives these repetitions one after the other."""
    given = iter(rounds)
    return lambda: iter([measuring.make_row("x", np.array(next(given)), ">= 3", "noisy")])


def test_what_the_noise_leaves_open_is_measured_again_until_it_is_settled():
    wide, narrow = [2.0, 2.9, 3.1, 3.2, 3.3, 3.4], [3.2] * 9
    (row,) = measuring.settle(measure_in_turn(wide, narrow, []), rounds=4)
    assert row.values == (*wide, *narrow) and row.note == "noisy"
    assert (row.ratio, row.low, row.high, row.verdict) == (3.2, 3.2, 3.2, "met")
    (row,) = measuring.settle(measure_in_turn(narrow, []), rounds=4)
    assert row.values == tuple(narrow)


def test_a_regression_is_missed_at_once_and_noise_is_not_settled_in_the_end():
    (row,) = measuring.settle(measure_in_turn([2.8] * 6, []), rounds=4)
    assert row.verdict == "missed"
    (row,) = measuring.settle(measure_in_turn(*[[2.0, 4.0, 3.0]] * 2, []), rounds=2)
    assert row.verdict == "not settled" and len(row.values) == 6


def test_actions_take_turns_and_count_per_unit(monkeypatch):
    clock, order = [0.0], []
    monkeypatch.setattr(measuring.time, "process_time", lambda: clock[0])

    def work(name, seconds):
        def action():
            order.append(name)
            clock[0] += seconds * len(order)  # dearer every time

        return action

    seconds = measuring.interleave([(work("slow", 6.0), 2), (work("fast", 1.0), 1)], 2)
    assert order == ["slow", "fast"] * 3  # the first round only warms up
    assert seconds.tolist() == [[9, 15], [4, 6]]


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0])
def test_exponents_of_powers_are_found(exponent):
    sizes = np.array([8, 16, 64, 1024])
    seconds = sizes[:, None] ** exponent * [0.1, 3.0]
    assert_allclose(measuring.fit_exponents(sizes, seconds), [exponent] * 2, atol=1e-12)


# Plain algorithms -----------------------------------------------------------------------------


def test_queries_at_masked_positions_give_the_loss_and_gradients_of_the_readable_model():
    corpus = CorpusConfig(3, 3, doc_len=12, mask_rate=0.3)
    model = TopicTransformer(ModelConfig(init_scale=1.0), corpus, torch_rng(0))
    batch = next(sample_positions(corpus, 5, numpy_rng(0)))
    weights, gradients = [*model.layers.parameters()], []
    for loss in (
        baselines.masked_queries_loss(model, baselines.ask_masked(batch)),
        position_loss(model, batch, "cross-entropy"),
    ):
        model.zero_grad()
        loss.backward()
        gradients.append([loss.item(), *(w.grad.clone().numpy() for w in weights)])
    for first, second in zip(*gradients, strict=True):
        assert_allclose(first, second, rtol=1e-10, atol=1e-14)


def test_the_pair_loop_gives_the_probe():
    corpus = sample_corpus(CorpusConfig(3, 3, doc_len=20), 6, numpy_rng(0))
    model = BagTransformer(ModelConfig(init_scale=2.0), corpus.cfg, [torch_rng(0)])
    scores = model.scores()[0, 0].detach().numpy()
    loop = baselines.attention_pair_by_pair(scores, corpus.tokens, corpus.topic_of)
    assert_allclose(loop, measure_attention(model, corpus.counts()).ratio[0, 0], rtol=1e-10)


def test_the_word_loop_draws_from_the_same_distribution():
    cfg = CorpusConfig(4, 3, alpha=0.3, doc_len=30)
    draws = [
        baselines.sample_word_by_word(cfg, 300, np.random.RandomState(0)),
        sample_corpus(cfg, 300, numpy_rng(0)).tokens,
    ]
    assert draws[0].shape == draws[1].shape
    words = [np.bincount(tokens.ravel(), minlength=13) / tokens.size for tokens in draws]
    assert words[0][0] == 0 and len(words[0]) == 13
    assert_allclose(words[0], words[1], atol=0.03)
    topics = [np.array([np.bincount(row, minlength=4) for row in (t - 1) // 3]) for t in draws]
    same = [((n * (n - 1)).sum(1) / (30 * 29)).mean() for n in topics]  # two words, one topic
    assert_allclose(same, (0.3 + 1) / (4 * 0.3 + 1), atol=0.04)


# The table ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_tiny_run_writes_every_row(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(steps, "DRAWN", 2)
    path = tmp_path / "new" / "bench.json"
    status = bench.main(path, TINY)
    rows = [bench.Row(**row) for row in json.loads(path.read_text())]
    assert len({row.name for row in rows}) == len(rows) == 30
    for row in rows:
        assert 0 <= row.low <= row.ratio <= row.high or row.name.startswith("exponent"), row
    needed = [row.needed for row in rows if row.needed]
    asked = [
        ">= 150",
        *[">= 8"] * 2,
        *[">= 3"] * 2,
        ">= 100",
        *["<= 1"] * 10,
        "<= 1.5",
        "<= 0.1",
        *["<= 5"] * 4,
        *["<= 1"] * 2,
        ">= 1.7",
    ]
    assert sorted(needed) == sorted(asked)
    verdicts = [row.verdict for row in rows]
    assert status == ("missed" in verdicts)
    printed = capsys.readouterr()
    assert all(row.name in printed.out for row in rows)
    assert printed.out.count("MISSED") == verdicts.count("missed")
    assert printed.out.count("not settled") == verdicts.count("not settled")


@pytest.mark.slow
def test_a_missed_bound_is_named_and_fails(tmp_path, monkeypatch, capsys):
    names = {"good": (2.5, 4.0), "noisy": (1.0, 4.0), "poor": (1.0, 1.5)}
    rows = [bench.Row(name, 1.2, *ends, ">= 2") for name, ends in names.items()]
    monkeypatch.setattr(bench, "BENCHES", [lambda sizes: iter(rows)])
    assert bench.main(tmp_path / "bench.json", TINY) == 1
    assert capsys.readouterr().err == "needed and not settled: noisy\nneeded and missed: poor\n"
    rows.pop()
    assert bench.main(tmp_path / "bench.json", TINY) == 0
