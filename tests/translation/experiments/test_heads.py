"""How several heads are trained, and where theory predicts them."""

import numpy as np
import pytest

from twostage.translation import experiments
from twostage.translation.free import FreeModelConfig, FreeTranslator


def test_heads_are_trained_from_their_seeds_or_from_a_start_each_as_fast_as_one():
    one, two = (experiments.FREE_HEADS.at(steps=3, n_heads=n, n_test=2).base for n in (1, 2))
    own = experiments.train_free_heads(one, [0, 1]).values["loss"]
    start = FreeTranslator(FreeModelConfig(n_heads=1), one.corpus, [0, 1])
    given = experiments.train_free_heads(two, [0, 1], start).values["loss"]
    np.testing.assert_array_equal(own, given)
    assert (experiments.train_free_heads(two, [0, 1]).values["loss"] != own).all()


@pytest.mark.parametrize(
    "changes",
    [{"vocab_size": 9}, {"repeats": True}, {"init_scale": 0.0}, {"attention": "uniform"}],
)
def test_heads_are_predicted_on_permutations_alone(changes):
    heads = experiments.FREE_HEADS.at(n_heads=2)
    assert heads.predict(heads.base) == 0.75
    assert heads.predict(heads.at(**changes).base) is None
