"""The experiment on odds: what is held, what is averaged, how trained follow predicted odds."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from twostage.topics import theory
from twostage.topics.experiments.odds import (
    ODDS,
    Agreement,
    average_late,
    average_runs,
    tabulate_odds,
    train_odds,
)
from twostage.topics.probes.knowledge import measure_value_matrix
from twostage.training import History

TINY = ODDS.at(steps=2, batch_size=2, doc_len=16, n_records=2)


@pytest.mark.parametrize("topics_per_doc", [2, None])
@pytest.mark.parametrize("masked_keys", [True, False])
def test_held_values_are_the_optimum_whatever_the_shares_of_topics(topics_per_doc, masked_keys):
    odds = TINY.at(topics_per_doc=topics_per_doc, masked_keys=masked_keys)
    model, _ = train_odds(odds.settings("W_V held"), [0])
    best = theory.predict_value_matrix(TINY.base.corpus, masked_keys=masked_keys)
    assert_allclose(measure_value_matrix(model)[0], best, atol=1e-12)


@pytest.mark.parametrize("condition", ["W_V held", "all trained"])
@pytest.mark.parametrize(
    "changes", [{"masked_keys": True}, {"loss": "cross-entropy"}, {"init_scale": 0.1}, {"steps": 1}]
)
def test_every_setting_reaches_the_training(condition, changes):
    model, _ = train_odds(TINY.settings(condition), [0])
    other, _ = train_odds(TINY.at(**changes).settings(condition), [0])
    assert not np.allclose(model.scores().detach(), other.scores().detach(), rtol=1e-6, atol=0)


def test_runs_side_by_side_are_those_of_each_seed_alone():
    table = TINY.run([3, 5], ["all trained"]).table
    alone = TINY.run([5], ["all trained"]).table
    assert_allclose(table[table.seed == 5].odds, alone.odds, atol=2e-6)


def test_late_records_are_those_after_the_share_of_steps():
    history = History(np.array([0, 5, 6, 8, 10]), {"odds": np.array([[9.0, 9, 9, 2, 4]])})
    assert average_late(history, "odds").tolist() == [3]
    assert average_late(history, "odds", since=0.5).tolist() == [5]


def test_averages_have_a_row_for_each_condition():
    runs = TINY.run([0, 1])
    late = average_runs(runs, "odds")
    assert late.shape == (3, 2)
    assert_allclose(late[2], runs.last("all trained, masks are keys")["odds"])


def test_table_of_odds_has_predictions_and_medians():
    grid = [{"n_topics": 3, "keep_rate": 0.1}, {"n_topics": 5, "keep_rate": 0.2}]
    trained = np.array([[1.0, 2, 9], [4, 5, 7]])
    table = tabulate_odds(grid, {"rho*": np.array([2.0, 6]), "trained": trained})
    assert list(table) == ["T", "p_c", "rho*", "trained"]
    assert table.to_numpy().tolist() == [[3, 0.1, 2, 2], [5, 0.2, 6, 5]]


def test_agreement_is_that_of_logarithms_run_by_run():
    predicted = np.array([2.0, 4.0, 8.0])
    trained = np.stack([predicted**2, 3 * predicted, 8 / predicted], axis=1)
    found = Agreement.of(predicted, trained)
    assert_allclose(found.rank, [1, 1, -1])
    assert_allclose(found.slope, [2, 1, -1])
    assert found.distance == pytest.approx(2)  # medians 4, 12, 24: off by 1, 2 and 2
