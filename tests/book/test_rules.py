"""Rules between parameters: what they may say, and that nothing of them is ever run as code."""

import pytest

from twostage.book.rules import Rule, find_rules

VALUES = {"T": 5, "tau": 2, "rates": [0.0, 0.1, 0.2], "scales": [0.1, 0.01]}


@pytest.mark.parametrize(
    "text, holds",
    [
        ("tau < T", True),
        ("T <= tau", False),
        ("tau + 1 <= T - 2", True),
        ("tau * 3 > T", True),
        ("1 < tau < T", True),
        ("1 < T < tau", False),
        ("len(rates) == len(scales)", False),
        ("len(rates) != len(scales)", True),
        ("0 in rates", True),
        ("0.3 in rates", False),
        ("tau >= max(rates) and min(scales) > 0", True),
        ("T < tau or 0 in scales", False),
        ("set(scales) <= set(rates)", False),
        ("decreasing(scales)", True),
        ("decreasing(rates)", False),
    ],
)
def test_a_rule_is_weighed(text, holds):
    assert Rule(text).holds(VALUES) is holds


def test_equal_neighbours_do_not_decrease():
    assert not Rule("decreasing(scales)").holds({"scales": [0.1, 0.1]})


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "tau <",
            "tau",
            "len(rates)",
            "tau = 2",
            "sum(rates) < 1",
            "unknown < 1",
            "tau ** 9 > 1",
        ),
        *("tau < rates", "len(tau) == 1", "rates[0] == 0", "len(rates, scales) > 1", "not tau"),
        *("__import__('os').system('true') == 0", "(lambda: 1)() == 1", "[n for n in rates] == 1"),
        *(
            "T < 1 and unknown < 1",
            "T > 1 or unknown < 1",
            "rates.__class__ == 1",
            "-" * 9999 + "1",
        ),
    ],
)
def test_what_is_no_rule_is_refused_and_not_run(text):
    with pytest.raises(ValueError, match="cannot read the rule"):
        Rule(text).holds(VALUES)


def test_a_rule_names_the_parameters_it_binds():
    rule = Rule("len(set(rates)) * (len(scales) - 1) >= 2 and 0 in rates or tau < T")
    assert rule.names == ["rates", "scales", "tau", "T"]


def test_rules_are_found_by_their_line():
    cell = "n: int = 1  # rule: no\n# rule: n < 2\n# a ruler\n  #Rules : n > 0\nm: int = 1  # one\n"
    assert find_rules(cell) == {2: Rule("n < 2"), 4: Rule("n > 0")}
