"""The plain algorithms that the package is measured against; tests hold each to its fast twin."""

import numpy as np
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from twostage.topics.batches import Positions
from twostage.topics.corpus import CorpusConfig
from twostage.topics.model import TopicTransformer


def sample_word_by_word(
    cfg: CorpusConfig, n_docs: int, rng: np.random.RandomState
) -> Int[np.ndarray, "doc position"]:
    """Draw every token by np.random.choice: first its topic, then one of the topic's words."""
    docs = []
    for mixture in rng.dirichlet(np.full(cfg.n_topics, cfg.alpha), n_docs):
        topics = [rng.choice(cfg.n_topics, p=mixture) for _ in range(cfg.doc_len)]
        docs.append([1 + t * cfg.words_per_topic + rng.choice(cfg.words_per_topic) for t in topics])
    return np.array(docs)


def ask_masked(
    batch: Positions,
) -> tuple[Int[Tensor, "doc position"], Int[Tensor, "doc query"], Int[Tensor, "doc query"]]:
    """Lay out what `masked_queries_loss` reads: shown tokens, those at masks, words behind them.

    A row with few masks is filled up with the word -100, which cross-entropy leaves out.
    """
    n_queries = int(batch.masked.sum(1).max())
    at = batch.masked.int().argsort(dim=1, descending=True, stable=True)[:, :n_queries]
    words = batch.words.gather(1, at).masked_fill(~batch.masked.gather(1, at), -100)
    return batch.shown, batch.shown.gather(1, at), words


def masked_queries_loss(
    model: TopicTransformer,
    batch: tuple[Int[Tensor, "doc position"], Int[Tensor, "doc query"], Int[Tensor, "doc query"]],
) -> Float[Tensor, ""]:
    """Cross-entropy of the paper's model position by position, queries at masked positions only.

    One head, one-hot embeddings (a projection looks rows up), documents of equal length.
    """
    shown, asked, words = batch
    layer = model.layers[0]
    q = F.embedding(asked, layer.W_Q[0].mT)
    k, v = (F.embedding(shown, weight[0].mT) for weight in (layer.W_K, layer.W_V))
    attn = (q @ k.mT / k.shape[-1] ** 0.5).softmax(-1)
    return F.cross_entropy((attn @ v).flatten(0, 1), words.flatten())


def attention_pair_by_pair(
    scores: Float[np.ndarray, "query_token key_token"],
    tokens: Int[np.ndarray, "doc position"],
    topic_of: Int[np.ndarray, " word"],
) -> Float[np.ndarray, " relation"]:
    """Mean of N * attention by relation, one pair of positions after the other."""
    topics, sums, pairs = topic_of.tolist(), [0.0] * 3, [0] * 3
    for row in tokens:
        weight = np.exp(scores[row[:, None], row])
        attn = (len(row) * weight / weight.sum(1, keepdims=True)).tolist()
        words = (row - 1).tolist()
        for query, shares in zip(words, attn, strict=True):
            for key, share in zip(words, shares, strict=True):
                relation = 0 if query == key else 1 if topics[query] == topics[key] else 2
                sums[relation] += share
                pairs[relation] += 1
    return np.array(sums) / pairs
