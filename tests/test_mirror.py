"""The tests mirror the package: who changes a module knows where its tests stand.

`src/twostage/ROOM/MODULE.py` is tested by `tests/ROOM/test_MODULE.py`; where a module has several
files of tests, each has a word more in its name: `test_MODULE_WORD.py`.
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE, TESTS = ROOT / "src" / "twostage", ROOT / "tests"
ELSEWHERE = {  # modules whose tests stand together with those of others
    "__main__.py": "book/test_cli.py",
    "topics/experiments/registry.py": "test_experiments.py",
    "translation/experiments/registry.py": "test_experiments.py",
}
MODULES = sorted(
    path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"
)
ROOMS = sorted({path.parent for path in MODULES} - {Path(".")})


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_has_its_tests(module):
    files = [*(TESTS / module.parent).glob(f"test_{module.stem}*.py")]
    if module.as_posix() in ELSEWHERE:
        files = [TESTS / ELSEWHERE[module.as_posix()]]
    assert any(file.exists() for file in files), f"write tests/{module.parent}/test_{module.name}"


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_every_file_of_tests_in_a_room_names_what_it_tests(room):
    stems = [module.stem for module in MODULES if module.parent == room] + ["mutations"]
    starts = tuple(f"test_{stem}{end}" for stem in stems for end in (".py", "_"))
    strangers = [file.name for file in (TESTS / room).glob("test_*.py")]
    strangers = [name for name in strangers if not name.startswith(starts)]
    assert not strangers, f"tests/{room}: these are named after no module of src/twostage/{room}"
