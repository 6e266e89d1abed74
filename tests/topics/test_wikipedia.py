"""Real corpora in every form they come in, and what is wrong with the broken ones."""

import bz2
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from gensim.test.utils import datapath

from twostage.topics.wikipedia import DEFAULT_DUMP, content_words, load_corpus, plain_text

LONG = "Cats and dogs play chess in the garden every day. " * 10  # 100 words
PAGE = "<page><title>{}</title><ns>0</ns><id>1</id><revision><text>{}</text></revision></page>"
HEAD = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/"><siteinfo></siteinfo>'


def write_dump(path, pages, tail="</mediawiki>"):
    xml = HEAD + "\n".join(PAGE.format(*page) for page in pages) + tail
    path.write_bytes(bz2.compress(xml.encode()))
    return path


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


# --- corpora ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_default_corpus_is_the_106_articles_of_gensim():
    corpus = load_corpus()
    assert len(corpus) == 106 and corpus.source == DEFAULT_DUMP
    assert corpus.titles[:4] == ("Anarchism", "Autism", "Albedo", "A")
    assert "Anarchism is a political philosophy that advocates" in corpus.texts[0]
    for mark in ("'''", "==", "{{", "[[", "\n\n"):
        assert not any(mark in text for text in corpus.texts)


def test_n_documents_keeps_the_first():
    assert load_corpus(n_documents=2).titles == ("Anarchism", "Autism")


def test_n_documents_must_be_positive():
    with pytest.raises(ValueError, match="n_documents must be at least 1, or None for all, got 0"):
        load_corpus(n_documents=0)


def test_folder_is_read_in_order_of_path(tmp_path):
    (tmp_path / "b").mkdir()
    for name, text in {"c.txt": "third", "a.txt": "\ufefffirst", "b/z.txt": "second"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "notes.md").write_text("not an article")
    corpus = load_corpus(tmp_path)
    assert corpus.texts == ("first", "second", "third")
    assert corpus.titles == ("a", "z", "c")


def test_file_that_is_not_utf8_is_named_with_line_and_byte(tmp_path):
    (tmp_path / "latin.txt").write_bytes("one\ntwo caf\xe9".encode("latin-1"))
    with pytest.raises(ValueError) as error:
        load_corpus(tmp_path)
    assert f"{tmp_path / 'latin.txt'}, line 2: byte 11 is not UTF-8" in one_line(error)


def test_file_without_words_is_named(tmp_path):
    (tmp_path / "a.txt").write_text("fine")
    (tmp_path / "b.txt").write_text(" \n 12 \n")
    with pytest.raises(ValueError) as error:
        load_corpus(tmp_path)
    assert f"{tmp_path / 'b.txt'}, line 1: no word in this file" in one_line(error)


def test_folder_without_articles(tmp_path):
    with pytest.raises(FileNotFoundError, match="no .txt file in this folder"):
        load_corpus(tmp_path)


def test_source_that_is_not_there_or_not_of_a_known_kind(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file or folder; give a folder of .txt"):
        load_corpus(tmp_path / "nowhere")
    (tmp_path / "book.pdf").write_bytes(b"%PDF")
    with pytest.raises(ValueError, match="cannot read this kind of file; give a folder of .txt"):
        load_corpus(tmp_path / "book.pdf")


def test_dump_drops_redirects_stubs_and_other_namespaces(tmp_path):
    pages = [
        ("Cats", f"'''Cats''' {LONG}"),
        ("Dog", "#REDIRECT [[Dogs]]"),
        ("Category:Pets", LONG),
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
    path.write_bytes(bz2.compress(f"{HEAD}<page><id>1</id></page></mediawiki>".encode()))
    with pytest.raises(ValueError, match="page 1 is no MediaWiki page"):
        load_corpus(path)


def fake_hub(monkeypatch, rows):
    """Answer as the hub would; return what was asked for."""
    asked = []

    def load_dataset(name, config, split, streaming):
        asked.append((name, config, split, streaming))
        return iter(rows)

    api = SimpleNamespace(dataset_info=lambda name: None)
    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    monkeypatch.setattr("huggingface_hub.HfApi", lambda: api)
    return asked


def test_hub_dataset_is_streamed_to_n_documents(monkeypatch):
    rows = [{"title": f"t{i}", "text": LONG if i % 2 else ""} for i in range(100)]
    asked = fake_hub(monkeypatch, rows)
    corpus = load_corpus("hf:owner/name/20231101.en", n_documents=3)
    assert corpus.titles == ("t1", "t3", "t5")
    assert corpus.source == "hf:owner/name/20231101.en"
    load_corpus("hf:owner/name", n_documents=1)
    streamed = ("train", True)
    assert asked == [("owner/name", "20231101.en", *streamed), ("owner/name", None, *streamed)]


def test_hub_dataset_needs_n_documents_and_a_text_column(monkeypatch):
    fake_hub(monkeypatch, [{"body": LONG}])
    with pytest.raises(ValueError, match="hf:owner/name: say how many articles to stream"):
        load_corpus("hf:owner/name")
    with pytest.raises(ValueError, match=r"no text in column 'text' of row 0: \['body'\]"):
        load_corpus("hf:owner/name", n_documents=1)


def test_hub_dataset_without_network_says_how_to_go_on(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ConnectionError) as error:
        load_corpus("hf:owner/name", n_documents=1)
    assert "hf:owner/name: cannot be opened" in one_line(error)
    assert "save articles as .txt files and give their folder" in one_line(error)


# --- text ------------------------------------------------------------------------------------


def test_plain_text_keeps_sentences_and_drops_marks():
    markup = """{{Infobox|a=b}}
'''Chess''' is a [[board game|game]] for ''two''.

== History ==
* It began in [[India]].
== See also ==
* [[Go]]
"""
    assert plain_text(markup) == "Chess is a game for two.\nHistory\nIt began in India."


def test_content_words_are_lower_case_without_stop_words_letters_and_numbers():
    text = "The U2 song, 220px wide: Café-owners don't sing it A B 1984 snake_case."
    assert content_words(text) == ["song", "wide", "café", "owners", "sing"]
