"""The command line: list the parameters of a chapter, run it with others, execute it in place.

Exit status: 0 done; 1 a chapter did not come to its end; 2 the request cannot be met, so nothing
ran and nothing was written; 130 stopped by a signal. Every failure is one line on stderr.
"""

import argparse
import csv
import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from twostage import notebooks
from twostage.notebooks import ChapterFailed
from twostage.parameters import (
    ChapterError,
    format_parameters,
    read_assignments,
    read_profile,
)

CLAIM_COLUMNS = ("id", "chapter", "claim", "source", "measure", "value", "low", "high")
CLAIM_COLUMNS += ("criterion", "side", "n", "verdict")


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _build_parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    logging.getLogger("papermill").setLevel(logging.CRITICAL + 1)
    sys.stdout.reconfigure(errors="replace")
    try:
        status = options.command(options)
        sys.stdout.flush()
        return status
    except ChapterError as error:
        return _complain(error, 2)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ChapterFailed, OSError) as error:
        return _complain(error, 1)
    except KeyboardInterrupt:
        logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)  # its tasks died with the run
        return _complain("stopped; no half-written file is left", 130)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sys.exit(_complain(f"{message}; see {self.prog} --help", 2))


def _complain(message: object, status: int) -> int:
    print("twostage:", *str(message).split(), file=sys.stderr)
    return status


def _interrupt(signum: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _build_parser() -> argparse.ArgumentParser:
    parser = _Parser("twostage", description="The chapters of the book, from the command line.")
    parser.add_argument("--version", action="version", version=f"twostage {version('twostage')}")
    parser.set_defaults(command=lambda options: parser.print_help() or 0)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    chapter = "its number ('02'), its name, or the path of a notebook"

    params = commands.add_parser("params", help="list the chapters, or the parameters of one")
    params.add_argument("chapter", nargs="?", help=chapter)
    params.set_defaults(command=_params)

    run = commands.add_parser("run", help="run a chapter with other parameters into a new file")
    run.add_argument("chapter", help=chapter)
    run.add_argument(
        "-p",
        dest="values",
        metavar="name=value",
        action="append",
        default=[],
        help="set a parameter; may be repeated, and wins over the profile",
    )
    run.add_argument("--profile", help="take the values of params/PROFILE/: quick or paper")
    run.add_argument("-o", dest="output", help="default: _build/runs/CHAPTER.ipynb of the book")
    run.set_defaults(command=_run)

    claims = commands.add_parser("claims", help="show the ledgers: claims, intervals, verdicts")
    claims.add_argument("chapters", nargs="*", help=f"each {chapter}; all of them if none is given")
    claims.add_argument(
        "--format",
        choices=("table", "csv", "json"),
        default="table",
        help="csv, json: one row a claim, numbers in full; inf, -inf and nan are words",
    )
    claims.set_defaults(command=_claims)

    execute = commands.add_parser("execute", help="execute chapters in place, outputs and all")
    execute.add_argument(
        "chapters", nargs="*", help=f"each {chapter}; all of them if none is given"
    )
    execute.add_argument("--jobs", type=_count, default=2, help="how many at once (default: 2)")
    execute.add_argument("--check", action="store_true", help="compare, and write nothing")
    execute.set_defaults(command=_execute)
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a number from 1, got {text!r}")
    return int(text)


def _params(options: argparse.Namespace) -> int:
    if options.chapter is not None:
        chapter = notebooks.find_chapter(options.chapter)
        print(format_parameters(notebooks.read_parameters(chapter)))
        return 0
    chapters = notebooks.list_chapters()
    width = max((len(path.stem) for path in chapters), default=0)
    print("\n".join(f"{path.stem:{width}}  {notebooks.read_title(path)}" for path in chapters))
    return 0


def _run(options: argparse.Namespace) -> int:
    chapter = notebooks.find_chapter(options.chapter)
    parameters = notebooks.read_parameters(chapter)
    values = {}
    if options.profile is not None:
        folder = notebooks.find_root() / "params"
        values = read_profile(parameters, folder, options.profile, chapter.stem)
    given = read_assignments(parameters, options.values, chapter.stem)
    values |= {name: _from_here(value) for name, value in given.items()}
    output = _choose_output(options.output, chapter)
    start = time.monotonic()
    notebooks.run_chapter(chapter, values, output, progress=sys.stderr.isatty())
    print(f"{output}  {time.monotonic() - start:.1f} s")
    return 0


def _from_here(value: object) -> object:
    """Make the name of something that lies here absolute: chapters run in their own folder."""
    is_path = isinstance(value, str) and value and Path(value).exists()
    return str(Path(value).resolve()) if is_path else value


def _choose_output(text: str | None, chapter: Path) -> Path:
    if text is not None:
        return notebooks.check_output(Path(text), chapter)
    folder = notebooks.find_root() / "_build" / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    return notebooks.check_output(folder / f"{chapter.stem}.ipynb", chapter)


def _claims(options: argparse.Namespace) -> int:
    from twostage.claims import tabulate  # brings matplotlib, which takes a second

    chapters = [notebooks.find_chapter(name) for name in options.chapters]
    found = [(path.stem, _read_claims(path)) for path in chapters or notebooks.list_chapters()]
    if options.format != "table":
        rows = [{"chapter": stem, **claim.row} for stem, claims in found for claim in claims]
        print(_write_rows(rows, options.format))
        return 0
    for stem, claims in found:
        if claims:
            print(f"{stem}\n{tabulate(claims).to_string(index=False)}\n")
    return 0


def _read_claims(path: Path) -> list:
    from twostage.claims import LEDGER, Claim

    try:
        return [Claim.of_row(row) for row in notebooks.read_rows(path, LEDGER)]
    except (LookupError, TypeError, ValueError):
        raise ChapterError(f"{path} has a ledger of another version: run it again") from None


def _write_rows(rows: list[dict], form: str) -> str:
    rows = [{name: row[name] for name in CLAIM_COLUMNS} for row in rows]
    if form == "json":
        return json.dumps(rows, ensure_ascii=False, indent=1)
    text = io.StringIO()
    table = csv.DictWriter(text, CLAIM_COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().rstrip("\n")


def _execute(options: argparse.Namespace) -> int:
    if os.environ.get("CI", "").lower() in ("true", "1") and not options.check:
        raise ChapterError("CI is set, and CI never rewrites the chapters: use --check")
    names = options.chapters or map(str, notebooks.list_chapters())
    chapters = list(dict.fromkeys(notebooks.find_chapter(name).resolve() for name in names))
    for path in chapters:
        notebooks.read_notebook(path)
    if len(chapters) == 1:
        return _execute_one(chapters[0], options.check)
    return _execute_apart(chapters, options.jobs, options.check)


def _execute_one(path: Path, check: bool) -> int:
    start = time.monotonic()
    changed = notebooks.execute_in_place(path, check)
    seconds = time.monotonic() - start
    print(f"{path.stem:20} {seconds:6.1f} s  {'updated' if changed else 'unchanged'}")
    return 0


def _execute_apart(chapters: list[Path], jobs: int, check: bool) -> int:
    """Execute each chapter by a process of its own, `jobs` at a time; stop them all if stopped."""
    command = [sys.executable, "-m", "twostage.cli", "execute", *(["--check"] * check)]
    waiting, running, status = list(chapters), [], 0
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(_start([*command, str(waiting.pop(0))]))
            time.sleep(0.05)
            for child in [child for child in running if child.poll() is not None]:
                running.remove(child)
                out, err = child.communicate()
                print(out, end="", flush=True)
                print(err, end="", file=sys.stderr, flush=True)
                if child.returncode < 0:
                    _complain(f"{child.args[-1]} was killed by signal {-child.returncode}", 1)
                status = max(status, abs(child.returncode))
    finally:
        for child in running:
            child.terminate()
        for child in running:
            child.communicate()
    return status


def _start(command: list[str]) -> subprocess.Popen:
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


if __name__ == "__main__":
    sys.exit(main())
