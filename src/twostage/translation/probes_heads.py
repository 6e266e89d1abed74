"""What single heads of a translator do, and single words (snell2021attention, on several heads).

The authors call a head good if a model of that head alone gets its words right. Words can be got
right by memory, so heads are judged here by where they look: one by one, and averaged.
"""

import numpy as np
import torch
from jaxtyping import Float

from twostage.translation.model import Trace
from twostage.translation.probes import (
    measure_accuracy,
    measure_attention,
    measure_contrast,
    measure_ktiw,
    measure_word_table,
    signed_contrast,
)
from twostage.translation.probes_free import right_contrast


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


def measure_head_attention(trace: Trace) -> Float[np.ndarray, " head"]:
    """Share of target words whose strongest attention is aligned, in each head; chance 1/(L + 1).

    The best of n heads is above 1/(L + 1) by chance alone, but far from 0.9.
    """
    strongest = trace.attn.argmax(-1)
    right = strongest == torch.from_numpy(trace.model.corpus.aligned).to(strongest)
    return right[..., :-1].double().mean((0, 2)).cpu().numpy()


def measure_head_contrast(trace: Trace) -> Float[np.ndarray, " head"]:
    """Mean attention of each head on the aligned word: +1 all of it, 0 uniform, -1 none of it."""
    attn = trace.attn.mean(0)[:, :-1].cpu().numpy()
    return signed_contrast(attn, trace.model.corpus.aligned[:-1])


def measure_word_contrast(trace: Trace) -> dict[str, float]:
    """`w`: the right entries of the model's word table minus all others, in nats.

    The counterpart of w in the free model (`theory_copy`), whatever attention does.
    """
    right = trace.model.corpus.translation_of[1:] - 1
    return {"w": float(right_contrast(measure_word_table(trace), right))}
