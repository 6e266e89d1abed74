"""Verdicts on each side of the threshold, and the ledger that shows them."""

import json
import re
from html import unescape

import numpy as np
import pytest

from twostage import style
from twostage.claims import LEDGER, Claim, ledger
from twostage.intervals import rate_interval


def make_claim(low, high, above=True, threshold=1.0):
    value = (low + high) / 2
    return Claim("it rises", "li2023topic", "ratio", value, low, high, threshold, above)


@pytest.mark.parametrize(
    "low, high, above, below",
    [
        (1.1, 1.2, "holds", "fails"),
        (0.8, 0.9, "fails", "holds"),
        (0.9, 1.1, "open", "open"),
        (1.0, 1.2, "open", "open"),  # touches the threshold
        (0.8, 1.0, "open", "open"),
        (np.nan, np.nan, "open", "open"),
    ],
)
def test_a_claim_holds_only_with_its_whole_interval(low, high, above, below):
    assert make_claim(low, high).verdict == above
    assert make_claim(low, high, above=False).verdict == below


def test_a_claim_on_a_rate_has_wilsons_interval():
    claim = Claim.of_rate("it comes first", "ours", "share of runs", 9, 10, 0.5)
    assert (claim.value, claim.low, claim.high) == (0.9, *rate_interval(9, 10))
    assert (claim.threshold, claim.verdict) == (0.5, "holds")
    assert Claim.of_rate("it comes first", "ours", "share of runs", 1, 10, 0.5).verdict == "fails"
    assert Claim.of_rate("it comes first", "ours", "share of runs", 0, 0, 0.5).verdict == "open"


@pytest.mark.parametrize("above, verdict", [(True, "holds"), (False, "fails")])
def test_a_claim_on_a_median_has_its_interval(above, verdict):
    values = np.array([9.0, 1.0, 8.0, 2.0, 7.0, 3.0, 6.0, 4.0, 5.0])
    claim = Claim.of_median("later", "ours", "steps", values, 1.5, above)
    assert (claim.value, claim.low, claim.high, claim.verdict) == (5, 2, 8, verdict)


@pytest.fixture
def shown(monkeypatch):
    """What `ledger` displays: (bundle of representations, metadata) of each call."""
    calls = []
    monkeypatch.setattr(
        style, "display", lambda bundle, raw, metadata: calls.append((bundle, metadata))
    )
    return calls


CLAIMS = [make_claim(1.23456, 2.0), make_claim(0.5, 0.75, above=False), make_claim(0.0, 5.0)]


def test_ledger_shows_each_claim_with_interval_criterion_and_verdict(shown):
    ledger(CLAIMS)
    ((bundle, _),) = shown
    rows = re.findall("<tr.*?</tr>", bundle["text/html"], re.DOTALL)
    cells = [[*map(read_cell, re.findall("<td>(.*?)</td>", row))] for row in rows[1:]]
    expected = [
        ["it rises", "holds", "1.617", "1.235 to 2", "> 1", "ratio", "li2023topic"],
        ["it rises", "holds", "0.625", "0.5 to 0.75", "< 1", "ratio", "li2023topic"],
        ["it rises", "open", "2.5", "0 to 5", "> 1", "ratio", "li2023topic"],
    ]
    assert cells == expected
    lines = bundle["text/plain"].splitlines()[1:]
    assert [line.split() for line in lines] == [" ".join(row).split() for row in expected]


def read_cell(html):
    text = re.sub('</?b( class="[a-z]+")?>', "", html)  # verdicts are marked
    assert not set("<>") & set(text), "a < that is not escaped may swallow the rest of the cell"
    return unescape(text)


def test_ledger_leaves_its_rows_in_the_outputs_metadata(shown):
    ledger([*CLAIMS, make_claim(np.float64(1), np.float64(2))])
    rows = json.loads(json.dumps(shown[0][1]))[LEDGER]
    assert rows[1] == {
        "claim": "it rises",
        "source": "li2023topic",
        "measure": "ratio",
        "value": 0.625,
        "low": 0.5,
        "high": 0.75,
        "threshold": 1.0,
        "above": False,
    }


def test_ledger_shows_the_same_bytes_every_time(shown):
    ledger(CLAIMS)
    ledger(CLAIMS)
    first, second = (bundle for bundle, _ in shown)
    assert first == second
    assert "1.235 to 2" in first["text/plain"], "the text that is compared holds the numbers"
