"""The arrow of the package, and the few doors by which a chapter comes in.

corpus -> model -> training -> probes -> experiments -> figures -> chapters. Theory hangs off the
corpus alone and needs no network, so that a prediction cannot be fitted to its own measurement;
the two meet in experiments and figures. What both papers share knows neither, and nothing but
`book` knows what a notebook is.
"""

import ast
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
MODULES = {
    ".".join(path.relative_to(SRC).with_suffix("").parts): path
    for path in sorted((SRC / "twostage").rglob("*.py"))
    if path.stem != "__init__"
}
PACKAGES = {name.rpartition(".")[0] for name in MODULES}
PAPERS = ("topics", "translation")
ARROW = (
    {"corpus", "batches", "statistics", "relations", "text.articles", "text.dumps", "text.lda"},
    {"model", "bags", "free", "text.encoder", "text.weights", "text.windows"},
    {"training", "toy"},
    {"probes", "text.attention", "text.embedding"},
    {"experiments"},
    {"figures"},
)
STATION = {name: place for place, names in enumerate(ARROW) for name in names}
THEORY_MAY = {"numpy", "scipy", "jaxtyping", "twostage"} | set(sys.stdlib_module_names)
DRAWS = ("figures", "style", "show")
OF_NOTEBOOKS = {"IPython", "myst_nb", "papermill", "nbformat", "nbclient", "jupyter_client"}
N_DOORS, N_NAMES = 5, 25  # of a chapter


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
        if f"{origin}.{name}" in MODULES or f"{origin}.{name}" in PACKAGES:
            origin, name = f"{origin}.{name}", None
        top = origin.split(".")[0]
        if station == "theory" and top not in THEORY_MAY:
            yield f"{module} imports {origin}: theory needs only numpy and scipy"
        if top in ("matplotlib", "seaborn", "plotly") and station not in DRAWS:
            yield f"{module} imports {origin}: only figures draw"
        if top in OF_NOTEBOOKS and not module.startswith("twostage.book."):
            yield f"{module} imports {origin}: only `book` knows notebooks"
        if top == "twostage":
            yield from _inner_offences(module, origin, name)


def _place(module):
    """The half a module is in, or None; and its station, that of its folder if it has one."""
    parts = module.split(".")
    if len(parts) < 3 or parts[1] not in PAPERS:
        return None, parts[-1]
    return parts[1], ".".join(parts[2:4]) if parts[2] == "text" else parts[2]


def _inner_offences(module, origin, name):
    (paper, station), (other_paper, other) = _place(module), _place(origin)
    in_book, book = module.startswith("twostage.book."), origin.startswith("twostage.book")
    if name and name.startswith("train") and station in ("probes", "theory", "figures"):
        yield f"{module} imports {name}: only `training` trains"
    if book and not in_book and module != "twostage.__main__":
        yield f"{module} imports {origin}: nothing knows `book`"
    if origin in PACKAGES and origin != "twostage" and name:
        yield f"{module} imports {name} from {origin}: inside the package name the module"
    if other_paper is None:
        return
    if paper is None and not in_book:
        yield f"{module} imports {origin}: what both papers share knows neither"
    elif not in_book and paper != other_paper:
        yield f"{module} imports {origin}: the papers do not know each other"
    elif station == "theory" and other not in ("corpus", "theory"):
        yield f"{module} imports {origin}: theory hangs off the corpus alone"
    elif other == "theory" and paper and station not in ("theory", "figures", "experiments"):
        yield f"{module} imports {origin}: theory meets measurement in experiments and figures"
    elif station in STATION and other in STATION and STATION[other] > STATION[station]:
        yield f"{module} imports {origin}: against the arrow"


@pytest.mark.parametrize("module", MODULES)
def test_imports_follow_the_arrow(module):
    offences = list(find_offences(MODULES[module].read_text(), module))
    assert not offences, "\n".join(offences)


def test_no_module_is_part_of_a_cycle():
    edges = {
        module: {
            origin if origin in MODULES else f"{origin}.{name}"
            for origin, name in find_imports(path.read_text(), module)
        }
        & MODULES.keys()
        for module, path in MODULES.items()
    }
    while leaves := [module for module, inner in edges.items() if not inner & edges.keys()]:
        for leaf in leaves:
            del edges[leaf]
    assert not edges, f"these import each other: {', '.join(edges)}"


@pytest.mark.parametrize(
    "module, source, complaint",
    [
        ("topics.corpus", "from twostage.topics.model import X", "against the arrow"),
        ("topics.corpus", "from twostage.topics import model", "against the arrow"),
        ("topics.corpus", "def f():\n    from .model import X", "against the arrow"),
        ("topics.model", "import twostage.topics.training", "against the arrow"),
        ("topics.text.lda", "from twostage.topics.text.windows import X", "against the arrow"),
        ("topics.training", "from twostage.topics.probes.record import X", "against the arrow"),
        ("topics.probes.record", "from twostage.topics.training import train_x", "only `training`"),
        ("topics.probes.record", "from twostage.topics.theory.values import x", "figures"),
        ("topics.theory.setting", "from twostage.topics.model import X", "corpus alone"),
        ("topics.theory.values", "import torch", "numpy and scipy"),
        ("topics.probes.record", "import matplotlib.pyplot as plt", "only figures draw"),
        ("topics.figures.stages", "from IPython import display", "only `book` knows notebooks"),
        ("topics.figures.stages", "from twostage.book.show import glue", "nothing knows `book`"),
        ("topics.figures.stages", "from twostage.topics import CorpusConfig", "name the module"),
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
        ("topics.figures.theory", "from twostage.topics import probes, theory"),
        ("topics.training", "from twostage.training import train\nfrom .corpus import sample_x"),
        ("topics.theory.values", "import math\nfrom scipy.special import gammaln"),
        (
            "translation.experiments.heads",
            "from twostage.translation.theory.copy import predict_heads",
        ),
        ("book.cli", "from twostage.topics.corpus import X"),
    ],
)
def test_an_import_along_the_arrow_passes(module, source):
    assert not list(find_offences(source, f"twostage.{module}"))


# Chapters ---------------------------------------------------------------------------------------


def read_code(path):
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


@pytest.mark.parametrize("path", sorted((ROOT / "chapters").glob("*.ipynb")), ids=lambda p: p.stem)
def test_a_chapter_comes_in_by_few_doors(path):
    imports = list(find_imports(read_code(path), "chapter"))
    doors = sorted({origin for origin, _ in imports if origin.startswith("twostage")})
    deep = [door for door in doors if door not in PACKAGES]
    assert not deep, f"import from the packages, not from {', '.join(deep)}"
    assert len(doors) <= N_DOORS, f"{len(doors)} doors: {', '.join(doors)}"
    assert len(imports) <= N_NAMES, f"{len(imports)} names are more than {N_NAMES}"
