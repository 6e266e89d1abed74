"""Array shapes in signatures are checked while the tests run, and only then."""

import torch
from jaxtyping import install_import_hook

install_import_hook("twostage", "beartype.beartype")
torch.set_num_threads(1)  # two test processes share the machine
