"""The one-layer, one-head transformer of li2023topic, with every switch of its experiments.

The paper's model is the default: no positions, no residual stream, no layer norm, no MLP; a
masked word is predicted by W_decode W_V W_E X attn. Options turn it into a full encoder (several
layers and heads, residual stream, layer norm, MLP), so that claims can be checked there too.

Departure from the authors' code: with several heads each head has its own full W_Q, W_K, W_V and
the heads' outputs add up (a head's value and output matrices always act as one product).
`bags.BagTransformer` trains many of these models at once.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from twostage.attention import attend, ignore
from twostage.seeding import move
from twostage.topics.corpus import CorpusConfig

CHOICES = {
    "embedding": ("one-hot", "trained"),
    "attention": ("trained", "uniform"),
    "value": ("trained", "identity", "blocks"),
    "decoder": ("identity", "trained", "tied"),
    "dtype": ("float64", "float32"),
}


@dataclass(frozen=True)
class ModelConfig:
    """Which parts are trained, which are frozen, and to what."""

    embedding: str = "one-hot"  # W_E: one-hot (d_model = n_tokens) or trained
    attention: str = "trained"  # or uniform: scores of zero, W_K = W_Q = 0 for good
    value: str = "trained"  # W_V: trained, or frozen to the identity or to 0/1 topic blocks
    decoder: str = "identity"  # identity, trained, or tied to W_E
    bias: bool = False  # adds a trained bias to every output word
    d_model: int | None = None  # width; None is n_tokens, what one-hot embeddings need
    n_layers: int = 1
    n_heads: int = 1
    residual: bool = False  # adds each layer's input to its output
    layer_norm: bool = False  # normalises after every residual sum
    mlp: bool = False  # adds d_model -> 4 d_model -> d_model with GELU
    init_scale: float = 0.01  # standard deviation of every trained weight at the start
    embedding_scale: float | None = None  # the same for W_E; None is d_model ** -0.5
    dtype: str = "float64"  # digits that survive another machine

    def __post_init__(self) -> None:
        """Refuse unknown choices and impossible sizes, naming what is allowed."""
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {allowed}, got {getattr(self, name)!r}")
        for name in ("n_layers", "n_heads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be >= 1, got {getattr(self, name)}")
        for name in ("init_scale", "embedding_scale"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise ValueError(f"{name} must be a number >= 0, got {value}")
        if self.layer_norm and not (self.residual or self.mlp):
            raise ValueError("layer_norm follows a sum: set residual or mlp as well")

    def width(self, n_tokens: int) -> int:
        """Return d_model, checked against the parts that need d_model = n_tokens."""
        width = n_tokens if self.d_model is None else self.d_model
        free = self.embedding == "trained" and self.decoder != "identity" and self.value != "blocks"
        if width < 1 or (width != n_tokens and not free):
            raise ValueError(
                f"d_model must be n_tokens = {n_tokens} with one-hot embeddings, an identity "
                f"decoder or block values, and >= 1 otherwise, got {width}"
            )
        return width


class Layer(nn.Module):
    """Attention of n heads, with residual stream, layer norm and MLP where switched on."""

    def __init__(self, cfg: ModelConfig, width: int, rng: torch.Generator) -> None:
        super().__init__()
        self.cfg = cfg
        square = (cfg.n_heads, width, width)
        self.W_Q, self.W_K, self.W_V = (_normal(square, cfg.init_scale, cfg, rng) for _ in range(3))
        if cfg.mlp:
            self.W_in = _normal((width, 4 * width), cfg.init_scale, cfg, rng)
            self.W_out = _normal((4 * width, width), cfg.init_scale, cfg, rng)

    def scores(
        self, x: Float[Tensor, "doc position d"], uniform: bool = False
    ) -> Float[Tensor, "doc head query key"]:
        """What attention is computed from: q k / sqrt(d), or zeros."""
        x = x[:, None]  # every head reads the same states
        q, k = x @ self.W_Q.mT, x @ self.W_K.mT
        scores = q @ k.mT / k.shape[-1] ** 0.5
        return ignore(scores) if uniform else scores

    def forward(
        self, x: Float[Tensor, "doc position d"], attn: Float[Tensor, "doc head query key"]
    ) -> Float[Tensor, "doc position d"]:
        """States after this layer."""
        mixed = attn @ (x[:, None] @ self.W_V.mT)
        return self.combine(x, mixed.sum(1))  # heads add up

    def combine(
        self, x: Float[Tensor, "... query d"] | None, mixed: Float[Tensor, "... query d"]
    ) -> Float[Tensor, "... query d"]:
        """What each query does with what it gathered: residual sum, layer norm, MLP."""
        x = self._norm(x + mixed) if self.cfg.residual else mixed
        return self._norm(x + F.gelu(x @ self.W_in) @ self.W_out) if self.cfg.mlp else x

    def _norm(self, x: Float[Tensor, "... query d"]) -> Float[Tensor, "... query d"]:
        return F.layer_norm(x, x.shape[-1:]) if self.cfg.layer_norm else x


@dataclass(frozen=True, eq=False)
class Trace:
    """What a model did on a batch, from one forward pass without gradients.

    On positions, a group is a document, and queries and keys are its positions; on bags a group is
    a run, queries are (document, shown token) pairs, and keys are the tokens of the vocabulary.
    """

    model: "TopicTransformer"
    tokens: Int[Tensor, "group query"]  # what is shown where it is asked
    states: tuple[Float[Tensor, "group query d"], ...]  # embeddings, then after each layer
    scores: tuple[Float[Tensor, "group head query key"], ...]  # of each layer; zeros if uniform
    attn: tuple[Float[Tensor, "group head query key"], ...]  # of each layer
    output: Float[Tensor, "group query token"]  # scores of every token


class TopicTransformer(nn.Module):
    """Transformer that predicts masked words from the other words of a document."""

    def __init__(self, cfg: ModelConfig, corpus: CorpusConfig, rng: torch.Generator) -> None:
        super().__init__()
        width = cfg.width(corpus.n_tokens)
        self.cfg, self.corpus = cfg, corpus
        self.layers = nn.ModuleList(Layer(cfg, width, rng) for _ in range(cfg.n_layers))
        spread = width**-0.5 if cfg.embedding_scale is None else cfg.embedding_scale
        self.W_E = _normal((width, corpus.n_tokens), spread, cfg, rng)
        if cfg.decoder == "trained":
            self.W_decode = _normal((corpus.n_tokens, width), cfg.init_scale, cfg, rng)
        if cfg.bias:
            self.bias = _normal((1, corpus.n_tokens), 0.0, cfg, rng)
        self._freeze()

    @torch.no_grad()
    def _freeze(self) -> None:
        if self.cfg.embedding == "one-hot":
            self.W_E.requires_grad_(False).copy_(torch.eye(len(self.W_E)))
        for layer in self.layers:
            if self.cfg.attention == "uniform":
                for weight in (layer.W_Q, layer.W_K):
                    weight.requires_grad_(False).zero_()
            if self.cfg.value == "identity":
                layer.W_V.requires_grad_(False).copy_(torch.eye(layer.W_V.shape[-1]))
            elif self.cfg.value == "blocks":
                layer.W_V.requires_grad_(False).copy_(_topic_blocks(self.corpus))

    def forward(
        self,
        tokens: Int[Tensor, "doc position"],
        is_key: Bool[Tensor, "doc position"],
        uniform: bool = False,
    ) -> Float[Tensor, "doc position token"]:
        """Scores of every token at every position; `uniform` ignores the scores of attention."""
        return self._pass(tokens, is_key, uniform)[-1]

    @torch.no_grad()
    def trace(
        self,
        tokens: Int[Tensor, "doc position"],
        is_key: Bool[Tensor, "doc position"],
        uniform: bool = False,
    ) -> Trace:
        """What the model does on these documents, kept for probes."""
        tokens, is_key = (move(each, self.W_E.device) for each in (tokens, is_key))
        return Trace(self, tokens, *self._pass(tokens, is_key, uniform))

    def _pass(self, tokens: Tensor, is_key: Tensor, uniform: bool) -> tuple:
        log_prior = is_key[:, None, None, :].log()  # 0, or -inf where attention may not look
        states, scores, attns = [self.W_E.mT[tokens]], [], []
        for layer in self.layers:
            scores.append(layer.scores(states[-1], uniform))
            attns.append(attend(scores[-1], log_prior))
            states.append(layer(states[-1], attns[-1]))
        return *map(tuple, (states, scores, attns)), self.decode(states[-1])

    def decode(self, x: Float[Tensor, "... query d"]) -> Float[Tensor, "... query token"]:
        """Scores of every token from the last layer's states."""
        if self.cfg.decoder == "tied":
            x = x @ self.W_E
        elif self.cfg.decoder == "trained":
            x = x @ self.W_decode.mT
        return x + self.bias if self.cfg.bias else x


def _normal(
    shape: tuple[int, ...], scale: float, cfg: ModelConfig, rng: torch.Generator
) -> nn.Parameter:
    noise = torch.randn(shape, generator=rng, dtype=torch.float64)  # the same at either precision
    return nn.Parameter((scale * noise).to(getattr(torch, cfg.dtype)))


def _topic_blocks(corpus: CorpusConfig) -> Float[Tensor, "token token"]:
    """Return 1 where two words share a topic, else 0."""
    topic = torch.full((corpus.n_tokens,), -1)
    topic[1 : corpus.n_words + 1] = torch.from_numpy(corpus.topic_of)
    return ((topic[:, None] == topic) & (topic >= 0)).double()
