"""Tables of runs that take longer than a chapter may: read with where they come from."""

import json

import pandas as pd

from twostage.files import find_root


def read_recorded(name: str) -> tuple[pd.DataFrame, str]:
    """Read ``results/<name>.csv`` of the book; say in a sentence when, how, on what it was made.

    The book is found from any folder of it, and from elsewhere if the package lies in one.
    """
    about = read_provenance(name)
    sentence = (
        f"Recorded {about['finished']} by `{about['written_by']}`\n"
        f"in {about['seconds'] / 60:.0f} minutes ({about['device']}, "
        f"torch {about['versions']['torch']})."
    )
    return pd.read_csv(find_root() / "results" / f"{name}.csv"), sentence


def read_provenance(name: str) -> dict:
    """Read ``results/<name>.json``: parameters, seeds, versions, device, date and seconds."""
    return json.loads((find_root() / "results" / f"{name}.json").read_text(encoding="utf-8"))
