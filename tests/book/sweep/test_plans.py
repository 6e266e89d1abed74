"""A request becomes a plan: its conditions, its runs and what is told beside the table."""

import pytest
from tiny_book import PARAMETERS, add_chapter, make_book
from tiny_sweep import make_free_plan

from twostage.book.sweep.plans import Request, make_plan
from twostage.files import ChapterError
from twostage.sweeps.journal import open_journal


def test_an_experiment_is_planned_at_every_point_of_the_grid():
    plan = make_free_plan(n_seeds=2)
    assert list(plan.conditions) == [f"vocab_size={V}, n_heads={n}" for V in (4, 5) for n in (1, 2)]
    assert [settings.model.n_heads for settings in plan.conditions.values()] == [1, 2, 1, 2]
    assert list(plan.seeds) == [0, 1] and plan.about["question"]


@pytest.fixture
def book(tmp_path, monkeypatch):
    folder = make_book(tmp_path / "book")
    add_chapter(folder, "01_one")
    monkeypatch.chdir(folder)
    return folder


def test_a_chapter_is_planned_with_the_defaults_of_its_parameters(book):
    request = Request("01", {"learning_rate": [2, 3]}, {"steps": 5}, range(2))
    plan = make_plan(request, book / "f", "twostage sweep 01")
    assert list(plan.conditions) == ["learning_rate=2.0", "learning_rate=3.0"]
    settings = plan.conditions["learning_rate=3.0"]
    assert (settings["steps"], settings["learning_rate"]) == (5, 3.0) and "seed" not in settings


@pytest.mark.parametrize("values", [{"seed": 1}, {"stpes": 5}, {"steps": "many"}])
def test_what_a_chapter_does_not_take_is_refused_before_anything_runs(book, values):
    with pytest.raises(ChapterError, match="|".join(values)):
        make_plan(Request("01", {}, values), book / "f", "twostage sweep 01")
    assert not (book / "f").exists()


def test_a_folder_called_like_a_choice_is_left_alone_and_other_names_are_found_here(book):
    (book / "sgd").mkdir()
    plan = make_plan(Request("01", {"optimizer": ["sgd", "adam"]}, {"corpus": "sgd"}), book, "")
    assert list(plan.conditions) == ["optimizer=sgd", "optimizer=adam"]
    settings = plan.conditions["optimizer=sgd"]
    assert (settings["optimizer"], settings["corpus"]) == ("sgd", str(book / "sgd"))


@pytest.mark.parametrize(
    "seeds, complaint",
    [
        ((0,), "steps=80: 02_two: steps < learning_rate must hold, got steps=80, learning_rate="),
        ((0, 9), "steps=5: 02_two: seed < 9 must hold, got seed=9"),
    ],
)
def test_rules_between_parameters_hold_at_every_point_before_anything_runs(book, seeds, complaint):
    rules = "# rule: steps < learning_rate\n# rule: seed < 9\n"
    add_chapter(book, "02_two", parameters=PARAMETERS + rules)
    with pytest.raises(ChapterError, match=f"^{complaint}"):
        make_plan(Request("02", {"steps": [5, 80]}, {}, seeds), book / "f", "")


def test_a_folder_belongs_to_the_code_of_a_chapter_and_not_to_its_prose(book):
    def adopt():
        plan = make_plan(Request("01"), book / "f", "")
        with open_journal(book / "f" / "journal.jsonl") as journal:
            journal.adopt(plan.name, plan.measures, plan.conditions, plan.command, plan.code)

    chapter = add_chapter(book, "01_one", "x = 1")
    adopt()
    chapter.write_text(chapter.read_text().replace("What τ is", "What it is"))
    adopt()
    add_chapter(book, "01_one", "x = 2")
    with pytest.raises(ChapterError, match="f holds runs of another version of 01_one"):
        adopt()
