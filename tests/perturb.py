"""Perturbed functions: one operator, number, sign, axis or name at a time, run against tests.

Where `theory_mutants` scales the terms of formulas, this changes any code: constants, signs, axes,
+ for -, a dropped normaliser, > for >=, mean for sum or median, a mask turned round, one of two
names (`PARTNERS`) for the other, branches swapped, a statement left out. Every mutant runs in a
fork of this process: the code of the live function is exchanged, so that all who imported it get
the mutant, then pytest runs the nearest test files until a test fails. Sizes of markers, shades and
grids (`LOOKS`), messages of errors and default arguments are left alone.
"""

import ast
import copy
import hashlib
import importlib
import inspect
import itertools
import math
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType

import pytest

TESTS = Path(__file__).parent
PATIENCE = 10  # times as long as the tests take, until a mutant that hangs counts as caught
PARTNERS = {  # names, strings and attributes that are easily mistaken for each other
    "KNOWLEDGE": "ATTENTION",
    "THEORY": "CHANCE",
    "layer": "head",
    "mean": "median",
    "mean_interval": "median_interval",
    "hlines": "vlines",
    "axhline": "axvline",
    "axhspan": "axvspan",
    "min": "max",
    "amax": "amin",
    "argmax": "argmin",
    "knowledge": "attention",
    "src": "tgt",
    "same": "other",
    "low": "high",
    "xlabel": "ylabel",
    "index": "columns",
    "n_same": "n_other",
}
PARTNERS |= {second: first for first, second in PARTNERS.items()} | {"sum": "mean"}
OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
LOOKS = {"alpha", "linewidth", "lw", "s", "ms", "markersize", "markeredgewidth", "zorder"}
LOOKS |= {"fontsize", "ncols", "bbox_to_anchor", "textcoords", "ha", "grid", "shrink", "aspect"}
LOOKS |= {"edgecolor", "linthresh", "linear_width", "extend", "loc"}


class Sites(ast.NodeVisitor):
    """Every place of a function that can be changed: (how to get there, what to put there)."""

    def __init__(self) -> None:
        self.found, self.path = [], ()

    def walk(self, node: ast.AST) -> None:
        """Visit the children of a node, remembering the way."""
        for field, value in ast.iter_fields(node):
            many = isinstance(value, list)
            for i, child in enumerate(value if many else [value]):
                if isinstance(child, ast.AST):
                    before, self.path = self.path, (*self.path, (field, i if many else None))
                    self.visit(child)
                    self.path = before

    def generic_visit(self, node: ast.AST) -> None:
        """Note what a node could be instead, and go on to its children."""
        self.found += [(self.path, other) for other in alternatives(node)]
        self.walk(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg not in LOOKS:
            self.walk(node)

    def visit_Slice(self, node: ast.Slice) -> None:
        """A negative end of a slice loses its sign: everything but the last turns first alone."""
        for field in ("lower", "upper", "step"):
            value, before = getattr(node, field), self.path
            self.path = (*before, (field, None))
            if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
                self.found.append((self.path, value.operand))
            elif value is not None:
                self.visit(value)
            self.path = before

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        """The other axis from the end, or a lost sign, or a mask that is not turned round."""
        if isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            number = node.operand.value
            further = ast.UnaryOp(ast.USub(), ast.Constant(number + 1))
            self.found.append((self.path, further if isinstance(number, int) else node.operand))
        else:
            self.found.append((self.path, node.operand))
            self.walk(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        """Leave out a statement that is there for what it does."""
        if isinstance(node.value, ast.Call) and getattr(node.value.func, "attr", "") not in LOOKS:
            self.found.append((self.path, ast.Pass()))
            self.walk(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Only the body: defaults and annotations belong to the signature."""
        for i, line in enumerate(node.body):
            before, self.path = self.path, (*self.path, ("body", i))
            self.visit(line)
            self.path = before

    def leave_alone(self, node: ast.AST) -> None:
        """Messages and annotations change nothing that is measured."""

    visit_Raise = visit_JoinedStr = visit_AnnAssign = visit_Import = leave_alone


def alternatives(node: ast.AST) -> list[ast.AST]:
    """What could stand in a node's place."""
    match node:
        case ast.Constant(bool()):
            return [ast.Constant(not node.value)]
        case ast.Constant(int()):
            return [ast.Constant({0: 1, 1: 0}.get(node.value, node.value + 1))]
        case ast.Constant(float()):
            return [ast.Constant(1.01 * node.value if node.value else 0.01)]
        case ast.Constant(str(text)) if text in PARTNERS:
            return [ast.Constant(PARTNERS[text])]
        case ast.Name(name, ast.Load()) if name in PARTNERS:
            return [ast.Name(PARTNERS[name], ast.Load())]
        case ast.Attribute(value, name, ast.Load()) if name in PARTNERS:
            return [ast.Attribute(value, PARTNERS[name], ast.Load())]
        case ast.BinOp(left, op, right) if type(op) in OPERATORS:
            return [ast.BinOp(left, OPERATORS[type(op)](), right)]
        case ast.BinOp(left, ast.Div() | ast.Pow() | ast.FloorDiv()):
            return [left]
        case ast.Compare(left, [op], right) if type(op) in OPERATORS:
            return [ast.Compare(left, [OPERATORS[type(op)]()], right)]
        case ast.IfExp(test, body, orelse):
            return [ast.IfExp(test, orelse, body)]
    return []


def mutants_of(module: str) -> Iterator[tuple[str, str, CodeType]]:
    """Yield (text, function, its changed code) for every change of every function of a module."""
    path = Path(importlib.import_module(module).__file__)
    yield from mutants_of_tree(ast.parse(path.read_text(encoding="utf-8")))


def mutants_of_tree(tree: ast.Module) -> Iterator[tuple[str, str, CodeType]]:
    """Yield (text, function, its changed code) for every change of every function of a source."""
    owners = [("", tree), *((f"{n.name}.", n) for n in tree.body if isinstance(n, ast.ClassDef))]
    for prefix, owner in owners:
        for place, node in enumerate(owner.body):
            if isinstance(node, ast.FunctionDef) and node.name != "__post_init__":
                yield from _mutants_of_function(tree, owner, place, prefix + node.name)


def _mutants_of_function(
    tree: ast.Module, owner: ast.AST, place: int, name: str
) -> Iterator[tuple[str, str, CodeType]]:
    sites, original = Sites(), owner.body[place]
    sites.visit(original)
    for path, other in sites.found:
        owner.body[place] = changed = copy.deepcopy(original)
        line = None
        for field, i in path:
            parent, key, index = changed, field, i
            child = getattr(changed, field)
            changed = child if i is None else child[i]
            line = changed if isinstance(changed, ast.stmt) else line
        if index is None:
            setattr(parent, key, other)
        else:
            getattr(parent, key)[index] = other
        text = f"without {ast.unparse(line)}" if isinstance(other, ast.Pass) else ast.unparse(line)
        code = compile(ast.fix_missing_locations(tree), "mutant", "exec")
        owner.body[place] = original
        yield f"{name}: {text.splitlines()[0]}", name, find_code(code, name)


def find_code(code: CodeType, name: str) -> CodeType:
    """Code of a function of a compiled module."""
    for part in name.split("."):
        inner = [c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == part]
        code = inner[-1]
    return code


def find_function(module: str, name: str) -> FunctionType:
    """The function itself, below its decorators: what all that imported it call in the end."""
    owner = importlib.import_module(module)
    for part in name.split("."):
        owner = inspect.getattr_static(owner, part)
    for field in ("fget", "__func__", "func"):
        owner = getattr(owner, field, owner)
    return inspect.unwrap(owner)


class Loop:
    """A pytest plugin that runs collected tests once for every mutant instead of once."""

    def __init__(self, rooms: dict[str, list[str]], one_in: int, always: list[str]) -> None:
        self.rooms, self.one_in, self.always, self.found = rooms, one_in, always, {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """For each module: its own code must pass, and no mutant of the sample may."""
        if session.testsfailed:
            raise session.Failed("the tests do not import")
        for module, files in self.rooms.items():
            paths = {TESTS / file for file in files}
            items = [item for item in session.items if item.path in paths]
            function = find_function(module, next(mutants_of(module))[1])
            start = time.monotonic()
            if fails(session, items, function, function.__code__):
                raise session.Failed(f"{files} fail without any change")
            limit = 10 + math.ceil(PATIENCE * (time.monotonic() - start))
            self.found[module] = []
            for text, name, code in mutants_of(module):
                drawn = is_drawn(text, self.one_in) or any(part in text for part in self.always)
                if drawn and not fails(session, items, find_function(module, name), code, limit):
                    self.found[module].append(text)
                    print(f"\n{module} {text}", flush=True)
        return True


def fails(
    session: pytest.Session, items: list, function: FunctionType, code: CodeType, limit: int = 0
) -> bool:
    """Whether a test fails in a fork in which a function has other code, or takes `limit` seconds.

    Without a limit it takes as long as it takes.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
    status = 1
    try:
        signal.alarm(limit)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1), os.dup2(quiet, 2)
        function.__code__, session.items = code, items
        for item, following in itertools.zip_longest(items, items[1:]):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                break
        status = int(session.testsfailed > 0)
    finally:
        os._exit(status)


def is_drawn(text: str, one_in: int) -> bool:
    """Whether a mutant is among the one in so many that belong to the sample, for good."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) % one_in == 0


def find_survivors(
    rooms: dict[str, list[str]],
    one_in: int = 1,
    slow: tuple[str, ...] = (),
    always: Sequence[str] = (),
) -> dict[str, list[str]]:
    """Mutants of each module (one in so many) that none of its test files (in `tests`) notices.

    Tests marked slow, or whose names hold one of `slow`, are left out; mutants whose text holds
    one of `always` are never. Runs pytest: call it in a fresh process.
    """
    loop = Loop(rooms, one_in, list(always))
    paths = {TESTS / file for file in sum(rooms.values(), [])}
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-s", "-m", "not slow"]
    options += [f"-k=not ({' or '.join(slow)})"] if slow else []
    status = pytest.main([*options, *map(str, sorted(paths))], plugins=[loop])
    if status != 0:
        raise RuntimeError(f"pytest ended with {status!r}")
    return loop.found
