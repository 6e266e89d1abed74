"""Rules between the parameters of a chapter: read as text, weighed, and never run as code.

A parameter cell states them as comments, each on a line of its own::

    # rule: topics_per_doc < min(grid_topics)
    # rule: len(keep_rates) == len(random_rates)

that is comparisons of parameters, numbers and the functions below, with + - *, `and`, `or`, `in`.
"""

import ast
import operator
import re
from dataclasses import dataclass
from itertools import pairwise

LINE = re.compile(r"\s*#\s*rules?\s*:\s*(?P<rule>.*?)\s*", re.IGNORECASE)
FUNCTIONS = {
    "len": len,
    "min": min,
    "max": max,
    "set": set,
    "decreasing": lambda items: all(a > b for a, b in pairwise(items)),
}
OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda item, items: item in items,
    ast.And: all,
    ast.Or: any,
}
GRAMMAR = f"compare parameters and numbers, with + - *, and, or, in, {', '.join(FUNCTIONS)}"


@dataclass(frozen=True)
class Rule:
    """One rule, as it is written in the cell."""

    text: str

    @property
    def names(self) -> list[str]:
        """The parameters it binds, in the order in which it names them."""
        words = re.findall(r"[A-Za-z_]\w*", self.text)
        return [w for w in dict.fromkeys(words) if w not in {*FUNCTIONS, "and", "or", "in"}]

    def holds(self, values: dict[str, object]) -> bool:
        """Say whether the values keep it; ValueError if it is none that can be read."""
        try:
            kept = _weigh(ast.parse(self.text, mode="eval").body, values)
        except (SyntaxError, LookupError, TypeError, ValueError, RecursionError, MemoryError):
            kept = None
        if not isinstance(kept, bool):
            raise ValueError(f"cannot read the rule {self.text!r}: {GRAMMAR}")
        return kept


def find_rules(source: str) -> dict[int, Rule]:
    """Return the rules of a parameter cell by their line, counted from 1."""
    lines = enumerate(source.splitlines(), start=1)
    found = {number: LINE.fullmatch(line) for number, line in lines}
    return {number: Rule(match["rule"]) for number, match in found.items() if match}


def _weigh(node: ast.expr, values: dict[str, object]) -> object:
    match node:
        case ast.Constant(int() | float() as value):
            return value
        case ast.Name(name):
            return values[name]
        case ast.Call(ast.Name(name), [argument], []):
            return FUNCTIONS[name](_weigh(argument, values))
        case ast.BinOp(left, sign, right):
            return OPERATORS[type(sign)](_weigh(left, values), _weigh(right, values))
        case ast.BoolOp(sign, parts):
            return OPERATORS[type(sign)]([_weigh(part, values) for part in parts])
        case ast.Compare(left, signs, others):
            sides = [_weigh(side, values) for side in (left, *others)]
            pairs = zip(signs, pairwise(sides), strict=True)
            return all(OPERATORS[type(sign)](*pair) for sign, pair in pairs)
    raise ValueError("no such thing in a rule")
