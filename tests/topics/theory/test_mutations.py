"""The checks of the theory can fail: a term of a closed form, changed by 1 %, is always caught."""

import pytest
from theory_checks import STATEMENTS
from theory_mutants import Mutants, assert_every_term_counts

from twostage.topics import theory

PARTS = ".setting", ".values", ".attention", ".corpus", ""
MUTANTS = Mutants(*(f"twostage.topics.theory{part}" for part in PARTS))


@pytest.mark.slow
@pytest.mark.parametrize("number", STATEMENTS)
def test_every_term_counts(number):
    assert_every_term_counts(MUTANTS, *STATEMENTS[number])


def test_every_prediction_belongs_to_a_statement():
    stated = {name for functions, _ in STATEMENTS.values() for name in functions}
    assert {name for name in theory.__all__ if name.startswith("predict_")} <= stated
