"""The encoder-decoder with attention of snell2021attention (section 4 and its public code).

Encoder and decoder are one-layer recurrent networks; each decoder state scores the encoder
states, reads their attention-weighted mean through a projection, and predicts a word from both.
The paper's copy model is the default. Options: attention forced uniform, no context at all, a
bidirectional encoder, GRU cells, separate embeddings, and several heads whose contexts are
combined by mean (as in the authors' experiment), by sum or by concatenation.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from twostage.attention import attend, ignore
from twostage.seeding import move
from twostage.translation.corpus import EOS, CorpusConfig, Pairs

CHOICES = {
    "cell": ("lstm", "gru"),
    "attention": ("trained", "uniform", "none"),
    "combine": ("mean", "sum", "concat"),
}
# The modules of a translator by which donors give; query and context belong to the attention.
PARTS = ("embedding", "target_embedding", "encoder", "decoder", "query", "context", "mix", "output")


@dataclass(frozen=True)
class ModelConfig:
    """Which parts the model has, and how wide it is."""

    hidden: int = 64  # width of embeddings and states
    cell: str = "lstm"  # lstm or gru
    shared_embedding: bool = True  # one table for source and target words
    bidirectional: bool = False  # the encoder reads both ways, half the width each
    attention: str = "trained"  # trained, forced uniform, or none (context zeroed)
    n_heads: int = 1
    combine: str = "mean"  # heads' contexts: mean, sum or concat (of hidden / n_heads each)

    def __post_init__(self) -> None:
        """Refuse unknown choices and impossible sizes, naming what is allowed."""
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {allowed}, got {getattr(self, name)!r}")
        for name in ("hidden", "n_heads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be >= 1, got {getattr(self, name)}")
        parts = self.n_heads if self.combine == "concat" else 1 + self.bidirectional
        if self.hidden % parts:
            raise ValueError(f"hidden must be a multiple of {parts}, got {self.hidden}")


class Attention(nn.Module):
    """Heads that score encoder states by a decoder state, and project what they read."""

    def __init__(self, cfg: ModelConfig) -> None:
        super().__init__()
        self.cfg = cfg
        width = cfg.hidden // cfg.n_heads if cfg.combine == "concat" else cfg.hidden
        self.query = nn.ModuleList(nn.Linear(cfg.hidden, cfg.hidden) for _ in range(cfg.n_heads))
        self.context = nn.ModuleList(nn.Linear(cfg.hidden, width) for _ in range(cfg.n_heads))

    def scores(
        self,
        states: Float[Tensor, "pair query d"],
        memory: Float[Tensor, "pair key d"],
        uniform: bool = False,
    ) -> Float[Tensor, "pair head query key"]:
        """What attention is computed from: (W h + b) . m for each source position, or zeros."""
        scores = torch.stack([head(states) @ memory.mT for head in self.query], 1)
        return ignore(scores) if uniform or self.cfg.attention != "trained" else scores

    def read(
        self, attn: Float[Tensor, "pair head query key"], memory: Float[Tensor, "pair key d"]
    ) -> Float[Tensor, "pair query d"]:
        """Project what each head reads, and combine the heads."""
        contexts = [head(attn[:, i] @ memory) for i, head in enumerate(self.context)]
        if self.cfg.combine == "concat":
            return torch.cat(contexts, -1)
        total = torch.stack(contexts).sum(0)
        return total / self.cfg.n_heads if self.cfg.combine == "mean" else total


@dataclass(frozen=True, eq=False)
class Trace:
    """What a translator did on a batch, from one forward pass without gradients."""

    model: "Translator"
    pairs: Pairs
    memory: Float[Tensor, "pair key d"]  # encoder states
    states: Float[Tensor, "pair query d"]  # decoder states
    scores: Float[Tensor, "pair head query key"]  # zeros where attention is uniform
    attn: Float[Tensor, "pair head query key"]
    output: Float[Tensor, "pair query token"]  # scores of every next word

    def first(self, n_pairs: int) -> "Trace":
        """Return the trace of the first pairs alone, for probes that take long."""
        pairs = Pairs(self.pairs.src[:n_pairs], self.pairs.tgt[:n_pairs])
        kept = {name: x[:n_pairs] for name, x in vars(self).items() if isinstance(x, Tensor)}
        return replace(self, pairs=pairs, **kept)


class Translator(nn.Module):
    """Encoder-decoder that predicts each target word from the source and the words before."""

    def __init__(self, cfg: ModelConfig, corpus: CorpusConfig, seed: int) -> None:
        super().__init__()
        self.cfg, self.corpus = cfg, corpus
        cell, hidden = {"lstm": nn.LSTM, "gru": nn.GRU}[cfg.cell], cfg.hidden
        with torch.random.fork_rng(devices=[]):  # torch's own initialisation, from this seed
            torch.manual_seed(seed)
            self.embedding = nn.Embedding(corpus.n_tokens, hidden)
            self.target_embedding = (
                self.embedding if cfg.shared_embedding else nn.Embedding(corpus.n_tokens, hidden)
            )
            each = hidden // (1 + cfg.bidirectional)
            self.encoder = cell(hidden, each, batch_first=True, bidirectional=cfg.bidirectional)
            self.decoder = cell(hidden, hidden, batch_first=True)
            self.attention = Attention(cfg)
            self.mix = nn.Linear(2 * hidden, hidden)
            self.output = nn.Linear(hidden, corpus.n_tokens)

    def forward(
        self, src: Int[Tensor, "pair key"], tgt: Int[Tensor, "pair query"], uniform: bool = False
    ) -> Float[Tensor, "pair query token"]:
        """Scores of every next word, given the source and the target words before (in nats).

        `uniform` ignores the scores of attention, whatever the model was trained with.
        """
        return self._pass(src, tgt, uniform)[-1]

    @torch.no_grad()
    def trace(self, pairs: Pairs, uniform: bool = False) -> Trace:
        """What the model does on these pairs, kept for probes."""
        pairs = move(pairs, self.output.weight.device)
        return Trace(self, pairs, *self._pass(pairs.src, pairs.tgt, uniform))

    def _pass(self, src: Tensor, tgt: Tensor, uniform: bool) -> tuple[Tensor, ...]:
        memory, states = self.encode(src, tgt)
        scores = self.attention.scores(states, memory, uniform)
        attn = attend(scores)
        output = self.predict(states, self.attention.read(attn, memory))
        return memory, states, scores, attn, output

    def encode(
        self, src: Int[Tensor, "pair key"], tgt: Int[Tensor, "pair query"]
    ) -> tuple[Float[Tensor, "pair key d"], Float[Tensor, "pair query d"]]:
        """Encoder states, and decoder states under teacher forcing: [EOS], then target words."""
        memory, last = self.encoder(self.embedding(src))
        shifted = tgt.roll(1, dims=1).index_fill(1, torch.tensor(0, device=tgt.device), EOS)
        return memory, self.decoder(self.target_embedding(shifted), self._hand_over(last))[0]

    def predict(
        self, states: Float[Tensor, "... d"], context: Float[Tensor, "... d"]
    ) -> Float[Tensor, "... token"]:
        """Scores of every word from a decoder state and what it read."""
        if self.cfg.attention == "none":
            context = 0 * context
        return self.output(self.mix(torch.cat([states, context], -1)).tanh())

    def predict_each(
        self, states: Float[Tensor, "pair query d"], contexts: Float[Tensor, "pair key d"]
    ) -> Float[Tensor, "pair query key token"]:
        """`predict` from every state with every context; the sum in `mix` is taken apart for it."""
        if self.cfg.attention == "none":
            contexts = 0 * contexts
        of_states, of_contexts = self.mix.weight.split(self.cfg.hidden, dim=1)
        mixed = (states @ of_states.mT)[:, :, None] + F.linear(
            contexts, of_contexts, self.mix.bias
        )[:, None]
        return self.output(mixed.tanh_())

    def read_alone(self, memory: Float[Tensor, "pair key d"]) -> Float[Tensor, "pair key d"]:
        """What the decoder would get from each encoder state if it read that state alone."""
        one = torch.eye(memory.shape[1], device=memory.device)
        one = one.expand(len(memory), self.cfg.n_heads, -1, -1)
        return self.attention.read(one, memory)

    def _hand_over(self, last: Tensor | tuple[Tensor, Tensor]) -> Tensor | tuple[Tensor, Tensor]:
        """The decoder starts where the encoder ended; both directions side by side."""
        if isinstance(last, tuple):
            return tuple(map(self._hand_over, last))
        return last.transpose(0, 1).flatten(1)[None]


class BagTranslator(nn.Module):
    """Predicts which words a translation holds from which words the source holds."""

    def __init__(self, corpus: CorpusConfig, hidden: int, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):  # torch's own initialisation, from this seed
            torch.manual_seed(seed)
            self.embedding = nn.Embedding(corpus.n_tokens, hidden)
            self.output = nn.Linear(hidden, corpus.n_tokens)

    def forward(self, src: Int[Tensor, "pair key"]) -> Float[Tensor, "pair token"]:
        """Scores of every target word, the same at all target positions (in nats)."""
        return self.output(self.embedding(src).mean(1))
