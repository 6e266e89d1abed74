"""The arrow of the package: corpus -> model -> training -> probes -> experiments -> figures.

Theory hangs off the corpus alone and needs no network, so that a prediction cannot be fitted to
its own measurement; the two meet in experiments, which carry their prediction, and in figures.
`name_more` stands where `name` stands.
"""

import ast
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"
MODULES = {
    ".".join(path.relative_to(SRC).with_suffix("").parts): path
    for path in sorted((SRC / "twostage").rglob("*.py"))
    if path.stem != "__init__"
}
PAPERS = ("topics", "translation")
ARROW = (
    {"corpus", "batches", "statistics", "dumps", "articles", "lda", "relations"},
    {"model", "bags", "pretrained", "windows"},
    {"training"},
    {"probes", "contrasts"},
    {"experiments"},
    {"figures"},
)
STATION = {name: place for place, names in enumerate(ARROW) for name in names}
THEORY_MAY = {"numpy", "scipy", "jaxtyping", "twostage"} | set(sys.stdlib_module_names)
DRAWS = ("figures", "style")


def find_imports(source, module):
    """Every (module, name or None) that the source imports, inside functions too."""
    package = module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((origin, alias.name) for alias in node.names)


def find_offences(source, module):
    """One line for every import of `module` that goes against the arrow."""
    paper, station = _place(module)
    if paper and station != "theory" and station not in STATION:
        yield f"{module} has no place on the arrow: give it one in tests/test_imports.py"
        return
    for origin, name in find_imports(source, module):
        if f"{origin}.{name}" in MODULES:
            origin, name = f"{origin}.{name}", None
        top = origin.split(".")[0]
        if station == "theory" and top not in THEORY_MAY:
            yield f"{module} imports {origin}: theory needs only numpy and scipy"
        if top in ("matplotlib", "seaborn", "plotly") and station not in DRAWS:
            yield f"{module} imports {origin}: only figures draw"
        if top == "twostage":
            yield from _inner_offences(module, origin, name)


def _place(module):
    parts = module.split(".")
    paper = parts[1] if len(parts) > 2 and parts[1] in PAPERS else None
    return paper, parts[-1].split("_")[0]


def _inner_offences(module, origin, name):
    (paper, station), (other_paper, other) = _place(module), _place(origin)
    if name and name.startswith("train") and station in ("probes", "theory", "figures"):
        yield f"{module} imports {name}: only `training` trains"
    if other_paper is None:
        return
    if paper is None and station != "cli":
        yield f"{module} imports {origin}: what both papers share knows neither"
    elif paper not in (None, other_paper):
        yield f"{module} imports {origin}: the papers do not know each other"
    elif station == "theory" and other not in ("corpus", "theory"):
        yield f"{module} imports {origin}: theory hangs off the corpus alone"
    elif other == "theory" and station not in ("theory", "experiments", "figures"):
        yield f"{module} imports {origin}: theory meets measurement only in figures"
    elif station in STATION and other in STATION and STATION[other] > STATION[station]:
        yield f"{module} imports {origin}: against the arrow"


@pytest.mark.parametrize("module", MODULES)
def test_imports_follow_the_arrow(module):
    offences = list(find_offences(MODULES[module].read_text(), module))
    assert not offences, "\n".join(offences)


@pytest.mark.parametrize(
    "module, source, complaint",
    [
        ("topics.corpus", "from twostage.topics.model import X", "against the arrow"),
        ("topics.corpus", "from twostage.topics import model", "against the arrow"),
        ("topics.corpus", "def f():\n    from .model import X", "against the arrow"),
        ("topics.model", "import twostage.topics.training", "against the arrow"),
        ("topics.probes", "from twostage.topics.training import train_model", "only `training`"),
        ("topics.probes", "from twostage.topics.theory_values import x", "only in figures"),
        ("topics.theory", "from twostage.topics.model import X", "corpus alone"),
        ("topics.theory_values", "import torch", "numpy and scipy"),
        ("topics.probes", "import matplotlib.pyplot as plt", "only figures draw"),
        ("training", "from twostage.topics.corpus import X", "knows neither"),
        ("translation.model", "from twostage.topics.model import X", "each other"),
        ("topics.helpers", "", "no place on the arrow"),
    ],
)
def test_an_import_against_the_arrow_is_caught(module, source, complaint):
    assert complaint in "\n".join(find_offences(source, f"twostage.{module}"))


@pytest.mark.parametrize(
    "module, source",
    [
        ("topics.figures", "from twostage.topics import probes, theory"),
        ("topics.experiments", "from twostage.topics import probes, theory, training"),
        ("topics.training", "from twostage.training import train\nfrom .corpus import sample_x"),
        ("topics.theory", "import math\nfrom scipy.special import gammaln"),
        ("cli", "from twostage.topics.corpus import X"),
    ],
)
def test_an_import_along_the_arrow_passes(module, source):
    assert not list(find_offences(source, f"twostage.{module}"))
