"""The loop by hand: one weight on a parabola, followed step by step in plain numpy."""

from itertools import count

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn

from twostage.training import TrainConfig, train

START = torch.tensor([3.0, -1.0, 0.5], dtype=torch.float64)


class Parabola(nn.Module):
    """Runs side by side: w[run], and a frozen weight that the loss reads too."""

    def __init__(self, start=START):
        super().__init__()
        self.w = nn.Parameter(start.clone())
        self.frozen = nn.Parameter(torch.full_like(start, 2.0), requires_grad=False)


def loss(model, target):
    return 0.5 * model.frozen * (model.w - target) ** 2


def weight(model):
    return {"w": model.w.detach().numpy().copy()}


def follow(update, steps, target=1.0):
    """Weights before step 1 and after each step, for a gradient of 2 (w - target)."""
    w, path = START.numpy().copy(), [START.numpy().copy()]
    for t in range(1, steps + 1):
        w = update(w, 2 * (w - target), t)
        path.append(w.copy())
    return np.array(path).T


def numpy_adam(rate):
    state = {"m": 0.0, "v": 0.0}

    def update(w, gradient, t):
        state["m"] = 0.9 * state["m"] + 0.1 * gradient
        state["v"] = 0.999 * state["v"] + 0.001 * gradient**2
        m, v = state["m"] / (1 - 0.9**t), state["v"] / (1 - 0.999**t)
        return w - rate * m / (np.sqrt(v) + 1e-8)

    return update


def numpy_sgd(rate, decay=0.0):
    return lambda w, gradient, t: w - rate * (gradient + decay * w)


@pytest.mark.parametrize(
    "cfg, update",
    [
        (TrainConfig(20, 0.1, "sgd", n_records=4), numpy_sgd(0.1)),
        (TrainConfig(20, 0.1, "sgd", weight_decay=0.3), numpy_sgd(0.1, 0.3)),
        (TrainConfig(20, 0.1, "adam"), numpy_adam(0.1)),
    ],
    ids=["sgd", "sgd with decay", "adam"],
)
def test_weights_follow_the_update_rule(cfg, update):
    history = train(Parabola(), [torch.tensor(1.0)] * 20, loss, cfg, weight)
    path = follow(update, 20)
    assert_allclose(history.values["w"], path[:, history.steps], rtol=1e-12)
    assert history.steps[[0, -1]].tolist() == [0, 20]


def test_runs_side_by_side_train_as_if_alone():
    cfg = TrainConfig(10, 0.05, "adam")
    targets = [torch.tensor(float(t)) for t in range(10)]
    together = train(Parabola(), targets, loss, cfg, weight).values["w"]
    alone = [train(Parabola(s[None]), targets, loss, cfg, weight).values["w"][0] for s in START]
    assert_allclose(together, alone, rtol=1e-12)


def test_frozen_weights_stay_and_batches_are_drawn_one_per_step():
    model, drawn = Parabola(), count()
    batches = (torch.tensor(float(next(drawn))) for _ in count())
    train(model, batches, loss, TrainConfig(7, 0.1, "sgd", weight_decay=0.5), weight)
    assert_array_equal(model.frozen.detach(), [2.0, 2.0, 2.0])
    assert next(drawn) == 7, "an endless stream must not be drawn ahead"


@pytest.mark.parametrize("steps, n_records", [(1, 1), (1, 100), (7, 1), (50, 10), (1000, 100)])
def test_records_run_from_0_to_the_last_step_early_often(steps, n_records):
    records = TrainConfig(steps=steps, n_records=n_records).record_steps
    gaps = np.diff(records)
    assert records[0] == 0 and records[-1] == steps
    assert (gaps > 0).all() and len(records) <= n_records + 2
    assert gaps[-1] == gaps.max()


def test_nothing_is_recorded_unless_asked_for():
    model = Parabola()
    history = train(model, [torch.tensor(1.0)] * 3, loss, TrainConfig(3, 0.1, "sgd"))
    assert history.values == {}
    assert_allclose(model.w.detach(), follow(numpy_sgd(0.1), 3)[:, 3], rtol=1e-12)


@pytest.mark.parametrize("session, shown", [(None, False), ("", False), ("/a.ipynb", True)])
def test_a_bar_is_shown_only_when_somebody_watches(capsys, monkeypatch, session, shown):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    if session is not None:
        monkeypatch.setenv("JPY_SESSION_NAME", session)
    train(Parabola(), [torch.tensor(1.0)] * 3, loss, TrainConfig(3), weight)
    out, err = capsys.readouterr()
    assert (out, bool(err)) == ("", shown)


def test_tables_can_be_recorded_too():
    film = train(
        Parabola(),
        [torch.tensor(1.0)] * 4,
        loss,
        TrainConfig(4, 0.1, "sgd", n_records=2),
        lambda model: {"film": np.outer(weight(model)["w"], [1.0, 2.0])},
    ).values["film"]
    assert film.shape == (3, 2, 3)  # run, column, record
    assert_array_equal(film[:, 1], 2 * film[:, 0])


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"optimizer": "lion"}, "optimizer must be one of ['sgd', 'adam'], got 'lion'"),
        ({"steps": 0}, "steps must be >= 1, got 0"),
        ({"n_records": 0}, "n_records must be >= 1, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be > 0, got 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate must be > 0, got nan"),
        ({"weight_decay": -0.1}, "weight_decay must be >= 0, got -0.1"),
        ({"weight_decay": float("nan")}, "weight_decay must be >= 0, got nan"),
    ],
)
def test_impossible_settings_are_refused_in_words(wrong, message):
    with pytest.raises(ValueError) as error:
        TrainConfig(**wrong)
    assert str(error.value) == message


def test_training_stops_when_told():
    path = train(
        Parabola(),
        count(),
        lambda model, batch: loss(model, 1.0),
        TrainConfig(steps=9, optimizer="sgd", n_records=3, spacing="even"),
        weight,
        stop=lambda record: abs(record["w"][0] - 1) < 1.95,
    )
    assert_array_equal(path.steps, [0, 3])


def test_records_are_evenly_spaced_on_demand():
    even = TrainConfig(steps=10, n_records=5, spacing="even")
    assert_array_equal(even.record_steps, [0, 2, 4, 6, 8, 10])
    with pytest.raises(ValueError, match="spacing must be 'log' or 'even', got 'sqrt'"):
        TrainConfig(spacing="sqrt")
