"""What a trained topic model knows, and where it looks (li2023topic, section 6).

Every probe compares pairs of words by their relation: the same word, another word of the same
topic, a word of another topic. Each measure comes with its chance level: 0 for a correlation or
a difference, 1 for attention times document length (uniform attention gives exactly 1).
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from twostage.attention import attend
from twostage.stages import Criterion
from twostage.topics.bags import BagTransformer
from twostage.topics.corpus import MASK
from twostage.topics.model import Trace
from twostage.topics.relations import correlate_blocks, mean_by_relation, relations
from twostage.training import Measure

CRITERIA = (
    Criterion("knowledge", 0.0, 0.8),  # block correlation of W_V
    Criterion("attention", 1.0, 1.2),  # same-topic over other-topic attention
)


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


def measure_value_blocks(model: BagTransformer) -> Float[np.ndarray, " run"]:
    """Correlation of W_V with the topic blocks, over pairs of different words (chance: 0)."""
    return correlate_blocks(measure_value_matrix(model)[:, :, 1:], model.corpus.topic_of)


@torch.no_grad()
def measure_norms(model: BagTransformer) -> dict[str, Float[np.ndarray, " run"]]:
    """Frobenius norms of the value, key and query matrices (all heads together)."""
    weights = {name: getattr(model.layer, name) for name in ("W_V", "W_K", "W_Q")}
    return {name: weight.flatten(1).norm(dim=1).cpu().numpy() for name, weight in weights.items()}


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


@dataclass(frozen=True, eq=False)
class AttentionByRelation:
    """Attention of token pairs, summed per document, in units of uniform attention.

    Two measures. `ratio` is the paper's: attention times document length, averaged over all token
    pairs of a relation. It mixes two things: whom a query prefers, and which keys everybody
    prefers, since a key that all queries like stands more often beside queries of its own topic.
    `contrast` holds the key fixed: in each document, how much more does a key get from queries of
    its topic (other words) than from queries of other topics? Attention that ignores the query
    gives exactly 1, whatever the documents.
    """

    sums: Float[np.ndarray, "run head relation doc"]  # sum over pairs of N * attention
    pairs: Float[np.ndarray, "relation doc"]  # number of token pairs
    matched: Float[np.ndarray, "run head side doc"]  # N * attention from same, from other topic

    @property
    def ratio(self) -> Float[np.ndarray, "run head relation"]:
        """Mean over all pairs of N * attention (chance: 1)."""
        return self.sums.sum(-1) / self.pairs.sum(-1)

    @property
    def contrast(self) -> Float[np.ndarray, "run head"]:
        """Attention to the same keys from their own topic over that from others (chance: 1)."""
        same, other = self.matched.sum(-1).transpose(2, 0, 1)
        return same / other

    def interval(
        self, rng: np.random.Generator, n_boot: int = 1000, confidence: float = 0.95
    ) -> Float[np.ndarray, "bound run head"]:
        """Percentile bootstrap over documents of `contrast`, for each run alone."""
        n_docs = self.pairs.shape[-1]
        weight = rng.multinomial(n_docs, np.full(n_docs, 1 / n_docs), n_boot).astype(float)
        same, other = np.moveaxis(self.matched @ weight.T, 2, 0)
        return np.quantile(same / other, [0.5 - confidence / 2, 0.5 + confidence / 2], axis=-1)


@torch.no_grad()
def measure_attention(
    model: BagTransformer, counts: Int[np.ndarray, "doc word"]
) -> AttentionByRelation:
    """Attention on unmasked documents by relation of query and key, from word counts alone."""
    n_words = model.corpus.n_words
    scores = model.scores()[..., 1 : n_words + 1, 1 : n_words + 1]
    weight = (scores - scores.amax(-1, keepdim=True)).exp()
    n = torch.from_numpy(counts).to(weight)
    masks = torch.from_numpy(relations(model.corpus.topic_of)).to(weight)
    present = (n > 0).to(n.dtype)
    total = (n @ weight.mT) + (1 - present)  # the softmax's sum; 1 for words that do not ask
    asking = n * n.sum(1, keepdim=True) / total  # run head doc query
    received = [asking @ (weight * mask) for mask in masks]  # run head doc key, per copy
    queries = [n @ mask for mask in masks]  # doc key: how many queries stand in each relation
    sums = torch.stack([(r * n).sum(-1) for r in received], 2)
    pairs = torch.stack([(q * n).sum(-1) for q in queries])
    shared = n / (queries[1] + queries[2]).clamp(min=1)  # weight of a key with both kinds of query
    same = (received[1] * queries[2] * shared).sum(-1)
    other = (received[2] * queries[1] * shared).sum(-1)
    return AttentionByRelation(
        sums.cpu().numpy(),
        pairs.cpu().numpy(),
        torch.stack([same, other], 2).cpu().numpy(),
    )


@torch.no_grad()
def measure_attention_table(model: BagTransformer) -> Float[np.ndarray, "run query key"]:
    """V * attention in a document that holds every word once, mean over heads (uniform: 1)."""
    n_words = model.corpus.n_words
    scores = model.scores()[..., 1 : n_words + 1, 1 : n_words + 1]
    return n_words * attend(scores).mean(1).cpu().numpy()


@torch.no_grad()
def measure_preference_table(model: BagTransformer) -> Float[np.ndarray, "run query key"]:
    """Scores less their row and column means, mean over heads, in nats (no preference: 0).

    What is left is whom a query prefers beyond what everybody does: softmax ignores the row
    means, and the column means are liked or disliked by all queries alike.
    """
    n_words = model.corpus.n_words
    scores = model.scores()[..., 1 : n_words + 1, 1 : n_words + 1].mean(1)
    centred = scores - scores.mean(-1, keepdim=True)
    return (centred - centred.mean(-2, keepdim=True)).cpu().numpy()


def measure_value_gap(model: BagTransformer) -> Float[np.ndarray, " run"]:
    """Mean W_V over same-topic pairs minus other-topic pairs, in score units (chance: 0)."""
    words = measure_value_matrix(model)[:, :, 1:]
    _, same_topic, other_topic = mean_by_relation(words, model.corpus.topic_of).T
    return same_topic - other_topic


@torch.no_grad()
def measure_mask_attention(model: BagTransformer) -> Float[np.ndarray, " run"]:
    """Attention of [MASK] to a [MASK] over that to an average word (first head; uniform: 1)."""
    scores = model.scores()[:, 0, MASK, : model.corpus.n_words + 1]
    words = scores[:, 1:].logsumexp(-1) - np.log(model.corpus.n_words)
    return (scores[:, MASK] - words).exp().cpu().numpy()


def stage_measure(counts: Int[np.ndarray, "doc word"]) -> Measure:
    """Return what `train` records of the stages: knowledge, attention (first head), norms."""

    def measure(model: BagTransformer) -> dict[str, Float[np.ndarray, " run"]]:
        return {
            "knowledge": measure_value_blocks(model),
            "attention": measure_attention(model, counts).contrast[:, 0],
            "value gap": measure_value_gap(model),
            "mask attention": measure_mask_attention(model),
            **measure_norms(model),
        }

    return measure


def film_measure(counts: Int[np.ndarray, "doc word"]) -> Measure:
    """Return what `train` records to film a run: the stages, and both word-by-word tables."""
    stages = stage_measure(counts)

    def measure(model: BagTransformer) -> dict[str, Float[np.ndarray, "run ..."]]:
        tables = {"value table": measure_value_matrix(model)[:, :, 1:]}
        return stages(model) | tables | {"attention table": measure_attention_table(model)}

    return measure


def measure_position_attention(trace: Trace) -> Float[np.ndarray, "layer head relation"]:
    """The same `ratio` position by position, for any number of layers: the readable form."""
    tokens, cfg = trace.tokens, trace.model.corpus
    shown = tokens.cpu().numpy()
    topic_of = torch.from_numpy(np.concatenate([[-1], cfg.topic_of, [-1] * 3])[shown]).to(tokens)
    is_word = torch.from_numpy(cfg.is_word(shown)).to(tokens.device)
    same_word = tokens[:, :, None] == tokens[:, None, :]
    same_topic = topic_of[:, :, None] == topic_of[:, None, :]
    both = is_word[:, :, None] & is_word[:, None, :]
    masks = [same_word & both, same_topic & ~same_word & both, ~same_topic & both]
    length = is_word.sum(1)[:, None, None, None]
    means = [
        [
            [(attn * length)[:, head][mask].mean().item() for mask in masks]
            for head in range(attn.shape[1])
        ]
        for attn in trace.attn
    ]
    return np.array(means)
