"""Files of the book, found from anywhere; files that are there whole or not at all."""

import difflib
import itertools
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path


class ChapterError(ValueError):
    """What was asked for cannot be run; the message is one line that says what can."""

    def _render_traceback_(self) -> list[str]:  # what IPython shows in a notebook
        return [f"{type(self).__name__}: {self}"]


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a name that was meant perhaps, in brackets, or nothing."""
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def is_book(folder: Path) -> bool:
    """Say whether a folder is a checkout of the book."""
    return (folder / "chapters").is_dir() and (folder / "_toc.yml").is_file()


def find_root(near: Path | None = None) -> Path:
    """Return the checkout that holds `near`, or the current folder, or else the package."""
    here, package = Path.cwd(), Path(__file__).resolve()
    above = near.resolve().parents if near else ()
    for folder in (*above, here, *here.parents, *package.parents):
        if is_book(folder):
            return folder
    what = "there is no book here or above (a folder with chapters/ and _toc.yml)"
    raise ChapterError(f"{what}: go to a checkout of it")


def write_whole(path: Path | str, content: str | bytes) -> None:
    """Write text (as UTF-8) or bytes under a temporary name, then rename: never half a file.

    A file that is replaced hands its permissions on; a new one has those of any new file.
    """
    path = Path(path)
    temporary = path.with_name(f".{secrets.token_hex(6)}.part")  # short, whatever the name
    try:
        with open(temporary, "xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        if path.exists():
            os.chmod(temporary, stat.S_IMODE(path.stat().st_mode))
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_new(path: Path, content: str | bytes) -> Path:
    """Write like `write_whole`, but replace nothing: return `path`, or NAME-2, -3, ... if taken."""
    for number in itertools.count(1):
        free = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        try:
            free.touch(exist_ok=False)  # so that nobody else takes it
            break
        except FileExistsError:
            continue
    try:
        write_whole(free, content)
    except BaseException:
        free.unlink(missing_ok=True)
        raise
    return free
