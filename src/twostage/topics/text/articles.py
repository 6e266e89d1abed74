"""Articles of real text, and the words in them (li2023topic, section on Wikipedia).

Articles are kept as running text, cased, stop words in and in order, because that is what a
pretrained model reads. Departs from the authors: no network is needed, since the default corpus
is the 106 Wikipedia articles that gensim carries for its own tests (most begin with A).
"""

import os
import unicodedata
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import regex
from gensim.test.utils import datapath

from twostage.topics.text.dumps import read_dump

DEFAULT_DUMP = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
MIN_WORDS = 50  # shorter articles of a dump or a data set are redirects, stubs and headings
WORD = regex.compile(r"\b[^\W\d_]+\b")  # letters with their combining marks; not the px of 220px
NAMED = 5  # so many skipped files are named, the others counted


@dataclass(frozen=True)
class TextCorpus:
    """Articles as running text in composed characters (NFC), in a fixed order."""

    source: str  # where they came from, for captions and error messages
    titles: tuple[str, ...]
    texts: tuple[str, ...]

    def __post_init__(self) -> None:
        """Compose characters: a letter and its accent, typed as two, become one."""
        object.__setattr__(self, "texts", tuple(map(compose, self.texts)))

    def __len__(self) -> int:
        """Return the number of articles."""
        return len(self.texts)


def compose(text: str) -> str:
    """Return the text in Unicode's composed form (NFC), in which equal words are equal strings."""
    return unicodedata.normalize("NFC", text)


def is_article(text: str) -> bool:
    """Say whether a text has at least `MIN_WORDS` words."""
    return sum(1 for _ in islice(WORD.finditer(text), MIN_WORDS)) == MIN_WORDS


def load_corpus(source: str | Path | None = None, n_documents: int | None = None) -> TextCorpus:
    """Load real articles from this machine, or from the Hugging Face hub when asked to.

    `source` is one of: None, the Wikipedia articles inside gensim; a folder, each `.txt` file in
    it and in the folders below (UTF-8, in order of path) an article, with a warning that names
    what else is in it; a Wikipedia dump `.xml.bz2` in any language; `hf:owner/name` or
    `hf:owner/name/config`, a Hugging Face data set with a column `text` (needs `n_documents`).
    `n_documents` keeps the first so many articles.

    Raises FileNotFoundError for a source that is not there, ConnectionError for a data set that
    cannot be reached, and ValueError, naming file and line or byte, for one that cannot be read.
    """
    if n_documents is not None and n_documents < 1:
        raise ValueError(f"n_documents must be at least 1, or None for all, got {n_documents}")
    source = datapath(DEFAULT_DUMP) if source is None else str(source)
    articles = tuple(islice(_read_articles(source, n_documents), n_documents))
    if not articles:
        raise ValueError(f"{source}: no article of {MIN_WORDS} words or more in it")
    titles, texts = zip(*articles, strict=True)
    return TextCorpus(source if source.startswith("hf:") else Path(source).name, titles, texts)


def _read_articles(source: str, n_documents: int | None) -> Iterator[tuple[str, str]]:
    """Choose the reader for this kind of source; it yields (title, text)."""
    path = Path(source)
    if source.startswith("hf:"):
        return _read_hub_dataset(source.removeprefix("hf:"), n_documents)
    if path.is_dir():
        return _read_folder(path)
    if path.is_file() and path.suffix.lower() == ".bz2":
        return (article for article in read_dump(path) if is_article(article[1]))
    kinds = "a folder of .txt files, a Wikipedia dump .xml.bz2, or hf:owner/name"
    if path.exists():
        raise ValueError(f"{source}: cannot read this kind of file; give {kinds}")
    raise FileNotFoundError(f"{source}: no such file or folder; give {kinds}")


def _read_folder(folder: Path) -> Iterator[tuple[str, str]]:
    skipped: list[str] = []
    found = _list_texts(folder, {os.path.realpath(folder)}, skipped)
    paths = sorted(found, key=lambda path: path.relative_to(folder).as_posix())
    if skipped:
        more = f" and {len(skipped) - NAMED} more" if len(skipped) > NAMED else ""
        warnings.warn(f"not read: {', '.join(skipped[:NAMED])}{more}", stacklevel=2)
    if not paths:
        raise FileNotFoundError(f"{folder}: no .txt file in this folder; one file is one article")
    for path in paths:
        yield path.stem, _read_text(path)


def _list_texts(folder: Path, seen: set[str], skipped: list[str]) -> Iterator[Path]:
    """Yield the files to read, behind links too; add what is left out and why to `skipped`."""
    for path in sorted(folder.iterdir()):
        if reason := _why_skipped(path, seen):
            skipped.append(f"{path} ({reason})")
        else:
            seen.add(os.path.realpath(path))
            yield from _list_texts(path, seen, skipped) if path.is_dir() else [path]


def _why_skipped(path: Path, seen: set[str]) -> str:
    if path.name.startswith("."):
        return "hidden"
    if not path.exists():
        return "a link to nothing"
    if os.path.realpath(path) in seen:
        return "a link to what is read already"
    readable = path.is_file() and path.suffix.lower() == ".txt"
    return "" if path.is_dir() or readable else "no .txt file"


def _read_text(path: Path) -> str:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"{path}, line {line}: byte {error.start} is not UTF-8; save the file as UTF-8"
        raise ValueError(message) from None
    if not WORD.search(text):
        raise ValueError(f"{path}, line 1: no word in this file; put text in it or remove it")
    return text


def _read_hub_dataset(name: str, n_documents: int | None) -> Iterator[tuple[str, str]]:
    if n_documents is None:
        raise ValueError(f"hf:{name}: say how many articles to stream, e.g. n_documents=1000")
    for number, row in enumerate(_stream_rows(name)):
        if not isinstance(row.get("text"), str):
            raise ValueError(f"hf:{name}: no text in column 'text' of row {number}: {list(row)}")
        if is_article(row["text"]):
            yield str(row.get("title", number)), row["text"]


def _stream_rows(name: str) -> Iterator[dict]:
    """Stream the split `train` of hf:owner/name or hf:owner/name/config, row by row."""
    try:
        import datasets  # optional and heavy: only whoever asks for a data set pays for it
    except ImportError:
        raise ImportError("hf: data sets need: pip install datasets") from None
    from huggingface_hub import HfApi

    owner_and_name, config = "/".join(name.split("/")[:2]), "/".join(name.split("/")[2:]) or None
    try:
        HfApi().dataset_info(owner_and_name)  # fails at once where load_dataset tries for 20 s
        rows = datasets.load_dataset(owner_and_name, config, split="train", streaming=True)
    except Exception as error:  # the hub's clients raise a dozen unrelated types here
        reason = str(error).strip().splitlines()[0]
        hint = "check name and network, or save articles as .txt files and give their folder"
        raise ConnectionError(f"hf:{name}: cannot be opened ({reason}); {hint}") from None
    yield from rows
