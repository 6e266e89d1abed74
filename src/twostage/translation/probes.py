"""What a translator knows, and where it looks (snell2021attention, sections 3 and 4).

Three measures share one scale from chance to 1: token accuracy (no proof of either stage),
`ktiw` (knowledge to translate individual words) and attention accuracy. Criteria for "has
passed" were fixed before any run of the book.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from twostage.attention import check_attention
from twostage.translation.corpus import Pairs
from twostage.translation.model import Translator
from twostage.translation.training import cross_entropy

KTIW_PASSED, ATTENTION_PASSED = 0.5, 0.5  # when a stage has come
LEARNED = 0.9  # attention accuracy of a model that copies by attention
AVOIDS = -0.5  # signed contrast of a model that looks away from the right word


def measure_translator(model: Translator, pairs: Pairs) -> dict[str, float]:
    """What the book records of every run; `knowledge` is `ktiw`."""
    return {
        "token_accuracy": measure_accuracy(model, pairs),
        "knowledge": measure_ktiw(model, pairs),
        "attention": measure_attention(model, pairs),
        "contrast": measure_contrast(model, pairs),
    }


def name_fates(
    attention: Float[np.ndarray, " run"], contrast: Float[np.ndarray, " run"]
) -> np.ndarray:
    """Name what became of each run: copy, slow (on its way), anti-copy (looks away), undecided."""
    cases = [attention >= LEARNED, attention >= ATTENTION_PASSED, contrast <= AVOIDS]
    return np.select(cases, ["copy", "slow", "anti-copy"], "undecided")


@torch.no_grad()
def measure_loss(model: Translator, pairs: Pairs) -> float:
    """Mean negative log probability of a target word or [EOS], in nats."""
    return cross_entropy(model, pairs).item()


@torch.no_grad()
def measure_accuracy(model: Translator, pairs: Pairs, uniform: bool = False) -> float:
    """Share of words predicted right under teacher forcing, [EOS] left out; chance 1/V.

    No proof of attention: without any context the decoder learns to name the words still missing.
    `uniform` asks what is left if the model looks nowhere in particular.
    """
    right = model(pairs.src, pairs.tgt, uniform).argmax(-1) == pairs.tgt
    return right[:, :-1].float().mean().item()


@torch.no_grad()
def measure_attention(model: Translator, pairs: Pairs, within: int = 0) -> float:
    """Share of target words whose strongest attention is on the aligned word; chance 1/(L + 1).

    Heads are averaged. `within=1` also counts the neighbours, as the state of a recurrent network
    can sit one step off.
    """
    attn = model.attend(pairs.src, pairs.tgt).mean(1)
    return _share_aligned(attn, model, within)


@torch.no_grad()
def measure_contrast(model: Translator, pairs: Pairs) -> float:
    """Signed contrast of attention, averaged over pairs and heads; [EOS] is a key, not a query."""
    attn = model.attend(pairs.src, pairs.tgt).mean((0, 1))[:-1].numpy()
    return float(signed_contrast(attn, model.corpus.aligned[:-1]))


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


@torch.no_grad()
def measure_ktiw(model: Translator, pairs: Pairs) -> float:
    """Share of target words that their own source word predicts best; chance 1/(L + 1).

    The authors' state probe: one encoder state alone is fed through the context projection and
    the output layer. All states are compared at one decoder state, so what the decoder itself
    remembers favours none of them. How attention is spread plays no part.
    """
    return _share_aligned(measure_state_probe(model, pairs), model)


@torch.no_grad()
def measure_state_probe(model: Translator, pairs: Pairs) -> Float[Tensor, "pair query key"]:
    """Log probability of the right word at each step, if one encoder state alone were read.

    The beta of snell2021attention, in nats.
    """
    memory, states = model.encode(pairs.src, pairs.tgt)
    shape = (len(memory), states.shape[1], memory.shape[1], -1)
    alone = model.read_alone(memory)[:, None].expand(shape)
    log_shares = model.predict(states[:, :, None].expand(shape), alone).log_softmax(-1)
    return log_shares.gather(-1, pairs.tgt[:, :, None, None].expand(*shape[:3], 1))[..., 0]


@torch.no_grad()
def measure_word_table(model: Translator, pairs: Pairs) -> Float[np.ndarray, "source target"]:
    """Log probability of each target word, given the state of a sentence of one source word.

    Averaged over the decoder states of `pairs`; the translation table that the model has
    learned, like the value matrix of the topics (there [word predicted, word shown]).
    """
    words = torch.arange(1, model.corpus.n_tokens)[:, None]
    memory = model.encoder(model.embedding(words))[0]
    states = model.encode(pairs.src, pairs.tgt)[1][:, :-1].flatten(0, 1)
    alone = model.read_alone(memory)  # word, 1, d
    rows = [model.predict(states, word.expand_as(states)).log_softmax(-1) for word in alone]
    return torch.stack(rows).mean(1)[:, 1:].numpy()


def measure_word_ktiw(model: Translator, pairs: Pairs) -> float:
    """Share of source words whose best target word is their translation; chance 1/V."""
    best = 1 + measure_word_table(model, pairs).argmax(1)
    return float((best == model.corpus.translation_of[1:]).mean())


def _share_aligned(
    scores: Float[Tensor, "pair query key"], model: Translator, within: int = 0
) -> float:
    aligned = torch.from_numpy(model.corpus.aligned)
    off = (scores.argmax(-1) - aligned).abs()
    return (off <= within)[:, :-1].float().mean().item()
