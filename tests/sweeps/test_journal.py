"""The journal: whole lines, one holder, one experiment, whatever happened before."""

import json
import multiprocessing
import resource

import pytest
from tiny_sweep import make_plan

from twostage.files import ChapterError
from twostage.sweeps.journal import open_journal
from twostage.translation.experiments.lessons import CopySettings

RUN = {"condition": "steps=5", "seed": 0, "seconds": 0.1, "made": {}, "rows": {"step": [0]}}
FAILED = {"condition": "steps=5", "seed": 1, "error": "ValueError: no luck"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sweep" / "journal.jsonl"


def adopt(journal, plan):
    journal.adopt(plan.name, plan.measures, plan.conditions, plan.command)


def write(path, *lines):
    with open_journal(path) as journal:
        adopt(journal, make_plan())
        for line in lines:
            journal.append(line)


def test_what_was_appended_is_read_again(path):
    write(path, FAILED, RUN)
    with open_journal(path) as journal:
        assert (journal.name, journal.measures) == ("tiny", ["loss", "best"])
        assert journal.settings == {"steps=5": {"steps": 5}, "steps=10": {"steps": 10}}
        assert journal.commands == ["twostage sweep tiny"]
        assert journal.done == {("steps=5", 0): RUN}
        assert journal.failed == {("steps=5", 1): "ValueError: no luck"}


def test_the_same_plan_adds_nothing_and_another_command_is_noted(path):
    write(path)
    before = path.read_bytes()
    write(path)
    assert path.read_bytes() == before
    with open_journal(path) as journal:
        adopt(journal, make_plan(command="twostage sweep tiny --jobs 2"))
        assert journal.commands == ["twostage sweep tiny", "twostage sweep tiny --jobs 2"]


def test_a_run_that_failed_and_then_succeeded_has_not_failed(path):
    write(path, FAILED, {**RUN, "seed": 1})
    with open_journal(path) as journal:
        assert list(journal.done) == [("steps=5", 1)]
        assert journal.failed == {}


def test_a_torn_line_is_cut_off_wherever_it_was_torn(path):
    write(path)
    whole = path.read_bytes()
    line = json.dumps(RUN).encode() + b"\n"
    for length in range(len(line)):
        path.write_bytes(whole + line[:length])
        with open_journal(path) as journal:
            assert journal.done == {}
        assert path.read_bytes() == whole


@pytest.mark.parametrize("line", ["3", "{}", "[]", "no", '{"condition": "steps=5"}', '"name"'])
def test_a_line_of_something_else_is_refused_by_its_number(path, line):
    write(path)
    with path.open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(ChapterError, match="journal.jsonl, line 5 is no line of a journal"):
        with open_journal(path):
            pass


@pytest.mark.parametrize(
    "change, complaint",
    [
        ({"name": "other"}, "holds runs of tiny, not other: choose another folder, or delete"),
        ({"measures": ("loss",)}, r"holds the measures \['loss', 'best'\], not \['loss'\]"),
        ({"code": "12ab"}, "holds runs of another version of tiny, not of its code as it is now: "),
        ({"conditions": {"steps=5": {"steps": 6}}}, "holds 'steps=5' with steps = 5, not 6"),
        ({"conditions": {"steps=5": {"steps": 5, "n": {"m": 1}}}}, "with n.m = None, not 1"),
    ],
)
def test_a_folder_belongs_to_one_experiment_and_its_settings(path, change, complaint):
    write(path, RUN)
    before, plan = path.read_bytes(), make_plan()
    asked = {"name": plan.name, "measures": plan.measures, "conditions": plan.conditions}
    with open_journal(path) as journal, pytest.raises(ChapterError, match=complaint):
        journal.adopt(**{**asked, **change}, command="twostage sweep")
    assert path.read_bytes() == before


def test_settings_in_dataclasses_are_compared_as_they_were_written(path):
    plan = {"name": "copy", "measures": ["attention"], "command": "twostage sweep copy"}
    for _ in range(2):
        with open_journal(path) as journal:
            journal.adopt(conditions={"permutations": CopySettings(parts=("query",))}, **plan)
    with open_journal(path) as journal, pytest.raises(ChapterError, match="parts = .*'query'"):
        journal.adopt(conditions={"permutations": CopySettings()}, **plan)


def test_two_cannot_hold_a_journal_at_once(path):
    with open_journal(path) as journal:
        adopt(journal, make_plan())
        with pytest.raises(ChapterError, match="another process is at work in .*/sweep: wait"):
            with open_journal(path):
                pass
        journal.append(RUN)
    with open_journal(path) as journal:
        assert len(journal.done) == 1


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ChapterError, match="cannot write into .*/file/sweep: Not a directory"):
        with open_journal(tmp_path / "file" / "sweep" / "journal.jsonl"):
            pass


def fill_up(path, answers):
    with open_journal(path) as journal:
        adopt(journal, make_plan())
        journal.append(RUN)
        kept = path.read_bytes()
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(kept) + 50, len(kept) + 50))
        try:
            journal.append({**RUN, "seed": 1})
        except OSError as error:
            answers.put((str(error), path.read_bytes() == kept, list(journal.done)))


def test_a_full_disk_is_told_and_earlier_lines_are_left_whole(path):
    fork = multiprocessing.get_context("fork")
    answers = fork.SimpleQueue()
    child = fork.Process(target=fill_up, args=(path, answers))
    child.start()
    message, kept, done = answers.get()
    child.join()
    assert message.startswith(
        f"cannot write {path}: File too large; the runs before it, 1, are kept"
    )
    assert kept and done == [("steps=5", 0)]
