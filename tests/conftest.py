"""Array shapes in signatures are checked while the tests run, and only then."""

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
