"""Tables of the copy task, from runs whose numbers are written by hand."""

import numpy as np
import pandas as pd
import pytest

from twostage.experiments import Runs
from twostage.training import History
from twostage.translation import COPY, CorpusConfig, figures


def test_an_early_contrast_foretells_the_end_by_its_area():
    contrast = np.array([[0.2, 0.1, 0.9], [-0.1, 0.2, 0.8], [0.1, -0.1, -0.9], [-0.2, -0.2, -0.8]])
    history = History(np.array([0, 10, 20]), {"signed_contrast": contrast})
    table = figures.tabulate_early(history, [0, 7])
    assert table.step.tolist() == [0, 10], "the first record at the step or after it"
    assert table["area under the curve"].tolist() == [0.75, 1.0]
    assert table.p.tolist() == ["0.7", "0.3"]  # 4 of 6 and 2 of 6 orders are as far off


def test_signals_are_laid_beside_theory_in_units_of_that_with_repeats():
    corpora = {"hard": CorpusConfig(4, 4), "more": CorpusConfig(5, 4)}
    corpora["half"] = CorpusConfig(5, 4, mixture=0.5)
    corpora["repeats"] = CorpusConfig(5, 4, repeats=True)
    measured = {"hard": (-1 / 16, 0.0), "more": (0.01, 0.005), "half": (0, 0), "repeats": (0.05, 1)}
    table = figures.tabulate_signals(corpora, measured)
    assert table.sentences.tolist() == list(corpora)
    np.testing.assert_allclose(table["predicted phi"], [0, 1 / 4, 1 / 8, 1])
    np.testing.assert_allclose(table["measured phi"], [1, 0.2, 0, 1])
    np.testing.assert_allclose(table["standard error"], [0, 0.1, 0, 20])


@pytest.fixture
def runs():
    """Two runs on a larger vocabulary, of which one learns, and one on permutations."""
    experiment = COPY.at({"larger": {"vocab_size": 13}, "permutations": {}})
    rows = [("larger", 0, 0, 0.0, 0.0), ("larger", 0, 10, 1.0, 0.25), ("larger", 0, 20, 1.0, 0.95)]
    rows += [("larger", 1, 0, 0.0, 0.0), ("larger", 1, 10, 0.0, 0.5), ("larger", 1, 20, 1.0, 0.6)]
    rows += [("permutations", 0, 0, 0.0, 0.0), ("permutations", 0, 20, 0.0, 0.0)]
    names = ["condition", "seed", "step", "ktiw", "attn_accuracy"]
    return Runs(experiment, pd.DataFrame(rows, columns=names).assign(experiment="copy"))


def test_ways_are_laid_out_by_their_signal(runs):
    hard, larger = figures.tabulate_ways(runs).to_dict("records")
    assert hard["sentences"] == "permutations" and larger["sentences"] == "larger"
    assert (hard["phi"], larger["phi"]) == (0, pytest.approx(1 / 12))
    assert (hard["learned"], hard["runs"]) == (0, 1)
    assert (larger["learned"], larger["runs"]) == (1, 2)
    assert (hard["KTIW at step"], larger["KTIW at step"]) == (np.inf, 10)  # median of 5 and 15
    assert (hard["KTIW first"], hard["both pass"]) == (0, 0)
    assert (larger["KTIW first"], larger["both pass"]) == (1, 2)
