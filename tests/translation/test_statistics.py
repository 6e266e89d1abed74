"""Co-occurrence by hand, against the theory, and against the gradient of a table of zeros."""

from itertools import permutations, product

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from twostage.measures import row_contrast
from twostage.translation import theory
from twostage.translation.corpus import EOS, CorpusConfig, Pairs
from twostage.translation.statistics import count_cooccurrence, count_excess, translation_pairs


def all_pairs(cfg):
    """Every sentence of the corpus once, with its target."""
    words = range(1, cfg.n_tokens)
    drawn = product(words, repeat=cfg.seq_len) if cfg.repeats else permutations(words, cfg.seq_len)
    src = np.array([[*sentence, EOS] for sentence in drawn])
    return Pairs(torch.from_numpy(src), torch.from_numpy(cfg.translation_of[src]))


def test_counts_by_hand():
    pairs = Pairs(torch.tensor([[1, 2, 0], [3, 3, 0]]), torch.tensor([[2, 1, 0], [1, 3, 0]]))
    assert count_cooccurrence(pairs, 3).tolist() == [[1, 1, 0], [1, 1, 0], [2, 0, 2]]


def test_excess_by_hand():
    counts = np.array([[1, 2, 1], [2, 1, 1], [1, 1, 2]])
    assert_allclose(count_excess(counts), np.where(counts == 2, 0.5, -0.25))
    assert_allclose(count_excess(np.outer([1, 2], [3, 4])), 0, atol=1e-15)
    seen = count_excess(np.array([[2, 0, 0], [0, 2, 0], [0, 0, 0]]))
    assert_allclose(seen[:2, :2], [[1, -1], [-1, 1]])
    assert np.isnan(seen[2]).all() and np.isnan(seen[:, 2]).all()


@pytest.mark.parametrize("V, L, repeats", [(5, 3, False), (4, 4, False), (4, 2, True)])
def test_excess_is_the_theorys_signal(V, L, repeats):
    cfg = CorpusConfig(V, L, repeats, dictionary="random")
    excess = count_excess(count_cooccurrence(all_pairs(cfg), V))
    contrast = row_contrast(excess, translation_pairs(cfg))
    assert_allclose(contrast, V**2 * theory.predict_signal(V, L, repeats=repeats), atol=1e-12)


def test_excess_is_the_first_gradient_of_a_table():
    V, L = 5, 3
    cfg = CorpusConfig(V, L, dictionary="random")
    pairs = all_pairs(cfg)
    W = torch.zeros(V, V, dtype=torch.float64, requires_grad=True)  # word predicted, word shown
    bags = torch.nn.functional.one_hot(pairs.src[:, :-1] - 1, V).double().mean(1)
    log_shares = (bags @ W.T).log_softmax(-1)
    log_shares.gather(1, pairs.tgt[:, :-1] - 1).mean().backward()
    excess = count_excess(count_cooccurrence(pairs, V))
    assert_allclose(V**2 * W.grad.T, excess, atol=1e-12)


def test_the_dictionary_as_a_table():
    cfg = CorpusConfig(6, 4, dictionary="random", dictionary_seed=3)
    right = translation_pairs(cfg)
    assert (right.argmax(1) + 1).tolist() == cfg.translation_of[1:].tolist()
    assert (right.sum(0) == 1).all() and (right.sum(1) == 1).all()
