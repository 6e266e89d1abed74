"""Rules for every test: it tests this folder; where ``CI`` is set, a skip is a failure."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


def pytest_configure(config):
    """Refuse to test the package of another folder, as the .venv of a copied folder would."""
    spec = find_spec("twostage")
    if spec is None or HERE not in Path(spec.origin).resolve().parents:
        where = "missing" if spec is None else spec.origin
        raise pytest.UsageError(f"twostage is {where}, not in {HERE}: `make book` sets .venv up")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn a skip into a failure in CI, so that a missing browser is not mistaken for a pass."""
    report = yield
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI counts as a failure: {call.excinfo.value}"
    return report
