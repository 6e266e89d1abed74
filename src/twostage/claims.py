"""The ledger: what was claimed, what was measured, between which bounds, and the verdict."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float

from twostage.intervals import median_interval, rate_interval
from twostage.style import show_table

LEDGER = "twostage_claims"  # where a chapter's output keeps its rows


@dataclass(frozen=True)
class Claim:
    """One claim, measured: it holds if its whole interval lies on the claimed side."""

    claim: str  # what is claimed, in words
    source: str  # who claims it: a citation key with the claim's place, or "ours"
    measure: str  # what was measured, with its unit
    value: float
    low: float  # interval, 95 % unless the measure says otherwise
    high: float
    threshold: float  # fixed before looking; often the chance level
    above: bool = True  # claimed side of the threshold

    @classmethod
    def of_rate(
        cls,
        claim: str,
        source: str,
        measure: str,
        successes: int,
        n: int,
        threshold: float,
        above: bool = True,
    ) -> "Claim":
        """Claim that a success rate lies above (or below) `threshold`, with Wilson's interval."""
        rate = successes / n if n else float("nan")
        return cls(claim, source, measure, rate, *rate_interval(successes, n), threshold, above)

    @classmethod
    def of_median(
        cls,
        claim: str,
        source: str,
        measure: str,
        values: Float[np.ndarray, " run"],
        threshold: float,
        above: bool = True,
    ) -> "Claim":
        """Claim that the median over runs lies above (or below) `threshold`."""
        if np.isnan(values).any():
            raise ValueError(f"{claim}: a run is nan; count runs that never got there as inf")
        value = float(np.median(values)) if len(values) else float("nan")
        bounds = median_interval(values)
        return cls(claim, source, measure, value, *bounds, threshold, above)

    @property
    def verdict(self) -> str:
        """Return holds, fails or open (the interval contains the threshold)."""
        beyond = self.low > self.threshold if self.above else self.high < self.threshold
        against = self.high < self.threshold if self.above else self.low > self.threshold
        return "holds" if beyond else "fails" if against else "open"


def tabulate(claims: Sequence[Claim]) -> pd.DataFrame:
    """Lay claims out as a table: value, interval, criterion and verdict of each."""
    rows = [
        [
            claim.claim,
            claim.verdict,
            f"{claim.value:.4g}",
            f"{claim.low:.4g} to {claim.high:.4g}" if claim.low < claim.high else "",
            f"{'>' if claim.above else '<'} {claim.threshold:.4g}",
            claim.measure,
            claim.source,
        ]
        for claim in claims
    ]
    columns = ["claim", "verdict", "value", "interval", "criterion", "measure", "source"]
    return pd.DataFrame(rows, columns=columns)


def ledger(claims: Sequence[Claim]) -> None:
    """Show claims as a table, and leave them in the output's metadata for `twostage claims`."""
    show_table(tabulate(claims), {LEDGER: [asdict(claim) for claim in claims]})
