"""Tables of chapter-sized results, from numbers that are made up here."""

import numpy as np
import pytest

from twostage.stages import Criterion
from twostage.training import History
from twostage.translation import figures
from twostage.translation.corpus import CorpusConfig
from twostage.translation.statistics import translation_pairs


def test_signal_is_counted_beside_the_exact_one():
    corpora = {
        "larger": CorpusConfig(vocab_size=4, seq_len=2, dictionary="random"),
        "permutations": CorpusConfig(vocab_size=3, seq_len=3),
    }
    excess = {
        "larger": np.where(translation_pairs(corpora["larger"]), 1.0, -1 / 3),
        "permutations": np.full((3, 3), 0.25),
    }
    table = figures.tabulate_signal(excess, corpora)
    assert list(table.columns) == ["language", "counted", "exact"]
    assert table.language.tolist() == ["larger", "permutations"]
    assert table.counted.tolist() == pytest.approx([4 / 3, 0])
    assert table.exact.tolist() == pytest.approx([2 * 2 / 3, 0])  # V/L (V - L)/(V - 1)


def test_agreements_stand_with_interval_and_baseline():
    values = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.9])
    table = figures.tabulate_agreements({"a, b": values, "a, c": values + 1}, 0.08)
    assert list(table.columns) == ["pair", "agreement", "low", "high", "shuffled"]
    assert table.pair.tolist() == ["a, b", "a, c"]
    rows = table.drop(columns="pair").to_numpy()
    assert rows == pytest.approx(np.array([[0.35, 0.1, 0.9, 0.08], [1.35, 1.1, 1.9, 0.08]]))


CRITERIA = Criterion("ktiw", 0.0, 0.5), Criterion("attn_accuracy", 0.0, 0.5)


def make_history(**values):
    shared = {name: np.array(rows) for name, rows in values.items()}
    return History(np.array([0, 10, 20]), shared)


def test_a_language_has_its_knowledge_frozen_and_its_stages_free():
    frozen = make_history(
        ktiw=[[0.9, 0, 0.6], [0.9, 0, 0.7], [0.9, 0, 0.8]],
        word_ktiw=[[0, 0, 1.0], [0, 0, 0.5], [0, 0, 0.25]],
    )
    free = make_history(
        ktiw=[[0, 0.5, 1], [0, 1, 1], [0, 0.5, 1]],
        attn_accuracy=[[0, 0, 1], [0, 0, 0.5], [0, 0, 0.4]],
        within_one=[[1, 1, 0.6], [1, 1, 0.5], [1, 1, 0.125]],
    )
    table = figures.tabulate_languages({"x": frozen, "y": frozen}, {"y": free}, CRITERIA)
    assert table.to_dict("records") == [
        {
            "language": "y",
            "state probe": 0.7,
            "single words": 0.5,
            "KTIW at": 10,
            "attention reached": "2 of 3",
            "at": 20,
            "±1 at the end": 0.5,
        }
    ]
