"""Does attention go where knowledge points? (snell2021attention, section 4.)

Four scores of source positions for each target word are compared, all [pair, query, key]:
attention (alpha), the state probe (beta), the same probe of a bag-of-words model, and saliency.
One agrees with another where its best position is among the other's top 5 %. As in all probes,
[EOS], the last target, is left out. Beyond the paper: where attention goes if knowledge is wrong.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from twostage.seeding import move
from twostage.stages import crossing_time
from twostage.training import History
from twostage.translation.corpus import Pairs
from twostage.translation.model import BagTranslator, Trace, Translator
from twostage.translation.probes.knowledge import measure_state_probe
from twostage.translation.probes.record import measure_words

TOP = 0.05  # share of source positions that count as pointed at, rounded up to whole positions


def measure_agreement(
    first: Float[Tensor, "pair query key"], second: Float[Tensor, "pair query key"]
) -> float:
    """Share of target words whose best position by `first` is in the top 5 % by `second`.

    Chance ceil(0.05 K)/K for K source positions.
    """
    best = first[:, :-1].argmax(-1, keepdim=True)
    top = second[:, :-1].topk(math.ceil(TOP * second.shape[-1])).indices
    return (top == best).any(-1).float().mean().item()


def shuffle_keys(
    scores: Float[Tensor, "pair query key"], rng: np.random.Generator
) -> Float[Tensor, "pair query key"]:
    """Deal the scores of each target word out to source positions at random: the baseline."""
    order = torch.from_numpy(rng.random(tuple(scores.shape)).argsort(-1))
    return scores.gather(-1, order.to(scores.device))


@torch.no_grad()
def measure_bag_probe(model: BagTranslator, pairs: Pairs) -> Float[Tensor, "pair query key"]:
    """Log probability of each target word, given a bag of one source word (in nats)."""
    pairs = move(pairs, model.output.weight.device)
    table = model(pairs.src.flatten()[:, None]).log_softmax(-1)  # a source word alone, token
    table = table.unflatten(0, pairs.src.shape).mT  # pair, token, key
    return table.gather(1, pairs.tgt[..., None].expand(-1, -1, table.shape[-1]))


def measure_saliency(model: Translator, pairs: Pairs) -> Float[Tensor, "pair query key"]:
    """Length of the gradient of ln p(target word) by the embedding of each source word."""
    embedded, pairs = [], move(pairs, model.output.weight.device)
    hook = model.encoder.register_forward_pre_hook(lambda _, given: embedded.append(given[0]))
    log_shares = model(pairs.src, pairs.tgt).log_softmax(-1)
    hook.remove()
    right = log_shares.gather(-1, pairs.tgt[..., None]).sum((0, 2))  # query; pairs do not mix
    slopes = [torch.autograd.grad(each, embedded, retain_graph=True)[0] for each in right]
    return torch.stack([slope.norm(dim=-1) for slope in slopes], 1)


def measure_agreements(trace: Trace, uniform: Trace, proxy: BagTranslator) -> dict[str, float]:
    """The four agreements of the paper: of a model with a uniform one and with the proxy.

    Both traces are of the same pairs.
    """
    attention, known, pairs = trace.attn.mean(1), measure_state_probe(uniform), trace.pairs
    return {
        "attention, uniform KTIW": measure_agreement(attention, known),
        "uniform KTIW, bag KTIW": measure_agreement(known, measure_bag_probe(proxy, pairs)),
        "saliency, uniform KTIW": measure_agreement(measure_saliency(trace.model, pairs), known),
        "attention, own KTIW": measure_agreement(attention, measure_state_probe(trace)),
    }


def measure_pointing(
    trace: Trace, shown: Pairs, known: Float[Tensor, "donor pair query key"]
) -> dict[str, float]:
    """`measure_words`, and agreements of attention on `shown` while the model trains.

    `known` holds state probes of uniform models on `shown`. Of the target words at which one of
    them points to a wrong position: `misled` is the share where attention goes to that position,
    `habit` how often it goes there for the same target position of other sentences, `undeterred`
    the share where it goes to the right position.
    """
    seen = trace.model.trace(shown)
    attention = seen.attn.mean(1)
    best, picks = attention[:, :-1].argmax(-1), known[:, :, :-1].argmax(-1)
    aligned = torch.from_numpy(trace.model.corpus.aligned).to(picks)[:-1]
    wrong = picks != aligned
    habits = F.one_hot(best, known.shape[-1]).float().mean(0)  # query, key
    habit = habits[torch.arange(len(aligned), device=picks.device).expand_as(picks), picks]
    return measure_words(trace) | {
        "agreement": float(np.mean([measure_agreement(attention, each) for each in known])),
        "own agreement": measure_agreement(attention, measure_state_probe(seen)),
        "misled": (best == picks)[wrong].float().mean().item(),
        "habit": habit[wrong].mean().item(),
        "undeterred": (best == aligned).expand_as(picks)[wrong].float().mean().item(),
    }


def find_xi(history: History, levels: Float[np.ndarray, " level"]) -> Float[np.ndarray, " level"]:
    """Token accuracy of each run when its attention first agrees with its own KTIW as `levels` say.

    Of the first runs, one for each level. Linear between records; nan if that never happens.
    """
    first = slice(len(levels))
    ahead = history.values["own agreement"][first] - levels[:, None]
    times = crossing_time(history.steps, ahead, 0.0)
    pairs = zip(times, history.values["token_accuracy"][first], strict=True)
    return np.array(
        [np.interp(t, history.steps, v) if np.isfinite(t) else np.nan for t, v in pairs]
    )
