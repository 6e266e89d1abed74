"""Dumps in several languages; broken, foreign and overlong ones are named with the place."""

import bz2
from pathlib import Path

import pytest
from gensim.test.utils import datapath

from twostage.topics.text import dumps
from twostage.topics.text.articles import DEFAULT_DUMP, load_corpus
from twostage.topics.text.dumps import plain_text

LONG = "Cats and dogs play chess in the garden every day. " * 10  # 100 words
PAGE = "<page><title>{}</title><ns>{}</ns><id>1</id>{}<revision><text>{}</text></revision></page>"
HEAD = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/"><siteinfo>{}</siteinfo>'


def write_dump(path, pages, names="", tail="</mediawiki>"):
    """Pages are (title, text), (title, text, namespace) or also what stands before the text."""
    full = [(*page, *("", 0, "")[len(page) - 1 :]) for page in pages]
    xml = "\n".join(PAGE.format(title, ns, more, text) for title, text, ns, more in full)
    path.write_bytes(bz2.compress(f"{HEAD.format(names)}{xml}{tail}".encode()))
    return path


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


def test_articles_are_told_by_namespace_not_by_name(tmp_path):
    pages = [
        ("Help: A Day Will Come", LONG),
        ("Module:Lua", LONG, 828),
        ("User talk:Kim", LONG, 3),
        ("Vorlage:Tiere", LONG, 10),
        ("Kategorie:Tiere", LONG, 14),
        ("Katzen", LONG, 0, '<redirect title="Katze" />'),
        ("Katze", LONG),
    ]
    corpus = load_corpus(write_dump(tmp_path / "de.xml.bz2", pages))
    assert corpus.titles == ("Help: A Day Will Come", "Katze")


def test_links_to_files_and_categories_are_no_text_in_any_language(tmp_path):
    names = '<namespaces><namespace key="0" /><namespace key="6">Datei</namespace>'
    names += '<namespace key="14">Kategorie</namespace></namespaces>'
    german = (
        f"[[Datei:Hund.jpg|mini|Ein Hund]]\n{LONG}\n[[Kategorie:Haustier]]\n[[ datei : a.jpg]] x"
    )
    english = (
        german.replace("Datei", "File").replace(" datei ", "File").replace("Kategorie", "Category")
    )
    path = write_dump(tmp_path / "de.xml.bz2", [("Hund", german)], names)
    text = load_corpus(path).texts[0]
    assert text == plain_text(english) and "Kategorie" not in text and "atei" not in text


def test_letters_of_a_dump_are_composed_and_marks_count_for_no_words(tmp_path):
    pages = [("कम", "हिन्दी " * 49), ("बस", "franc\u0327ais " * 50)]
    assert load_corpus(write_dump(tmp_path / "hi.xml.bz2", pages)).texts == (
        ("français " * 50).strip(),
    )


@pytest.mark.parametrize(
    "page, complaint",
    [
        ("<id>1</id>", "page 2 is no MediaWiki page: it needs <title>, <ns> and <revision>"),
        ("<title>Old</title><revision><text>x</text></revision>", "page 2 is no MediaWiki page"),
        (f"<title>X</title><ns>0</ns>{'<revision><text>x</text></revision>' * 3}", "3 revisions"),
    ],
)
def test_a_page_that_cannot_be_judged_is_named(tmp_path, page, complaint):
    tail = f"<page>{page}</page></mediawiki>"
    path = write_dump(tmp_path / "small.xml.bz2", [("Cats", LONG)], tail=tail)
    with pytest.raises(ValueError) as error:
        load_corpus(path)
    assert complaint in one_line(error) and str(path) in str(error.value)


def count_chunks(monkeypatch):
    read, asked = bz2.BZ2File.read, []

    def counted(file, size=-1):
        asked.append(size)
        return read(file, size)

    monkeypatch.setattr(bz2.BZ2File, "read", counted)
    return asked


@pytest.mark.parametrize(
    "bomb, complaint",
    [
        (f"<page>{'a ' * 1_000_000}</page>", "page 2 is not over after 300 kB of unpacked XML"),
        (PAGE.format("a", 0, "", "a " * 5_000) * 200, "unpack to more than 100 times as many"),
    ],
    ids=["one page", "many pages"],
)
def test_a_file_that_unpacks_without_end_is_left_early(tmp_path, monkeypatch, bomb, complaint):
    assert (dumps.MAX_PAGE, dumps.MAX_RATIO) == (8_000_000, 1000)
    monkeypatch.setattr(dumps, "MAX_PAGE", 300_000)
    monkeypatch.setattr(dumps, "MAX_RATIO", 100)
    path = write_dump(tmp_path / "bomb.xml.bz2", [("Cats", LONG)], tail=bomb)
    chunks = count_chunks(monkeypatch)
    with pytest.raises(ValueError) as error:
        load_corpus(path)
    assert complaint in one_line(error) and str(path) in str(error.value)
    assert 0 < sum(chunks) < 2 * dumps.MAX_PAGE + dumps.MAX_RATIO * path.stat().st_size


def test_dump_drops_redirects_stubs_and_other_namespaces(tmp_path):
    pages = [
        ("Cats", f"'''Cats''' {LONG}"),
        ("Dog", "#REDIRECT [[Dogs]]"),
        ("Category:Pets", LONG, 14),
        ("Stub", "Too short."),
        ("Dogs", f"[[Cat|Other cats]] {LONG}"),
    ]
    corpus = load_corpus(write_dump(tmp_path / "small.xml.bz2", pages))
    assert corpus.titles == ("Cats", "Dogs")
    assert corpus.texts[0].startswith("Cats Cats and dogs play")
    assert corpus.texts[1].startswith("Other cats Cats and dogs")


def test_dump_without_articles(tmp_path):
    path = write_dump(tmp_path / "small.xml.bz2", [("Stub", "Too short.")])
    with pytest.raises(ValueError, match="no article of 50 words or more in it"):
        load_corpus(path)


@pytest.mark.parametrize("kept", [0.5, 0.99])
def test_truncated_bz2_is_named_with_the_byte_reached(tmp_path, kept):
    data = Path(datapath(DEFAULT_DUMP)).read_bytes()
    path, size = tmp_path / "cut.xml.bz2", int(kept * len(data))
    path.write_bytes(data[:size])
    with pytest.raises(ValueError) as error:
        load_corpus(path)
    assert f"{path}: the bz2 data is cut off, reading stopped at byte {size}" in one_line(error)


def test_truncated_bz2_still_gives_articles_before_the_cut(tmp_path):
    data = Path(datapath(DEFAULT_DUMP)).read_bytes()
    (tmp_path / "cut.xml.bz2").write_bytes(data[: len(data) // 2])
    assert load_corpus(tmp_path / "cut.xml.bz2", n_documents=1).titles == ("Anarchism",)


def test_damaged_bz2_is_named_with_the_byte_reached(tmp_path):
    data = bytearray(Path(datapath(DEFAULT_DUMP)).read_bytes())
    data[900_000:900_100] = bytes(100)
    path = tmp_path / "bad.xml.bz2"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"the bz2 data is damaged, reading stopped at byte \d+"):
        load_corpus(path)
    path.write_bytes(b"plain text")
    with pytest.raises(ValueError, match="bad.xml.bz2: the bz2 data is damaged"):
        load_corpus(path)


def test_dump_whose_xml_ends_early_or_is_no_dump(tmp_path):
    path = write_dump(tmp_path / "small.xml.bz2", [("Cats", LONG)], tail="\n<page>")
    with pytest.raises(ValueError, match="line 2, column 6 of the unpacked XML: no element found"):
        load_corpus(path)
    path.write_bytes(bz2.compress(b"<a><b></b></a>"))
    with pytest.raises(ValueError, match="page 1 is no MediaWiki page"):
        load_corpus(path)


def test_plain_text_keeps_sentences_and_drops_marks():
    markup = """{{Infobox|a=b}}
'''Chess''' is a [[board game|game]] for ''two''.

== History ==
* It began in [[India]].
== See also ==
* [[Go]]
"""
    assert plain_text(markup) == "Chess is a game for two.\nHistory\nIt began in India."
