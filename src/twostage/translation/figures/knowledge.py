"""Tables of what bags of words say, and of when words and attention came in each language."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float

from twostage.estimates import Estimate
from twostage.measures import row_contrast
from twostage.stages import Criteria, StageTimes
from twostage.training import History
from twostage.translation import theory
from twostage.translation.corpus import CorpusConfig
from twostage.translation.statistics import translation_pairs


def tabulate_signal(
    excess: Mapping[str, Float[np.ndarray, "source target"]], corpora: Mapping[str, CorpusConfig]
) -> pd.DataFrame:
    """Lay the contrast of counted excesses beside the exact one of sentences without repeats."""
    rows = []
    for name, corpus in corpora.items():
        V, L = corpus.vocab_size, corpus.seq_len
        counted = row_contrast(excess[name], translation_pairs(corpus))
        rows.append([name, counted, float(V**2 * theory.predict_signal(V, L))])
    return pd.DataFrame(rows, columns=["language", "counted", "exact"])


def tabulate_agreements(
    agreed: Mapping[str, Float[np.ndarray, " run"]], baseline: float
) -> pd.DataFrame:
    """Lay the median agreement of each pair of scores, with its interval, beside the baseline."""
    found = {pair: Estimate.of_median(values) for pair, values in agreed.items()}
    rows = [[pair, each.value, each.low, each.high, baseline] for pair, each in found.items()]
    return pd.DataFrame(rows, columns=["pair", "agreement", "low", "high", "shuffled"])


def tabulate_languages(
    frozen: Mapping[str, History], free: Mapping[str, History], criteria: Criteria
) -> pd.DataFrame:
    """Lay KTIW under uniform attention beside what normal training does, a row for a language.

    `frozen` and `free` hold what `probes.measure_words` recorded; medians over runs.
    """
    rows = []
    for name, history in free.items():
        clock = StageTimes.of(history, criteria)
        reached = f"{np.isfinite(clock.attention).sum()} of {len(clock.attention)}"
        known = [np.median(frozen[name].values[key][:, -1]) for key in ("ktiw", "word_ktiw")]
        at = [np.median(clock.knowledge).round(1), reached, np.median(clock.attention).round(1)]
        near = np.median(history.values["within_one"][:, -1])
        rows.append([name, *np.round(known, 2).tolist(), *at, near.round(2)])
    columns = ["language", "state probe", "single words", "KTIW at"]
    return pd.DataFrame(rows, columns=[*columns, "attention reached", "at", "±1 at the end"])
