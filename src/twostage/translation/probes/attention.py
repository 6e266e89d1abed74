"""Where a translator looks: all heads together, one by one (snell2021attention, section 4).

The authors call a head good if a model of that head alone gets its words right. Words can be got
right by memory, so heads are judged here by where they look.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from twostage.measures import signed_contrast
from twostage.translation.model import Trace

KTIW_PASSED, ATTENTION_PASSED = 0.5, 0.5  # when a stage has come
LEARNED = 0.9  # attention accuracy of a model that copies by attention
AVOIDS = -0.5  # signed contrast of a model that looks away from the right word


def measure_attention(trace: Trace, within: int = 0) -> float:
    """Share of target words whose strongest attention is on the aligned word; chance 1/(L + 1).

    Heads are averaged. `within=1` also counts the neighbours, as the state of a recurrent network
    can sit one step off.
    """
    return _share_aligned(trace.attn.mean(1), trace, within)


def measure_contrast(trace: Trace) -> float:
    """Signed contrast of attention, averaged over pairs and heads; [EOS] is a key, not a query."""
    attn = trace.attn.mean((0, 1))[:-1].cpu().numpy()
    return float(signed_contrast(attn, trace.model.corpus.aligned[:-1]))


def _share_aligned(scores: Float[Tensor, "pair query key"], trace: Trace, within: int = 0) -> float:
    aligned = torch.from_numpy(trace.model.corpus.aligned).to(scores.device)
    off = (scores.argmax(-1) - aligned).abs()
    return (off <= within)[:, :-1].float().mean().item()


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
