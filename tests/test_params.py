"""The profiles: quick is what the chapters say themselves, and all of them fit the chapters."""

from pathlib import Path

import pytest
import yaml

from twostage.notebooks import read_parameters
from twostage.parameters import read_profile

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
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == values, "papermill -f reads YAML 1.1"
