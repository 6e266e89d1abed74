"""Tables of the copy task: which sentences teach it, and how early a run's fate is settled."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu

from twostage.experiments import Runs
from twostage.stages import StageTimes
from twostage.training import History
from twostage.translation.corpus import CorpusConfig
from twostage.translation.probes.record import stage_criteria
from twostage.translation.theory.copy import predict_signal


def tabulate_early(history: History, steps: Sequence[int]) -> pd.DataFrame:
    """How well the signed contrast at early steps tells runs that end above zero from the others.

    Area under the ROC curve (chance one half), and p of the test of Mann and Whitney.
    """
    contrast, rows = history.values["signed_contrast"], []
    copies = contrast[:, -1] > 0
    for record in np.searchsorted(history.steps, steps):
        test = mannwhitneyu(contrast[copies, record], contrast[~copies, record])
        area = test.statistic / (copies.sum() * (~copies).sum())
        rows.append([history.steps[record], area, f"{test.pvalue:.1g}"])
    return pd.DataFrame(rows, columns=["step", "area under the curve", "p"])


def tabulate_signals(
    corpora: Mapping[str, CorpusConfig], measured: Mapping[str, tuple[float, float]]
) -> pd.DataFrame:
    """Lay measured first signals and their errors beside theirs by theory, repeats' being 1."""
    rows = []
    for name, corpus in corpora.items():
        signal, error = np.abs(measured[name]) / _predict_repeats(corpus)
        rows.append([name, _predict_phi(corpus), signal, error])
    columns = ["sentences", "predicted phi", "measured phi", "standard error"]
    return pd.DataFrame(rows, columns=columns)


def tabulate_ways(runs: Runs) -> pd.DataFrame:
    """Of each way to draw sentences: its signal, who learned, when KTIW came, and whether first."""
    rows = []
    for name in runs.conditions:
        corpus = runs.experiment.settings(name).corpus
        clock = StageTimes.of(runs.history(name), stage_criteria(corpus))
        learned, n = runs.successes(name)
        start = np.median(clock.knowledge)
        rows.append([name, _predict_phi(corpus), learned, n, start, *clock.order()])
    measures = ["KTIW at step", "KTIW first", "both pass"]
    table = pd.DataFrame(rows, columns=["sentences", "phi", "learned", "runs", *measures])
    return table.sort_values("phi")


def _predict_phi(corpus: CorpusConfig) -> float:
    """The first signal of a corpus in units of that with repeats."""
    setting = corpus.vocab_size, corpus.seq_len, corpus.mixture, corpus.repeats
    return predict_signal(*setting) / _predict_repeats(corpus)


def _predict_repeats(corpus: CorpusConfig) -> float:
    return predict_signal(corpus.vocab_size, corpus.seq_len, repeats=True)
