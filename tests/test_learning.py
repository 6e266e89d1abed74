"""Nothing about learning is told without its loss: a loss that rises is no example of learning."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from twostage.stages import RISE_ALLOWED, check_learning, map_order, measure_rise
from twostage.topics.experiments.stages import STAGES
from twostage.training import History

FALLS = np.array([[4.0, 3.5, 3.2, 3.1], [4.1, 3.4, 3.3, 3.2], [3.9, 3.6, 3.1, 3.0]])


def test_a_loss_that_only_falls_does_not_rise():
    rise = measure_rise(FALLS)
    assert (rise.value, rise.low, rise.high, rise.n) == (0, 0, 0, 3)


def test_the_rise_is_from_the_lowest_record_before_to_the_worst_after():
    losses = np.array([[4.0, 3.0, 3.3, 2.9, 3.0], [4.0, 3.0, 3.5, 2.9, 3.0]])
    rise = measure_rise(losses)
    assert_allclose(rise.value, 0.4)  # 0.3 and 0.5 at the third record
    assert rise.how == "mean" and rise.low < 0 < rise.high  # two runs that differ: unsure


def test_each_run_is_compared_with_itself():
    apart = FALLS + np.array([[0.0], [10.0], [20.0]])  # runs differ, the change does not
    rise = measure_rise(np.concatenate([apart, apart[:, -1:] + 0.1], axis=1))
    assert_allclose([rise.low, rise.value, rise.high], 0.1)


@pytest.mark.parametrize("by, refused", [(RISE_ALLOWED - 1e-6, False), (0.021, True)])
def test_a_rise_beyond_its_noise_is_refused_in_words(by, refused):
    losses = np.concatenate([FALLS, FALLS[:, -1:] + by], axis=1)
    history = History(np.arange(5), {"loss": losses})
    if refused:
        with pytest.raises(
            ValueError, match=r"rises by 0.021 .*0.02 are noise.*lower the learning"
        ):
            check_learning(history)
    else:
        assert_allclose(check_learning(history).value, by)


@pytest.mark.slow
def test_the_rate_of_the_chapter_shows_learning_and_four_times_that_rate_does_not():
    runs = STAGES.at(steps=600, n_records=25).run(range(5), ["weights 0.01", "large step"])
    assert check_learning(runs.history("weights 0.01")).value < 0.01
    with pytest.raises(ValueError, match="do not show learning"):
        check_learning(runs.history("large step"))


def test_the_map_of_orders_by_hand():
    steps, thresholds = np.array([0, 10, 20]), np.array([0.5, 1.0])
    knowledge = np.array([[0.0, 1, 1], [0, 0.5, 1.0]])  # .5 at 5 and 10, 1 at 10 and 20
    attention = np.array([[0.0, 0, 1], [0, 1.0, 1.0]])  # .5 at 15 and 5, 1 at 20 and 10
    found = map_order(steps, knowledge, attention, thresholds)
    assert_allclose(found, [[0.5, 0.5], [0.5, 0.5]])
    assert_allclose(map_order(steps, knowledge[:1], attention[:1], thresholds), np.ones((2, 2)))
    never = np.zeros((2, 3))
    assert_allclose(map_order(steps, never, never, thresholds), 0)
