"""The free model of copying: attention and a translation table, and nothing else.

What is left of the encoder-decoder of snell2021attention once its recurrent networks are replaced
by free parameters: a logit for every (target position, source position), shared by all sentences,
and a table of scores of every target word given a source word. Heads have logits and a table of
their own and are averaged, as in the authors' experiment. Many runs are computed side by side.

[EOS] plays no part: position L of the pairs is left out, and words are counted from 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from twostage.attention import attend, ignore
from twostage.seeding import torch_rng
from twostage.translation.corpus import CorpusConfig

ATTENTION = ("trained", "uniform")


@dataclass(frozen=True)
class FreeModelConfig:
    """How many heads, how they start, and whether attention may move."""

    n_heads: int = 1
    init_scale: float = 0.1  # standard deviation of logits and table at the start
    attention: str = "trained"  # trained, or forced uniform

    def __post_init__(self) -> None:
        """Refuse impossible settings, naming the value and what is allowed."""
        if self.n_heads < 1:
            raise ValueError(f"n_heads must be >= 1, got {self.n_heads}")
        if not 0 <= self.init_scale < float("inf"):
            raise ValueError(f"init_scale must be >= 0, got {self.init_scale}")
        if self.attention not in ATTENTION:
            raise ValueError(f"attention must be one of {ATTENTION}, got {self.attention!r}")


class FreeTranslator(nn.Module):
    """Attention logits [run, head, query, key] and a table [run, head, source, target]."""

    def __init__(self, cfg: FreeModelConfig, corpus: CorpusConfig, seeds: Sequence[int]) -> None:
        super().__init__()
        self.cfg, self.corpus = cfg, corpus
        rngs = [torch_rng(seed, "weights") for seed in seeds]
        self.logits = _normal(rngs, cfg, corpus.seq_len)
        self.table = _normal(rngs, cfg, corpus.vocab_size)
        self.logits.requires_grad_(cfg.attention == "trained")

    def attention(self, uniform: bool = False) -> Float[Tensor, "run head query key"]:
        """Attention of each head, the same for all sentences: softmax of its logits, or uniform."""
        uniform = uniform or self.cfg.attention == "uniform"
        return attend(ignore(self.logits) if uniform else self.logits)

    def forward(
        self, src: Int[Tensor, "pairs position"], uniform: bool = False
    ) -> Float[Tensor, "run pair query word"]:
        """Scores of every target word; `src` holds as many sentences for each run, run by run."""
        return self.read(self.attention(uniform), src)

    def read(
        self, attn: Float[Tensor, "run head query key"], src: Int[Tensor, "pairs position"]
    ) -> Float[Tensor, "run pair query word"]:
        """Average the table's rows of a sentence by attention, then the heads."""
        words = src[:, :-1].unflatten(0, (len(attn), -1)) - 1
        run = torch.arange(len(attn), device=attn.device)[:, None, None]
        rows = self.table.transpose(1, 2)[run, words]  # run pair key head word
        return torch.einsum("rhqk,rpkhw->rpqw", attn, rows) / attn.shape[1]

    @torch.no_grad()
    def pick(self, choice: Int[Tensor, "new_run new_head"]) -> "FreeTranslator":
        """Build a model of copies of this one's heads, numbered run by run."""
        cfg = replace(self.cfg, n_heads=choice.shape[1])
        model = FreeTranslator(cfg, self.corpus, [0] * len(choice))
        model.logits.copy_(self.logits.flatten(0, 1)[choice])
        model.table.copy_(self.table.flatten(0, 1)[choice])
        return model


def _normal(rngs: Sequence[torch.Generator], cfg: FreeModelConfig, size: int) -> nn.Parameter:
    shape = (cfg.n_heads, size, size)
    noise = [torch.randn(shape, generator=rng, dtype=torch.float64) for rng in rngs]
    return nn.Parameter(cfg.init_scale * torch.stack(noise))  # run head size size
