"""Experiments: settings, runs and their tables, and a step of every one that there is."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest

from twostage.book.sweep.plans import EXPERIMENTS
from twostage.experiments import Experiment, Runs, list_fields, set_fields
from twostage.stages import Criterion
from twostage.training import History, TrainConfig


@dataclass(frozen=True)
class Inner:
    """A config inside settings."""

    width: int = 3
    rate: float = 0.5

    def __post_init__(self):
        """Refuse no width."""
        if self.width < 1:
            raise ValueError(f"width must be >= 1, got {self.width}")


@dataclass(frozen=True)
class Settings:
    """Values and configs."""

    inner: Inner = Inner()
    plan: TrainConfig = TrainConfig(4, n_records=2, spacing="even")
    n_test: int = 2
    stop_at: float | None = None
    parts: tuple = ()
    lesson: Inner | None = None  # may be none: a plain value


def rise(settings, seeds):
    values = np.outer(np.array(seeds) + settings.inner.width, settings.plan.record_steps)
    return History(settings.plan.record_steps, {"height": values / 3, "depth": -values / 3})


TINY = Experiment(
    name="tiny",
    question="Does it rise?",
    base=Settings(),
    conditions={"narrow": {}, "wide": {"width": 30}},
    train=rise,
    measures=("height",),
    success=(Criterion("height", 0.0, 5.0),),
)


# Settings -------------------------------------------------------------------------------------


def test_a_condition_is_the_base_and_what_it_changes():
    assert TINY.settings("narrow") == Settings()
    assert TINY.settings("wide") == Settings(inner=Inner(30))
    with pytest.raises(ValueError, match="tiny has no condition 'large'; it has 'narrow', 'wide'"):
        TINY.settings("large")


def test_an_experiment_is_had_at_other_settings_and_conditions():
    changed = TINY.at(steps=8, rate=1)
    assert changed.settings("wide").plan.steps == 8
    assert changed.settings("wide").inner == Inner(30, 1.0)
    assert list(TINY.at({"one": {"width": 1}}).conditions) == ["one"]
    assert TINY.settings("wide").plan.steps == 4, "the experiment itself stays"


def test_fields_are_listed_wherever_they_stand():
    values = list_fields(Settings())
    assert {"width": 3, "rate": 0.5, "steps": 4, "n_test": 2}.items() <= values.items()
    assert values["lesson"] is None and "inner" not in values
    assert list_fields(Settings(lesson=Inner()))["lesson"] == Inner()


@pytest.mark.parametrize(
    "values, complaint",
    [
        ({"widht": 4}, "unknown parameter 'widht'; known are width, rate, steps"),
        ({"width": 4.0}, "width must be int, got 4.0"),
        ({"width": True}, "width must be int, got True"),
        ({"width": "4"}, "width must be int, got '4'"),
        ({"rate": None}, "rate must be float, got None"),
        ({"stop_at": "never"}, "stop_at must be float or none, got 'never'"),
        ({"parts": ["a"]}, r"parts must be tuple, got \['a'\]"),
        ({"width": 0}, "width must be >= 1, got 0"),
        ({"steps": 0}, "steps must be >= 1, got 0"),
    ],
)
def test_values_that_cannot_be_set_are_refused(values, complaint):
    with pytest.raises(ValueError, match=complaint):
        set_fields(Settings(), values)


def test_an_int_may_stand_for_a_float_and_none_for_what_may_be_none():
    changed = set_fields(Settings(stop_at=0.5), {"rate": 2, "stop_at": None, "lesson": Inner()})
    assert type(changed.inner.rate) is float
    assert changed == Settings(inner=Inner(rate=2.0), lesson=Inner())


# Runs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("side_by_side", [False, True])
def test_runs_are_tidy_rows_in_the_order_of_conditions_and_seeds(side_by_side):
    experiment = replace(TINY, side_by_side=side_by_side)
    table = experiment.run([4, 0]).table
    assert list(table) == ["experiment", "condition", "seed", "step", "height"]
    assert list(table.condition) == ["narrow"] * 6 + ["wide"] * 6
    assert list(table.seed[:6]) == [4] * 3 + [0] * 3
    assert list(table.step[:3]) == [0, 2, 4]
    assert list(table.height[:3]) == [0, 4.666667, 9.333333], "six decimals are kept"
    assert experiment.run([0], ["wide"]).conditions == ["wide"]


def test_a_run_that_ended_early_keeps_its_last_values():
    rows = [
        ("a", 0, 0, 1.0),
        ("a", 0, 5, 2.0),
        ("a", 1, 0, 3.0),
        ("a", 1, 5, 4.0),
        ("a", 1, 9, 6.0),
    ]
    table = pd.DataFrame(rows, columns=["condition", "seed", "step", "height"])
    runs = Runs(TINY, table.assign(experiment="tiny"))
    history = runs.history("a")
    assert history.steps.tolist() == [0, 5, 9]
    assert history.values["height"].tolist() == [[1, 2, 2], [3, 4, 6]]
    assert runs.last("a")["height"].tolist() == [2, 6]
    assert runs.successes("a") == (1, 2)
    with pytest.raises(ValueError, match="no run of 'b'; there are"):
        runs.history("b")


def test_runs_at_other_conditions_are_added():
    narrow, one = TINY.run([0], ["narrow"]), TINY.at({"one": {"width": 1}}).run([2, 3])
    runs = narrow | one
    assert runs.conditions == ["narrow", "one"]
    assert runs.history("narrow").values["height"].shape == (1, 3)
    assert runs.history("one").values["height"].shape == (2, 3)
    assert runs.experiment.settings("one").inner == Inner(1)
    assert runs.experiment.settings("wide").inner == Inner(30)


def test_success_needs_every_criterion_at_the_last_record():
    both = replace(TINY, success=(*TINY.success, Criterion("depth", 0.0, -9.0)))
    height = np.array([[9.0, 5.0], [9.0, 4.9], [0.0, 9.0]])
    history = History(np.array([0, 1]), {"height": height, "depth": -2 * height})
    assert TINY.succeeded(history).tolist() == [True, False, True]
    assert both.succeeded(history).tolist() == [False, False, False]
    shallow = History(np.array([0, 1]), {"height": height, "depth": -height})
    assert both.succeeded(shallow).tolist() == [True, False, True]


# All that there are ---------------------------------------------------------------------------


def shorten(experiment):
    """The same conditions, of a step on two sentences; lessons of a step too."""
    known = list_fields(experiment.base)
    small = {"steps": 1, "n_test": 2, "batch_size": 2, "n_probed": 2, "hidden": 8}
    conditions = {
        name: {
            key: replace(value, steps=1, stop_at=None) if key == "lesson" else value
            for key, value in values.items()
        }
        for name, values in experiment.conditions.items()
    }
    return experiment.at(conditions, **{name: small[name] for name in small if name in known})


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_step_of_every_condition_records_what_is_promised(name):
    experiment = EXPERIMENTS[name]
    table = shorten(experiment).run([0]).table
    assert list(table) == ["experiment", "condition", "seed", "step", *experiment.measures]
    assert set(table.condition) == set(experiment.conditions)
    assert set(table.step) == {0, 1}
    assert np.isfinite(table[list(experiment.measures)]).all(axis=None)
    assert {each.measure for each in experiment.success} <= set(experiment.measures)
    assert len(experiment.seeds) >= 8
