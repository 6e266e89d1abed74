"""Tables of runs that take longer than a chapter may: read with where they come from."""

import json

import numpy as np
import pandas as pd

from twostage.experiments import KEYS
from twostage.files import find_root

RTOL, ATOL = 1e-3, 1e-4  # by which two machines may differ


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


def find_difference(new: pd.DataFrame, stored: pd.DataFrame) -> str:
    """Say where a tidy table first differs from the stored one, beyond rounding; '' if nowhere."""
    if list(new) != list(stored):
        return f"its columns are {', '.join(new)}, stored are {', '.join(stored)}"
    new, stored = (table.set_index(list(KEYS)) for table in (new, stored))
    for one, other, which in ((new, stored, "not stored"), (stored, new, "only stored")):
        for row in one.index.difference(other.index)[:1]:
            return f"{_name_row(row)} is {which}"
    stored = stored.loc[new.index]
    far = ~np.isclose(new, stored, RTOL, ATOL, equal_nan=True)
    for row, column in np.argwhere(far)[:1]:
        values = f"{new.iloc[row, column]}, stored is {stored.iloc[row, column]}"
        return f"{_name_row(new.index[row])}: {new.columns[column]} is {values}"
    return ""


def _name_row(row: tuple) -> str:
    return f"{row[1]}, seed {row[2]}, step {row[3]}"
