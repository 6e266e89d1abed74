"""The checks of the theory can fail: a term of a closed form, changed by 1 %, is always caught."""

import pytest
from theory_mutants import Mutants, assert_every_term_counts
from translation_checks import STATEMENTS

from twostage.translation import theory

MUTANTS = Mutants(*(f"twostage.translation.theory{part}" for part in (".toy", ".copy", "")))


@pytest.mark.slow
@pytest.mark.parametrize("number", STATEMENTS)
def test_every_term_counts(number):
    assert_every_term_counts(MUTANTS, *STATEMENTS[number])


def test_every_prediction_belongs_to_a_statement():
    stated = {name for functions, _ in STATEMENTS.values() for name in functions}
    assert {name for name in theory.__all__ if name.startswith("predict_")} <= stated
