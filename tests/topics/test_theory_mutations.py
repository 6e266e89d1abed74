"""The checks of the theory can fail: a term of a closed form, changed by 1 %, is always caught.

The theory's source is parsed, one term at a time is multiplied by 1.01, and the mutant is run
against the checks of its statement. Terms are both operands of + and -, the right operand of
other operations (for a product either operand would be the same change), the branches of a
conditional, the values of a table and what is returned. Conditions, messages and indices are
left alone, and a mutant that cannot run (a matrix of 8.08 rows) does not count.
"""

import ast
import copy
import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from theory_checks import STATEMENTS

MODULES = [
    f"twostage.topics.theory{part}"
    for part in ("_setting", "_values", "_attention", "_joint", "_corpus", "")
]
TREES = {
    name: ast.parse(Path(importlib.import_module(name).__file__).read_text()) for name in MODULES
}
CODE = {name: compile(tree, name, "exec") for name, tree in TREES.items()}
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


def load_theory(mutant_name, mutant_tree):
    """Import the theory afresh with one module's source replaced."""
    code = CODE | {
        mutant_name: compile(ast.fix_missing_locations(mutant_tree), mutant_name, "exec")
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in MODULES:
            module = ModuleType(name)
            patch.setitem(sys.modules, name, module)
            exec(code[name], module.__dict__)
    return module


def find_function(name):
    """Module that defines a function (or a property of the setting)."""
    for module, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return module
    raise LookupError(f"no function {name} in the theory")


def mutate(name):
    """Yield (changed term, theory with that change) for every term of a function."""
    module, target = find_function(name), 0
    while True:
        target, tree = target + 1, copy.deepcopy(TREES[module])
        perturb = Perturb(target)
        function = next(n for n in ast.walk(tree) if getattr(n, "name", None) == name)
        function.body = [perturb.visit(line) for line in function.body]
        if perturb.text is None:
            return
        yield f"{name}, term {target}: {perturb.text}", load_theory(module, tree)


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


@pytest.mark.parametrize("number", STATEMENTS)
def test_every_term_counts(number):
    functions, checks = STATEMENTS[number]
    for name in functions:
        fate = {text: is_caught(theory, checks) for text, theory in mutate(name)}
        survivors = [text for text, caught in fate.items() if caught is False]
        assert not survivors, f"no check noticed a change of 1 % in {survivors}"
        assert True in fate.values(), f"{name} has no term that could be changed"


def test_every_prediction_belongs_to_a_statement():
    stated = {name for functions, _ in STATEMENTS.values() for name in functions}
    public = importlib.import_module(MODULES[-1]).__all__
    assert {name for name in public if name.startswith("predict_")} <= stated
