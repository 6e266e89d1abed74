"""The command line: chapters listed, run with other parameters, executed in place; sweeps.

Exit status: 0 done; 1 a chapter or a run did not come to its end, or one of all the chapters could
not be read; 2 the request cannot be met, so nothing ran and nothing was written; 130 stopped by a
signal. Every failure is one line on stderr.
"""

import argparse
import contextlib
import csv
import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn, TypeVar

from twostage.book import notebooks, running
from twostage.book.parameters import format_parameters, read_assignments, read_profile
from twostage.book.running import ChapterFailed
from twostage.book.sweep import options
from twostage.files import ChapterError, find_root

T = TypeVar("T")
STOPS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, n)]
CLAIM_COLUMNS = ("id", "chapter", "claim", "source", "measure", "value", "low", "high")
CLAIM_COLUMNS += ("criterion", "side", "n", "verdict")


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    for number in STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # which nohup and `&` ask for
            signal.signal(number, _interrupt)
    try:
        options = _build_parser().parse_args(arguments)
        options.arguments = sys.argv[1:] if arguments is None else arguments
        logging.getLogger("papermill").setLevel(logging.CRITICAL + 1)
        sys.stdout.reconfigure(errors="replace")
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
    except KeyboardInterrupt as stop:
        logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)  # its tasks died with the run
        return _complain(str(stop) or "stopped; no half-written file is left", 130)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sys.exit(_complain(f"{message}; see {self.prog} --help", 2))


def _complain(message: object, status: int) -> int:
    print("twostage:", *str(message).split(), file=sys.stderr)
    return status


def _interrupt(signum: int, frame: object) -> NoReturn:
    for number in STOPS:  # once is enough: from here on, what was computed is saved
        signal.signal(number, signal.SIG_IGN)
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
        help="set a parameter, a list in quotes; may be repeated, and wins over the profile",
    )
    run.add_argument("--profile", help="take the values of params/PROFILE/: quick or paper")
    run.add_argument(
        "-o", dest="output", help="default: a new file in the folder runs/ of the book"
    )
    run.add_argument("--force", action="store_true", help="replace the file of -o if it is there")
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

    serve = commands.add_parser("serve", help="serve the site to a browser on this machine")
    serve.add_argument("--port", type=_count, default=8000, help="default: 8000")
    serve.set_defaults(command=_serve)
    options.add_commands(commands, _count)
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
    titles, status = _read_each(notebooks.list_chapters(), notebooks.read_title)
    width = max((len(path.stem) for path, _ in titles), default=0)
    print("\n".join(f"{path.stem:{width}}  {title}" for path, title in titles))
    return status


def _read_each(chapters: list[Path], read: Callable[[Path], T]) -> tuple[list[tuple[Path, T]], int]:
    """Read all chapters that can be read; tell of each that cannot be, with status 1.

    For chapters that nobody named: one that was asked for by name and cannot be read is an error.
    """
    found, status = [], 0
    for path in chapters:
        try:
            found.append((path, read(path)))
        except ChapterError as error:
            status = _complain(error, 1)
    return found, status


def _run(options: argparse.Namespace) -> int:
    chapter = notebooks.find_chapter(options.chapter)
    parameters = notebooks.read_parameters(chapter)
    values = {}
    if options.profile is not None:
        folder = _find_profiles(options.profile, chapter)
        values = read_profile(parameters, folder, options.profile, chapter.stem)
    given = read_assignments(parameters, options.values, chapter.stem)
    values |= {name: notebooks.from_here(parameters[name], v) for name, v in given.items()}
    parameters.check_rules(values, chapter.stem)
    output = _choose_output(options, chapter)
    start = time.monotonic()
    watched = sys.stderr.isatty()
    force = options.force and options.output is not None
    written = running.run_chapter(chapter, values, output, force, progress=watched)
    print(f"{written}  {time.monotonic() - start:.1f} s")
    return 0


def _find_profiles(profile: str, chapter: Path) -> Path:
    try:
        return find_root(chapter) / "params"
    except ChapterError as error:
        what = f"--profile {profile} is read from params/ of the book"
        raise ChapterError(f"{what}: {error}") from None


def _choose_output(options: argparse.Namespace, chapter: Path) -> Path:
    """Return where the run goes: `-o`, or a name of its own in runs/ of the book, else of here."""
    if options.output is not None:
        return notebooks.check_output(Path(options.output), chapter, options.force)
    try:
        folder = find_root(chapter) / "runs"
    except ChapterError:
        folder = Path("runs")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise ChapterError(f"cannot make {folder}: {error.strerror}; choose with -o") from None
    profile = f"-{options.profile}" if options.profile else ""
    name = f"{chapter.stem}{profile}-{time.strftime('%Y%m%d-%H%M%S')}.ipynb"
    return notebooks.check_output(folder / name, chapter, force=True)  # taken: NAME-2, at the end


def _claims(options: argparse.Namespace) -> int:
    from twostage.book.claims import tabulate

    named = [notebooks.find_chapter(name) for name in options.chapters]
    found, status = [(path, _read_claims(path)) for path in named], 0
    if not named:
        found, status = _read_each(notebooks.list_chapters(), _read_claims)
    if options.format != "table":
        rows = [{"chapter": path.stem, **c.row} for path, claims in found for c in claims]
        print(_write_rows(rows, options.format))
        return status
    for path, claims in found:
        if claims:
            print(f"{path.stem}\n{tabulate(claims).to_string(index=False)}\n")
    return status


def _read_claims(path: Path) -> list:
    from twostage.book.claims import LEDGER, Claim

    rows = notebooks.read_rows(path, LEDGER)
    try:
        return [Claim.of_row(row) for row in rows]
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
    changed = running.execute_in_place(path, check)
    seconds = time.monotonic() - start
    print(f"{path.stem:20} {seconds:6.1f} s  {'updated' if changed else 'unchanged'}")
    return 0


def _execute_apart(chapters: list[Path], jobs: int, check: bool) -> int:
    """Execute each chapter by a process of its own, `jobs` at a time; stop them all if stopped."""
    command = [sys.executable, "-m", "twostage", "execute", *(["--check"] * check)]
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


def _serve(options: argparse.Namespace) -> int:
    site = find_root() / "_build" / "html"
    if not (site / "index.html").is_file():
        raise ChapterError(f"there is no site in {site} yet: make book")
    handler = partial(SimpleHTTPRequestHandler, directory=site)
    try:
        server = ThreadingHTTPServer(("127.0.0.1", options.port), handler)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "ports go up to 65535"
        what = f"port {options.port} cannot be used ({reason})"
        raise ChapterError(f"{what}: choose another, as in make serve PORT=8001") from None
    print(f"Read the book at http://127.0.0.1:{options.port}/ (stop with Ctrl-C)", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
