"""How `pytest --nbval` compares a chapter's stored outputs with newly computed ones.

Words must be equal word for word, integers exactly, and numbers with decimals to a relative 1e-3,
so that another processor may change the last digits but not a result. An HTML output is compared
by the text that a reader sees. Not compared: pictures (PNG, SVG) and stderr.
"""

import copy
import math
import re
from html.parser import HTMLParser

from nbval import plugin
from nbval.kernel import RunningKernel

RELATIVE = 1e-3
ABSOLUTE = 1e-9  # rounding error around an exact zero
NOT_COMPARED = ("image/svg+xml", "stderr")
DECIMAL = re.compile(
    r"""(?<![\w.])                      # not inside a word or a version such as 1.0.4
        ([-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE][-+]?\d))(?:[eE][-+]?\d+)?)
        (?!\d|\.\d)""",
    re.VERBOSE,
)


class VisibleText(HTMLParser):
    """Collects what a browser would show: no tags, scripts or style sheets."""

    def __init__(self, html):
        """Read `html`; the result is ``self.text``."""
        super().__init__()
        self.text, self.hidden = "", False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        """Hide what follows a script or style tag."""
        self.hidden = tag in ("script", "style")
        self.text += " "

    def handle_endtag(self, tag):
        """Show again what follows."""
        self.hidden = False
        self.text += " "

    def handle_data(self, data):
        """Keep the visible text."""
        self.text += "" if self.hidden else data


def same_number(ours, theirs):
    """Whether two printed decimals agree; `2.` and `3.` are compared as the integers they show."""
    if ours.endswith(".") and theirs.endswith("."):
        return ours == theirs
    return math.isclose(float(ours), float(theirs), rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def same_text(ours, theirs):
    """Whether two outputs agree: words and integers exactly, decimals to rtol 1e-3."""
    ours, theirs = DECIMAL.split(ours), DECIMAL.split(theirs)
    if len(ours) != len(theirs):
        return False
    words = zip(ours[::2], theirs[::2], strict=True)
    numbers = zip(ours[1::2], theirs[1::2], strict=True)
    return all(a.split() == b.split() for a, b in words) and all(
        same_number(a, b) for a, b in numbers
    )


class Output(str):
    """A text output with the one operator that nbval uses on it, by the rules above."""

    __hash__ = str.__hash__

    def __ne__(self, other):
        """Whether the outputs disagree."""
        return not same_text(self, other)


def without_tags(outputs):
    """Copies of the outputs in which HTML is reduced to its visible text."""
    outputs = copy.deepcopy(outputs)
    for output in outputs:
        if "text/html" in output.get("data", {}):
            output["data"]["text/html"] = VisibleText(output["data"]["text/html"]).text
    return outputs


class ChapterCell(plugin.IPyNbCell):
    """A code cell whose outputs are compared by the rules above."""

    def sanitize(self, s):
        """Make the comparison of texts tolerant."""
        return Output(s) if isinstance(s, str) else s

    def compare_outputs(self, test, ref, skip_compare=None):
        """Whether new outputs agree with the stored ones."""
        skip = (*self.parent.skip_compare, *NOT_COMPARED)
        return super().compare_outputs(without_tags(test), without_tags(ref), skip)


def remember(kernel, source, allow_stdin=None):
    """Execute a cell as JupyterLab does: the kernel keeps it, and `check_parameters` reads it."""
    return kernel.kc.execute(source, allow_stdin=allow_stdin, stop_on_error=False)


RunningKernel.execute_cell_input = remember  # nbval's own leaves the history empty


def pytest_itemcollected(item):
    """Let the cells that nbval collects here follow the rules above."""
    if isinstance(item, plugin.IPyNbCell):
        item.__class__ = ChapterCell
