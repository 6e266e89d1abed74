"""Wikipedia dumps in any language: which pages are articles, and their markup as running text.

A page is told to be an article by its namespace, the number 0 in `<ns>`, whatever that language
calls the others. gensim removes the markup; lists that close an article are known by their
English headings only.
"""

import bz2
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from gensim.corpora.wikicorpus import filter_wiki

CLOSING = re.compile(r"^=+ *(See also|References|Further reading|External links) *=+", re.M)
WIKI_MARKS = re.compile(r"'{2,}|^[ *#:;=|!]+|=+ *$", re.M)  # bold, lists, headings, cells
BLANK_LINES = re.compile(r"\s*\n\s*")
LINKS = {"6": "File", "14": "Category"}  # namespaces whose links are no text; gensim's names
CHUNK = 1 << 16  # bytes of XML unpacked at a time
MAX_PAGE = 8_000_000  # bytes of XML; MediaWiki keeps at most 2 MB of text in a page
MAX_RATIO = 1000  # unpacked to packed; that of real dumps is below 10


def read_dump(path: Path) -> Iterator[tuple[str, str]]:
    """Yield title and text of the articles of a dump `.xml.bz2`; redirects are left out.

    Raises ValueError, saying where reading stopped, for a file that is cut off, damaged, no dump
    of articles, or unpacks to far more than a dump can.
    """
    n_pages, names = 0, {}
    with path.open("rb") as packed:
        try:
            for page in _read_pages(packed, names):
                if article := _read_article(page, names):
                    yield article
                n_pages += 1
        except (EOFError, OSError) as error:
            what = "is cut off" if isinstance(error, EOFError) else "is damaged"
            where = f"reading stopped at byte {packed.tell()}, after {n_pages} whole pages"
            message = f"{path}: the bz2 data {what}, {where}; copy or download the file again"
            raise ValueError(message) from None
        except ParseError as error:
            line, column = error.position
            where = f"line {line}, column {column} of the unpacked XML"
            raise ValueError(f"{path}: {where}: {error.msg}; is this a whole dump?") from None
        except ValueError as error:
            raise ValueError(f"{path}: page {n_pages + 1} {error}") from None


def _read_pages(packed: BinaryIO, names: dict[str, str]) -> Iterator[Element]:
    """Yield the pages, each forgotten before the next; note the namespaces' names by number."""
    unpacked, parser, root, done = bz2.BZ2File(packed), XMLPullParser(("start", "end")), None, 0
    while chunk := unpacked.read(CHUNK):
        parser.feed(chunk)
        for event, element in parser.read_events():
            root = element if root is None else root
            kind = element.tag.rpartition("}")[2]
            if event == "end" and kind == "namespace":
                names[element.get("key", "")] = element.text or ""
            elif event == "end" and kind == "page":
                yield element
                root.clear()
                done = unpacked.tell()
        _check_size(unpacked.tell(), done, packed.tell())
    parser.close()
    if root.tag.rpartition("}")[2] != "mediawiki":
        raise ValueError(f"is no MediaWiki page, for the file begins with <{root.tag}>")


def _check_size(unpacked: int, last_page: int, packed: int) -> None:
    """Refuse what is no dump of articles before it fills the memory."""
    if unpacked - last_page > MAX_PAGE:
        size = f"{MAX_PAGE // 1000} kB of unpacked XML"
        raise ValueError(f"is not over after {size}; take a pages-articles dump: its pages end")
    if unpacked > MAX_PAGE + MAX_RATIO * packed:
        size = f"{packed} bytes unpack to more than {MAX_RATIO} times as many"
        raise ValueError(f"is not read: the first {size}, as no dump does; download it again")


def _read_article(page: Element, names: dict[str, str]) -> tuple[str, str] | None:
    """Return title and text, or None for a page that is no article."""
    title, number = page.findtext("{*}title"), page.findtext("{*}ns")
    revisions = page.findall("{*}revision")
    if not title or number is None or not revisions:
        raise ValueError("is no MediaWiki page: it needs <title>, <ns> and <revision>")
    if len(revisions) > 1:
        raise ValueError(f"has {len(revisions)} revisions; take a pages-articles dump, with one")
    if number != "0" or page.find("{*}redirect") is not None:
        return None
    return title, plain_text(_name_links(revisions[0].findtext("{*}text") or "", names))


def _name_links(markup: str, names: dict[str, str]) -> str:
    """Give links to files and categories the English names, by which gensim knows them."""
    for number, english in LINKS.items():
        if names.get(number):
            link = rf"\[\[\s*{re.escape(names[number])}\s*:"
            markup = re.sub(link, f"[[{english}:", markup, flags=re.IGNORECASE)
    return markup


def plain_text(markup: str) -> str:
    """Turn wiki markup into running text: body only, no templates, marks or closing lists."""
    text = filter_wiki(CLOSING.split(markup, maxsplit=1)[0])
    return BLANK_LINES.sub("\n", WIKI_MARKS.sub("", text)).strip()
