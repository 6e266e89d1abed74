"""The chapters' parameters: profiles fit them, and what cannot run is refused before it does."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from twostage.book import running
from twostage.book.cli import main
from twostage.book.notebooks import read_notebook, read_parameters
from twostage.book.parameters import read_assignments, read_profile

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
PROFILES = sorted((ROOT / "params").glob("*/*.yml"))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_quick_equals_the_defaults_of_the_chapter(chapter):
    parameters = read_parameters(chapter)
    defaults = {name: each.check(each.default) for name, each in parameters.items()}
    assert read_profile(parameters, ROOT / "params", "quick", chapter.stem) == defaults


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_every_chapter_has_a_seed_and_a_paper_profile(chapter):
    seed = read_parameters(chapter)["seed"]
    assert seed.kind is int and not seed.is_list
    assert (ROOT / "params" / "paper" / f"{chapter.stem}.yml").is_file()


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_profile_fits_its_chapter_and_papermill_reads_the_same(path):
    parameters = read_parameters(ROOT / "chapters" / f"{path.stem}.ipynb")
    values = read_profile(parameters, ROOT / "params", path.parent.name, path.stem)
    parameters.check_rules(values, path.stem)
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == values, "papermill -f reads YAML 1.1"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_checks_its_parameters_once_right_after_them(chapter):
    code = [cell for cell in read_notebook(chapter).cells if cell.cell_type == "code"]
    tagged = ["parameters" in cell.metadata.get("tags", []) for cell in code]
    calls = ["check_parameters()" in cell.source.splitlines() for cell in code]
    assert [i - 1 for i, call in enumerate(calls) if call] == [tagged.index(True)]


@pytest.mark.parametrize(
    "request_line, broken",
    [
        ("01 -p topics_per_doc=11", "topics_per_doc <= n_topics"),
        ("01 -p keep_rate=1", "keep_rate + random_rate <= 1"),
        ("02 -p topics_per_doc=6", "topics_per_doc <= n_topics"),
        ("02 -p topics_per_doc=1", "topics_per_doc must be an int in [2, 50]"),
        ("02 -p init_scales=[0.1,0.1]", "decreasing(init_scales)"),
        ("02 -p init_scales=[0.01,0.1]", "decreasing(init_scales)"),
        ("04 -p keep_rates=[0.0,0.2]", "len(keep_rates) == len(random_rates)"),
        ("04 -p keep_rates=[0.1,0.2] -p random_rates=[0.1,0.1]", "0 in keep_rates"),
        ("04 -p grid_topics=[2,5]", "grid_topics must be a list, each element an int in [3, 50]"),
        ("04 -p topics_per_doc=3", "topics_per_doc < min(grid_topics)"),
        ("04 -p topics_per_doc=4 -p grid_topics=[5,6] -p n_topics=4", "topics_per_doc < n_topics"),
        (
            "04 -p grid_topics=[5] -p keep_rates=[0,0.1] -p random_rates=[0.1,0.1]",
            "len(set(grid_topics)) * (len(set(keep_rates)) - 1) >= 2",
        ),
        ("04 -p doc_len=8", "doc_len must be an int in [32, 1024]"),
        ("05 -p odds_doc_len=16", "odds_doc_len must be an int in [32, 1024]"),
        ("05 -p init_scales=[0.1]", "len(init_scales) >= 2"),
        ("05 -p init_scales=[0.01,0.1]", "decreasing(init_scales)"),
        ("05 -p topics_per_doc=4 -p grid_topics=[5,6]", "topics_per_doc < n_topics"),
        ("05 -p keep_rates=[0,0,0]", "max(keep_rates) > 0"),
        ("05 -p random_rates=[0.1]", "len(keep_rates) == len(random_rates)"),
        (
            "05 -p grid_topics=[3] -p keep_rates=[0.1] -p random_rates=[0.1]",
            "len(set(grid_topics)) * len(set(keep_rates)) >= 2",
        ),
        ("07 -p adam_rates=[0.01]", "len(adam_rates) >= 2"),
        ("07 -p overlaps=[1]", "len(overlaps) >= 2"),
        ("07 -p topics_per_doc=5", "topics_per_doc < n_topics"),
        ("07 -p batch_size=4", "batch_size must be an int in [8, 1024]"),
        ("07 -p lda_topics=1000", "lda_topics must be an int in [2, 100]"),
        ("11 -p vocab_size=12", "seq_len < vocab_size"),
        ("11 -p n_seeds=2 -p n_uniform=8", "n_uniform <= n_seeds"),
        ("11 -p n_seeds=7", "n_uniform <= n_seeds"),
        ("12 -p seq_len=16", "seq_len < vocab_size"),
        ("12 -p n_seeds=8", "n_easy <= n_seeds"),
        ("12 -p n_seeds=16 -p n_between=17", "n_between <= n_seeds"),
        ("13 -p n_pool=16", "n_pool must be an int in [48, 1000]"),
        ("13 -p free_len=40", "free_len must be an int in [3, 16]"),
        ("13 -p free_steps=10", "free_steps must be an int in [100, 100000]"),
    ],
)
def test_what_cannot_run_together_is_one_line_and_no_kernel(
    capsys, monkeypatch, request_line, broken
):
    monkeypatch.setattr(running, "run_chapter", lambda *_, **__: pytest.fail("a kernel started"))
    assert main(["run", *request_line.split()]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("twostage: ") and err.count("\n") == 1
    assert broken in err


def shown_runs():
    """Every set of `-p` that a chapter shows its reader."""
    for path in CHAPTERS:
        cells = [cell for cell in read_notebook(path).cells if cell.cell_type == "markdown"]
        for text in re.findall(r"(?:-p \S+=[^\s`]+ ?)+", "\n".join(cell.source for cell in cells)):
            yield pytest.param(path, shlex.split(text)[1::2], id=f"{path.stem} {text.strip()}")


@pytest.mark.parametrize("chapter, texts", list(shown_runs()))
def test_what_a_chapter_tells_its_reader_to_try_is_allowed(chapter, texts):
    parameters = read_parameters(chapter)
    parameters.check_rules(read_assignments(parameters, texts, chapter.stem), chapter.stem)
