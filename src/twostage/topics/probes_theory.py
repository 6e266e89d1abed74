"""What the theory predicts of a trained model, measured: topic odds, Gram matrices, gradients."""

import numpy as np
import torch
from jaxtyping import Float

from twostage.devices import move
from twostage.topics.bags import BagTransformer
from twostage.topics.batches import Bags
from twostage.topics.probes import measure_attention_table, measure_mask_attention
from twostage.topics.training import squared_error


def measure_attention_odds(model: BagTransformer) -> Float[np.ndarray, " run"]:
    """rho = (c1 + (v - 1) c2)/(v c3), averaged over query words (uniform attention: 1).

    Attention to the v words of the query's topic over that to v words of other topics, in a
    document that holds every word once.
    """
    table, topic_of = measure_attention_table(model), model.corpus.topic_of
    same_topic = topic_of[:, None] == topic_of
    return table[:, same_topic].mean(1) / table[:, ~same_topic].mean(1)


@torch.no_grad()
def measure_gram(model: BagTransformer) -> Float[np.ndarray, "run token token"]:
    """E^T E of [MASK] and the words, in the layout of `theory.predict_embedding_gram`."""
    embedding = model.W_E[:, :, : model.corpus.n_words + 1]
    return (embedding.mT @ embedding).cpu().numpy()


@torch.no_grad()
def measure_attention_gain(model: BagTransformer, bags: Bags) -> Float[np.ndarray, " run"]:
    """L - L(1): squared error minus that of the same model with uniform attention, same bags."""
    bags = move(bags, model.W_E.device)
    return (squared_error(model, bags) - squared_error(model, bags, uniform=True)).cpu().numpy()


def measure_gradients(model: BagTransformer, bags: Bags) -> dict[str, Float[np.ndarray, " run"]]:
    """Frobenius norms of the squared error's gradients in W_V, W_K and W_Q."""
    weights = {name: getattr(model.layer, name) for name in ("W_V", "W_K", "W_Q")}
    loss = squared_error(model, move(bags, model.W_E.device)).sum()
    gradients = torch.autograd.grad(loss, list(weights.values()))
    norms = (g.flatten(1).norm(dim=1).cpu().numpy() for g in gradients)
    return dict(zip(weights, norms, strict=True))


def measure_word_spread(model: BagTransformer) -> Float[np.ndarray, " run"]:
    """How far attention tells words of one topic apart: spread of log c over the query's topic.

    Root mean square over queries and keys; 0 where only the topic matters, as in the theory.
    """
    table, cfg = np.log(measure_attention_table(model)), model.corpus
    v = cfg.words_per_topic
    blocks = [table[:, t : t + v, t : t + v] for t in range(0, cfg.n_words, v)]
    return np.sqrt(np.mean([block.var(axis=2).mean(1) for block in blocks], axis=0))


def record_odds(model: BagTransformer) -> dict[str, Float[np.ndarray, " run"]]:
    """What `train` records of attention: odds rho, spread within topics, [MASK] to [MASK]."""
    return {
        "odds": measure_attention_odds(model),
        "word spread": measure_word_spread(model),
        "mask attention": measure_mask_attention(model),
    }


def relative_error(
    measured: Float[np.ndarray, "run row column"], predicted: Float[np.ndarray, "row column"]
) -> Float[np.ndarray, " run"]:
    """|measured - predicted|/|predicted| of each run, in Frobenius norms."""
    return np.linalg.norm(measured - predicted, axis=(1, 2)) / np.linalg.norm(predicted)
