"""What counts as reached: every threshold fixed before looking, a run just above and just below.

A changed constant changes what the book says of runs, so each is written here once more.
"""

import numpy as np
import pytest
import torch

from twostage.stages import StageTimes
from twostage.topics import probes as conclusions
from twostage.topics import probes as topics
from twostage.training import History
from twostage.translation import probes as translation
from twostage.translation import toy
from twostage.translation.corpus import CorpusConfig

HAIR = 1e-9


def test_fates_turn_at_nine_tenths_at_one_half_and_at_minus_one_half():
    attention = np.array([0.9, 0.9 - HAIR, 0.5, 0.5 - HAIR, 0.5 - HAIR])
    contrast = np.array([-1.0, -1, -1, -0.5, -0.5 + HAIR])
    fates = translation.name_fates({"attn_accuracy": attention, "signed_contrast": contrast})
    assert fates.tolist() == ["copy", "slow", "slow", "anti-copy", "undecided"]
    assert (translation.LEARNED, translation.AVOIDS) == (0.9, -0.5)


@pytest.mark.parametrize(
    "criteria, knowledge, attention",
    [
        (translation.stage_criteria(CorpusConfig()), 0.5, 0.5),
        (topics.CRITERIA, 0.8, 1.2),
        (toy.CRITERIA, np.log(3), 0.75),  # odds of 3 to 1 for the telling word
    ],
)
def test_a_stage_has_come_at_its_level_and_not_a_hair_below(criteria, knowledge, attention):
    assert tuple(criterion.passed for criterion in criteria) == (knowledge, attention)
    reached = np.array([[0.0, knowledge], [0, knowledge - HAIR]])
    looked = np.array([[0.0, attention], [0, attention - HAIR]])
    names = [criterion.measure for criterion in criteria]
    history = History(np.array([0, 10]), dict(zip(names, (reached, looked), strict=True)))
    times = StageTimes.of(history, criteria)
    assert times.knowledge.tolist() == times.attention.tolist() == [10, np.inf]


@pytest.mark.parametrize(
    "knowledge, attention, times, lost",
    [
        (0.8, 1.2, (1.0, 2.0), "nothing"),
        (0.8 - HAIR, 1.2, (1.0, 2.0), "knowledge"),
        (0.8, 1.2 - HAIR, (1.0, 2.0), "attention"),
        (0.8, 1.2, (2.0, 1.0), "order"),
    ],
)
def test_a_conclusion_is_lost_a_hair_below_its_criterion(knowledge, attention, times, lost):
    one = np.ones(1)
    stages = StageTimes(times[0] * one, times[1] * one)
    found = conclusions.Conclusions(knowledge * one, one, attention * one, stages)
    assert found.lost() == lost


@pytest.mark.parametrize("n_keys, n_top", [(20, 1), (21, 2), (40, 2)])
def test_pointed_at_is_the_top_twentieth_rounded_up(n_keys, n_top):
    ranked = torch.arange(n_keys).flip(0).double().expand(1, n_keys, n_keys)
    for place, expected in ((n_top - 1, 1.0), (n_top, 0.0)):
        best = torch.nn.functional.one_hot(torch.tensor(place), n_keys).double()
        found = translation.measure_agreement(best.expand(1, n_keys, n_keys), ranked)
        assert found == expected
