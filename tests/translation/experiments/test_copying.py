"""What is measured of copying."""

import torch

from twostage.seeding import numpy_rng
from twostage.translation import CorpusConfig, ModelConfig, Translator, experiments, sample_pairs
from twostage.translation.probes.record import measure_accuracy, measure_translator


def test_attention_forced_uniform_is_measured_on_the_same_sentences():
    corpus = CorpusConfig(4, 4)
    model = Translator(ModelConfig(hidden=8), corpus, seed=0)
    with torch.no_grad():
        for weight in model.parameters():
            weight *= 5
    pairs = sample_pairs(corpus, 40, numpy_rng(0))
    found = experiments.measure_forced(model.trace(pairs))
    forced = measure_accuracy(model.trace(pairs, uniform=True))
    assert found == measure_translator(model.trace(pairs)) | {"uniform_accuracy": forced}
    assert forced != found["token_accuracy"]
