"""Probes of the free model on hand-made weights, and its first gradient against counting."""

import itertools

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from twostage.seeding import numpy_rng
from twostage.translation.corpus import CorpusConfig, sample_pairs
from twostage.translation.free import FreeModelConfig, FreeTranslator
from twostage.translation.probes.free import (
    measure_free,
    measure_heads,
    measure_signal,
)

COPY, AVOID, UNDECIDED = 60.0, -60.0, 0.0
CORPORA = {
    "copy": CorpusConfig(vocab_size=4, seq_len=4),
    "translate": CorpusConfig(vocab_size=6, seq_len=4, dictionary="random", block=3),
}


def make(corpus, lean):
    """One run per row of `lean`, one head per entry: lean x identity, the table twice."""
    model = FreeTranslator(FreeModelConfig(len(lean[0]), 0.0), corpus, range(len(lean)))
    L, V = corpus.seq_len, corpus.vocab_size
    lean = torch.tensor(lean)[..., None, None]
    with torch.no_grad():
        model.logits += lean * torch.eye(L)[corpus.aligned[:-1]]
        model.table += 2 * lean * torch.eye(V)[corpus.translation_of[1:] - 1]
    return model


@pytest.mark.parametrize("name", CORPORA)
def test_heads_that_copy_avoid_and_know_nothing(name):
    corpus = CORPORA[name]
    heads = measure_heads(make(corpus, [[COPY, AVOID], [UNDECIDED, 1.0]]))
    uniform, near = 1 / 4, np.e / (np.e + 3)
    assert_allclose(heads["diagonal"], [[1, 0], [uniform, near]], atol=1e-12)
    assert_allclose(heads["signed_contrast"], [[1, -1], [0, (near - 0.25) / 0.75]], atol=1e-12)
    for part in ("attn_accuracy", "ktiw"):
        assert_allclose(heads[part][[0, 0, 1], [0, 1, 1]], [1, 0, 1])
    for part, size in (("logit_contrast", 1), ("table_contrast", 2)):
        assert_allclose(heads[part], [[size * COPY, size * AVOID], [0, size]], atol=1e-12)


@pytest.mark.parametrize("name", CORPORA)
def test_a_run_is_known_by_its_best_head_and_by_all_together(name):
    corpus = CORPORA[name]
    model = make(corpus, [[COPY, COPY], [COPY, UNDECIDED], [COPY, AVOID], [AVOID, AVOID]])
    run = measure_free(model, sample_pairs(corpus, 4 * 8, numpy_rng(0)))
    assert_allclose(run["attn_accuracy"], [1, 1, 1, 0])
    assert_allclose(run["signed_contrast"], [1, 0.5, (0.5 - 0.25) / 0.75, -1], atol=1e-12)
    assert_allclose(run["ktiw"][[0, 1, 3]], [1, 1, 0])
    assert_allclose(run["token_accuracy"][:3], 1)
    assert_allclose(run["loss"][:2], 0, atol=1e-12)


def test_a_permutation_is_told_without_looking_at_the_right_word():
    corpus = CORPORA["copy"]
    run = measure_free(make(corpus, [[AVOID]]), sample_pairs(corpus, 20, numpy_rng(0)))
    assert run["token_accuracy"] == 1 and run["loss"] < 1e-6 and run["attn_accuracy"] == 0
    assert_allclose(run["uniform_loss"], np.log(4))  # all words are there: nothing is known
    corpus = CORPORA["translate"]
    run = measure_free(make(corpus, [[AVOID]]), sample_pairs(corpus, 20, numpy_rng(0)))
    assert_allclose(run["loss"], np.log(3), atol=1e-6)  # the right word, or one of two not there


@pytest.mark.parametrize(
    "corpus",
    [
        CorpusConfig(4, 3),
        CorpusConfig(4, 3, repeats=True),
        CorpusConfig(4, 3, mixture=0.6),
        CorpusConfig(4, 3, dictionary="random", block=2, mixture=0.3),
        CorpusConfig(3, 3),
    ],
)
def test_the_signal_is_that_of_all_sentences(corpus):
    """Count words together, sentence by sentence: the gradient without autograd."""
    V, L, q = corpus.vocab_size, corpus.seq_len, corpus.mixture
    together = np.zeros((V, V))
    drawn = [*(itertools.product if corpus.repeats else _arrange)(range(V), repeat=L)]
    for share, sentences in ((1 - q, drawn), (q, [*itertools.permutations(range(L))])):
        for sentence in sentences:
            bag = np.bincount(sentence, minlength=V) / L
            together += share * np.outer(bag, bag) / len(sentences)
    n = L if q else V
    block = together[:n, :n]
    expected = block.trace() / n - (block.sum() - block.trace()) / (n * (n - 1))
    value, error = measure_signal(corpus, 20_000, numpy_rng(0))
    assert abs(value - expected) <= 4 * error + 1e-15
    assert error < 0.01 / (L * V)
    assert expected > 0.002 or V == L


def _arrange(words, repeat):
    return itertools.permutations(words, repeat)


def test_a_signal_from_too_few_pairs_is_refused():
    with pytest.raises(ValueError, match="n_pairs must be >= 100, got 99"):
        measure_signal(CORPORA["copy"], 99, numpy_rng(0))
