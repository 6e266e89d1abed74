"""What a translator knows, and where it looks (snell2021attention, sections 3 and 4).

Three measures share one scale from chance to 1: token accuracy (no proof of either stage),
`ktiw` (knowledge to translate individual words) and attention accuracy. All are read off a trace,
so that a record costs one forward pass. Criteria for "has passed" were fixed before any run of
the book.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from twostage.attention import check_attention
from twostage.stages import Criteria, Criterion
from twostage.translation.corpus import CorpusConfig
from twostage.translation.model import Trace
from twostage.translation.training import word_loss

KTIW_PASSED, ATTENTION_PASSED = 0.5, 0.5  # when a stage has come
LEARNED = 0.9  # attention accuracy of a model that copies by attention
AVOIDS = -0.5  # signed contrast of a model that looks away from the right word


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


def stage_criteria(corpus: CorpusConfig) -> Criteria:
    """When knowledge (KTIW) and attention have come, both on a scale from 1/(L + 1) to 1."""
    chance = 1 / (corpus.seq_len + 1)
    return (
        Criterion("ktiw", chance, KTIW_PASSED),
        Criterion("attn_accuracy", chance, ATTENTION_PASSED),
    )


def name_fates(last: Mapping[str, Float[np.ndarray, " run"]] | pd.DataFrame) -> np.ndarray:
    """Name what became of each run: copy, slow (on its way), anti-copy (looks away), undecided.

    `last` holds `attn_accuracy` and `signed_contrast` at a run's last record: of a history, or
    the last rows of a recorded table. Raises ValueError if one of them was not recorded.
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


def signed_contrast(
    attn: Float[np.ndarray, "*lead query key"], aligned: Int[np.ndarray, " query"]
) -> Float[np.ndarray, "*lead"] | float:
    """Place mean attention on the aligned word: copying +1, undecided 0, avoiding it -1.

    With a the mean weight on the aligned word and u = 1/n_keys, (a - u)/(1 - u) above u and
    (a - u)/u below. The scale bends at u, so average attention over sentences before: hard
    attention on random words is undecided, but would count as avoiding sentence by sentence.
    """
    check_attention(attn)
    right, uniform = attn[..., np.arange(len(aligned)), aligned].mean(-1), 1 / attn.shape[-1]
    return (right - uniform) / np.where(right > uniform, 1 - uniform, uniform)


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


def _share_aligned(scores: Float[Tensor, "pair query key"], trace: Trace, within: int = 0) -> float:
    aligned = torch.from_numpy(trace.model.corpus.aligned).to(scores.device)
    off = (scores.argmax(-1) - aligned).abs()
    return (off <= within)[:, :-1].float().mean().item()
