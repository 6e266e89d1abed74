"""One softmax by hand: counts, masks and nothing to go by are priors; and what is no attention."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from twostage.attention import attend, check_attention, ignore
from twostage.seeding import numpy_rng, torch_rng
from twostage.topics.bags import BagTransformer
from twostage.topics.batches import sample_bags, sample_positions
from twostage.topics.corpus import CorpusConfig as TopicCorpus
from twostage.topics.model import ModelConfig as TopicModel
from twostage.topics.model import TopicTransformer
from twostage.topics.training import LOSSES
from twostage.translation.corpus import CorpusConfig, sample_pairs
from twostage.translation.free import FreeModelConfig, FreeTranslator
from twostage.translation.model import ModelConfig, Translator

SCORES = torch.tensor([[0.0, 1.0, 2.0], [5.0, 5.0, 5.0]], dtype=torch.float64).log1p()  # log 1 2 3


def test_keys_share_in_proportion_to_what_is_there():
    assert_close(attend(SCORES)[0], torch.tensor([1, 2, 3]) / 6.0, check_dtype=False)
    counts = torch.tensor([[4.0, 1.0, 0.0]], dtype=torch.float64)
    assert_close(attend(SCORES, counts.log())[0], torch.tensor([4, 2, 0]) / 6.0, check_dtype=False)
    one_by_one = attend(SCORES[:, [0, 0, 0, 0, 1]])[0]
    assert_close(attend(SCORES, counts.log())[0, 0], one_by_one[:4].sum())


def test_uniform_attention_keeps_the_prior_and_forgets_the_scores():
    prior = torch.tensor([[2.0, 1.0, 0.0]], dtype=torch.float64).log()
    assert_close(attend(ignore(SCORES), prior), torch.tensor([[2, 1, 0]] * 2) / 3.0 + 0 * SCORES)


def test_no_gradient_comes_from_a_masked_key():
    scores = SCORES.clone().requires_grad_()
    attend(scores, torch.tensor([[True, True, False]]).log())[:, 0].sum().backward()
    assert scores.grad[:, 2].tolist() == [0, 0] and scores.grad.isfinite().all()


@pytest.mark.parametrize(
    "attn, got",
    [
        (np.array([[0.9, 0.8], [0.1, 0.2]]), "sums from 0.3 to 1.7"),  # over queries
        (np.array([[1.5, -0.5]]), "weights from -0.5"),
        (np.array([[np.nan, 1.0]]), "weights from nan"),
    ],
)
def test_what_is_no_attention_is_refused_with_a_hint(attn, got):
    with pytest.raises(ValueError, match="softmax over keys, not queries") as error:
        check_attention(attn)
    assert got in str(error.value)
    check_attention(np.array([[[0.25, 0.75], [1, 0]]]))


# In every model ---------------------------------------------------------------------------------

TOPICS, COPY = TopicCorpus(2, 3, topics_per_doc=1, doc_len=9), CorpusConfig(5, 4)
PAIRS = sample_pairs(COPY, 6, numpy_rng(0))


def big(model):
    """The same model with weights so large that attention is far from uniform."""
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(3)
    return model.requires_grad_(False)


def scores_of(kind, uniform, silenced):
    """Scores of a trained-looking model; `silenced` zeroes the weights behind its attention."""
    if kind == "translator":
        model = big(Translator(ModelConfig(hidden=8, n_heads=2), COPY, seed=0))
        behind = [w for head in model.attention.query for w in head.parameters()]
        inputs = PAIRS.src, PAIRS.tgt
    elif kind == "free":
        model = big(FreeTranslator(FreeModelConfig(2, init_scale=1.0), COPY, [0, 1]))
        behind, inputs = [model.logits], (PAIRS.src,)
    elif kind == "positions":
        model = TopicTransformer(TopicModel(init_scale=3.0), TOPICS, torch_rng(0))
        batch = next(sample_positions(TOPICS, 4, numpy_rng(0), masked_keys=False))
        behind, inputs = [model.layers[0].W_K], (batch.shown, batch.is_key)
    else:
        model = BagTransformer(TopicModel(init_scale=3.0), TOPICS, [torch_rng(0)])
        behind = [model.layer.W_K]
        inputs = (next(sample_bags(TOPICS, 4, [numpy_rng(0)], masked_keys=False)),)
    with torch.no_grad():
        for weight in behind if silenced else ():
            weight.zero_()
        return model(*inputs, uniform=uniform)


@pytest.mark.parametrize("kind", ["translator", "free", "positions", "bags"])
def test_uniform_means_scores_of_zero_in_every_model(kind):
    forced, silent = (scores_of(kind, *how) for how in ((True, False), (False, True)))
    assert_close(forced, silent)
    assert (forced - scores_of(kind, uniform=False, silenced=False)).abs().max() > 1e-3


@pytest.mark.parametrize("loss", LOSSES.values())
def test_a_loss_without_looking_leaves_the_model_alone(loss):
    model = BagTransformer(TopicModel(init_scale=3.0), TOPICS, [torch_rng(0)])
    bags = next(sample_bags(TOPICS, 4, [numpy_rng(0)]))
    before, forced = loss(model, bags), loss(model, bags, uniform=True)
    assert (before - forced).abs() > 1e-3
    assert_close(loss(model, bags), before, rtol=0, atol=0)
