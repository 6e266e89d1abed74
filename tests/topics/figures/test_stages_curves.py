"""Figures of the stages, read back from the axes."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn import curves

from twostage.stages import StageTimes
from twostage.style import ATTENTION, KNOWLEDGE
from twostage.topics import figures
from twostage.training import History

STEPS = np.array([0, 10, 100])
TRAINED = History(
    STEPS,
    {
        "loss": np.array([[4.0, 3, 2], [4, 3.5, 2.2], [4, 3.6, 2.6]]),
        "knowledge": np.array([[0.0, 0.5, 1], [0, 0.6, 1], [0, 1.0, 1]]),
        "attention": np.array([[1.0, 1.1, 2], [1, 1.2, 2], [1, 1.9, 2]]),
    },
)
UNIFORM = History(STEPS, {"loss": np.array([[4.0, 3.5, 2.5]] * 3)})
TIMES = StageTimes(np.array([4.0, 5, 12]), np.array([20.0, 50, np.inf]))
LOSS = ("attention trained", "#222222", "-", [0, 10, 100], [4, 3.5, 2.2])
CONTROL = ("attention uniform", "#999999", "-", [0, 10, 100], [4, 3.5, 2.5])


@pytest.fixture
def axes():
    figure, axes = plt.subplots(3)
    yield tuple(axes)
    plt.close(figure)


def test_losses_stand_beside_their_control(ax):
    assert figures.plot_losses(ax, TRAINED, UNIFORM) is ax
    assert curves(ax) == [CONTROL, LOSS]
    assert ax.get_xlim() == (0, 100) and ax.get_ylabel() == "loss (nats)"


def test_stages_show_loss_knowledge_and_attention_with_criteria_and_median_starts(axes):
    assert figures.plot_stages(axes, TRAINED, UNIFORM, TIMES) is axes
    loss, knowledge, attention = map(curves, axes)
    assert loss == [CONTROL, LOSS]
    assert knowledge == [
        ("knowledge", KNOWLEDGE, "-", [0, 10, 100], [0, 0.6, 1]),
        ("", KNOWLEDGE, "-", [0, 1], [0.8, 0.8]),
        ("", KNOWLEDGE, "o", [5], [0.8]),
    ]
    assert attention == [
        ("attention", ATTENTION, "-", [0, 10, 100], [1, 1.2, 2]),
        ("", ATTENTION, "-", [0, 1], [1.2, 1.2]),
        ("", ATTENTION, "o", [50], [1.2]),
    ]
    assert [ax.get_xscale() for ax in axes] == ["linear"] * 3
    assert [ax.get_xlim() for ax in axes] == [(0, 100)] * 3


def test_insets_enlarge_the_end_of_the_loss_and_the_first_steps_of_knowledge(axes):
    figures.plot_stages(axes, TRAINED, UNIFORM, TIMES)
    (end,), (first,) = axes[0].child_axes, axes[1].child_axes
    assert curves(end) == [CONTROL, LOSS] and end.get_xlim() == pytest.approx((100 / 3, 100))
    assert end.get_ylim() == pytest.approx((1.98, 2.7))
    assert curves(first)[0].label == "knowledge" and first.get_xlim() == (0, 2.5)


def test_a_stage_that_most_runs_never_reach_has_no_start(axes):
    never = StageTimes(TIMES.knowledge, np.array([20.0, np.inf, np.inf]))
    figures.plot_stages(axes, TRAINED, UNIFORM, never)
    assert [len(curves(ax)) for ax in axes] == [2, 3, 2]


def test_a_film_has_a_row_for_each_table_and_a_column_for_each_moment():
    film = History(
        STEPS,
        {f"{name} table": np.arange(48.0).reshape(1, 4, 4, 3) for name in ("value", "score")}
        | {"attention table": np.ones((1, 4, 4, 3))},
    )
    fig, axes = plt.subplots(3, 2)
    assert figures.plot_film(axes, film, np.array([0, 2]), 2) is axes
    assert [ax.get_title() for ax in axes[0]] == ["step 0", "step 100"]
    assert [ax.get_ylabel() for ax in axes[:, 0]] == [
        "value matrix",
        "scores,\ncentred",
        "attention",
    ]
    limits = [[ax.images[0].norm.vmax for ax in row] for row in axes]
    assert limits == [[45, 47], [45, 47], [3, 3]]
    np.testing.assert_array_equal(
        axes[0, 1].images[0].get_array(), film.values["value table"][0, ..., 2]
    )
    plt.close(fig)


def test_the_model_is_drawn_with_every_weight_of_it(ax):
    assert figures.plot_model(ax) is ax
    texts = " ".join(text.get_text() for text in ax.texts)
    for symbol in ("$W_E$", "$W_V$", "$W_K$", "$W_Q$", "softmax", "[MASK]"):
        assert symbol in texts
    boxes = [text for text in ax.texts if text.get_text()]
    assert len(boxes) == len(ax.patches)
    assert not ax.axison


def test_the_map_of_orders_has_knowledge_upwards_and_attention_to_the_right(ax):
    shares = np.array([[1.0, 0.5], [0.25, 0.0]])
    assert figures.plot_order_map(ax, shares, np.array([0.1, 0.9])) is ax
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), shares)
    assert (image.origin, image.norm.vmin, image.norm.vmax) == ("lower", 0, 1)
    assert ax.get_xlabel() == "threshold of attention"
    assert ax.get_ylabel() == "threshold of knowledge"
    assert [text.get_text() for text in ax.get_yticklabels()] == ["0.1", "0.9"]
    assert ax.figure.axes[1].get_ylabel() == "share with knowledge first"


@pytest.mark.parametrize("change, middle", [(False, [4, 3.5, 2.2]), (True, [0, -0.5, -1.8])])
def test_conditions_have_a_colour_each_and_may_be_drawn_as_changes(ax, change, middle):
    assert figures.plot_conditions(ax, {"one": TRAINED, "two": UNIFORM}, "loss", change) is ax
    one, two = curves(ax)
    assert (one.label, two.label) == ("one", "two") and one.color != two.color
    assert one.y == pytest.approx(middle)
    assert ax.get_xlim() == (0, 100) and ax.get_xlabel() == "step"
