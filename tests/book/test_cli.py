"""The command line: one line and a status for every request that cannot be met."""

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import nbformat
import numpy as np
import pandas as pd
import pytest
from tiny_book import add_chapter, make_book, snapshot

from twostage.book.cli import main

TWOSTAGE = [sys.executable, "-m", "twostage"]


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


def start(*arguments, **settings):
    """Start a command that can be stopped, as neither a background job nor one of nohup can be."""

    def heed():
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    return subprocess.Popen(
        [*TWOSTAGE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed,
        **settings,
    )


def wait_for(path):
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)


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
    (output,) = (book / "runs").glob("01_one-quick-*.ipynb")
    assert done.stdout.startswith(f"{output}  ")
    assert printed(output) == "7 2.0\n"


def test_runs_of_the_same_second_do_not_collide(book, monkeypatch):
    monkeypatch.setattr(time, "strftime", lambda form: "now")
    for steps in (5, 6):
        assert main(["run", "01", "-p", f"steps={steps}", "--force"]) == 0
    runs = {path.name: printed(path) for path in (book / "runs").iterdir()}
    assert runs == {"01_one-now.ipynb": "5 60.0\n", "01_one-now-2.ipynb": "6 60.0\n"}


def test_an_output_that_is_there_is_replaced_only_with_force(book, capsys):
    output = book / "out.ipynb"
    output.write_text("hours of work")
    assert main(["run", "02", "-o", "out.ipynb"]) == 2
    assert "out.ipynb is there: choose another, or --force" in capsys.readouterr().err
    assert output.read_text() == "hours of work"
    assert main(["run", "02", "-o", "out.ipynb", "--force"]) == 0
    assert printed(output) == "3\n"


def test_a_chapter_runs_outside_the_book(book, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("twostage.files.__file__", str(tmp_path / "site-packages" / "files.py"))
    monkeypatch.chdir(tmp_path)
    chapter, mine = book / "chapters" / "01_one.ipynb", tmp_path / "mine.ipynb"
    mine.write_bytes(chapter.read_bytes())
    assert main(["run", str(chapter), "--profile", "quick"]) == 0
    (output,) = (book / "runs").iterdir()
    assert printed(output) == "5 2.0\n", "a chapter belongs to its book, wherever one stands"
    assert main(["run", "mine.ipynb"]) == 0
    assert [path.name[:5] for path in (tmp_path / "runs").iterdir()] == ["mine-"]
    capsys.readouterr()
    assert main(["run", "mine.ipynb", "--profile", "quick"]) == 2
    answer = "--profile quick is read from params/ of the book: there is no book here or above"
    assert answer in capsys.readouterr().err


def test_a_tilde_is_the_home_folder_wherever_a_path_is_given(book, monkeypatch):
    home = book / "home"
    (home / "texts").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    mine = add_chapter(book, "03_files", "print(corpus)").rename(home / "mine.ipynb")
    assert main(["run", "~/mine.ipynb", "-p", "corpus=~/texts", "-o", "~/out.ipynb"]) == 0
    assert printed(mine.with_name("out.ipynb")) == f"{home / 'texts'}\n"


@pytest.mark.parametrize("text", ["no notebook", "[" * 100_000])
def test_a_broken_notebook_does_not_hide_the_others(book, capsys, text):
    (book / "chapters" / "01_a_broken.ipynb").write_text(text)
    (book / "chapters" / "._01_one.ipynb").write_text("of another system")
    assert main(["params"]) == 1
    out, err = capsys.readouterr()
    assert out == "01_one  Chapter 01_one\n02_two  Chapter 02_two\n"
    assert err.count("\n") == 1 and "01_a_broken.ipynb is no readable notebook" in err
    assert main(["claims"]) == 1
    assert "01_a_broken.ipynb is no readable notebook" in capsys.readouterr().err
    assert main(["claims", "01_one", "01_a_broken"]) == 2  # asked for by name
    out, err = capsys.readouterr()
    assert out == "" and "01_a_broken.ipynb is no readable notebook" in err


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.kernel
def test_a_run_that_is_stopped_keeps_what_was_computed(book, number):
    sleeps = "open('../started', 'w').close()\nimport time\ntime.sleep(60)"
    add_chapter(book, "04_sleeps", "print('computed')", sleeps)
    before = snapshot(book)
    child = start("run", "04", "-o", "out.ipynb")
    wait_for(book / "started")
    os.kill(child.pid, number)
    os.kill(child.pid, number)  # as one does who is in a hurry
    out, err = child.communicate(timeout=60)
    kept = book / "out.failed.ipynb"
    answer = f"twostage: 04_sleeps: stopped; what ran is in {kept}\n"
    assert (child.returncode, out, err) == (130, "", answer)
    assert snapshot(book) == {**before, book / "started": b"", kept: kept.read_bytes()}
    assert printed(kept) == "computed\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.kernel
def test_an_execution_that_is_stopped_leaves_nothing_half_written(book, number):
    sleeps = "open('../started', 'w').close()\nimport time\ntime.sleep(60)"
    add_chapter(book, "04_sleeps", sleeps)
    add_chapter(book, "05_sleeps", sleeps)
    before = snapshot(book)
    child = start("execute", "04", "05")
    wait_for(book / "started")
    os.kill(child.pid, number)
    answer = "twostage: stopped; no half-written file is left\n"
    assert (child.communicate(timeout=60), child.returncode) == (("", answer), 130)
    assert {**before, book / "started": b""} == snapshot(book)


def test_a_command_may_be_stopped_before_its_imports_are_done(tmp_path):
    slow = "import pathlib, time\npathlib.Path('started').touch()\ntime.sleep(60)"
    (tmp_path / "papermill.py").write_text(slow)
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2] / "src")])
    child = start("params", cwd=tmp_path, env=os.environ | {"PYTHONPATH": path})
    wait_for(tmp_path / "started")
    os.kill(child.pid, signal.SIGINT)
    answer = "twostage: stopped before anything ran\n"
    assert (child.communicate(timeout=60), child.returncode) == (("", answer), 130)


ROW = {"id": "it-rises", "claim": "it rises, they say", "source": "ours", "measure": "slope"}
ROW |= {"value": "inf", "low": 1.5, "high": "inf", "criterion": 1.0, "side": "above"}
ROW |= {"n": 8, "how": "median", "verdict": "holds"}


def store_claims(path, *rows):
    notebook = nbformat.read(path, as_version=4)
    output = nbformat.v4.new_output("display_data", {}, metadata={"twostage_claims": [*rows]})
    notebook.cells[-1].outputs = [output]
    nbformat.write(notebook, path)


def test_claims_are_read_from_stored_outputs(book, capsys):
    store_claims(book / "chapters" / "01_one.ipynb", ROW)
    assert main(["claims"]) == 0
    lines = capsys.readouterr().out.split("\n")
    assert lines[0] == "01_one"
    expected = "it rises, they say holds inf (1.5 to inf) > 1 slope ours"
    assert lines[2].split() == expected.split()
    assert main(["claims", "02"]) == 0
    assert capsys.readouterr().out == "", "a chapter without a ledger has nothing to show"


def test_claims_as_csv_and_json_have_a_row_each(book, capsys):
    other = ROW | {"id": "other", "value": 1 / 3, "low": "nan", "side": "below"}
    store_claims(book / "chapters" / "02_two.ipynb", ROW, other)
    assert main(["claims", "--format", "csv"]) == 0
    out = capsys.readouterr().out
    head = "id,chapter,claim,source,measure,value,low,high,criterion,side,n,verdict"
    first = 'it-rises,02_two,"it rises, they say",ours,slope,inf,1.5,inf,1.0,above,8,holds'
    assert out.splitlines()[:2] == [head, first]
    assert main(["claims", "--format", "json", "02"]) == 0
    rows = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert [",".join(row) for row in rows] == [head] * 2
    assert [*rows[1].values()][5:] == [1 / 3, "nan", "inf", 1.0, "below", 8, "open"]
    assert pd.read_csv(io.StringIO(out)).value.tolist() == [np.inf, 1 / 3]


def test_two_runs_of_one_name_both_show_their_claims(book, capsys):
    store_claims(book / "chapters" / "01_one.ipynb", ROW)
    (book / "runs").mkdir()
    shutil.copy(book / "chapters" / "01_one.ipynb", book / "runs")
    for form, lines in (("csv", 3), ("table", 8)):
        assert main(["claims", "--format", form, "01", "runs/01_one.ipynb"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == lines


def test_without_claims_csv_is_a_head_and_json_a_list(book, capsys):
    assert main(["claims", "--format", "csv"]) == main(["claims", "--format", "json"]) == 0
    head, empty = capsys.readouterr().out.splitlines()
    assert head.startswith("id,chapter,claim") and empty == "[]"


@pytest.mark.parametrize("row", [{"claim": "it rises", "threshold": 1.0}, {**ROW, "value": "x"}])
def test_a_ledger_of_another_version_is_one_line(book, capsys, row):
    store_claims(book / "chapters" / "01_one.ipynb", row)
    store_claims(book / "chapters" / "02_two.ipynb", ROW)
    for names, status in (([], 1), (["01", "02"], 2)):
        assert main(["claims", *names]) == status
        out, err = capsys.readouterr()
        assert "01_one.ipynb has a ledger of another version: run it again" in err
        assert err.count("\n") == 1 and ("02_two" in out) == (not names)


LEDGER_OF_FEW_RUNS = """\
import numpy as np
from twostage.book import Claim, ledger, show_table
from twostage.estimates import Estimate
from twostage.stages import StageTimes

runs = StageTimes(np.full(steps, np.inf), np.arange(steps, dtype=float))
late, gap = Estimate.of_median(runs.knowledge), Estimate.of_median(runs.gap())
claims = [Claim("late", "it comes late", "ours", "steps", late, above=1)]
claims.append(Claim("gap", "it comes first", "ours", "steps", gap, below=-1))
order = Estimate.of_rate(*runs.order())
claims.append(Claim("order", "in order", "ours", "runs", order, above=0.5))
show_table(runs.summary())
ledger(claims)
"""


@pytest.mark.kernel
def test_two_seeds_and_a_stage_never_reached_leave_a_ledger_that_is_read_back(book):
    add_chapter(book, "03_few", LEDGER_OF_FEW_RUNS)
    done = twostage("run", "03", "-p", "steps=2", "-o", "few.ipynb")
    assert (done.returncode, done.stderr) == (0, "")
    json.loads((book / "few.ipynb").read_text(), parse_constant=pytest.fail)
    shown = twostage("claims", "few.ipynb")
    assert (shown.returncode, shown.stderr) == (0, "")
    rows = json.loads(twostage("claims", "--format", "json", "few.ipynb").stdout)
    found = [[*map(row.get, ("id", "value", "low", "high", "n", "verdict"))] for row in rows]
    assert found == [
        ["late", "inf", "-inf", "inf", 2, "open"],
        ["gap", "-inf", "-inf", "inf", 2, "open"],
        ["order", "nan", 0.0, 1.0, 0, "open"],
    ]


@pytest.mark.kernel
def test_a_file_here_is_found_from_the_chapters_folder(book, monkeypatch):
    elsewhere = book / "elsewhere"
    (elsewhere / "my_texts").mkdir(parents=True)
    (elsewhere / "adam").mkdir()  # a choice is no file
    add_chapter(book, "03_files", "print(corpus, optimizer)")
    monkeypatch.chdir(elsewhere)
    given = ["-p", "corpus=my_texts", "-p", "optimizer=adam"]
    assert main(["run", "03", *given, "-o", "out.ipynb"]) == 0
    assert printed(elsewhere / "out.ipynb") == f"{elsewhere / 'my_texts'} adam\n"


def test_a_reader_that_stops_early_is_no_error(book):
    command = 'set -o pipefail; "$0" -m twostage params 01 | head -n 1'
    done = subprocess.run(["bash", "-c", command, sys.executable], capture_output=True, text=True)
    assert done.stderr == ""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_command_works_with_a_stream_closed(book, closed):
    command = f'"$0" -m twostage run 02 -o out.ipynb {closed}'
    done = subprocess.run(["bash", "-c", command, sys.executable], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert bool(done.stdout) == (">&-" not in closed.replace("2>&-", ""))
    assert printed(book / "out.ipynb") == "3\n"


# The site, served ------------------------------------------------------------------------------


@pytest.fixture
def site(book):
    """A book with a site of one page."""
    (book / "_build" / "html").mkdir(parents=True)
    (book / "_build" / "html" / "index.html").write_text("the first page")
    return book


def test_the_site_is_served_until_ctrl_c(site):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    child = start("serve", "--port", port)
    address = f"http://127.0.0.1:{port}/"
    assert child.stdout.readline() == f"Read the book at {address} (stop with Ctrl-C)\n"
    assert urlopen(address, timeout=30).read() == b"the first page"
    os.kill(child.pid, signal.SIGINT)
    assert (child.communicate(timeout=30)[0], child.returncode) == ("", 0)


def test_a_port_that_is_taken_is_answered_in_one_line(site, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["serve", "--port", port]) == 2
    assert main(["serve", "--port", "65536"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first == (
        f"twostage: port {port} cannot be used (Address already in use): "
        "choose another, as in make serve PORT=8001"
    )
    assert "(ports go up to 65535)" in second


def test_a_site_that_is_not_built_is_not_served(book, capsys):
    assert main(["serve"]) == 2
    assert capsys.readouterr().err.endswith("yet: make book\n")
