"""Real text: articles, and the topics that LDA finds in them (li2023topic, section on Wikipedia).

Articles are kept as running text, cased, stop words in and in order, because that is what a
pretrained model reads. LDA gets the words of that same text, lower-cased and without stop words,
in pieces of some 200 words. Departs from the authors: no network is needed, since the default
corpus is the 106 Wikipedia articles that gensim carries for its own tests (most begin with A).
"""

import bz2
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from xml.etree.ElementTree import ParseError

import numpy as np
from gensim.corpora import Dictionary
from gensim.corpora.wikicorpus import IGNORED_NAMESPACES, extract_pages, filter_wiki
from gensim.models import LdaModel, TfidfModel
from gensim.parsing.preprocessing import STOPWORDS
from gensim.test.utils import datapath
from jaxtyping import Float, Int

DEFAULT_DUMP = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
MIN_WORDS = 50  # shorter articles of a dump or a data set are redirects, stubs and headings
WORD = re.compile(r"\b[^\W\d_]+\b")  # runs of letters; not the px of 220px
CLOSING = re.compile(r"^=+ *(See also|References|Further reading|External links) *=+", re.M)
WIKI_MARKS = re.compile(r"'{2,}|^[ *#:;=|!]+|=+ *$", re.M)  # bold, lists, headings, cells
BLANK_LINES = re.compile(r"\s*\n\s*")


@dataclass(frozen=True)
class TextCorpus:
    """Articles as running text, in a fixed order."""

    source: str  # where they came from, for captions and error messages
    titles: tuple[str, ...]
    texts: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of articles."""
        return len(self.texts)


def load_corpus(source: str | Path | None = None, n_documents: int | None = None) -> TextCorpus:
    """Load real articles from this machine, or from the Hugging Face hub when asked to.

    `source` is one of: None, the Wikipedia articles inside gensim; a folder, each `.txt` file in
    it (UTF-8, in order of path) an article; a Wikipedia dump `.xml.bz2`; `hf:owner/name` or
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
    if path.is_file() and path.suffix == ".bz2":
        return _read_dump(path)
    kinds = "a folder of .txt files, a Wikipedia dump .xml.bz2, or hf:owner/name"
    if path.exists():
        raise ValueError(f"{source}: cannot read this kind of file; give {kinds}")
    raise FileNotFoundError(f"{source}: no such file or folder; give {kinds}")


def _read_folder(folder: Path) -> Iterator[tuple[str, str]]:
    files = [path for path in folder.rglob("*.txt") if path.is_file()]
    paths = sorted(files, key=lambda path: path.relative_to(folder).as_posix())
    if not paths:
        raise FileNotFoundError(f"{folder}: no .txt file in this folder; one file is one article")
    for path in paths:
        yield path.stem, _read_text(path)


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


def _read_dump(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the articles of a MediaWiki dump; errors say where in the file reading stopped."""
    n_pages = 0
    with path.open("rb") as packed:
        try:
            for title, markup, _ in extract_pages(bz2.BZ2File(packed)):
                n_pages += 1
                text = plain_text(markup)
                if title.split(":")[0] not in IGNORED_NAMESPACES and is_article(text):
                    yield title, text
        except (EOFError, OSError) as error:
            what = "is cut off" if isinstance(error, EOFError) else "is damaged"
            where = f"reading stopped at byte {packed.tell()}, after {n_pages} whole pages"
            message = f"{path}: the bz2 data {what}, {where}; copy or download the file again"
            raise ValueError(message) from None
        except ParseError as error:
            line, column = error.position
            where = f"line {line}, column {column} of the unpacked XML"
            raise ValueError(f"{path}: {where}: {error.msg}; is this a whole dump?") from None
        except (AttributeError, ValueError) as error:  # a page without title, or other XML
            raise ValueError(f"{path}: page {n_pages + 1} is no MediaWiki page: {error}") from None


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


def plain_text(markup: str) -> str:
    """Turn wiki markup into running text: body only, no templates, marks or closing lists."""
    text = filter_wiki(CLOSING.split(markup, maxsplit=1)[0])
    return BLANK_LINES.sub("\n", WIKI_MARKS.sub("", text)).strip()


def is_article(text: str) -> bool:
    """Say whether a text has at least `MIN_WORDS` words."""
    return sum(1 for _ in islice(WORD.finditer(text), MIN_WORDS)) == MIN_WORDS


def content_words(text: str) -> list[str]:
    """List the words of a text in order, lower-cased, without stop words and single letters."""
    words = (match.group().lower() for match in WORD.finditer(text))
    return [word for word in words if len(word) > 1 and word not in STOPWORDS]


@dataclass(frozen=True)
class LdaConfig:
    """What LDA sees and how long it looks; see `fit_topics`."""

    n_topics: int = 20  # T; the authors took 100
    passes: int = 20  # over all pieces
    piece_len: int = 200  # content words per LDA document
    min_pieces: int = 10  # a word in fewer pieces is left out
    max_piece_share: float = 0.1  # and so is a word in a larger share of them
    word_prior: float = 0.3  # eta, pseudo-count of each word in each topic; gensim has 1 / T
    tf_idf: bool = False  # weigh counts by tf-idf, as the authors did

    def __post_init__(self) -> None:
        """Refuse values that no LDA can be fitted with."""
        lowest = {"n_topics": 2, "passes": 1, "piece_len": 2, "min_pieces": 1}
        for name, low in lowest.items():
            if getattr(self, name) < low:
                raise ValueError(f"{name} must be at least {low}, got {getattr(self, name)}")
        if not 0 < self.max_piece_share <= 1:
            raise ValueError(f"max_piece_share must be in (0, 1], got {self.max_piece_share}")
        if not self.word_prior > 0:
            raise ValueError(f"word_prior must be above 0, got {self.word_prior}")


@dataclass(frozen=True, eq=False)
class Topics:
    """Topics as distributions over words: `topic_word[t, w]` = p(word w | topic t)."""

    words: tuple[str, ...]  # the vocabulary that LDA kept
    topic_word: Float[np.ndarray, "topic word"]  # each row sums to 1

    @cached_property
    def p_topic_given_word(self) -> Float[np.ndarray, "topic word"]:
        """p(topic | word) if all topics were equally frequent; each column sums to 1."""
        return self.topic_word / self.topic_word.sum(0)

    @cached_property
    def topic_of(self) -> Int[np.ndarray, " word"]:
        """Top topic of each word."""
        return self.topic_word.argmax(0)

    @cached_property
    def topic_share(self) -> Float[np.ndarray, " word"]:
        """Share of each word's probability mass that its top topic holds, in [1/T, 1].

        The authors' measure of ambiguity (li2023topic): near 1 the word belongs to one topic.
        """
        return self.p_topic_given_word.max(0)

    def top_words(self, k: int = 8) -> list[list[str]]:
        """List the k most probable words of each topic, most probable first."""
        best = np.argsort(-self.topic_word, axis=1, kind="stable")[:, :k]
        return [[self.words[word] for word in row] for row in best]


def fit_topics(corpus: TextCorpus, config: LdaConfig, rng: np.random.Generator) -> Topics:
    """Fit LDA (gensim's online variational Bayes, float64) to the pieces of all articles.

    The pieces are shuffled first, so that each small batch of the online updates holds a bit of
    everything; with batches of about 128 this fits better than whole-corpus updates, in half the
    time. The batches are of equal size: a last batch of one piece, which gensim would count as
    often as the others, fills every topic with the words of that piece.
    """
    pieces = cut_pieces(corpus, config.piece_len)
    dictionary = _build_dictionary(pieces, config, corpus.source)
    rng.shuffle(pieces)
    counts = [dictionary.doc2bow(piece) for piece in pieces]
    n_batches = max(1, round(len(counts) / 128))
    model = LdaModel(
        list(TfidfModel(counts)[counts]) if config.tf_idf else counts,
        id2word=dictionary,
        num_topics=config.n_topics,
        passes=config.passes,
        eta=config.word_prior,
        chunksize=math.ceil(len(counts) / n_batches),
        eval_every=None,
        random_state=np.random.RandomState(rng.integers(2**32)),
        dtype=np.float64,
    )
    return Topics(tuple(dictionary[i] for i in range(len(dictionary))), model.get_topics())


def cut_pieces(corpus: TextCorpus, piece_len: int) -> list[list[str]]:
    """Cut the content words of each article into pieces of `piece_len`: the documents of LDA."""
    documents = map(content_words, corpus.texts)
    return [doc[i : i + piece_len] for doc in documents for i in range(0, len(doc), piece_len)]


def _build_dictionary(pieces: list[list[str]], config: LdaConfig, source: str) -> Dictionary:
    dictionary = Dictionary(pieces)
    dictionary.filter_extremes(config.min_pieces, config.max_piece_share, keep_n=None)
    if len(dictionary) < config.n_topics:
        asked = f"{config.min_pieces} pieces and at most {config.max_piece_share:g} of them"
        found = f"{len(dictionary)} words are in at least {asked} ({len(pieces)} pieces)"
        hint = "take more documents, lower min_pieces or raise max_piece_share"
        raise ValueError(f"{source}: only {found}; {hint}")
    return dictionary
