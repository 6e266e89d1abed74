"""Verdicts on each side of the threshold, and the ledger that shows them."""

import json
import re
from dataclasses import asdict
from html import unescape

import numpy as np
import pytest

from twostage.book import show
from twostage.book.claims import LEDGER, Claim, claim_id, ledger
from twostage.estimates import Estimate


def make_claim(low, high, side="above", criterion=1.0):
    estimate = Estimate((low + high) / 2, low, high, 12, "median")
    return Claim("it-rises", "it rises", "li2023topic", "ratio", estimate, **{side: criterion})


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
    assert make_claim(low, high, side="below").verdict == below


@pytest.mark.parametrize("side", ["above", "below"])
def test_a_claim_against_no_number_is_open(side):
    assert make_claim(1.1, 1.2, side, np.nan).verdict == "open"


@pytest.mark.parametrize("sides", [{}, {"above": 1.0, "below": 2.0}, {"above": 0, "below": 0}])
def test_a_claim_has_one_criterion(sides):
    with pytest.raises(ValueError, match="it-rises: give above= or below=, and not both"):
        Claim("it-rises", "it rises", "ours", "ratio", Estimate.of_rate(9, 10), **sides)


def test_the_criterion_is_given_by_keyword():
    with pytest.raises(TypeError):
        Claim("it-rises", "it rises", "ours", "ratio", Estimate.of_rate(9, 10), 0.5)


@pytest.mark.parametrize("id", ["", "It-rises", "it rises", "-it", "it-", "it--rises", "it_rises"])
def test_an_id_is_words_with_hyphens(id):
    with pytest.raises(ValueError, match=f"must be like 'toy-fates', got {id!r}"):
        Claim(id, "it rises", "ours", "ratio", Estimate.of_rate(9, 10), above=0.5)


def test_an_id_is_made_of_any_words():
    assert claim_id("topics", "Knowledge first", 0.01, "W_V: held!") == (
        "topics-knowledge-first-0.01-w-v-held"
    )


@pytest.mark.parametrize("side, verdict", [("above", "holds"), ("below", "fails")])
def test_a_claim_on_a_median_takes_its_side(side, verdict):
    estimate = Estimate.of_median(np.array([9.0, 1.0, 8.0, 2.0, 7.0, 3.0, 6.0, 4.0, 5.0]))
    claim = Claim("later", "later", "ours", "steps", estimate, **{side: 1.5})
    assert (claim.side, claim.criterion, claim.verdict) == (side, 1.5, verdict)


@pytest.fixture
def shown(monkeypatch):
    """What `ledger` displays: (bundle of representations, metadata) of each call."""
    calls = []
    monkeypatch.setattr(
        show, "display", lambda bundle, raw, metadata: calls.append((bundle, metadata))
    )
    return calls


CLAIMS = [make_claim(1.23456, 2.0), make_claim(0.5, 0.75, "below"), make_claim(0.0, 5.0)]


def test_ledger_shows_each_claim_with_interval_criterion_and_verdict(shown):
    ledger(CLAIMS)
    ((bundle, _),) = shown
    rows = re.findall("<tr.*?</tr>", bundle["text/html"], re.DOTALL)
    cells = [[*map(read_cell, re.findall("<td>(.*?)</td>", row))] for row in rows[1:]]
    expected = [
        ["it rises", "holds", "1.617 (1.235 to 2)", "> 1", "ratio", "li2023topic"],
        ["it rises", "holds", "0.625 (0.5 to 0.75)", "< 1", "ratio", "li2023topic"],
        ["it rises", "open", "2.5 (0 to 5)", "> 1", "ratio", "li2023topic"],
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
        "id": "it-rises",
        "claim": "it rises",
        "source": "li2023topic",
        "measure": "ratio",
        "value": 0.625,
        "low": 0.5,
        "high": 0.75,
        "criterion": 1.0,
        "side": "below",
        "n": 12,
        "how": "median",
        "verdict": "holds",
    }


NEVER = Estimate.of_median(np.array([np.inf, 3.0]))  # two runs, one of which never arrives
NOTHING = Estimate.of_rate(0, 0)


@pytest.mark.parametrize("estimate", [NEVER, NOTHING, Estimate.of_rate(np.int64(3), np.int64(4))])
@pytest.mark.parametrize("criterion", [0, np.float64(1), np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("side", ["above", "below"])
def test_a_row_is_json_and_the_claim_comes_back_from_it(estimate, side, criterion):
    claim = Claim("a-b", "it rises", "ours", "steps", estimate, **{side: criterion})
    row = json.loads(json.dumps(claim.row, allow_nan=False))
    again = Claim.of_row(row)
    np.testing.assert_equal(asdict(again), asdict(claim))
    assert again.row == claim.row == row


def test_ledger_shows_the_same_bytes_every_time(shown):
    ledger(CLAIMS)
    ledger(CLAIMS)
    first, second = (bundle for bundle, _ in shown)
    assert first == second
    assert "1.617 (1.235 to 2)" in first["text/plain"], (
        "the text that is compared holds the numbers"
    )
