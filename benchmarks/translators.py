"""Training steps of translators to be timed: the package's, and the bare networks inside them.

Each function returns an (action, units) pair for `measuring.interleave`; a unit is one step.
"""

from itertools import islice

import torch
from steps import Action
from torch import nn

from twostage.seeding import numpy_rng
from twostage.training import TrainConfig, train
from twostage.translation.corpus import CorpusConfig, sample_batches, sample_pairs
from twostage.translation.free import FreeModelConfig, FreeTranslator
from twostage.translation.model import ModelConfig, Translator
from twostage.translation.probes.free import measure_heads
from twostage.translation.probes.record import measure_translator
from twostage.translation.training import cross_entropy, train_free


def translator_steps(seq_len: int, hidden: int, batch_size: int, steps: int) -> Action:
    """Steps of the translator by the package's own loop: both passes, attention, loss, Adam."""
    corpus = CorpusConfig(vocab_size=seq_len, seq_len=seq_len)
    model = Translator(ModelConfig(hidden=hidden), corpus, seed=0)
    at_hand = list(islice(sample_batches(corpus, batch_size, numpy_rng(0)), steps))
    return lambda: train(model, at_hand, cross_entropy, TrainConfig(steps)), steps


def translator_records(seq_len: int, hidden: int, n_test: int) -> Action:
    """One record of a translator as the book keeps it: a forward pass, and every probe of it."""
    corpus = CorpusConfig(vocab_size=seq_len, seq_len=seq_len)
    model = Translator(ModelConfig(hidden=hidden), corpus, seed=0)
    test = sample_pairs(corpus, n_test, numpy_rng(1))
    return lambda: measure_translator(model.trace(test)), 1


def bare_steps(seq_len: int, hidden: int, batch_size: int, steps: int) -> Action:
    """Forward and backward through an encoder and a decoder `nn.LSTM`, and nothing else."""
    encoder, decoder = (nn.LSTM(hidden, hidden, batch_first=True) for _ in range(2))
    src, tgt = torch.randn(2, batch_size, seq_len + 1, hidden, requires_grad=True).unbind()

    def run() -> None:
        for _ in range(steps):
            memory, last = encoder(src)
            (memory.sum() + decoder(tgt, last)[0].sum()).backward()

    return run, steps


def free_runs(n_heads: int, n_seeds: int, steps: int) -> Action:
    """One condition of the free model: all seeds side by side, measured as in the book."""
    cfg, seeds = CorpusConfig(vocab_size=8, seq_len=8), range(n_seeds)
    start = FreeTranslator(FreeModelConfig(n_heads=n_heads), cfg, seeds)
    plan = TrainConfig(steps, 10.0 * n_heads, "sgd", n_records=40)
    return lambda: train_free(start, plan, seeds, measure_heads), 1
