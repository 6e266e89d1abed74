"""What is typed becomes a request."""

import pytest

from twostage.book.sweep.options import read_seeds


@pytest.mark.parametrize(
    "asked, seeds",
    [("0:3", [0, 1, 2]), ("4", [4]), (4, [4]), ("1,5", [1, 5]), ([7, 2], [7, 2]), ([], [])],
)
def test_seeds_are_read(asked, seeds):
    assert list(read_seeds(asked)) == seeds
