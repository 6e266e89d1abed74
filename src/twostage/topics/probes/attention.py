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
from twostage.seeding import move
from twostage.topics.bags import BagTransformer
from twostage.topics.batches import Bags
from twostage.topics.corpus import MASK
from twostage.topics.model import Trace
from twostage.topics.relations import relations
from twostage.topics.training import squared_error


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
    def relative(self) -> Float[np.ndarray, "run head relation"]:
        """The same in units of the mean over all pairs of words (chance: 1)."""
        return self.ratio / (self.sums.sum((2, 3)) / self.pairs.sum())[..., None]

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


@torch.no_grad()
def measure_mask_attention(model: BagTransformer) -> Float[np.ndarray, " run"]:
    """Attention of [MASK] to a [MASK] over that to an average word (first head; uniform: 1)."""
    scores = model.scores()[:, 0, MASK, : model.corpus.n_words + 1]
    words = scores[:, 1:].logsumexp(-1) - np.log(model.corpus.n_words)
    return (scores[:, MASK] - words).exp().cpu().numpy()


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


def measure_position_contrast(trace: Trace) -> Float[np.ndarray, "layer head"]:
    """`AttentionByRelation.contrast` of every layer, position by position (chance: 1).

    Documents are whole: every position shows a word.
    """
    words = trace.tokens - 1
    topic = torch.from_numpy(trace.model.corpus.topic_of).to(words.device)[words]
    same_topic = topic[:, :, None] == topic[:, None, :]
    same = (same_topic & (words[:, :, None] != words[:, None, :])).to(torch.float64)
    other = (~same_topic).to(torch.float64)
    n_same, n_other = same.sum(1), other.sum(1)  # queries of each kind that a key has
    weight = 1 / (n_same + n_other).clamp(min=1)
    contrasts = []
    for attn in trace.attn:
        to_same = torch.einsum("dhqk,dqk,dk->h", attn, same, n_other * weight)
        to_other = torch.einsum("dhqk,dqk,dk->h", attn, other, n_same * weight)
        contrasts.append((to_same / to_other).cpu().numpy())
    return np.array(contrasts)


def measure_attention_odds(model: BagTransformer) -> Float[np.ndarray, " run"]:
    """rho = (c1 + (v - 1) c2)/(v c3), averaged over query words (uniform attention: 1).

    Attention to the v words of the query's topic over that to v words of other topics, in a
    document that holds every word once.
    """
    table, topic_of = measure_attention_table(model), model.corpus.topic_of
    same_topic = topic_of[:, None] == topic_of
    return table[:, same_topic].mean(1) / table[:, ~same_topic].mean(1)


@torch.no_grad()
def measure_attention_gain(model: BagTransformer, bags: Bags) -> Float[np.ndarray, " run"]:
    """L - L(1): squared error minus that of the same model with uniform attention, same bags."""
    bags = move(bags, model.W_E.device)
    return (squared_error(model, bags) - squared_error(model, bags, uniform=True)).cpu().numpy()


def measure_word_spread(model: BagTransformer) -> Float[np.ndarray, " run"]:
    """How far attention tells words of one topic apart: spread of log c over the query's topic.

    Root mean square over queries and keys; 0 where only the topic matters, as in the theory.
    """
    table, cfg = np.log(measure_attention_table(model)), model.corpus
    v = cfg.words_per_topic
    blocks = [table[:, t : t + v, t : t + v] for t in range(0, cfg.n_words, v)]
    return np.sqrt(np.mean([block.var(axis=2).mean(1) for block in blocks], axis=0))


PARTS = ("key alone", "relation", "pair of topics", "rest")


@torch.no_grad()
def measure_word_scores(model: BagTransformer) -> Float[np.ndarray, "run query key"]:
    """Attention scores between words, mean over heads, less each query's mean (softmax's own)."""
    n_words = model.corpus.n_words
    scores = model.scores()[..., 1 : n_words + 1, 1 : n_words + 1].mean(1)
    return (scores - scores.mean(-1, keepdim=True)).cpu().numpy()


def split_variance(
    scores: Float[np.ndarray, "run query key"], topic_of: Int[np.ndarray, " word"]
) -> Float[np.ndarray, "run part"]:
    """Shares of the variance of scores in `PARTS`, each fitted to what the last one left.

    Key alone: what a key gets from all queries. Relation: same word, same topic, other topic.
    Pair of topics: each topic with each other one, beyond the relation. They sum to 1.
    """
    left = scores - scores.mean(2, keepdims=True)
    total, shares = (left**2).sum((1, 2)), []
    for explain in (_key_means, _relation_means, _topic_means):
        before, left = left, left - explain(left, topic_of)
        shares.append(((before**2).sum((1, 2)) - (left**2).sum((1, 2))) / total)
    return np.stack([*shares, (left**2).sum((1, 2)) / total], axis=1)


def _key_means(table: np.ndarray, topic_of: np.ndarray) -> np.ndarray:
    return table.mean(1, keepdims=True)


def _relation_means(table: np.ndarray, topic_of: np.ndarray) -> np.ndarray:
    masks = relations(topic_of).astype(float)
    means = np.einsum("nqk,rqk->nr", table, masks) / masks.sum((1, 2))
    return np.einsum("nr,rqk->nqk", means, masks)


def _topic_means(table: np.ndarray, topic_of: np.ndarray) -> np.ndarray:
    member = (topic_of[:, None] == np.unique(topic_of)).astype(float)
    project = member @ np.linalg.pinv(member)
    return project @ table @ project
