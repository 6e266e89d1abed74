"""The ledger: what was claimed, what was measured, between which bounds, and the verdict."""

import math
import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import pandas as pd

from twostage.book.show import show_table
from twostage.estimates import Estimate

LEDGER = "twostage_claims"  # where a chapter's output keeps its rows
ID = re.compile(r"[a-z0-9.]+(-[a-z0-9.]+)*")


def claim_id(*words: object) -> str:
    """Join words to the id of a claim: lower case, a hyphen for all but letters, digits, points."""
    return re.sub(r"[^a-z0-9.]+", "-", " ".join(map(str, words)).lower()).strip("-")


@dataclass(frozen=True)
class Claim:
    """One claim, measured: it holds if its whole interval lies on the claimed side."""

    id: str  # unique in the book, and the same in every version of it
    claim: str  # what is claimed, in words
    source: str  # who claims it: a citation key with the claim's place, or "ours"
    measure: str  # what was measured, with its unit
    estimate: Estimate
    _: KW_ONLY
    above: float | int | None = None  # the criterion, fixed before looking; often the chance level
    below: float | int | None = None  # the same, if less is claimed; one of the two is given

    def __post_init__(self) -> None:
        """Refuse an id that is no words with hyphens, and none or two criteria."""
        if not ID.fullmatch(self.id):
            raise ValueError(f"the id of a claim must be like 'toy-fates', got {self.id!r}")
        if (self.above is None) == (self.below is None):
            raise ValueError(f"{self.id}: give above= or below=, and not both")

    @classmethod
    def of_row(cls, row: dict) -> "Claim":
        """Read a claim back from its `row`."""
        numbers = (float(row[name]) for name in ("value", "low", "high"))
        estimate = Estimate(*numbers, row["n"], row["how"])
        words = (row[name] for name in ("id", "claim", "source", "measure"))
        return cls(*words, estimate, **{row["side"]: float(row["criterion"])})

    @property
    def side(self) -> str:
        """Return the claimed side of the criterion: above or below."""
        return "below" if self.above is None else "above"

    @property
    def criterion(self) -> float:
        """Return the number that the whole interval must lie above or below."""
        return float(self.below if self.above is None else self.above)

    @property
    def verdict(self) -> str:
        """Return holds, fails or open (the interval contains the criterion, or a bound is nan)."""
        over, under = self.estimate.low > self.criterion, self.estimate.high < self.criterion
        beyond, against = (over, under) if self.side == "above" else (under, over)
        return "holds" if beyond else "fails" if against else "open"

    @property
    def row(self) -> dict[str, str | int | float]:
        """Return the claim as words and numbers that JSON knows: inf, -inf and nan are words."""
        words = {name: getattr(self, name) for name in ("id", "claim", "source", "measure")}
        numbers = {name: float(getattr(self.estimate, name)) for name in ("value", "low", "high")}
        numbers["criterion"] = self.criterion
        safe = {name: x if math.isfinite(x) else str(x) for name, x in numbers.items()}
        rest = {"side": self.side, "n": int(self.estimate.n), "how": self.estimate.how}
        return words | safe | rest | {"verdict": self.verdict}


def tabulate(claims: Sequence[Claim]) -> pd.DataFrame:
    """Lay claims out as a table: verdict, estimate and criterion of each."""
    rows = [
        [
            claim.claim,
            claim.verdict,
            str(claim.estimate),
            f"{'>' if claim.side == 'above' else '<'} {claim.criterion:.4g}",
            claim.measure,
            claim.source,
        ]
        for claim in claims
    ]
    columns = ["claim", "verdict", "estimate", "criterion", "measure", "source"]
    return pd.DataFrame(rows, columns=columns)


def ledger(claims: Sequence[Claim]) -> None:
    """Show claims as a table, and leave them in the output's metadata for `twostage claims`."""
    show_table(tabulate(claims), {LEDGER: [claim.row for claim in claims]})
