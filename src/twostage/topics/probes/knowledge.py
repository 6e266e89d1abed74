"""What a trained model knows: topics in its value matrix, embeddings and votes (li2023topic).

Each measure comes with its chance level: 0 for a correlation or a difference.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.stats import rankdata

from twostage.seeding import move
from twostage.topics.bags import BagTransformer
from twostage.topics.batches import as_bags
from twostage.topics.corpus import MASK, CorpusConfig
from twostage.topics.model import TopicTransformer
from twostage.topics.relations import correlate_blocks, mean_by_relation, relations


@torch.no_grad()
def measure_value_matrix(model: BagTransformer) -> Float[np.ndarray, "run predicted shown"]:
    """W[i, j]: what one token j, attended to alone, adds to the score of word i.

    For one-hot embeddings and an identity decoder this is W_V. Rows are the words, columns
    [MASK] and the words: the layout of `theory.predict_value_matrix`.
    """
    shown = model.project(model.layer.W_V).sum(1)  # run token d
    n_words = model.corpus.n_words
    scores = model.decode(shown) - (model.bias if model.cfg.bias else 0)
    return scores[:, : n_words + 1, 1 : n_words + 1].mT.cpu().numpy()


def measure_own_excess(model: BagTransformer) -> Float[np.ndarray, " run"]:
    """How much more W_V gives to the word itself than to others of its topic (ideal: 0)."""
    table = measure_value_matrix(model)[:, :, 1:]
    same_word, same_topic, _ = mean_by_relation(table, model.corpus.topic_of).T
    return same_word - same_topic


def measure_value_blocks(model: BagTransformer) -> Float[np.ndarray, " run"]:
    """Correlation of W_V with the topic blocks, over pairs of different words (chance: 0)."""
    return correlate_blocks(measure_value_matrix(model)[:, :, 1:], model.corpus.topic_of)


@torch.no_grad()
def measure_embedding(model: BagTransformer) -> dict[str, Float[np.ndarray, "run relation"]]:
    """Mean inner product and cosine of word embeddings, by relation."""
    words = model.W_E[:, :, 1 : model.corpus.n_words + 1].mT.cpu().numpy()
    gram = {"inner product": words @ words.mT, "cosine": measure_cosines(model)}
    return {name: mean_by_relation(g, model.corpus.topic_of) for name, g in gram.items()}


@torch.no_grad()
def measure_cosines(model: BagTransformer) -> Float[np.ndarray, "run word word"]:
    """Cosines between all word embeddings."""
    words = model.W_E[:, :, 1 : model.corpus.n_words + 1].mT.cpu().numpy()
    unit = words / np.linalg.norm(words, axis=-1, keepdims=True)
    return unit @ unit.mT


def measure_value_relations(model: BagTransformer) -> Float[np.ndarray, "run relation"]:
    """Mean W_V over the pairs of words of each relation, in score units (chance: all alike)."""
    return mean_by_relation(measure_value_matrix(model)[:, :, 1:], model.corpus.topic_of)


def measure_value_gap(model: BagTransformer) -> Float[np.ndarray, " run"]:
    """Mean W_V over same-topic pairs minus other-topic pairs, in score units (chance: 0)."""
    _, same_topic, other_topic = measure_value_relations(model).T
    return same_topic - other_topic


def order_votes(
    scores: Float[np.ndarray, "run shown predicted"], topic_of: Int[np.ndarray, " word"]
) -> Float[np.ndarray, " run"]:
    """How often a same-topic word votes more for a word than an other-topic word (chance: 1/2).

    Mann-Whitney: over all pairs of such voters (the word itself is none), for each word that is
    predicted. Unlike the block correlation, it asks for no equal votes within a topic.
    """
    _, same_topic, other_topic = relations(topic_of)
    voters = np.where(np.eye(len(topic_of), dtype=bool), np.inf, scores)  # ranked above all
    rank_sum = (rankdata(voters, axis=1) * same_topic).sum(1)
    n_same, n_other = same_topic.sum(0), other_topic.sum(0)
    return ((rank_sum - n_same * (n_same + 1) / 2) / (n_same * n_other)).mean(1)


def one_word_documents(cfg: CorpusConfig) -> Int[np.ndarray, "word position"]:
    """Documents *[MASK] w*, one for each word: what is left to predict from is w alone."""
    words = np.arange(1, cfg.n_words + 1)
    return np.stack([np.full_like(words, MASK), words], axis=1)


@torch.no_grad()
def measure_votes(model: BagTransformer) -> Float[np.ndarray, "run shown predicted"]:
    """Scores that [MASK] gives to each word from one visible word.

    With one visible key attention has no choice, so this is knowledge without attention; in the
    paper's model it is W_V, transposed.
    """
    n_runs = len(model.layer.W_V)
    shown = np.repeat(one_word_documents(model.corpus)[None], n_runs, axis=0)
    bags = as_bags(shown, shown, shown == MASK, model.corpus, masked_keys=False)
    return model(move(bags, model.W_E.device))[:, :, 1 : model.corpus.n_words + 1].cpu().numpy()


@torch.no_grad()
def measure_position_votes(model: TopicTransformer) -> Float[np.ndarray, "shown predicted"]:
    """The same for one model of any depth, position by position."""
    shown = torch.from_numpy(one_word_documents(model.corpus)).to(model.W_E.device)
    return model(shown, shown != MASK)[:, 0, 1 : model.corpus.n_words + 1].cpu().numpy()


@torch.no_grad()
def measure_gram(model: BagTransformer) -> Float[np.ndarray, "run token token"]:
    """E^T E of [MASK] and the words, in the layout of `theory.predict_embedding_gram`."""
    embedding = model.W_E[:, :, : model.corpus.n_words + 1]
    return (embedding.mT @ embedding).cpu().numpy()


def relative_error(
    measured: Float[np.ndarray, "run row column"], predicted: Float[np.ndarray, "row column"]
) -> Float[np.ndarray, " run"]:
    """|measured - predicted|/|predicted| of each run, in Frobenius norms."""
    return np.linalg.norm(measured - predicted, axis=(1, 2)) / np.linalg.norm(predicted)
