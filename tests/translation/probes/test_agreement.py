"""Agreement by hand, saliency and the bag probe against slow ways, and planted attention."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from twostage.seeding import numpy_rng
from twostage.training import History
from twostage.translation import probes as agreement
from twostage.translation.corpus import CorpusConfig, Pairs, sample_pairs
from twostage.translation.model import BagTranslator, ModelConfig, Translator
from twostage.translation.probes.knowledge import measure_state_probe

CORPUS = CorpusConfig(vocab_size=6, seq_len=4, dictionary="random", block=2)
PAIRS = sample_pairs(CORPUS, 3, numpy_rng(0, "pairs"))
MODEL = Translator(ModelConfig(hidden=4), CORPUS, seed=0)


def point_at(*positions, n_keys=5):
    """Scores of one pair that are highest at these positions, one per target; [EOS] last."""
    return F.one_hot(torch.tensor([positions]), n_keys).float()


def test_agreement_by_hand():
    first = point_at(0, 1, 2, 3, 4)
    assert agreement.measure_agreement(first, point_at(0, 1, 2, 3, 0)) == 1  # [EOS] left out
    assert agreement.measure_agreement(first, point_at(0, 1, 0, 0, 4)) == 0.5


@pytest.mark.parametrize("n_keys, share", [(20, 0.0), (21, 1.0)])
def test_the_top_five_percent_are_rounded_up(n_keys, share):
    ranked = torch.arange(n_keys).float().expand(1, 2, -1)  # the best but one is n_keys - 2
    first = point_at(n_keys - 2, 0, n_keys=n_keys)
    assert agreement.measure_agreement(first, ranked) == share


def test_the_baseline_is_chance():
    scores = torch.rand(400, 6, 21, generator=torch.Generator().manual_seed(0))
    shuffled = agreement.shuffle_keys(scores, numpy_rng(0, "shuffle"))
    assert_close(shuffled.sort(-1).values, scores.sort(-1).values)
    assert agreement.measure_agreement(scores, scores) == 1
    measured = agreement.measure_agreement(scores, shuffled)
    assert measured == pytest.approx(2 / 21, abs=4 * (0.095 * 0.905 / 2000) ** 0.5)


def test_saliency_is_the_gradient_by_embeddings():
    def share_of(embedded, pair, query):
        memory, last = MODEL.encoder(embedded)
        start = PAIRS.tgt[pair].roll(1).index_fill(0, torch.tensor(0), 0)[None]
        states = MODEL.decoder(MODEL.target_embedding(start), last)[0]
        attn = MODEL.attention.scores(states, memory).softmax(-1)
        scores = MODEL.predict(states, MODEL.attention.read(attn, memory))
        return scores.log_softmax(-1)[0, query, PAIRS.tgt[pair, query]]

    found = agreement.measure_saliency(MODEL, PAIRS)
    assert found.shape == (3, 5, 5)
    for pair, query in ((0, 0), (1, 3), (2, 4)):
        embedded = MODEL.embedding(PAIRS.src[pair])[None].detach()
        slope = torch.autograd.functional.jacobian(lambda e: share_of(e, pair, query), embedded)  # noqa: B023
        assert_close(found[pair, query], slope[0].norm(dim=-1), rtol=1e-4, atol=1e-7)


def test_bag_probe_is_each_source_word_alone():
    model = BagTranslator(CORPUS, hidden=4, seed=0)
    found = agreement.measure_bag_probe(model, PAIRS)
    for pair, query, key in ((0, 0, 3), (1, 4, 2), (2, 3, 4)):
        word, target = PAIRS.src[pair, key], PAIRS.tgt[pair, query]
        assert_close(found[pair, query, key], model(word.view(1, 1)).log_softmax(-1)[0, target])


def plant(attn, pairs=PAIRS):
    """A trace whose attention is given."""
    trace = Translator(ModelConfig(hidden=4), CORPUS, seed=1).trace(pairs)
    return replace(trace, attn=attn[:, None])


def test_the_four_agreements_compare_what_they_say():
    uniform = Translator(ModelConfig(hidden=4, attention="uniform"), CORPUS, seed=2).trace(PAIRS)
    proxy, known = BagTranslator(CORPUS, 4, 3), measure_state_probe(uniform)
    trace = plant(known)
    found = agreement.measure_agreements(trace, uniform, proxy)
    assert found["attention, uniform KTIW"] == 1
    bag = agreement.measure_agreement(known, agreement.measure_bag_probe(proxy, PAIRS))
    assert found["uniform KTIW, bag KTIW"] == bag
    own = measure_state_probe(trace)
    assert found["attention, own KTIW"] == agreement.measure_agreement(known, own) < 1
    saliency = agreement.measure_saliency(trace.model, PAIRS)
    assert found["saliency, uniform KTIW"] == agreement.measure_agreement(saliency, known)
    assert agreement.measure_agreements(plant(own), uniform, proxy)["attention, own KTIW"] == 1


def test_pointing_where_knowledge_is_wrong(monkeypatch):
    pairs = Pairs(PAIRS.src[:2], PAIRS.tgt[:2])
    right = CORPUS.aligned.tolist()  # 1 0 3 2 4
    known = torch.stack([torch.cat([point_at(4, 4, 3, 2, 4), point_at(*right)])])
    attention = torch.cat([point_at(4, 0, 0, 0, 0), point_at(1, 4, 0, 0, 4)])
    trace = plant(attention, pairs)
    monkeypatch.setattr(Translator, "trace", lambda model, pairs: trace)
    found = agreement.measure_pointing(trace, pairs, known)
    assert found["misled"] == 0.5  # of the two wrong words, the first is followed
    assert found["undeterred"] == 0.5  # and at the second attention is right
    assert found["habit"] == 0.5  # position 4 is chosen in one of two sentences at either place
    assert found["agreement"] == pytest.approx(2 / 8)
    assert "ktiw" in found and 0 <= found["own agreement"] <= 1


def test_xi_is_accuracy_when_agreement_arrives():
    values = {
        "own agreement": np.array([[0.0, 0.5, 1.0], [0.0, 0.2, 0.4]]),
        "token_accuracy": np.array([[0.1, 0.2, 0.6], [0.1, 0.2, 0.6]]),
    }
    history = History(np.array([0, 10, 20]), values)
    xi = agreement.find_xi(history, np.array([0.75, 0.9]))
    assert xi[0] == pytest.approx(0.4) and np.isnan(xi[1])
    assert agreement.find_xi(history, np.array([0.75])) == pytest.approx([0.4]), "the first run"
