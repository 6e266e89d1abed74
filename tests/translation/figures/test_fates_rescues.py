"""Figures of rescues draw what they are given."""

import numpy as np
import pandas as pd
from drawn import bars, columns, curves

from twostage.estimates import rate_interval
from twostage.style import ATTENTION, CHANCE, KNOWLEDGE, THEORY
from twostage.training import History
from twostage.translation import figures as figures


def upright(x, successes, n=12):
    """The vertical interval of a success rate at x."""
    return [(x, bound) for bound in rate_interval(successes, n)]


def test_a_rescue_is_judged_by_its_whole_interval():
    counts = {"a": (24, 24), "b": (12, 24), "c": (18, 24), "d": (24, 24)}
    predicted = {"a": 1.0, "b": 0.5, "c": 1.0, "d": 0.5}
    table = figures.tabulate_rescues(counts, predicted, 0.75)
    assert table.rescues.tolist() == ["yes", "no", "open", "yes"]
    assert table.predicted.tolist() == ["yes", "no", "yes", "no"]
    assert table.theory.tolist() == ["agrees", "agrees", "open", "disagrees"]
    assert table["copy"][:2].tolist() == ["24 of 24 (0.86 to 1.00)", "12 of 24 (0.31 to 0.69)"]


def test_a_rescue_at_the_threshold_itself_is_none_and_no_failure():
    for threshold in rate_interval(12, 24):
        table = figures.tabulate_rescues({"a": (12, 24)}, {"a": threshold}, threshold)
        assert table.rescues.tolist() == ["open"] and table.predicted.tolist() == ["no"]


def test_runs_have_a_line_per_run_and_one_label_per_measure(ax):
    values = {
        "ktiw": np.array([[0.1, 1.0], [0.2, 0.3]]),
        "attn_accuracy": np.array([[0.0, 0.4], [0.5, 0.6]]),
    }
    assert figures.plot_each_run(ax, History(np.array([0, 5]), values), 0.25) is ax
    assert curves(ax) == [
        ("KTIW", KNOWLEDGE, "-", [0, 5], [0.1, 1]),
        ("", KNOWLEDGE, "-", [0, 5], [0.2, 0.3]),
        ("attention accuracy", ATTENTION, "-", [0, 5], [0, 0.4]),
        ("", ATTENTION, "-", [0, 5], [0.5, 0.6]),
        ("", CHANCE["color"], ":", [0, 1], [0.25, 0.25]),
    ]
    assert ax.get_ylim() == (-0.03, 1.03) and ax.get_xlabel() == "step"


def test_successes_are_rates_with_wilson_intervals(ax):
    assert figures.plot_successes(ax, [1, 2], [6, 12], 12, KNOWLEDGE, "runs") is ax
    assert curves(ax) == [("runs", KNOWLEDGE, "-", [1, 2], [0.5, 1])]
    assert ax.lines[0].get_marker() == "o"
    assert bars(ax) == ([upright(1, 6), upright(2, 12)], [KNOWLEDGE], False)
    assert ax.get_ylim() == (-0.03, 1.03) and ax.get_ylabel() == "share of runs that copy"


def test_predicted_rates_are_dashed_and_the_first_row_is_on_top(ax):
    assert figures.plot_predicted_rates(ax, [0.5, 1.0, 0.75], "by theory") is ax
    segments, colors, dashed = bars(ax)
    np.testing.assert_allclose(np.array(segments)[:, :, 0], [[0.5] * 2, [1] * 2, [0.75] * 2])
    np.testing.assert_allclose(np.array(segments)[:, :, 1].mean(1), [2, 1, 0])
    assert all(low[1] < high[1] for low, high in segments)
    assert dashed and colors == [THEORY["color"]]
    assert ax.collections[0].get_label() == "by theory"


COUNTS = pd.DataFrame({"best": [6, 9], "ktiw": [3, 12]}, index=["one", "two"])


def test_counts_are_written_with_their_intervals():
    table = figures.tabulate_counts(COUNTS, 12)
    assert table.model.tolist() == ["one", "two"]
    assert table.ktiw.tolist() == ["3 of 12 (0.09 to 0.53)", "12 of 12 (0.76 to 1.00)"]


def test_heads_are_drawn_beside_what_independent_heads_would_do(ax):
    series = {"sum": ["one", "two"], "mean": ["two", "one"]}
    assert figures.plot_heads(ax, COUNTS.best, 12, series, [1, 3]) is ax
    first, second = figures.COLORS[:2]
    found, theory, other, other_theory = curves(ax)
    assert found == ("sum", first, "o", [-0.12, 0.88], [0.5, 0.75])
    assert other == ("mean", second.upper(), "o", [0.12, 1.12], [0.75, 0.5])
    assert theory == ("", THEORY["color"], "--", [0, 1], [0.5, 1 - 0.5**3])
    assert other_theory == ("", THEORY["color"], "--", [0, 1], [0.75, 1 - 0.25**3])
    assert bars(ax)[0] == [upright(-0.12, 6), upright(0.88, 9)]
    assert columns(ax) == {"1": 0, "3": 1} and ax.get_xlabel() == "heads $n$"
