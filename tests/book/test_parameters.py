"""Parameter cells: what they may say, and which values they let through."""

import math

import pytest
import yaml
from papermill.translators import PythonTranslator
from tiny_book import PARAMETERS

from twostage.book.parameters import (
    format_parameters,
    parse_parameters,
    read_assignments,
    read_profile,
)
from twostage.files import ChapterError


@pytest.fixture
def parameters():
    return parse_parameters(PARAMETERS, "cell")


def assign(parameters, *texts):
    return read_assignments(parameters, list(texts), "02_two_stages")


def test_a_cell_is_read_without_running_it(parameters):
    assert list(parameters) == [
        *("steps", "learning_rate", "optimizer", "corpus", "bias", "init_scales", "seed")
    ]
    steps, scales = parameters["steps"], parameters["init_scales"]
    assert (steps.kind, steps.default, steps.help) == (int, 3, "number of steps")
    assert (steps.low, steps.high, steps.limit) == (1, 100, "[1, 100]")
    assert (scales.kind, scales.is_list, scales.default) == (float, True, [0.1, 0.01])
    assert scales.help == "initialisation scales"
    assert parameters["optimizer"].choices == ("sgd", "adam")


def test_papermill_reads_the_same_names_and_help(parameters):
    read = PythonTranslator.inspect({"source": PARAMETERS})
    assert [each.name for each in read] == list(parameters)
    assert all(parameters[each.name].help in each.help for each in read)


RULED = PARAMETERS + "# rule: len(init_scales) < steps\n# rule: decreasing(init_scales)\n"


def test_rules_are_read_and_papermill_passes_over_them():
    parameters = parse_parameters(RULED, "cell")
    texts = [rule.text for rule in parameters.rules]
    assert texts == ["len(init_scales) < steps", "decreasing(init_scales)"]
    read = PythonTranslator.inspect({"source": RULED})
    assert [each.name for each in read] == list(parameters)


def test_values_are_weighed_together_with_the_defaults_of_the_others():
    parameters = parse_parameters(RULED, "cell")
    parameters.check_rules({"steps": 4, "init_scales": [0.3, 0.2, 0.1]}, "02")
    with pytest.raises(ChapterError) as caught:
        parameters.check_rules({"steps": 2}, "02")
    found = "02: len(init_scales) < steps must hold, got init_scales=[0.1, 0.01], steps=2"
    assert str(caught.value) == found


@pytest.mark.parametrize(
    "rule, complaint",
    [
        ("steps > 3", "the defaults: steps > 3 must hold, got steps=3"),
        ("stepz > 3", "cannot read the rule 'stepz > 3'"),
        ("steps", "cannot read the rule 'steps': compare parameters and numbers, with + - *, and,"),
    ],
)
def test_a_rule_that_cannot_be_or_breaks_the_defaults_is_named(rule, complaint):
    with pytest.raises(ChapterError) as caught:
        parse_parameters(f"steps: int = 3  # number of steps\n# rule: {rule}\n", "02, cell")
    assert str(caught.value).startswith("02, cell, line 2: ")
    assert complaint in str(caught.value)


def test_the_table_ends_with_the_rules():
    lines = format_parameters(parse_parameters(RULED, "cell")).splitlines()
    assert lines[-3:] == ["", "rule: len(init_scales) < steps", "rule: decreasing(init_scales)"]


def test_comments_and_empty_lines_are_allowed_in_a_cell():
    assert list(parse_parameters("# scale\n\nn: int = 1  # how many\n", "cell")) == ["n"]


@pytest.mark.parametrize(
    "line, complaint",
    [
        ("n = 1  # how many", "write 'name: type"),
        ("n: int = 1", "write 'name: type"),
        ("n: int  # how many", "write 'name: type"),
        ("import os", "write 'name: type"),
        ("n: int | None = 1  # how many", "write 'name: type"),
        ("n: tuple = (1, 2)  # pair", "write 'name: type"),
        ("%matplotlib inline", "invalid syntax"),
        ("n: int = (1", "was never closed"),
        ("n: int = 2 ** 3  # how many", "plain value"),
        ("n: int = 1; m: int = 2  # two", "one '=' per line"),
        ("n: int = 1  # where n = 1", "one '=' per line"),
        ("n: list = [  # over two lines\n1]", "write 'name: type"),
        ("n: int = 1  # [1, 9]", "write 'name: type"),
        ("n: int = 1.5  # how many", "n must be an int, got 1.5"),
        ("n: int = 1  # how many [2, 9]", "n must be an int in [2, 9], got 1"),
        ("n: int = 5  # how many [9, 2]", "[9, 2] is no [low, high]"),
        ("n: int = 5  # how many [2]", "[2] is no [low, high]"),
        ("n: int = 5  # how many [nan, 2]", "[nan, 2] is no [low, high]"),
        ("n: str = 'a'  # which [1, 2]", "[1, 2] is no [low, high]"),
        ("n: int = 5  # how many {five, six}", "{five, six} is no [low, high]"),
        ("n: list = []  # scales", "a list needs default elements"),
        ("n: list = [1, 'a']  # scales", "a list needs default elements"),
        ("first: int = 1  # again", "first is there twice"),
    ],
)
def test_a_malformed_line_is_named(line, complaint):
    with pytest.raises(ChapterError) as caught:
        parse_parameters(f"first: int = 1  # the first\n{line}\n", "02.ipynb, parameter cell")
    assert str(caught.value).startswith("02.ipynb, parameter cell, line 2: ")
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "text, value",
    [
        ("steps=100", 100),
        ("learning_rate=5", 5.0),
        ("learning_rate=1e-3", 1e-3),
        ("learning_rate=1.0e+2", 100.0),
        ("optimizer=adam", "adam"),
        ("corpus=2020", "2020"),
        ("corpus=a: b = #c", "a: b = #c"),
        ("corpus=", ""),
        ("bias=true", True),
        ("bias=False", False),
        ("init_scales=[1, 1e-6]", [1.0, 1e-6]),
    ],
)
def test_a_value_is_taken_with_its_type(parameters, text, value):
    (read,) = assign(parameters, text).values()
    assert read == value
    assert repr(read) == repr(value)


@pytest.mark.parametrize(
    "text",
    [
        *("steps=many", "steps=3.0", "steps=1e2", "steps=true", "steps=", "steps=[3]", "steps=0"),
        *("steps=101", "steps=010", "steps=1:30", "steps=1_0", "steps=٣", "steps={a: 1}"),
        *("learning_rate=nan", "learning_rate=.nan", "learning_rate=.inf", "learning_rate=1e400"),
        *("learning_rate=-0", "learning_rate=1" + "0" * 400, "steps=1" + "0" * 5000),
        *("optimizer=SGD", "optimizer=", "corpus=a\nb", "corpus=\udcff", "bias=1", "bias=yes"),
        *("init_scales=0.1", "init_scales=[]", "init_scales=[0.1, 2]", "init_scales=[true]"),
        *(
            "init_scales=[[0.1]]",
            "init_scales=&a [*a]",
            "init_scales=[0.1",
            "init_scales=" + "[" * 3000,
        ),
        *("steps=!!python/name:os.system", "steps=\x01"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(parameters, text):
    name = text.partition("=")[0]
    with pytest.raises(ChapterError, match=f"{name} must be |-p {name}") as caught:
        assign(parameters, text)
    assert len(str(caught.value)) < 300


def test_no_float_parameter_takes_infinity_even_without_a_range():
    parameters = parse_parameters("rate: float = 1.0  # any rate", "cell")
    for value in (math.inf, -math.inf, math.nan, 10**400):
        with pytest.raises(ChapterError, match="rate must be a float, got"):
            parameters["rate"].check(value)


@pytest.mark.parametrize("text", ["steps", "", "-p"])
def test_an_assignment_needs_an_equals_sign(parameters, text):
    with pytest.raises(ChapterError, match="must be name=value"):
        assign(parameters, text)


def test_an_assignment_given_twice_is_refused(parameters):
    with pytest.raises(ChapterError, match="steps is given twice"):
        assign(parameters, "steps=1", "steps=1")


def test_an_unknown_name_is_answered_with_the_known_ones(parameters):
    with pytest.raises(ChapterError) as caught:
        assign(parameters, "step=1")
    assert "02_two_stages has no parameter 'step' (did you mean 'steps'?)" in str(caught.value)
    assert 'it has steps=3, learning_rate=60.0, optimizer="sgd", corpus=""' in str(caught.value)


def write_profile(folder, text):
    (folder / "quick").mkdir(exist_ok=True)
    (folder / "quick" / "02.yml").write_bytes(text.encode("latin-1"))
    return folder


def test_a_profile_gives_checked_values(parameters, tmp_path):
    folder = write_profile(tmp_path, "steps: 7\nlearning_rate: 5\noptimizer: adam  # faster\n")
    values = read_profile(parameters, folder, "quick", "02")
    assert values == {"steps": 7, "learning_rate": 5.0, "optimizer": "adam"}
    assert isinstance(values["learning_rate"], float)


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("steps: [1\n", "02.yml, line 2: expected"),
        ("steps\n", "must hold lines of the form"),
        ("", "must hold lines of the form"),
        ("stepz: 1\n", "no parameter 'stepz' (did you mean 'steps'?)"),
        ("1: 1\n", "no parameter 1;"),
        ("steps: 0\n", "02.yml: steps must be an int in [1, 100], got 0"),
        ("corpus: 2020\n", "corpus must be a printable str, got 2020"),
        ("corpus: \xe9\n", "cannot read the profile: 'utf-8' codec"),
    ],
)
def test_a_broken_profile_is_named(parameters, tmp_path, text, complaint):
    folder = write_profile(tmp_path, text)
    with pytest.raises(ChapterError) as caught:
        read_profile(parameters, folder, "quick", "02")
    assert complaint in str(caught.value)


def test_a_missing_profile_is_answered_with_those_there_are(parameters, tmp_path):
    folder = write_profile(tmp_path, "steps: 1\n")
    with pytest.raises(ChapterError, match=r"no profile '\.\.'; there are quick"):
        read_profile(parameters, folder, "..", "02")
    with pytest.raises(ChapterError, match="cannot read the profile: .*03.yml"):
        read_profile(parameters, folder, "quick", "03")


def test_the_table_is_aligned_and_its_defaults_can_be_given_back(parameters):
    head, *lines = format_parameters(parameters).splitlines()
    columns = [head.index(word) for word in ("type", "default", "allowed", "help")]
    assert all(line[column - 1] == " " for line in lines for column in columns)
    assert lines[0].split() == ["steps", "int", "3", "[1,", "100]", "number", "of", "steps"]
    for line, parameter in zip(lines, parameters.values(), strict=True):
        default = line[columns[1] : columns[2]].strip()
        assert yaml.safe_load(default) == parameter.default
