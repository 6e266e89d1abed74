"""The options of `twostage sweep` and `twostage record`, and what they ask for.

This module is light, since every command reads it; what runs anything is imported on demand.
"""

import argparse
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twostage.book.parameters import load_yaml
from twostage.files import ChapterError, suggest

FILE = {  # what a file may ask for, its type, and that in words
    "experiment": (str, "a name"),
    "grid": (dict, "names with a list of values each"),
    "values": (dict, "names with a value each"),
    "seeds": ((str, int, list), "FIRST:END or a list"),
    "conditions": (list, "a list of names"),
    "measures": (list, "a list of names"),
}


def add_commands(commands: argparse._SubParsersAction, count: Callable[[str], int]) -> None:
    """Add `sweep` and `record` to the commands; `count` reads a number from 1."""
    sweep = commands.add_parser("sweep", help="run a grid over an experiment or a chapter")
    sweep.add_argument("subject", nargs="?", help="an experiment or a chapter; none: list them")
    sweep.add_argument("-o", dest="output", metavar="FOLDER", help="where the table goes")
    sweep.add_argument("--grid", nargs="+", action="extend", metavar="name=a,b,c", default=[])
    sweep.add_argument("-p", dest="values", metavar="name=value", action="append", default=[])
    sweep.add_argument("--measures", nargs="+", metavar="NAME", help="default: all")
    sweep.add_argument("--device", help="such as cuda, for runs whose settings have a device")
    keys = ", ".join(FILE)
    sweep.add_argument("--from", dest="file", metavar="FILE.yml", help=f"a file with {keys}")
    sweep.add_argument("--yes", action="store_true", help="however many runs these are")
    sweep.set_defaults(command=_sweep)

    record = commands.add_parser("record", help="make a table of results/ anew, and compare")
    record.add_argument("subject", metavar="NAME", help="an experiment")
    record.add_argument("--force", action="store_true", help="replace the table that is stored")
    record.set_defaults(command=_record)

    for command in (sweep, record):
        command.add_argument("--seeds", metavar="FIRST:END", help="0:20 are twenty; or 1,5,8")
        command.add_argument("--conditions", nargs="+", metavar="NAME", help="default: all")
        place = command.add_mutually_exclusive_group()
        place.add_argument("--jobs", type=count, help="processes (default: one for each core)")
        place.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, tcp://...")


def _sweep(options: argparse.Namespace) -> int:
    from twostage.book.sweep import commands

    return commands.sweep(options, read_request(options))


def _record(options: argparse.Namespace) -> int:
    from twostage.book.sweep import commands

    asked = {"subject": options.subject, "seeds": read_seeds(options.seeds or [])}
    return commands.record(options, asked | {"conditions": options.conditions or []})


def read_request(options: argparse.Namespace) -> dict[str, Any]:
    """Return what is asked for: by the options, and where they are silent by the file.

    Of the grid and the values, an option replaces what it names alone. A device is one of the
    values. ChapterError tells of anything that cannot be read.
    """
    asked = _read_file(Path(os.path.expanduser(options.file))) if options.file else {}
    given = {
        "experiment": options.subject,
        "grid": _read_pairs("--grid", options.grid, "[{}]"),
        "values": _read_pairs("-p", options.values, "{}"),
        "seeds": options.seeds,
        "conditions": options.conditions,
        "measures": options.measures,
    }
    for key in ("grid", "values"):
        given[key] = {**asked.get(key, {}), **given[key]}
    asked |= {key: value for key, value in given.items() if value}
    if options.device:
        asked["values"] = {**asked.get("values", {}), "device": options.device}
    seeds = read_seeds(asked.pop("seeds", []))
    return {"subject": asked.pop("experiment", None), "seeds": seeds, **asked}


def _read_pairs(option: str, texts: Sequence[str], form: str) -> dict[str, Any]:
    """Read name=value texts; the value, put into a form, is YAML."""
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name in pairs:
            problem = f"{name} is given twice" if equals else f"{text!r} must be name=value"
            raise ChapterError(f"{option} {problem}")
        pairs[name] = load_yaml(form.format(value), f"{option} {name}")
    return pairs


def _read_file(path: Path) -> dict[str, Any]:
    try:
        asked = load_yaml(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeError) as error:
        raise ChapterError(f"cannot read {path}: {error}") from None
    for key, value in asked.items() if isinstance(asked, dict) else [(str(asked), None)]:
        if key not in FILE:
            what = f"{path} cannot ask for {key!r}{suggest(str(key), FILE)}"
            raise ChapterError(f"{what}, only for {', '.join(FILE)}")
        kind, words = FILE[key]
        if not isinstance(value, kind):
            raise ChapterError(f"{path}: {key} must be {words}, got {value!r}")
    for key in ("conditions", "measures"):
        for name in asked.get(key, []):
            if not isinstance(name, str):
                raise ChapterError(f"{path}: {key} must be a list of names, got {name!r} in it")
    for name, values in asked.get("grid", {}).items():
        if not isinstance(values, list):
            raise ChapterError(f"{path}: the grid must give {name} a list, got {values!r}")
    return asked


def read_seeds(asked: str | int | list) -> Sequence[int]:
    """Read seeds: '0:20' are twenty, '1,5,8' or a list are three, an empty list is left open."""
    text = ",".join(map(str, asked)) if isinstance(asked, list) else str(asked)
    if not re.fullmatch(r"\d+:\d+|\d+(,\d+)*", text) and asked != []:
        raise ChapterError(f"seeds must be FIRST:END or numbers such as 1,5,8, got {text!r}")
    if ":" in text:
        seeds = range(*map(int, text.split(":")))
        if not seeds:
            raise ChapterError(f"there are no seeds in {text}: END is not one of them")
        return seeds
    seeds = [int(each) for each in text.split(",") if each]
    if len(set(seeds)) < len(seeds):
        raise ChapterError(f"a seed is given twice in {text}")
    return seeds
