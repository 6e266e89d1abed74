"""The journal of a sweep: one line of JSON for each run, on the disk as soon as the run is over.

Whatever stops a sweep then costs the runs in flight and no other. One process at a time may hold
a journal; the system takes the lock back when the process ends, however it ends.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any

from twostage.experiments import list_fields
from twostage.files import ChapterError

Run = tuple[str, int]  # its condition and its seed


@dataclass(eq=False)
class Journal:
    """What a folder knows of its runs."""

    path: Path
    handle: int  # of the open and locked file
    name: str = ""  # of the experiment or the chapter
    measures: list[str] = field(default_factory=list)
    code: str = ""  # a hash of the chapter's, nothing for an experiment
    settings: dict[str, dict] = field(default_factory=dict)  # of each condition
    commands: list[str] = field(default_factory=list)  # that ran something
    done: dict[Run, dict] = field(default_factory=dict)  # the line of each finished run
    failed: dict[Run, str] = field(default_factory=dict)  # why each other run failed

    def read(self) -> None:
        """Learn every line that is on the disk; cut off the last one if it was torn."""
        *lines, torn = self.path.read_bytes().split(b"\n")
        if torn:
            os.ftruncate(self.handle, sum(map(len, lines)) + len(lines))
        for number, line in enumerate(lines, start=1):
            try:
                self._learn(json.loads(line))
            except (ValueError, LookupError, TypeError) as error:
                what = f"{self.path}, line {number} is no line of a journal: {error}"
                raise ChapterError(f"{what}; choose another folder, or delete it") from None

    def append(self, line: Mapping[str, Any]) -> None:
        """Add a line, on the disk when this returns; OSError if it cannot be, and nothing is."""
        end, data = os.fstat(self.handle).st_size, json.dumps(line).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self.handle, data) :]
            os.fsync(self.handle)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self.handle, end)
            kept = f"the runs before it, {len(self.done)}, are kept; the same command goes on"
            raise OSError(f"cannot write {self.path}: {error.strerror}; {kept}") from None
        self._learn(line)

    def adopt(
        self,
        name: str,
        measures: Sequence[str],
        conditions: Mapping[str, Any],
        command: str,
        code: str = "",
    ) -> None:
        """Note what is to be run; ChapterError if the folder belongs to something else."""
        self._check_name(name, list(measures), code)
        told = {each: to_json(settings) for each, settings in conditions.items()}
        for each in told.keys() & self.settings.keys():
            self._check_settings(each, told[each])
        new = {c: settings for c, settings in told.items() if c not in self.settings}
        lines = [{"name": name, "measures": list(measures), "code": code}] * (not self.name)
        lines += [{"condition": c, "settings": settings} for c, settings in new.items()]
        lines += [{"command": command}] * (command not in self.commands)
        for line in lines:
            self.append(line)

    def _check_name(self, name: str, measures: list[str], code: str) -> None:
        if self.name and self.name != name:
            raise self._refuse(f"runs of {self.name}", name)
        if self.name and self.measures != measures:
            raise self._refuse(f"the measures {self.measures}", measures)
        if self.name and self.code != code:
            raise self._refuse(f"runs of another version of {name}", "of its code as it is now")

    def _check_settings(self, condition: str, settings: dict[str, Any]) -> None:
        held, asked = _flatten(self.settings[condition]), _flatten(settings)
        for name in held | asked:
            if held.get(name) != asked.get(name):
                what = f"{condition!r} with {name} = {held.get(name)}"
                raise self._refuse(what, asked.get(name))

    def _refuse(self, held: str, asked: object) -> ChapterError:
        advice = "choose another folder, or delete this one"
        return ChapterError(f"{self.path.parent} holds {held}, not {asked}: {advice}")

    def _learn(self, line: Mapping[str, Any]) -> None:
        if "name" in line:
            self.name, self.measures = line["name"], line["measures"]
            self.code = line.get("code", "")
        elif "settings" in line:
            self.settings[line["condition"]] = line["settings"]
        elif "command" in line:
            self.commands += [line["command"]] * (line["command"] not in self.commands)
        else:
            run = line["condition"], line["seed"]
            self.failed.pop(run, None)
            if "error" in line:
                self.failed[run] = line["error"]
            else:
                self.done[run] = line


@contextmanager
def open_journal(path: Path) -> Iterator[Journal]:
    """Lock and read a journal, which is made if it is not there, and its folder too.

    ChapterError says that it cannot be written, that another process holds it, or what it is.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    except OSError as error:
        raise ChapterError(f"cannot write into {path.parent}: {error.strerror}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        journal = Journal(path, handle)
        journal.read()
        yield journal
    except BlockingIOError:
        what = f"another process is at work in {path.parent}"
        raise ChapterError(f"{what}: wait for it, or choose another folder") from None
    finally:
        os.close(handle)


def to_json(settings: Any) -> dict[str, Any]:
    """Return settings, a dataclass or values by name, as JSON gives them back."""
    return json.loads(json.dumps(asdict(settings) if is_dataclass(settings) else dict(settings)))


def list_values(settings: Any) -> Mapping[str, Any]:
    """Return every value in settings, a dataclass or values by name, by its own name."""
    return list_fields(settings) if is_dataclass(settings) else settings


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    values = {}
    for name, value in settings.items():
        inside = isinstance(value, dict)
        values |= _flatten(value, f"{prefix}{name}.") if inside else {f"{prefix}{name}": value}
    return values
