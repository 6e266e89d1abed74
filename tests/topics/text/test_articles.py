"""Real corpora in every form they come in, what is wrong with the broken ones, and their words."""

import sys
from types import SimpleNamespace

import pytest

from twostage.topics.text.articles import DEFAULT_DUMP, WORD, TextCorpus, is_article, load_corpus

LONG = "Cats and dogs play chess in the garden every day. " * 10  # 100 words


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
    corpus = load_corpus(tmp_path)
    assert corpus.texts == ("first", "second", "third")
    assert corpus.titles == ("a", "z", "c")


def test_what_a_folder_holds_beside_texts_is_named_with_the_reason(tmp_path):
    for name in ("a.txt", "B.TXT", "._a.txt", ".git/c.txt", "notes.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\x00\xb0" if name == "._a.txt" else b"words")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere.txt")
    with pytest.warns(UserWarning) as warned:
        corpus = load_corpus(tmp_path)
    assert corpus.titles == ("B", "a")  # in order of path, capitals first
    reasons = {"._a.txt": "hidden", ".git": "hidden", "gone.txt": "a link to nothing"}
    reasons["notes.md"] = "no .txt file"
    listed = ", ".join(f"{tmp_path / name} ({why})" for name, why in reasons.items())
    assert [str(warning.message) for warning in warned] == [f"not read: {listed}"]


def test_many_files_that_are_no_texts_are_counted(tmp_path):
    for i in range(9):
        (tmp_path / f"{i}.csv").write_text("words")
    (tmp_path / "a.txt").write_text("words")
    with pytest.warns(UserWarning, match=r"4.csv \(no .txt file\) and 4 more$"):
        load_corpus(tmp_path)


def test_links_are_followed_and_nothing_is_read_twice(tmp_path):
    (elsewhere := tmp_path / "elsewhere").mkdir()
    (folder := tmp_path / "folder").mkdir()
    (elsewhere / "b.txt").write_text("second")
    (folder / "a.txt").write_text("first")
    (folder / "more").symlink_to(elsewhere)
    (folder / "z.txt").symlink_to(folder / "a.txt")
    (folder / "up").symlink_to(folder)
    with pytest.warns(UserWarning) as warned:
        assert load_corpus(folder).texts == ("first", "second")
    links = [f"{folder / name} (a link to what is read already)" for name in ("up", "z.txt")]
    assert str(warned[0].message) == f"not read: {', '.join(links)}"


def test_a_folder_of_texts_alone_needs_no_words(tmp_path, recwarn):
    (tmp_path / "a.txt").write_text("words")
    load_corpus(tmp_path)
    assert not recwarn.list


def test_texts_are_composed_wherever_they_come_from(tmp_path):
    (tmp_path / "a.txt").write_text("franc\u0327ais", encoding="utf-8")
    assert load_corpus(tmp_path).texts == ("français",)
    assert TextCorpus("made up", ("t",), ("e\u0301te\u0301",)).texts == ("été",)


@pytest.mark.parametrize(
    "text, words",
    [
        ("हिन्दी भाषा है", ["हिन्दी", "भाषा", "है"]),
        ("franc\u0327ais, français", ["franc\u0327ais", "français"]),
        ("שָׁלוֹם العَرَبِيَّة ภาษาไทย", ["שָׁלוֹם", "العَرَبِيَّة", "ภาษาไทย"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),  # a joiner inside a word
        ("220px snake_case km² don't", ["km", "don", "t"]),
    ],
)
def test_words_are_runs_of_letters_with_their_marks(text, words):
    assert WORD.findall(text) == words


def test_an_article_is_told_by_its_words_not_by_their_letters():
    assert is_article("हिन्दी " * 50) and not is_article("हिन्दी " * 49)


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
