"""The two panels of broken assumptions: which setting stands in which column, over what."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn import curves, legend

from twostage.stages import StageTimes
from twostage.topics import figures
from twostage.topics.probes import Conclusions

RUNS = np.array([0.0, 0.1, 0.2])


@pytest.fixture
def draw():
    yield lambda *shape: plt.subplots(*shape)[1]
    plt.close("all")


def conclusions(level):
    runs = level + RUNS
    return Conclusions(runs, runs / 2, 1 + runs, StageTimes(runs, runs))


def test_each_break_has_a_column_over_real_text_and_dirichlet_is_hollow(draw):
    one, two = [conclusions(0.2), conclusions(0.4)], [conclusions(0.6), conclusions(0.8)]
    breaks = {"overlap": [((0, 1), one)], "topics": [((1, 2), two), ((1.5, 3), one)]}
    axes = figures.plot_broken(draw(2, 2), breaks, (np.array([1.0, 2, 9]), np.array([4.0, 5, 6])))
    left, right = ({curve.label: curve for curve in curves(ax) if curve.label} for ax in axes[1])
    assert left["same / other topic"].x == [0, 1]
    assert left["same / other topic"].y == pytest.approx([1.3, 1.5])
    assert right["same / other topic"].y == pytest.approx([1.7, 1.9])
    hollow = right["same / other topic, Dirichlet"]
    assert (hollow.style, hollow.x) == (
        "--",
        [1.5, 3],
    ) and "same / other topic, Dirichlet" not in left
    assert [each["real text"].x[0] for each in (left, right)] == [2, 5]
    assert [each["chance"].y[0] for each in (left, right)] == [1, 1]
    assert [ax.get_xlabel() for ax in axes[1]] == ["overlap", "topics"]
    assert len(axes[0, 0].figure.legends) == 1


def test_lengths_show_knowledge_attention_and_the_own_word_against_theory(draw):
    found, measured = [conclusions(0.2), conclusions(0.4)], np.stack([RUNS, RUNS + 1])
    axes = figures.plot_lengths(
        draw(1, 3), (8, 64), found, {"exact": np.array([2.0, 5.5])}, measured
    )
    names = "knowledge", "same / other topic", "own word $-$ same topic"
    assert [ax.get_ylabel() for ax in axes] == list(names)
    assert {(ax.get_xscale(), ax.get_xlabel()) for ax in axes} == {("log", "document length $N$")}
    knowledge, attention, excess = (
        {curve.label: curve.y for curve in curves(ax) if curve.label} for ax in axes
    )
    assert knowledge["block correlation"] == pytest.approx([0.3, 0.5])
    assert (knowledge["chance"], attention["chance"]) == ([0, 0], [1, 1])
    assert attention["same / other topic"] == pytest.approx([1.3, 1.5])
    assert excess["trained"] == pytest.approx([0.1, 1.1])
    assert legend(axes[0]) == ["order of votes", "block correlation", "chance"]
