"""The typed parameters of a chapter, read from its parameter cell and checked before it runs.

A chapter has one code cell tagged ``parameters`` that holds one parameter per line::

    n_topics: int = 5  # T, number of topics [2, 50]
    optimizer: str = "sgd"  # which optimiser {sgd, adam}
    init_scales: list = [0.1, 0.01]  # initialisation scales [1e-6, 1]

that is a type, a default, a help text and, where wanted, the range (ends included) or the choices
that are allowed; of a list they hold for each element. What must hold between parameters stands in
comments of its own (`twostage.rules`). papermill reads the same lines, so plain ``papermill`` works
too; as it does not check what it is given, each chapter does (`twostage.book.kernel`).
"""

import ast
import io
import json
import re
import reprlib
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path

import yaml

from twostage.book.rules import Rule, find_rules
from twostage.files import ChapterError, suggest

KINDS = {"int": int, "float": float, "bool": bool, "str": str, "list": list}
IN_WORDS = {int: "an int", float: "a float", bool: "true or false", str: "a printable str"}
LINE = re.compile(r"#\s*(?P<help>.*?)(,? each in)?\s*(?P<limit>\[[^][]*\]|\{[^{}]*\})?")
GRAMMAR = (
    "write 'name: type = default  # help', with an optional [low, high] or {a, b} at the end; "
    "type is int, float, bool, str or list"
)


@dataclass(frozen=True)
class Parameter:
    """One line of a parameter cell."""

    name: str
    kind: type  # int, float, bool or str: of the value, or of each element of a list
    is_list: bool
    default: object
    help: str
    limit: str = ""  # "[low, high]" or "{a, b}", as it is written in the cell
    low: float = -sys.float_info.max  # so that inf and nan are never allowed
    high: float = sys.float_info.max
    choices: tuple = ()

    @property
    def type_name(self) -> str:
        """The type as the reader is told it: 'int', or 'list of float'."""
        return f"list of {self.kind.__name__}" if self.is_list else self.kind.__name__

    @property
    def allowed(self) -> str:
        """What a value must be, in words."""
        within = f" in {self.limit}" if self.limit else ""
        each = "a list, each element " if self.is_list else ""
        return f"{each}{IN_WORDS[self.kind]}{within}"

    def check(self, value: object) -> object:
        """Return the value, with ints made floats where a float is meant.

        Raises ChapterError unless type, range and choices fit; a bool is no int, a float is no
        int, and a list needs an element.
        """
        items = value if self.is_list and isinstance(value, list) else [value]
        if isinstance(value, list) != self.is_list or not items or not all(map(self._fits, items)):
            got = "nothing" if value is None else reprlib.repr(value)
            raise ChapterError(f"{self.name} must be {self.allowed}, got {got}")
        items = [self.kind(item) for item in items]
        return items if self.is_list else items[0]

    def _fits(self, item: object) -> bool:
        if type(item) is not self.kind and not (self.kind is float and type(item) is int):
            return False
        if self.choices and item not in self.choices:
            return False
        if self.kind is str:
            return item.isprintable()  # no line breaks, nothing that cannot be stored as UTF-8
        return self.low <= item <= self.high


class Parameters(dict[str, Parameter]):
    """The parameters of a cell by name, and the rules that hold between them."""

    rules: tuple[Rule, ...] = ()

    def find(self, name: object, chapter: str) -> Parameter:
        """Return the parameter of this name; ChapterError, which lists those there are, if none."""
        if name in self:
            return self[name]
        known = ", ".join(f"{each.name}={show(each.default)}" for each in self.values())
        hint = suggest(str(name), self)
        raise ChapterError(f"{chapter} has no parameter {reprlib.repr(name)}{hint}; it has {known}")

    def check_rules(self, given: dict[str, object], chapter: str) -> None:
        """Raise ChapterError unless the values given, and defaults elsewhere, keep every rule."""
        values = {name: each.default for name, each in self.items()} | given
        for rule in self.rules:
            if not rule.holds(values):
                got = ", ".join(f"{name}={show(values[name])}" for name in rule.names)
                raise ChapterError(f"{chapter}: {rule.text} must hold, got {got}")


def parse_parameters(source: str, where: str) -> Parameters:
    """Read the text of a parameter cell without running it.

    `where` names the cell in a ChapterError, which adds the line within the cell.
    """
    parameters = Parameters()
    try:
        tree = ast.parse(source)
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (SyntaxError, tokenize.TokenError) as error:
        line = getattr(error, "lineno", None) or 1
        raise ChapterError(f"{where}, line {line}: {error.args[0]}; {GRAMMAR}") from None
    comments = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    lines = source.splitlines()
    for node in tree.body:
        try:
            if lines[node.lineno - 1].count("=") > 1:
                raise ChapterError("papermill reads one '=' per line; reword help or default")
            parameter = _parse_line(node, comments.get(node.lineno, ""))
            if parameter.name in parameters:
                raise ChapterError(f"{parameter.name} is there twice")
        except ChapterError as error:
            raise ChapterError(f"{where}, line {node.lineno}: {error}") from None
        parameters[parameter.name] = parameter
    _add_rules(parameters, source, where)
    return parameters


def _add_rules(parameters: Parameters, source: str, where: str) -> None:
    for line, rule in find_rules(source).items():
        parameters.rules += (rule,)
        try:
            parameters.check_rules({}, "the defaults")
        except ValueError as error:
            raise ChapterError(f"{where}, line {line}: {error}") from None


def _parse_line(node: ast.stmt, comment: str) -> Parameter:
    match node:
        case ast.AnnAssign(ast.Name(name), ast.Name(type_name), ast.expr() as value):
            pass
        case _:
            raise ChapterError(GRAMMAR)
    found = LINE.fullmatch(comment)
    if type_name not in KINDS or node.lineno != node.end_lineno or not found or not found["help"]:
        raise ChapterError(f"{name}: {GRAMMAR}")
    try:
        default = ast.literal_eval(value)
    except ValueError:
        raise ChapterError(f"{name}: the default must be a plain value; {GRAMMAR}") from None
    kind = _element_kind(default, name) if type_name == "list" else KINDS[type_name]
    limit = _parse_limit(found["limit"] or "", kind, name)
    parameter = Parameter(name, kind, type_name == "list", default, found["help"], **limit)
    parameter.check(default)
    return parameter


def _element_kind(default: object, name: str) -> type:
    kinds = set(map(type, default)) if isinstance(default, list) else set()
    kind = float if kinds == {int, float} else kinds.pop() if len(kinds) == 1 else None
    if kind not in (int, float, bool, str):
        raise ChapterError(f"{name}: a list needs default elements, all of one plain type")
    return kind


def _parse_limit(text: str, kind: type, name: str) -> dict[str, object]:
    items = [item.strip() for item in text[1:-1].split(",")]
    try:
        if text.startswith("{") and kind is not bool and all(items):
            return {"limit": text, "choices": tuple(map(kind, items))}
        if text.startswith("[") and kind in (int, float):
            low, high = map(float, items)
            if low <= high:
                return {"limit": text, "low": low, "high": high}
    except ValueError:
        pass
    if not text:
        return {}
    raise ChapterError(f"{name}: {text} is no [low, high] of two numbers and no {{a, b}} choices")


class _PlainLoader(yaml.SafeLoader):
    """YAML with the plain scalars people expect: 1e-3 is a float, 010 and 1:30 are no ints."""

    yaml_implicit_resolvers: dict = {}


for _tag, _pattern in {
    "null": r"null|~|",
    "bool": r"true|True|false|False",
    "int": r"[-+]?(0|[1-9][0-9]*)",
    "float": r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?|[-+]?\.inf|\.nan",
}.items():
    _PlainLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^({_pattern})$", re.I), None
    )


def load_yaml(text: str, where: str) -> object:
    """Read plain values; ChapterError tells in which line of `where` the text is none."""
    try:
        return yaml.load(text, _PlainLoader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ChapterError(f"{where}{line}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ChapterError(f"{where}: {error}") from None


def show(value: object) -> str:
    """Return a value as it may be given to -p."""
    return json.dumps(value, ensure_ascii=False)


def read_assignments(parameters: Parameters, texts: list[str], chapter: str) -> dict[str, object]:
    """Check what was given as name=value; text for a str is taken as typed, all else is YAML."""
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ChapterError(f"-p {reprlib.repr(text)} must be name=value")
        if name in values:
            raise ChapterError(f"-p {name} is given twice")
        parameter = parameters.find(name, chapter)
        is_text = parameter.kind is str and not parameter.is_list
        values[name] = parameter.check(value if is_text else load_yaml(value, f"-p {name}"))
    return values


def read_profile(
    parameters: Parameters, folder: Path, profile: str, chapter: str
) -> dict[str, object]:
    """Check the name: value lines of ``<folder>/<profile>/<chapter>.yml``."""
    profiles = sorted(path.name for path in folder.glob("*/"))
    if profile not in profiles:
        raise ChapterError(f"no profile {profile!r}; there are {', '.join(profiles)}")
    path = folder / profile / f"{chapter}.yml"
    try:
        values = load_yaml(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeError) as error:
        raise ChapterError(f"cannot read the profile: {error}") from None
    if not isinstance(values, dict):
        raise ChapterError(f"{path} must hold lines of the form name: value")
    try:
        return {name: parameters.find(name, chapter).check(values[name]) for name in values}
    except ChapterError as error:
        raise ChapterError(f"{path}: {error}") from None


def format_parameters(parameters: Parameters) -> str:
    """Lay the parameters out as an aligned table, and their rules below."""
    rows = [("name", "type", "default", "allowed", "help")]
    for each in parameters.values():
        rows.append((each.name, each.type_name, show(each.default), each.limit, each.help))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    rules = [f"rule: {rule.text}" for rule in parameters.rules]
    return "\n".join([*lines, *([""] if rules else []), *rules])
