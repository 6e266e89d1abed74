"""What the free model knows and where it looks, head by head (snell2021attention, section 4).

As its attention is the same for all sentences, only loss and token accuracy need sentences.
"""

import numpy as np
import torch
from jaxtyping import Float, Int

from twostage.measures import _share_right, right_contrast, signed_contrast
from twostage.seeding import move
from twostage.translation.corpus import CorpusConfig, Pairs, sample_pairs
from twostage.translation.free import FreeModelConfig, FreeTranslator
from twostage.translation.training import target_loss

N_BATCHES = 100  # among which a measured gradient varies


@torch.no_grad()
def measure_free(model: FreeTranslator, pairs: Pairs) -> dict[str, Float[np.ndarray, " run"]]:
    """What the book records of every run; `attn_accuracy` is that of its best head.

    One head that looks at the right word is all that copying needs, so a run has learned if its
    best head has; `signed_contrast` and `ktiw` are those of mean attention and mean table.
    """
    pairs = move(pairs, model.table.device)
    attn, aligned, translation = model.attention(), *_targets(model.corpus)
    scores, words = model.read(attn, pairs.src), pairs.tgt[:, :-1].unflatten(0, (len(attn), -1)) - 1
    forced = model(pairs.src, uniform=True)
    right = (scores.argmax(-1) == words).double().mean((1, 2))
    return {
        "loss": target_loss(scores, pairs).cpu().numpy(),  # nats
        "uniform_loss": target_loss(forced, pairs).numpy(force=True),  # attention forced uniform
        "token_accuracy": right.cpu().numpy(),  # no proof of attention
        "ktiw": _share_right(model.table.mean(1), translation),
        "attn_accuracy": _share_right(attn, aligned).max(1),
        "signed_contrast": signed_contrast(attn.mean(1).cpu().numpy(), aligned),
    }


@torch.no_grad()
def measure_heads(model: FreeTranslator) -> dict[str, Float[np.ndarray, "run head"]]:
    """Attention and table of each head; the last two sum to the side of the saddle it is on."""
    attn, aligned, translation = model.attention(), *_targets(model.corpus)
    return {
        "attn_accuracy": _share_right(attn, aligned),  # share of positions; chance 1/L
        "diagonal": attn.cpu().numpy()[..., np.arange(len(aligned)), aligned].mean(-1),
        "signed_contrast": signed_contrast(attn.cpu().numpy(), aligned),
        "ktiw": _share_right(model.table, translation),  # chance 1/V
        "table_contrast": right_contrast(model.table.cpu().numpy(), translation),
        "logit_contrast": right_contrast(model.logits.cpu().numpy(), aligned),
    }


def measure_signal(
    cfg: CorpusConfig, n_pairs: int, rng: np.random.Generator
) -> tuple[float, float]:
    """What the table's first step tells of translations, and its standard error.

    The `right_contrast` of minus the gradient of the loss at a table of zeros under uniform
    attention, from sentences alone: how far word -> its translation is pushed above the rest.
    In a mixture, the rest are the first L words, which permutations mix: that these are not the
    others is learned from permutations too, but does not tell one from another.
    """
    n_words = cfg.seq_len if cfg.mixture > 0 else cfg.vocab_size
    words, right = slice(n_words), _targets(cfg)[1][:n_words]
    steps = measure_first_gradient(cfg, n_pairs, rng)[:, :, words]  # batch, said, seen
    contrasts = right_contrast(steps[:, right].mT, np.arange(n_words))
    return float(np.mean(contrasts)), float(np.std(contrasts, ddof=1) / N_BATCHES**0.5)


def measure_first_gradient(
    cfg: CorpusConfig, n_pairs: int, rng: np.random.Generator
) -> Float[np.ndarray, "batch said seen"]:
    """Minus the gradient of the loss at a table of zeros under uniform attention, by batches."""
    if n_pairs < N_BATCHES:
        raise ValueError(f"n_pairs must be >= {N_BATCHES}, got {n_pairs}")
    model, steps = FreeTranslator(FreeModelConfig(init_scale=0.0), cfg, [0]), []
    for _ in range(N_BATCHES):
        pairs = sample_pairs(cfg, n_pairs // N_BATCHES, rng)
        (gradient,) = torch.autograd.grad(target_loss(model(pairs.src), pairs), model.table)
        steps.append(-gradient[0, 0].T.cpu().numpy())
    return np.stack(steps)


def _targets(cfg: CorpusConfig) -> tuple[Int[np.ndarray, " query"], Int[np.ndarray, " word"]]:
    """Aligned source position of each target position; translation of each word, from 0."""
    return cfg.aligned[:-1], cfg.translation_of[1:] - 1
