"""The joint optimum against least squares over every document and query, W_V unrestricted."""

from dataclasses import replace

import pytest
from theory_joint_documents import least_loss, least_odds

from twostage.topics import theory
from twostage.topics.corpus import CorpusConfig
from twostage.topics.theory import predict_joint_odds

CFG = CorpusConfig(3, 2, 2, mask_rate=0.5, keep_rate=0.2, random_rate=0.2)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"keep_rate": 0.3, "random_rate": 0.1},
        {"n_topics": 4},
        {"n_topics": 4, "topics_per_doc": 3},
    ],
)
def test_joint_odds_are_those_of_least_squares(changes):
    cfg = replace(CFG, **changes)
    odds = predict_joint_odds(cfg)
    assert odds == pytest.approx(least_odds(cfg), rel=1e-4)
    assert least_loss(cfg, odds) < min(least_loss(cfg, odds * f) for f in (0.97, 1.03))


def test_joint_odds_lie_between_the_two_frozen_predictions():
    frozen = theory.predict_attention_odds(CFG)
    not_keys = theory.predict_attention_odds(CFG, masked_keys=False)
    assert frozen * 1.1 < predict_joint_odds(CFG) < not_keys * 0.9
    assert predict_joint_odds(CFG, masked_keys=False) == pytest.approx(not_keys, rel=1e-4)


@pytest.mark.parametrize(
    "changes", [{"keep_rate": 0.0}, {"topics_per_doc": 1}, {"topics_per_doc": 3}]
)
def test_attention_stays_uniform_where_nothing_drives_it(changes):
    assert predict_joint_odds(replace(CFG, **changes)) == 1


def test_without_random_words_the_odds_have_no_bound():
    with pytest.raises(ValueError, match="random_rate must be > 0"):
        predict_joint_odds(replace(CFG, random_rate=0.0))
