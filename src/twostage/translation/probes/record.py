"""What is recorded of a run of a translator, and what became of it (snell2021attention).

Three measures share one scale from chance to 1: token accuracy (no proof of either stage),
`ktiw` (knowledge to translate individual words) and attention accuracy. All are read off a trace,
so that a record costs one forward pass.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from twostage.stages import Criteria, Criterion
from twostage.translation.corpus import CorpusConfig
from twostage.translation.model import Trace
from twostage.translation.probes.attention import (
    ATTENTION_PASSED,
    AVOIDS,
    KTIW_PASSED,
    LEARNED,
    measure_attention,
    measure_contrast,
    measure_head_attention,
    measure_head_contrast,
)
from twostage.translation.probes.knowledge import measure_ktiw, measure_word_ktiw
from twostage.translation.training import word_loss


def measure_translator(trace: Trace, n_probed: int | None = None) -> dict[str, float]:
    """What the book records of every run; KTIW, which costs L times as much, on few pairs if asked.

    `n_probed` says on how many of the first pairs; by default on all.
    """
    return {
        "token_accuracy": measure_accuracy(trace),
        "ktiw": measure_ktiw(trace.first(n_probed) if n_probed else trace),
        "attn_accuracy": measure_attention(trace),
        "signed_contrast": measure_contrast(trace),
    }


def measure_words(trace: Trace, n_probed: int | None = None) -> dict[str, float]:
    """`measure_translator`, KTIW by single words, and attention on the right word or beside it."""
    return measure_translator(trace, n_probed) | {
        "word_ktiw": measure_word_ktiw(trace),
        "within_one": measure_attention(trace, within=1),
    }


def stage_criteria(corpus: CorpusConfig) -> Criteria:
    """When knowledge (KTIW) and attention have come, both on a scale from 1/(L + 1) to 1."""
    chance = 1 / (corpus.seq_len + 1)
    return (
        Criterion("ktiw", chance, KTIW_PASSED),
        Criterion("attn_accuracy", chance, ATTENTION_PASSED),
    )


def name_fates(last: Mapping[str, Float[np.ndarray, " run"]]) -> np.ndarray:
    """Name what became of each run: copy, slow (on its way), anti-copy (looks away), undecided.

    `last` holds `attn_accuracy` and `signed_contrast` at each run's last record, live or recorded.
    Raises ValueError if one of them was not recorded.
    """
    missing = {"attn_accuracy", "signed_contrast"} - set(last)
    if missing:
        raise ValueError(f"the fate of a run hangs on {sorted(missing)}: record it too")
    attention, contrast = last["attn_accuracy"], last["signed_contrast"]
    cases = [attention >= LEARNED, attention >= ATTENTION_PASSED, contrast <= AVOIDS]
    return np.select(cases, ["copy", "slow", "anti-copy"], "undecided")


def measure_loss(trace: Trace) -> float:
    """Mean negative log probability of a target word or [EOS], in nats."""
    return word_loss(trace.output, trace.pairs).item()


def measure_accuracy(trace: Trace) -> float:
    """Share of words predicted right under teacher forcing, [EOS] left out; chance 1/V.

    No proof of attention: without any context the decoder learns to name the words still missing.
    A trace with uniform attention tells what is left if the model looks nowhere in particular.
    """
    right = trace.output.argmax(-1) == trace.pairs.tgt
    return right[:, :-1].float().mean().item()


def measure_translator_heads(trace: Trace, n_probed: int | None = None) -> dict[str, float]:
    """What the book records of runs with several heads; `attn_accuracy` is that of the best head.

    KTIW is measured on the first `n_probed` pairs, by default on all. `mean_attention` and
    `signed_contrast` are those of the heads' average,
    `best_signed_contrast` is the largest signed contrast of a single head.
    """
    return {
        "token_accuracy": measure_accuracy(trace),
        "ktiw": measure_ktiw(trace.first(n_probed) if n_probed else trace),
        "attn_accuracy": float(measure_head_attention(trace).max()),
        "mean_attention": measure_attention(trace),
        "signed_contrast": measure_contrast(trace),
        "best_signed_contrast": float(measure_head_contrast(trace).max()),
    }
