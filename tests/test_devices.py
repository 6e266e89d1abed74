"""Where a config says: on CUDA where one is there, and without one on torch's meta device.

Meta tensors hold no numbers, but they tell where each operation takes its tensors from.
"""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from twostage.seeding import check_device, move, numpy_rng, torch_rng
from twostage.topics import training as topics
from twostage.topics.bags import BagTransformer
from twostage.topics.batches import sample_bags, sample_positions
from twostage.topics.corpus import CorpusConfig as TopicCorpus
from twostage.topics.corpus import sample_corpus
from twostage.topics.model import ModelConfig as TopicModel
from twostage.topics.model import TopicTransformer
from twostage.topics.probes.record import stage_measure
from twostage.training import TrainConfig
from twostage.translation import training as translation
from twostage.translation.corpus import CorpusConfig, sample_pairs
from twostage.translation.free import FreeModelConfig, FreeTranslator
from twostage.translation.model import BagTranslator, ModelConfig, Translator
from twostage.translation.probes.knowledge import measure_state_probe
from twostage.translation.probes.record import measure_translator
from twostage.translation.training import bag_cross_entropy, target_loss

TOPICS, COPY = TopicCorpus(2, 3, topics_per_doc=1, doc_len=9), CorpusConfig(5, 4)
PAIRS = sample_pairs(COPY, 6, numpy_rng(0))
PLAN = {"steps": 3, "n_records": 1}


def train_topics(device):
    counts = sample_corpus(TOPICS, 20, numpy_rng(0, "probe")).counts()
    plan = TrainConfig(**PLAN, device=device)
    return topics.train_topics(TOPICS, TopicModel(), plan, [0, 1], stage_measure(counts))


def train_translators(device):
    plan = TrainConfig(**PLAN, device=device)
    measure, cfg = measure_translator, ModelConfig(hidden=8)
    return translation.train_translators(COPY, cfg, plan, [0, 1], measure, jobs=1)


@pytest.mark.parametrize("train", [train_topics, train_translators])
def test_a_run_is_the_same_on_cuda_or_its_absence_is_told_in_a_line(train):
    if not torch.cuda.is_available():
        print("no CUDA device is there: what is said of that is tested instead")
        with pytest.raises(ValueError, match="^device is 'cuda', but torch finds none.*use 'cpu'$"):
            train("cuda")
        return
    (_, there), (_, here) = train("cuda"), train("cpu")
    for name, values in here.values.items():
        assert isinstance(there.values[name], np.ndarray)
        assert_allclose(there.values[name], values, rtol=1e-3, atol=1e-3)


def test_an_unknown_device_is_refused():
    with pytest.raises(ValueError, match="device must be one of .*'cpu', 'cuda'.*, got 'tpu'"):
        TrainConfig(device="tpu")
    check_device("cpu")


def bags(model_cfg):
    model = BagTransformer(model_cfg, TOPICS, [torch_rng(0), torch_rng(1)])
    return model, next(sample_bags(TOPICS, 4, [numpy_rng(0), numpy_rng(1)]))


def lose_positions(model, batch):
    return model(batch.shown, batch.is_key)


def lose_free(model, pairs):
    return target_loss(model(pairs.src), pairs)


BLOCK = TopicModel(n_heads=2, residual=True, layer_norm=True, mlp=True)
TIED = TopicModel(embedding="trained", decoder="tied", bias=True, d_model=4)
CASES = {
    "bags": (lambda: bags(TopicModel()), topics.cross_entropy),
    "bags, block": (lambda: bags(BLOCK), topics.squared_error),
    "bags, tied": (lambda: bags(TIED), topics.cross_entropy),
    "bags, uniform": (lambda: bags(TopicModel(attention="uniform")), topics.cross_entropy),
    "bags, traced": (lambda: bags(BLOCK), lambda model, batch: model.trace(batch).output),
    "positions": (
        lambda: (
            TopicTransformer(BLOCK, TOPICS, torch_rng(0)),
            next(sample_positions(TOPICS, 4, numpy_rng(0))),
        ),
        lose_positions,
    ),
    "GRU": (
        lambda: (Translator(ModelConfig(hidden=8, cell="gru", n_heads=2), COPY, 0), PAIRS),
        translation.cross_entropy,
    ),
    "state probe": (
        lambda: (Translator(ModelConfig(hidden=8), COPY, 0), PAIRS),
        lambda model, pairs: measure_state_probe(model.trace(pairs)),
    ),
    "bag of words": (lambda: (BagTranslator(COPY, 8, 0), PAIRS), bag_cross_entropy),
    "free": (lambda: (FreeTranslator(FreeModelConfig(2), COPY, [0, 1]), PAIRS), lose_free),
}


class OneDevice(TorchDispatchMode):
    """Fails at the first operation that takes a tensor from elsewhere."""

    def __init__(self, device):
        super().__init__()
        self.device = device

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        for each in tree_leaves((args, kwargs)):
            if isinstance(each, torch.Tensor):
                assert each.device.type == self.device, f"{operation} takes a {each.device} tensor"
        return operation(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_computed_beside_the_device_of_the_model(name):
    make, compute = CASES[name]
    model, batch = make()
    device = "cuda" if torch.cuda.is_available() else "meta"
    model, batch = model.to(device), move(batch, device)
    with OneDevice(device):
        compute(model, batch)
