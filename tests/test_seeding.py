"""Streams of one seed repeat, differ from each other and touch nothing global."""

from itertools import combinations

import numpy as np
import pytest
import torch

from twostage.seeding import numpy_rng, run_alike_everywhere, torch_rng

STREAMS = [
    (0,),
    (1,),
    (0, 0),
    (0, 1),
    (1, 0),
    (0, ""),
    (0, "corpus"),
    (0, "corpus", 0),
    (0, "corpus", 1),
    (0, "masks"),
    (0, "cor", "pus"),
    (0, "0"),
    (2**32,),
    (2**32 + 1,),
]


@pytest.mark.parametrize("draw", [lambda *s: numpy_rng(*s).random(), lambda *s: _torch(*s)])
def test_a_stream_repeats_and_shares_nothing_with_another(draw):
    first = [draw(*stream) for stream in STREAMS]
    assert first == [draw(*stream) for stream in STREAMS]
    for (a, x), (b, y) in combinations(zip(STREAMS, first, strict=True), 2):
        assert x != y, f"{a} and {b} are one stream"


def _torch(*stream):
    return torch.rand((), generator=torch_rng(*stream), dtype=torch.float64).item()


def test_streams_are_uncorrelated():
    n = 100_000
    draws = np.array([numpy_rng(3, name).standard_normal(n) for name in ("corpus", "masks")])
    assert abs(np.corrcoef(draws)[0, 1]) < 4 / np.sqrt(n)


def test_global_generators_are_left_alone():
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    numpy_rng(5, "a").random(10), torch.rand(10, generator=torch_rng(5, "a"))
    assert (np.random.get_state()[1] == before[0]).all()
    assert torch.equal(torch.get_rng_state(), before[1])


@pytest.mark.parametrize("make", [numpy_rng, torch_rng])
@pytest.mark.parametrize("stream", [(-1,), (True,), (0, -1), (0, "masks", -1)])
def test_a_seed_is_a_natural_number(make, stream):
    bad = next(part for part in stream if part is True or part == -1)
    with pytest.raises(ValueError, match=f"whole number >= 0, got {bad}"):
        make(*stream)


@pytest.mark.slow
def test_run_alike_everywhere_sets_one_thread_and_deterministic_algorithms():
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        run_alike_everywhere()
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(False)
