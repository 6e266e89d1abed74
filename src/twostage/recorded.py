"""Tables of runs that take longer than a chapter may: read with where they come from."""

import json
from pathlib import Path

import pandas as pd


def read_recorded(path: Path | str) -> tuple[pd.DataFrame, str]:
    """Read a recorded table, and say in a sentence when, how and on what it was recorded.

    The provenance is the file of the same name that ends in .json.
    """
    path = Path(path)
    about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    sentence = (
        f"Recorded {about['finished']} by `{about['written_by']}`\n"
        f"in {about['seconds'] / 60:.0f} minutes ({about['device']}, "
        f"torch {about['versions']['torch']})."
    )
    return pd.read_csv(path), sentence
