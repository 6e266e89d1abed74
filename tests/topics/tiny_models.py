"""Random transformers of five families, each with a tokeniser of its own kind, as small as can be.

WordPiece (##) for BERT and ELECTRA, SentencePiece's unigram (▁) for ALBERT, byte-level BPE (Ġ) for
RoBERTa and BART. Saved as anyone saves a model, so that they are loaded as any model is.
"""

import string

import torch
import transformers
from tokenizers import pre_tokenizers

WORDS = "the dogs play chess with cats cafe and love games tower Dogs Tower".split()
LETTERS = string.ascii_letters + ".,;()'"
N_LAYERS, N_HEADS = 3, 2
EMBEDDING_SIZE = {"bert": 8, "electra": 4, "albert": 4, "roberta": 8, "bart": 8}


def wordpiece(family):
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = ["##" + letter for letter in LETTERS] + ["##ed"]
    vocab = {token: i for i, token in enumerate([*special, *WORDS[:-2], *LETTERS, *pieces])}
    kinds = {"bert": transformers.BertTokenizer, "electra": transformers.ElectraTokenizer}
    return kinds[family](vocab=vocab, model_max_length=64)


def unigram():
    special = [(token, 0.0) for token in ("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]")]
    words = [("▁" + word, -2.0) for word in WORDS[:-2]] + [("ed", -3.0), ("tower", -2.0)]
    letters = [(letter, -9.0) for letter in "▁" + LETTERS]
    return transformers.AlbertTokenizer(vocab=special + words + letters, model_max_length=64)


def byte_bpe(family):
    """Merges that spell each word after a space letter by letter: Ġd, Ġdo, Ġdog, Ġdogs."""
    spelled = ["Ġ" + word for word in WORDS]
    ends = [(word, end) for word in spelled for end in range(1, len(word))]
    merges = list(dict.fromkeys((word[:end], word[end]) for word, end in ends))
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: i for i, token in enumerate([*special, *letters, *map("".join, merges)])}
    kinds = {"roberta": transformers.RobertaTokenizer, "bart": transformers.BartTokenizer}
    return kinds[family](vocab=vocab, merges=merges, model_max_length=64)


def build_tokenizer(family):
    if family == "albert":
        return unigram()
    return wordpiece(family) if family in ("bert", "electra") else byte_bpe(family)


def build_model(family, vocab_size):
    """A model with a head, as published checkpoints have: loading leaves the head out."""
    sizes = {"num_hidden_layers": N_LAYERS, "num_attention_heads": N_HEADS, "hidden_size": 8}
    common = {"vocab_size": vocab_size, "intermediate_size": 8, "max_position_embeddings": 80}
    small = {"embedding_size": 4} if family in ("albert", "electra") else {}
    if family == "bart":
        ends = [f"{end}_{what}" for end in ("encoder", "decoder") for what in ("layers", "ffn_dim")]
        heads = {"encoder_attention_heads": N_HEADS, "decoder_attention_heads": N_HEADS}
        sizes = dict.fromkeys(ends, N_LAYERS) | heads | {"d_model": 8}
        common.pop("intermediate_size")
    config, head = {
        "bert": (transformers.BertConfig, transformers.BertForMaskedLM),
        "electra": (transformers.ElectraConfig, transformers.ElectraForPreTraining),
        "albert": (transformers.AlbertConfig, transformers.AlbertForMaskedLM),
        "roberta": (transformers.RobertaConfig, transformers.RobertaForMaskedLM),
        "bart": (transformers.BartConfig, transformers.BartForConditionalGeneration),
    }[family]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return head(config(**sizes, **common, **small, initializer_range=0.3, init_std=0.3))


def save_tiny(family, folder):
    """Save model (safetensors) and tokeniser of one family; return the folder."""
    tokenizer = build_tokenizer(family)
    tokenizer.save_pretrained(folder)
    build_model(family, len(tokenizer)).save_pretrained(folder)
    return folder
