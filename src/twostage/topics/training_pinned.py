"""Stage 2 alone: attention learns on top of a W_V that stays where it was put."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from twostage.seeding import numpy_rng, torch_rng
from twostage.topics.bags import BagTransformer
from twostage.topics.bags_pinned import set_values
from twostage.topics.batches import sample_bags
from twostage.topics.corpus import CorpusConfig
from twostage.topics.model import ModelConfig
from twostage.topics.training import squared_error
from twostage.training import History, Measure, TrainConfig, train


def train_attention(
    corpus: CorpusConfig,
    W_V: Float[np.ndarray, "word shown"],
    train_cfg: TrainConfig,
    seeds: Sequence[int],
    measure: Measure,
    *,
    batch_size: int = 32,
    masked_keys: bool = True,
) -> tuple[BagTransformer, History]:
    """Train W_K and W_Q on squared error with W_V frozen, one run per seed.

    Seeds give the same first weights and documents as in `train_topics`.
    """
    rngs = [torch_rng(seed, "weights") for seed in seeds]
    model = BagTransformer(ModelConfig(), corpus, rngs)
    set_values(model, W_V).requires_grad_(False)
    documents = [numpy_rng(seed, "documents") for seed in seeds]
    batches = sample_bags(corpus, batch_size, documents, masked_keys)
    return model, train(model, batches, squared_error, train_cfg, measure)
