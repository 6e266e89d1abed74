"""Mutants of a theory: its source is parsed and one term at a time is multiplied by 1.01.

Terms are both operands of + and -, the right operand of other operations (for a product either
operand would be the same change), the branches of a conditional, the values of a table and what
is returned. Conditions, messages and indices are left alone, and a mutant that cannot run (a
matrix of 8.08 rows) does not count.
"""

import ast
import copy
import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BROKEN = (TypeError, ValueError, IndexError, np.linalg.LinAlgError)


class Perturb(ast.NodeTransformer):
    """Multiply term number `target` by 1.01; afterwards `text` is that term, or None."""

    def __init__(self, target):
        self.target, self.seen, self.text = target, 0, None

    def term(self, node):
        node = self.visit(node)
        if ast.unparse(node) in ("0", "0.0", "np.inf"):  # 1 % more is the same
            return node
        self.seen += 1
        if self.seen != self.target:
            return node
        self.text = ast.unparse(node)
        return ast.BinOp(node, ast.Mult(), ast.Constant(1.01))

    def visit_BinOp(self, node):
        if isinstance(node.op, ast.BitOr):
            return self.generic_visit(node)
        is_sum = isinstance(node.op, ast.Add | ast.Sub)
        node.left = (self.term if is_sum else self.visit)(node.left)
        node.right = self.term(node.right)
        return node

    def visit_Return(self, node):
        node.value = self.term(node.value)
        return node

    def visit_IfExp(self, node):
        node.body, node.orelse = self.term(node.body), self.term(node.orelse)
        return node

    def visit_Dict(self, node):
        node.values = [
            self.visit(value) if isinstance(value, ast.Dict) else self.term(value)
            for value in node.values
        ]
        return node

    def leave_alone(self, node):
        return node

    visit_Raise = visit_Compare = visit_Subscript = visit_arguments = leave_alone


class Mutants:
    """All mutants of a theory spread over modules; the last one has all its names."""

    def __init__(self, *modules):
        paths = {name: Path(importlib.import_module(name).__file__) for name in modules}
        self.trees = {name: ast.parse(path.read_text()) for name, path in paths.items()}
        self.code = {name: compile(tree, name, "exec") for name, tree in self.trees.items()}

    def of(self, function):
        """Yield (changed term, theory with that change) for every term of a function."""
        module, target = self.find(function), 0
        while True:
            target, tree = target + 1, copy.deepcopy(self.trees[module])
            perturb = Perturb(target)
            node = next(n for n in ast.walk(tree) if getattr(n, "name", None) == function)
            node.body = [perturb.visit(line) for line in node.body]
            if perturb.text is None:
                return
            yield f"{function}, term {target}: {perturb.text}", self.load(module, tree)

    def find(self, function):
        """Module that defines a function (or a property)."""
        for module, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef) and node.name == function:
                    return module
        raise LookupError(f"no function {function} in the theory")

    def load(self, changed, tree):
        """Import the theory afresh with one module's source replaced."""
        code = self.code | {changed: compile(ast.fix_missing_locations(tree), changed, "exec")}
        with pytest.MonkeyPatch.context() as patch:
            for name in self.code:
                module = ModuleType(name)
                patch.setitem(sys.modules, name, module)
                exec(code[name], module.__dict__)
        return module


def is_caught(theory, checks):
    """Whether a check fails; None if the mutant does not run."""
    for check in checks:
        try:
            with np.errstate(all="ignore"):
                check(theory)
        except AssertionError:
            return True
        except BROKEN:
            return None
    return False


def assert_every_term_counts(mutants, functions, checks):
    """Fail if a change of 1 % in a term of a function goes unnoticed by all checks."""
    for name in functions:
        fate = {text: is_caught(theory, checks) for text, theory in mutants.of(name)}
        survivors = [text for text, caught in fate.items() if caught is False]
        assert not survivors, f"no check noticed a change of 1 % in {survivors}"
        assert True in fate.values(), f"{name} has no term that could be changed"
