"""Each statement of the theory of translation, and the checks that hold it.

A check takes the theory as an argument, so that the same check runs on the real functions and on
mutants of them. The other side enumerates all sentences and differentiates the whole free model,
or solves gradient flow on a loss written out word by word, and never uses the theory's formulas.
"""

from itertools import permutations, product

import numpy as np
import torch
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp

SIZES = [(5, 3), (4, 4), (6, 2)]  # V, L
ATTENTION = np.random.default_rng(0).dirichlet([1, 1, 1], 3)  # of three positions
FLAT = np.full((3, 3), 1 / 3)


# The free model, over all sentences ---------------------------------------------------------


def sentences(V, L, repeats=False, mixture=0.0):
    """All sentences with their probabilities."""
    drawn = list(product(range(V), repeat=L) if repeats else permutations(range(V), L))
    mixed = list(permutations(range(L)))
    chances = [(1 - mixture) / len(drawn)] * len(drawn) + [mixture / len(mixed)] * len(mixed)
    return torch.tensor(drawn + mixed), torch.tensor(chances, dtype=torch.float64)


def free_loss(W, logits, words, chances):
    """Cross-entropy averaged over positions and sentences; W[word predicted, word shown]."""
    scores = torch.einsum("ij,sjo->sio", logits.softmax(1), W.T[words]).log_softmax(-1)
    return -chances @ scores.gather(2, words[..., None]).squeeze(2).mean(1)


def symmetric_loss(w, alpha, V, L):
    """The free model at W = wI and logits alpha I."""
    eyes = [torch.eye(n, dtype=torch.float64) for n in (V, L)]
    return free_loss(w * eyes[0], alpha * eyes[1], *sentences(V, L))


def first_gradient(attention, V, L, repeats=False, mixture=0.0):
    """-dL/dW at W = 0."""
    W = torch.zeros(V, V, dtype=torch.float64, requires_grad=True)
    free_loss(W, torch.tensor(attention).log(), *sentences(V, L, repeats, mixture)).backward()
    return -W.grad.numpy()


def contrast(G, words):
    """Mean diagonal minus mean off-diagonal entry of a block."""
    block, n = G[words, words], len(G[words])
    return np.trace(block) / n - (block.sum() - np.trace(block)) / (n * (n - 1))


def check_signal(theory):
    for V, repeats, attention in product((3, 4, 5), (False, True), (FLAT, ATTENTION)):
        a = None if attention is FLAT else np.trace(attention) / 3
        found = theory.predict_signal(V, 3, repeats=repeats, mean_diagonal=a)
        expected = contrast(first_gradient(attention, V, 3, repeats), slice(None))
        assert_allclose(found, expected, rtol=1e-12, atol=1e-16)


def check_signal_of_mixtures(theory):
    for q, repeats, attention in product((0.3, 1.0), (False, True), (FLAT, ATTENTION)):
        a = None if attention is FLAT else np.trace(attention) / 3
        found = theory.predict_signal(5, 3, q, repeats, a)
        G = first_gradient(attention, 5, 3, repeats, q)
        assert_allclose(found, contrast(G, slice(3)), rtol=1e-12, atol=1e-16)
        pure = theory.predict_signal(5, 3, 0.0, repeats, a)
        assert_allclose((1 - q) * pure, contrast(G, slice(3, 5)), rtol=1e-12, atol=1e-16)


def check_finite_population(theory):
    for V in (3, 4, 5):
        without, with_repeats = (
            contrast(first_gradient(FLAT, V, 3, repeats), slice(None)) for repeats in (False, True)
        )
        phi = theory.predict_finite_population(V, 3)
        assert_allclose(phi, without / with_repeats, rtol=1e-12, atol=1e-14)


# Two valleys --------------------------------------------------------------------------------

POINTS = [(0.7, 0.4), (-1.3, 0.9), (2.0, -1.5), (-0.6, -0.8)]  # w, alpha


def check_copy_loss(theory):
    for (V, L), (w, alpha) in product(SIZES, POINTS):
        expected = symmetric_loss(w, alpha, V, L).item()
        assert_allclose(theory.predict_copy_loss(w, alpha, V, L), expected, rtol=1e-13)


def check_copy_flow(theory):
    for (V, L), (w, alpha) in product(SIZES, POINTS):
        W, logits = (
            torch.tensor(x * np.eye(n), requires_grad=True) for x, n in ((w, V), (alpha, L))
        )
        free_loss(W, logits, *sentences(V, L)).backward()
        flow = theory.predict_copy_flow(w, alpha, V, L)
        for table, rate, n in zip((W, logits), flow, (V, L), strict=True):
            assert_allclose(-table.grad, rate * (np.eye(n) - 1 / n), rtol=0, atol=1e-14)


def check_copy_saddle(theory):
    for V, L in SIZES:
        saddle = theory.predict_copy_saddle(V, L)
        place = torch.tensor([0.0, saddle.logit], dtype=torch.float64)
        loss = lambda x, V=V, L=L: symmetric_loss(*x, V, L)  # noqa: E731
        gradient = torch.autograd.functional.jacobian(loss, place)
        assert_allclose(gradient, 0, atol=1e-15)
        hessian = torch.autograd.functional.hessian(loss, place).numpy()
        rates, left = np.linalg.eig((-hessian / [[V - 1], [L - 1]]).T)
        grows = rates.argmax()
        assert_allclose(saddle.rate, rates[grows], rtol=1e-12)
        assert_allclose(saddle.slope, left[1, grows] / left[0, grows], rtol=1e-12)


def check_permutation_separatrix(theory):
    for L, alpha in product((3, 8), (-1.2, 0.8)):
        on = float(theory.predict_permutation_separatrix(alpha, L))
        ends = [copies(on + shift, alpha, L, L) for shift in (-0.004, 0.004)]
        assert ends == [False, True]


def check_anticopy_floor(theory):
    for V, L in SIZES:
        floor = theory.predict_anticopy_floor(V, L)
        w, alpha = np.meshgrid(np.linspace(-9, 0, 19), np.linspace(-9, 9, 19))
        losses = theory.predict_copy_loss(w, alpha, V, L)
        assert losses.min() > floor
        assert_allclose(symmetric_loss(-40 * L, -30, V, L).item(), floor, rtol=1e-9, atol=1e-9)


def check_heads(theory):
    for n in (1, 2, 3):
        signs = list(product((-1, 1), repeat=n))
        fates = [heads_copy(np.array(sign)) for sign in signs]
        assert fates == [max(sign) > 0 for sign in signs]
        assert_allclose(theory.predict_heads(n), np.mean(fates), rtol=1e-15)


# Gradient flow on a loss written out ---------------------------------------------------------


def descend(loss, start, times, scale=1.0, **options):
    """Gradient flow from `start`; gradients by complex steps, exact to rounding."""
    steps = 1e-30j * np.eye(len(start))

    def flow(t, x):
        return -np.imag([loss(x + step) for step in steps]) / 1e-30 * scale

    span = (0, np.max(times))
    settings = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-13} | options
    return solve_ivp(flow, span, start, t_eval=times, **settings)


def read_position(tables, V, L):
    """Cross-entropy of a position that shows word 0 beside 1..L-1, its heads averaged."""
    scores = 0
    for w, alpha in tables.reshape(-1, 2):
        logits = np.exp(np.append(alpha, np.zeros(L - 1)))
        scores = scores + w * np.append(logits / logits.sum(), np.zeros(V - L))
    scores = scores / (len(tables) // 2)
    return np.log(np.exp(scores).sum()) - scores[0]


def copies(w, alpha, V, L):
    """Whether gradient flow from (w, alpha) ends in the copy valley."""
    scale = L**2 / np.array([V - 1, L - 1])
    options = {"method": "RK45", "rtol": 1e-8, "atol": 1e-10}
    end = descend(lambda x: read_position(x, V, L), [w, alpha], [60.0], scale, **options).y[:, -1]
    right, chance = np.exp(end[1]) / (np.exp(end[1]) + L - 1), 1 / V
    assert (end[0] > 0) == (right > chance), "not in a valley yet"
    return bool(end[0] > 0)


def heads_copy(signs, L=3):
    """Whether a head copies, from small starts of these signs (permutations)."""
    start = np.repeat(signs * (1 + 0.3 * np.arange(len(signs))), 2) * 0.01
    options = {"method": "RK45", "rtol": 1e-6, "atol": 1e-8}
    end = descend(lambda x: read_position(x, L, L), start, [400.0], **options).y[:, -1]
    return bool((end.reshape(-1, 2) > 0.5).all(axis=1).any())


# The toy ------------------------------------------------------------------------------------

STARTS = [(0.5, 0.0), (0.2, 0.8), (0.9, -1.1), (0.4, -0.7), (0.0, 0.5)]  # p0, delta0


def margin(b0, b1, p):
    """Score of the positive text minus that of the negative one."""
    return (1 - p) * b0 + p * b1 - b0


def cross_entropy(m):
    """Of the right one of two texts, when its score is ahead by m."""
    return np.log1p(np.exp(-m))


def softmax_share(c0, c1):
    """Attention to the second of two words."""
    return np.exp(c1) / (np.exp(c0) + np.exp(c1))


def check_toy(theory):
    times = np.linspace(0, 1.5, 7)
    for p0, delta0 in STARTS:
        b0, b1, p = descend(lambda x: -margin(*x), [0.3, 0.3 + delta0, p0], times).y
        found = theory.predict_toy(times, p0, delta0)
        assert_allclose(found, [p, b1 - b0], rtol=0, atol=1e-9)
        assert_allclose(b0 + b1, 0.6 + delta0, rtol=1e-9)
        assert_allclose((b1 - b0) ** 2 - 2 * p**2, delta0**2 - 2 * p0**2, atol=1e-9)


def check_toy_arrival(theory):
    ends = [lambda t, x: x[2] - 1, lambda t, x: x[2] + 1e-12]
    for end in ends:
        end.terminal = True
    for p0, delta0 in [*STARTS, (0.7, -1.2), (0.7, -0.97), (0.7, -1.0)]:
        start, found = [0, delta0, p0], float(theory.predict_toy_arrival(p0, delta0))
        full, empty = descend(lambda x: -margin(*x), start, [9.0], events=ends).t_events
        assert_allclose(found, full[0] if len(full) else np.inf, rtol=1e-9)
        assert (len(empty) == 1) == np.isinf(found)


def check_fixed_margin(theory):
    times = np.linspace(0, 50, 6)
    for p, m0 in ((0.5, 0.0), (1.0, 0.0), (0.3, -0.9)):
        start = [0.2, 0.2 + m0 / p]
        b0, b1 = descend(lambda x, p=p: cross_entropy(margin(*x, p)), start, times).y
        found = theory.predict_fixed_margin(times, p, m0)
        assert_allclose(found, margin(b0, b1, p), rtol=1e-9, atol=1e-9)


def check_soft_gate(theory):
    times = np.linspace(0, 40, 9)
    for lose, (c, delta) in product((np.negative, cross_entropy), ((0, 0), (0.5, 1), (-0.4, -1.5))):
        span = times if lose is cross_entropy else times / 20
        loss = lambda x, f=lose: f(margin(*x[:2], softmax_share(*x[2:])))  # noqa: E731
        b0, b1, c0, c1 = descend(loss, [0.1, 0.1 + delta, 0.2, 0.2 + c], span).y
        found = theory.predict_soft_gate(b1 - b0, c, delta)
        assert_allclose(found, softmax_share(c0, c1), rtol=0, atol=1e-9)


# The ledger ---------------------------------------------------------------------------------

STATEMENTS = {  # number: (functions that state it, checks that hold it)
    "10": (("predict_toy", "predict_toy_arrival"), (check_toy, check_toy_arrival)),
    "10, beyond": (
        ("predict_fixed_margin", "predict_soft_gate"),
        (check_fixed_margin, check_soft_gate),
    ),
    "11": (
        ("predict_signal", "predict_finite_population"),
        (check_signal, check_signal_of_mixtures, check_finite_population),
    ),
    "12": (
        (
            *("predict_copy_loss", "predict_copy_flow", "predict_copy_saddle"),
            *("predict_permutation_separatrix", "predict_anticopy_floor", "_diagonal"),
        ),
        (
            *(check_copy_loss, check_copy_flow, check_copy_saddle),
            *(check_anticopy_floor, check_permutation_separatrix),
        ),
    ),
    "13": (("predict_heads",), (check_heads,)),
}
