"""What a translator knows of words, by the authors' state probe and word by word."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from twostage.measures import right_contrast
from twostage.translation.model import Trace
from twostage.translation.probes.attention import (
    _share_aligned,
)


def measure_ktiw(trace: Trace) -> float:
    """Share of target words that their own source word predicts best; chance 1/(L + 1).

    The authors' state probe: one encoder state alone is fed through the context projection and
    the output layer. All states are compared at one decoder state, so what the decoder itself
    remembers favours none of them. How attention is spread plays no part.
    """
    return _share_aligned(measure_state_probe(trace), trace)


@torch.no_grad()
def measure_state_probe(trace: Trace) -> Float[Tensor, "pair query key"]:
    """Log probability of the right word at each step, if one encoder state alone were read.

    The beta of snell2021attention, in nats.
    """
    alone, found = trace.model.read_alone(trace.memory), []
    few = [side.split(16) for side in (trace.states, alone, trace.pairs.tgt)]  # for memory
    for states, contexts, target in zip(*few, strict=True):
        log_shares = trace.model.predict_each(states, contexts).log_softmax(-1)
        target = target[:, :, None, None].expand(*log_shares.shape[:3], 1)
        found.append(log_shares.gather(-1, target)[..., 0])
    return torch.cat(found)


@torch.no_grad()
def measure_word_table(trace: Trace) -> Float[np.ndarray, "source target"]:
    """Log probability of each target word, given the state of a sentence of one source word.

    Averaged over the decoder states of the trace; the translation table that the model has
    learned, like the value matrix of the topics (there [word predicted, word shown]).
    """
    model, states = trace.model, trace.states[:, :-1].flatten(0, 1)
    words = torch.arange(1, model.corpus.n_tokens, device=states.device)[:, None]
    memory = model.encoder(model.embedding(words))[0]
    alone = model.read_alone(memory)  # word, 1, d
    rows = [model.predict(states, word.expand_as(states)).log_softmax(-1) for word in alone]
    return torch.stack(rows).mean(1)[:, 1:].cpu().numpy()


def measure_word_ktiw(trace: Trace) -> float:
    """Share of source words whose best target word is their translation; chance 1/V."""
    best = 1 + measure_word_table(trace).argmax(1)
    return float((best == trace.model.corpus.translation_of[1:]).mean())


def measure_word_contrast(trace: Trace) -> dict[str, float]:
    """`w`: the right entries of the model's word table minus all others, in nats.

    The counterpart of w in the free model (`theory_copy`), whatever attention does.
    """
    right = trace.model.corpus.translation_of[1:] - 1
    return {"w": float(right_contrast(measure_word_table(trace), right))}
