"""The bag-of-words proxy: blind to order, and able to learn only what bags tell."""

import math

import pytest
import torch
from torch.testing import assert_close

from twostage.training import TrainConfig
from twostage.translation.corpus import EOS, CorpusConfig, Pairs
from twostage.translation.model import BagTranslator
from twostage.translation.training import bag_cross_entropy, train_bag

LARGER, PERMUTATIONS = (CorpusConfig(V, 4, dictionary="random") for V in (8, 4))


def learned(model):
    """Probability of each target word, given a source word alone."""
    words = torch.arange(1, model.output.out_features)[:, None]
    return model(words).softmax(-1)[:, 1:].detach()


def right_words(model, corpus):
    best = 1 + learned(model).argmax(1).numpy()
    return (best == corpus.translation_of[1:]).sum()


def test_order_does_not_matter_and_words_do():
    model = BagTranslator(LARGER, hidden=6, seed=0)
    src = torch.tensor([[1, 2, 3, EOS], [3, 1, 2, EOS], [1, 2, 4, EOS]])
    first, same, other = model(src)
    assert_close(first, same)
    assert (first - other).abs().max() > 0.01
    assert_close(BagTranslator(LARGER, 6, 0)(src), model(src), rtol=0, atol=0)
    assert not torch.equal(BagTranslator(LARGER, 6, 1)(src), model(src))


def test_loss_by_hand():
    model = BagTranslator(CorpusConfig(2, 1), hidden=3, seed=0)
    with torch.no_grad():
        model.output.weight.zero_()
        model.output.bias.copy_(torch.tensor([0.5, 0.3, 0.2]).log())
    loss = bag_cross_entropy(model, Pairs(torch.tensor([[1, 0]]), torch.tensor([[2, 0]])))
    assert loss.item() == pytest.approx(-(math.log(0.2) + math.log(0.5)) / 2)


def test_it_learns_the_dictionary_from_bags():
    plan = TrainConfig(50, 0.03, n_records=1)
    assert right_words(BagTranslator(LARGER, 32, 0), LARGER) < 5
    assert right_words(train_bag(LARGER, 32, plan, seed=0), LARGER) == 8


def test_permutations_tell_it_nothing_about_words():
    """All bags are alike, so words get the same gradient: what told them apart stays as it was."""
    started, plan = BagTranslator(PERMUTATIONS, 8, 0), TrainConfig(20, 0.01, n_records=1)
    trained = train_bag(PERMUTATIONS, 8, plan, seed=0)
    before, after = (model.embedding.weight.diff(dim=0) for model in (started, trained))
    assert (trained.embedding.weight - started.embedding.weight).abs().max() > 0.05
    assert_close(after, before, rtol=0, atol=1e-5)
