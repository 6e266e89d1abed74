"""The authors' bag-of-words proxy: what can be known of a translation from bags alone.

snell2021attention compares what a translator knows under uniform attention with this model, which
has no encoder, no decoder and no order: scores = linear(mean of source embeddings).
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from twostage.translation.corpus import CorpusConfig


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
