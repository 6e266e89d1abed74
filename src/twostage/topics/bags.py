"""Many one-layer transformers at once, on bags of words: the fast twin of `model`.

Attention is computed over the words of the vocabulary instead of the positions of a document (a
word that stands there n times adds log n to its score), and predictions over distinct (document,
shown token) pairs. Exact for one layer without position embeddings; a test holds losses and
gradients to those of `model.TopicTransformer`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from twostage.attention import attend, ignore
from twostage.seeding import move, torch_rng
from twostage.topics.batches import Bags
from twostage.topics.corpus import CorpusConfig
from twostage.topics.model import Layer, ModelConfig, TopicTransformer, Trace


class BagTransformer(TopicTransformer):
    """One-layer transformers side by side: every weight has a leading axis `run`.

    `cfg` is one configuration for all runs, or one per run that differs in nothing but
    init_scale. Run r starts exactly as TopicTransformer(cfg[r], corpus, rngs[r]).
    """

    def __init__(
        self,
        cfg: ModelConfig | Sequence[ModelConfig],
        corpus: CorpusConfig,
        rngs: Sequence[torch.Generator],
    ) -> None:
        cfgs = [cfg] * len(rngs) if isinstance(cfg, ModelConfig) else list(cfg)
        if len({replace(c, init_scale=0.0) for c in cfgs}) != 1 or len(cfgs) != len(rngs):
            raise ValueError(
                "runs side by side need a configuration each, alike in all but init_scale, got "
                f"{len(cfgs)} configurations for {len(rngs)} runs"
            )
        if cfgs[0].n_layers != 1:
            raise ValueError(
                f"bags of words are exact for one layer only, got n_layers = {cfgs[0].n_layers}; "
                "train TopicTransformer on positions instead"
            )
        runs = [TopicTransformer(c, corpus, rng) for c, rng in zip(cfgs, rngs, strict=True)]
        super().__init__(cfgs[0], corpus, torch.Generator())
        for name, weight in self.named_parameters():
            weight.data = torch.stack([run.get_parameter(name).data for run in runs])

    @property
    def layer(self) -> Layer:
        """The only layer."""
        return self.layers[0]

    def run(self, index: int) -> TopicTransformer:
        """Copy one run into a readable model of its own."""
        model = TopicTransformer(self.cfg, self.corpus, torch.Generator())
        model.load_state_dict({name: w[index] for name, w in self.state_dict().items()})
        return model

    def forward(self, bags: Bags, uniform: bool = False) -> Float[Tensor, "run pair token"]:
        """Scores of every token at every queried (document, shown token) pair."""
        _, attn = self._look(bags, uniform)
        states = self._embed(bags) if self.cfg.residual else None
        return self.decode(self._read(states, attn))

    @torch.no_grad()
    def trace(self, bags: Bags, uniform: bool = False) -> Trace:
        """What the models do on these bags, kept for probes; a key is all copies of a token."""
        bags = move(bags, self.W_E.device)
        (scores, attn), states = self._look(bags, uniform), self._embed(bags)
        after = self._read(states, attn)
        return Trace(
            self, bags.query_token, (states, after), (scores,), (attn,), self.decode(after)
        )

    def _look(self, bags: Bags, uniform: bool) -> tuple[Tensor, Tensor]:
        """Scores of each pair for each token, and its attention to each token of its document."""
        run = self._runs(bags)
        log_counts = bags.log_counts.to(self.W_E.dtype)[run, bags.query_doc][:, None]
        if uniform or self.cfg.attention == "uniform":  # all heads alike
            scores = ignore(log_counts)
            both = scores, attend(scores, log_counts)
            return tuple(each.expand(-1, self.cfg.n_heads, -1, -1) for each in both)
        scores = self.compare(self.queries()[run, :, bags.query_token].transpose(1, 2))
        return scores, attend(scores, log_counts)

    def _read(self, states: Tensor | None, attn: Tensor) -> Float[Tensor, "run pair d"]:
        mixed = (attn @ self.project(self.layer.W_V)).sum(1)  # heads add up
        return self.layer.combine(states, mixed)

    def _embed(self, bags: Bags) -> Float[Tensor, "run pair d"]:
        return self.W_E.mT[self._runs(bags), bags.query_token]

    def _runs(self, bags: Bags) -> Int[Tensor, "run 1"]:
        return torch.arange(len(bags.query_doc), device=bags.query_doc.device)[:, None]

    def scores(self) -> Float[Tensor, "run head query_token key_token"]:
        """Attention scores between any two tokens, before counts and softmax."""
        return self.compare(self.queries())

    def queries(self) -> Float[Tensor, "run head token d"]:
        """What each token looks for, q W_K / sqrt(d): keys then need no projection."""
        return self.project(self.layer.W_Q) @ self.layer.W_K / self.layer.W_K.shape[-1] ** 0.5

    def compare(
        self, queries: Float[Tensor, "run head query d"]
    ) -> Float[Tensor, "run head query token"]:
        """Scores of queries at every token's embedding; a one-hot embedding only reads them."""
        return queries if self.cfg.embedding == "one-hot" else queries @ self.W_E[:, None]

    def project(self, weight: Float[Tensor, "run head e d"]) -> Float[Tensor, "run head token e"]:
        """Apply a weight to every token's embedding; a one-hot embedding only looks it up."""
        return weight.mT if self.cfg.embedding == "one-hot" else self.W_E.mT[:, None] @ weight.mT


@torch.no_grad()
def set_values(
    model: BagTransformer, W_V: Float[np.ndarray, "*run word shown"]
) -> Float[Tensor, "run head token token"]:
    """Write W_V [word predicted, token shown], as theory lays it out, into every run.

    The other rows and columns (padding, boundaries, [MASK] predicted) become 0. Returns the
    weight, so that a caller can freeze it.
    """
    n_words = model.corpus.n_words
    weight = model.layer.W_V
    block = torch.as_tensor(W_V, dtype=weight.dtype).reshape(-1, 1, n_words, n_words + 1)
    weight.zero_()
    weight[:, :, 1 : n_words + 1, : n_words + 1] = block
    return weight


@torch.no_grad()
def set_odds(model: BagTransformer, odds: Float[np.ndarray, " run"]) -> None:
    """Give run r attention with topic odds rho = odds[r]: c1 = c2 = rho, c3 = 1; [MASK] uniform.

    W_K becomes the identity and W_Q holds the scores, so that W_Q^T W_K/sqrt(d) = log c.
    """
    n_words, topic_of = model.corpus.n_words, torch.from_numpy(model.corpus.topic_of)
    same_topic = (topic_of[:, None] == topic_of).to(model.layer.W_Q.dtype)
    width = model.layer.W_K.shape[-1]
    model.layer.W_K.copy_(torch.eye(width))
    model.layer.W_Q.zero_()
    scores = torch.as_tensor(odds).log()[:, None, None] * same_topic  # symmetric
    model.layer.W_Q[:, 0, 1 : n_words + 1, 1 : n_words + 1] = scores * width**0.5


def build_by_hand(
    corpus: CorpusConfig,
    odds: Float[np.ndarray, " run"],
    W_V: Float[np.ndarray, "word shown"] | None = None,
) -> BagTransformer:
    """Build a model for each of the odds, none of it trained; W_V is 0 unless given."""
    model = BagTransformer(ModelConfig(init_scale=0.0), corpus, [torch_rng(0) for _ in odds])
    set_odds(model, odds)
    if W_V is not None:
        set_values(model, W_V)
    return model


@torch.no_grad()
def solve_values(model: BagTransformer, bags: Bags) -> Float[Tensor, "run word shown"]:
    """W_V of least squared error on the very documents in `bags`, attention as it is in the model.

    Minimum norm where documents leave it open. Layout as in `set_values`.
    """
    n_words, bags = model.corpus.n_words, move(bags, model.W_E.device)
    shares = model.trace(bags).attn[0][:, 0, :, : n_words + 1]  # run pair shown
    targets = _count_targets(bags, n_words, shares)
    root = bags.n_targets.sqrt()[..., None]
    wanted = targets / root.clamp(min=1)  # weighted least squares, row by row
    return (torch.linalg.pinv(root * shares) @ wanted).mT


def _count_targets(
    bags: Bags, n_words: int, like: Float[Tensor, "run pair shown"]
) -> Float[Tensor, "run pair word"]:
    run: Int[Tensor, "run 1"] = torch.arange(len(like), device=like.device)[:, None]
    counts = like.new_zeros(*like.shape[:2], n_words + 1)
    index = (run.expand_as(bags.target_pair), bags.target_pair, bags.target_token)
    counts.index_put_(index, bags.target_weight.to(like.dtype), accumulate=True)
    return counts[..., 1:]
