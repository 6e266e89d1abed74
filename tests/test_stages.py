"""When a stage starts, by hand; what is said of runs that never get there."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from twostage.stages import Criterion, StageTimes, crossing_time, difference
from twostage.training import History

NEVER = np.inf
STEPS = np.array([0, 1, 10, 100])


@pytest.mark.parametrize(
    "values, expected",
    [
        ([0.0, 0.0, 0.0, 0.4], NEVER),  # never
        ([0.9, 0.9, 0.9, 0.9], 0),  # at the start
        ([0.9, 0.0, 0.0, 0.9], 0),  # the first time counts
        ([0.0, 0.25, 0.75, 1.0], 5.5),  # half way between steps 1 and 10
        ([0.0, 0.4, 0.4, 0.8], 32.5),  # a quarter of the way from 10 to 100
        ([0.0, 0.5, 0.6, 0.7], 1),  # reached exactly
        ([0.0, 0.0, 0.0, 0.5], 100),
        ([0.0, 0.6, 0.0, 0.6], 5 / 6),  # falls back below: still the first time
        ([np.nan, 0.0, 1.0, 1.0], 5.5),  # not measurable at first
        ([np.nan, 1.0, 1.0, 1.0], 1),  # not measurable before it was there
        ([0.0, 0.2, np.nan, np.nan], NEVER),
    ],
)
def test_crossing_time_by_hand(values, expected):
    assert_allclose(crossing_time(STEPS, np.array([values]), 0.5), [expected], rtol=1e-12)


def test_runs_are_timed_independently():
    values = np.array([[0.0, 0.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    assert_allclose(crossing_time(STEPS, values, 0.5), [55, 0, NEVER])


def test_a_straight_rise_is_timed_alike_however_seldom_it_is_recorded():
    for steps in (np.arange(0, 101), np.array([0, 30, 100]), np.array([0, 100])):
        assert_allclose(crossing_time(steps, steps[None] / 80, 0.65), [52], rtol=1e-12)


KNOWLEDGE = np.array([[0.0, 0.5, 1.0, 1.0], [0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 0.0, 1.0]])
ATTENTION = np.array([[1.0, 1.0, 1.5, 2.5], [1.0, 1.0, 1.0, 3.0], [1.0, 1.0, 1.0, 1.0]])
HISTORY = History(STEPS, {"ktiw": KNOWLEDGE, "attention": ATTENTION, "norm": 9 * KNOWLEDGE})
CRITERIA = Criterion("ktiw", 0.0, 0.5), Criterion("attention", 1.0, 2.0)


def test_times_are_read_off_a_history_each_with_its_criterion():
    times = StageTimes.of(HISTORY, CRITERIA)
    assert_allclose(times.knowledge, [1, 10, 55])
    assert_allclose(times.attention, [55, 55, NEVER])
    assert_allclose(StageTimes.of(HISTORY, CRITERIA, slice(1, 3)).knowledge, [10, 55])


@pytest.mark.parametrize(
    "until, knowledge, attention", [(100, [1, 10], [32.5, 55]), (10, [1, 5.5], [5.5, NEVER])]
)
def test_half_way_depends_on_when_one_stops_looking(until, knowledge, attention):
    history = History(STEPS, {name: table[:2] for name, table in HISTORY.values.items()})
    with np.errstate(invalid="ignore"):  # run 1 has not moved by step 10
        times = StageTimes.half_way(history, CRITERIA, until)
    assert_allclose(times.knowledge, knowledge)
    assert_allclose(times.attention, attention)


def test_order_counts_only_runs_that_reached_both_and_no_ties():
    times = StageTimes(np.array([1.0, 5.0, 3.0, 2.0, NEVER]), np.array([2.0, 4.0, 3.0, NEVER, 1.0]))
    assert times.order() == (1, 3)


def test_summary_by_hand():
    knowledge = np.array([9.0, 1.0, 8.0, 2.0, 7.0, 3.0, 6.0, 4.0, 5.0])
    attention = np.array([10.0, NEVER, 20.0, NEVER, 30.0, NEVER, 40.0, NEVER, 50.0])
    table = StageTimes(knowledge, attention).summary().set_index("stage")
    assert table.loc["knowledge", "reached"] == "9 of 9"
    assert table.loc["attention", "reached"] == "5 of 9"
    columns = ["median", "low", "high", "quartile 1", "quartile 3"]
    assert [*table.loc["knowledge", columns]] == [5, 2, 8, 3, 7]  # ranks 2 and 8 of 9
    assert [*table.loc["attention", columns]] == [50, 20, np.inf, 30, np.inf]


def test_quartiles_of_eight_runs_are_the_second_and_the_sixth():
    times = np.array([8.0, 1.0, 7.0, 2.0, 6.0, 3.0, 5.0, 4.0])
    table = StageTimes(times, times).summary()
    assert table["quartile 1"].tolist() == [2, 2] and table["quartile 3"].tolist() == [6, 6]


def test_differences_leave_out_runs_in_which_neither_came():
    later, earlier = np.array([5.0, NEVER, 7.0, NEVER]), np.array([2.0, 3.0, NEVER, NEVER])
    assert difference(later, earlier).tolist() == [3, NEVER, -NEVER]
    assert StageTimes(earlier, later).gap().tolist() == [3, NEVER, -NEVER]
