"""Training where the order of source words is out of reach, so that only co-occurrence teaches.

Beyond the paper: the translator itself on shuffled sources. The mean of an encoder's states is not
a bag of words, since each state holds the words before it; shuffling takes the order away.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from joblib import Parallel, delayed
from torch import Tensor

from twostage.seeding import numpy_rng, run_alike_everywhere
from twostage.training import TrainConfig, train
from twostage.translation.corpus import CorpusConfig, Pairs, sample_batches
from twostage.translation.model import ModelConfig, Translator
from twostage.translation.model_bag import BagTranslator
from twostage.translation.training import cross_entropy


def bag_cross_entropy(model: BagTranslator, pairs: Pairs) -> Float[Tensor, " 1"]:
    """Mean negative log probability of the target words given the bag of the source, in nats."""
    return -model(pairs.src).log_softmax(-1).gather(1, pairs.tgt).mean()[None]


def train_bag(
    corpus: CorpusConfig, hidden: int, cfg: TrainConfig, seed: int, batch_size: int = 32
) -> BagTranslator:
    """Train the bag-of-words proxy on the sentences that a translator of this seed sees."""
    model = BagTranslator(corpus, hidden, seed)
    sentences = sample_batches(corpus, batch_size, numpy_rng(seed, "sentences"))
    train(model, sentences, bag_cross_entropy, cfg)
    return model


def shuffle_sources(pairs: Pairs, rng: np.random.Generator) -> Pairs:
    """The same pairs with each source's words in random order; [EOS] stays last."""
    words = pairs.src[:, :-1]
    order = torch.from_numpy(rng.random(tuple(words.shape)).argsort(1))
    return Pairs(torch.cat([words.gather(1, order), pairs.src[:, -1:]], 1), pairs.tgt)


def train_shuffled(
    corpus: CorpusConfig,
    model_cfg: ModelConfig,
    cfg: TrainConfig,
    seeds: Sequence[int],
    *,
    batch_size: int = 32,
    jobs: int = 2,
) -> list[Translator]:
    """Train one translator per seed on pairs whose sources are shuffled."""
    run = delayed(_train_shuffled)
    return Parallel(n_jobs=jobs)(run(corpus, model_cfg, cfg, batch_size, seed) for seed in seeds)


def _train_shuffled(
    corpus: CorpusConfig, model_cfg: ModelConfig, cfg: TrainConfig, batch_size: int, seed: int
) -> Translator:
    run_alike_everywhere()
    model = Translator(model_cfg, corpus, seed)
    rng = numpy_rng(seed, "order")
    sentences = sample_batches(corpus, batch_size, numpy_rng(seed, "sentences"))
    train(model, (shuffle_sources(pairs, rng) for pairs in sentences), cross_entropy, cfg)
    return model
