"""The command line: one line and a status for every request that cannot be met."""

import os
import shlex
import signal
import subprocess
import sys
import time

import nbformat
import pytest
from tiny_book import add_chapter, make_book, snapshot

from twostage.cli import main

TWOSTAGE = [sys.executable, "-m", "twostage.cli"]


@pytest.fixture
def book(tmp_path, monkeypatch):
    folder = make_book(tmp_path / "book")
    add_chapter(folder, "01_one", "print(steps, learning_rate)")
    add_chapter(folder, "02_two", "print(steps)")
    (folder / "params" / "quick" / "01_one.yml").write_text("steps: 5\nlearning_rate: 2\n")
    (folder / "params" / "paper" / "01_one.yml").write_text("steps: 500\n")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("CI", raising=False)
    return folder


def twostage(*arguments):
    return subprocess.run([*TWOSTAGE, *arguments], capture_output=True, text=True, timeout=60)


def printed(path):
    cells = nbformat.read(path, as_version=4).cells
    return "".join(output.text for cell in cells for output in cell.get("outputs", []))


@pytest.mark.parametrize(
    "request_line, answer",
    [
        ("run 01 -p stepz=3", "no parameter 'stepz' (did you mean 'steps'?); it has steps=3,"),
        ("run 01 -p steps=many", "steps must be an int in [1, 100], got 'many'"),
        ("run 01 -p steps=101", "steps must be an int in [1, 100], got 101"),
        ("run 01 -p steps", "-p 'steps' must be name=value"),
        ("run 03", "no chapter '03'; there are 01_one, 02_two"),
        ("run 0", "more than one chapter '0'"),
        ("run chapters/03.ipynb", "there is no notebook chapters/03.ipynb"),
        ("run 01 -o nowhere/out.ipynb", "must be a file in a folder that exists"),
        ("run 01 -o chapters/01_one.ipynb", "lies in chapters/"),
        ("run 01 --profile paper", "paper/01_one.yml: steps must be an int in [1, 100], got 500"),
        ("run 01 --profile large", "no profile 'large'; there are paper, quick"),
        ("run 02 --profile quick", "cannot read the profile: [Errno 2] No such file"),
        ("run", "the following arguments are required: chapter; see twostage run --help"),
        ("ruin", "invalid choice: 'ruin'"),
        ("params 03", "no chapter '03'"),
        ("claims 03", "no chapter '03'"),
        ("execute 01 03", "no chapter '03'"),
        ("execute --jobs 0", "--jobs: must be a number from 1, got '0'"),
    ],
)
def test_a_bad_request_is_one_line_and_status_2_and_nothing_written(
    book, capsys, request_line, answer
):
    before = snapshot(book)
    try:
        status = main(request_line.split())
    except SystemExit as stop:  # from argparse
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.startswith("twostage: ") and err.count("\n") == 1
    assert answer in err
    assert snapshot(book) == before


def test_an_argument_with_a_line_break_is_still_answered_in_one_line(capsys):
    with pytest.raises(SystemExit):
        main(["params", "01", "a\nb"])
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("value", ["true", "1"])
def test_ci_never_executes_in_place(book, capsys, monkeypatch, value):
    monkeypatch.setenv("CI", value)
    before = snapshot(book)
    assert main(["execute", "01"]) == 2
    assert "CI never rewrites the chapters" in capsys.readouterr().err
    assert snapshot(book) == before


def test_params_lists_the_chapters_or_the_parameters_of_one(book, capsys):
    assert main(["params"]) == 0
    assert capsys.readouterr().out == "01_one  Chapter 01_one\n02_two  Chapter 02_two\n"
    assert main(["params", "02"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "type", "default", "allowed", "help"]
    assert len(lines) == 8


def test_without_arguments_it_says_what_it_can_do(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    assert all(command in out for command in ("params", "run", "execute"))


@pytest.mark.kernel
def test_a_run_takes_the_profile_and_then_its_own_values(book):
    done = twostage("run", "01", "--profile", "quick", "-p", "steps=7")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(str(book / "_build" / "runs" / "01_one.ipynb"))
    assert printed(book / "_build" / "runs" / "01_one.ipynb") == "7 2.0\n"


@pytest.mark.kernel
def test_execute_does_each_chapter_and_tells_of_those_that_fail(book):
    failing = add_chapter(book, "03_fails", "1 / 0")
    before = snapshot(book)
    done = twostage("execute")
    assert (done.returncode, done.stderr) == (
        1,
        "twostage: 03_fails, In [2]: ZeroDivisionError: division by zero\n",
    )
    lines = sorted(line.split() for line in done.stdout.splitlines())
    assert [(line[0], line[-1]) for line in lines] == [("01_one", "updated"), ("02_two", "updated")]
    after = snapshot(book)
    assert {path for path in after if after[path] != before.get(path)} == {
        book / "chapters" / f"{name}.ipynb" for name in ("01_one", "02_two")
    }
    assert failing in after


@pytest.mark.kernel
def test_a_check_of_several_chapters_writes_nothing(book):
    before = snapshot(book)
    done = twostage("execute", "--check", "01", "02")
    assert (done.returncode, done.stdout) == (1, "")
    assert sorted(done.stderr.splitlines()) == [
        f"twostage: {name} differs from what is stored: cell 2" for name in ("01_one", "02_two")
    ]
    assert snapshot(book) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", ["run 04 -o out.ipynb", "execute 04 05"])
@pytest.mark.kernel
def test_a_command_that_is_stopped_leaves_nothing_half_written(book, command, number):
    sleeps = "open('../started', 'w').close()\nimport time\ntime.sleep(60)"
    add_chapter(book, "04_sleeps", sleeps)
    add_chapter(book, "05_sleeps", sleeps)
    before = snapshot(book)
    child = subprocess.Popen(
        [*TWOSTAGE, *command.split()],
        stderr=subprocess.PIPE,
        text=True,
        # background jobs of a shell, and all they start, ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 30
    while not (book / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(child.pid, number)
    err = child.communicate(timeout=30)[1]
    assert (child.returncode, err) == (130, "twostage: stopped; no half-written file is left\n")
    assert {**before, book / "started": b""} == snapshot(book)


def test_claims_are_read_from_stored_outputs(book, capsys):
    row = {"claim": "it rises", "source": "ours", "measure": "slope", "threshold": 1.0}
    row |= {"value": 2.0, "low": 1.5, "high": 2.5, "above": True}
    path = book / "chapters" / "01_one.ipynb"
    notebook = nbformat.read(path, as_version=4)
    output = nbformat.v4.new_output("display_data", {}, metadata={"twostage_claims": [row]})
    notebook.cells[-1].outputs = [output]
    nbformat.write(notebook, path)
    assert main(["claims"]) == 0
    lines = capsys.readouterr().out.split("\n")
    assert lines[0] == "01_one"
    assert lines[2].split() == "it rises holds 2 1.5 to 2.5 > 1 slope ours".split()
    assert main(["claims", "02"]) == 0
    assert capsys.readouterr().out == "", "a chapter without a ledger has nothing to show"


@pytest.mark.kernel
def test_a_file_here_is_found_from_the_chapters_folder(book, monkeypatch):
    elsewhere = book / "elsewhere"
    (elsewhere / "my_texts").mkdir(parents=True)
    add_chapter(book, "03_files", "print(corpus)")
    monkeypatch.chdir(elsewhere)
    assert main(["run", "03", "-p", "corpus=my_texts", "-o", "out.ipynb"]) == 0
    assert printed(elsewhere / "out.ipynb").strip() == str(elsewhere / "my_texts")


def test_a_reader_that_stops_early_is_no_error(book):
    command = f"{shlex.join(TWOSTAGE)} params 01 | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
