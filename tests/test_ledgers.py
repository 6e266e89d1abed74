"""The ledgers of the book: every claim has its own id and its own words, and can be read back."""

import json
from collections import Counter
from pathlib import Path

import pytest

from twostage.book.claims import LEDGER, Claim
from twostage.book.notebooks import read_rows

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
IDS = ROOT / "tests" / "claim_ids.txt"  # in the order of the book


def read_claims(path):
    return [Claim.of_row(row) for row in read_rows(path, LEDGER)]


def test_a_claim_keeps_its_id_from_version_to_version():
    ids = [claim.id for path in CHAPTERS for claim in read_claims(path)]
    twice = [id for id, n in Counter(ids).items() if n > 1]
    assert not twice, f"an id is unique in the book: {twice}"
    assert ids == IDS.read_text().split(), (
        "people follow claims by their ids: change tests/claim_ids.txt only for a claim that is "
        "new or given up"
    )


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_two_claims_of_a_chapter_have_the_same_words(path):
    words = Counter(claim.claim for claim in read_claims(path))
    assert words, "a chapter has a ledger"
    assert not [text for text, n in words.items() if n > 1]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_stored_verdicts_follow_from_stored_numbers(path):
    assert [claim.row for claim in read_claims(path)] == read_rows(path, LEDGER)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_stored_chapter_is_json_by_the_letter(path):
    json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
