"""What a running chapter holds: checked in the kernel, as papermill and JupyterLab check nothing.

A chapter calls `check_parameters` once, in the first cell after its parameters. The cell that was
run is the one that is read, so that a copy of a chapter and an edited cell are checked by what
they say themselves.
"""

import ast
import re

from IPython import get_ipython

from twostage.book.parameters import KINDS, Parameter, Parameters, parse_parameters, show
from twostage.files import ChapterError

CELL = re.compile(rf"^\w+: ({'|'.join(KINDS)}) = ", re.MULTILINE)  # a cell of parameters
INJECTED = "# Parameters\n"  # how papermill begins the cell of the values it was given


def check_parameters() -> None:
    """Raise ChapterError, in one line, unless the kernel's parameters are such as the cell allows.

    The line names what has the wrong type, lies out of its range, breaks a rule, or is no
    parameter of the chapter at all.
    """
    space = get_ipython().user_ns
    ran = space["In"]
    at = max((i for i, cell in enumerate(ran) if CELL.search(cell)), default=None)
    if at is None:
        raise ChapterError("the cell of parameters has not run yet: run it first")
    parameters = parse_parameters(ran[at], "parameter cell")
    for cell in ran[at + 1 :]:
        _check_names(cell, parameters)
    values = {name: _check_value(each, space[name]) for name, each in parameters.items()}
    parameters.check_rules(values, "this chapter")


def _check_names(cell: str, parameters: Parameters) -> None:
    if cell.startswith(INJECTED):
        for node in ast.parse(cell).body:
            parameters.find(node.targets[0].id, "this chapter")


def _check_value(parameter: Parameter, value: object) -> object:
    try:
        return parameter.check(value)
    except ChapterError as error:
        if not (isinstance(value, str) and parameter.is_list):
            raise
        line = f"{parameter.name}: {show(parameter.default)}"
        raise ChapterError(
            f"{error}; papermill -p hands a list on as text: use papermill -y '{line}'"
        ) from None
