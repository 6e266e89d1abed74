"""Array shapes in signatures are checked while the tests run, and only then.

A test that starts a kernel is marked `kernel`, so that `make check` can leave it out.
"""

import json
import sys

import matplotlib.pyplot as plt
import pytest
import torch
from jaxtyping import install_import_hook

install_import_hook("twostage", "beartype.beartype")
torch.set_num_threads(1)  # two test processes share the machine


@pytest.fixture
def ax():
    """An axis to draw on, closed after the test."""
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


@pytest.fixture(scope="session")
def no_kernel(tmp_path_factory):
    """A search path of Jupyter on which the kernel of the chapters ends as it starts."""
    folder = tmp_path_factory.mktemp("jupyter")
    (folder / "kernels" / "python3").mkdir(parents=True)
    argv = [sys.executable, "-c", "raise SystemExit('mark this test: @pytest.mark.kernel')"]
    spec = {"argv": argv, "display_name": "none", "language": "python"}
    (folder / "kernels" / "python3" / "kernel.json").write_text(json.dumps(spec))
    return str(folder)


@pytest.fixture(autouse=True)
def kernels_in_marked_tests_only(request, monkeypatch, no_kernel):
    """Let a kernel start only in a test that is marked `kernel`."""
    if request.node.get_closest_marker("kernel") is None:
        monkeypatch.setenv("JUPYTER_PATH", no_kernel)
