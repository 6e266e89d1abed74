"""Two stages in a classifier of two words (snell2021attention, the authors' blog).

A negative text holds the neutral word only, a positive one the neutral and a telling word, to
which attention gives the share p. Their scores are s0 = b0 and s1 = (1 - p) b0 + p b1; the loss
falls with the margin s1 - s0 = p delta, delta = b1 - b0. delta is knowledge, p is attention.

The authors' toy is gradient flow on -p delta with p itself as a parameter. Beyond the paper: the
same classifier under cross-entropy log(1 + exp(-p delta)), and with attention a softmax of c1 - c0.
"""

import numpy as np
from jaxtyping import Real
from scipy.special import wrightomega

K = np.sqrt(2)  # rate at which knowledge and attention feed each other
Numbers = int | float | Real[np.ndarray, "..."]


def predict_toy(t: Numbers, p0: Numbers = 0.5, delta0: Numbers = 0.0) -> tuple[Numbers, Numbers]:
    """Attention p and knowledge delta of the toy at time t, from p0 in [0, 1] and delta0.

    b0' = -p, b1' = p, p' = delta, so p'' = 2p and, with k = sqrt(2),
    p = p0 cosh kt + (delta0/k) sinh kt, delta = delta0 cosh kt + k p0 sinh kt; b0 + b1 and
    delta^2 - 2 p^2 stay as they are. Holds until p, a share, reaches 0 or 1. Arguments broadcast.
    """
    p0, delta0 = _start(p0, delta0)
    rise, turn = np.cosh(K * np.asarray(t)), np.sinh(K * np.asarray(t))
    return p0 * rise + delta0 / K * turn, delta0 * rise + K * p0 * turn


def predict_toy_arrival(p0: Numbers = 0.5, delta0: Numbers = 0.0) -> Numbers:
    """Time at which attention reaches p = 1 to stay; inf if it never does.

    ln[(1 + sqrt(1 - p0^2 + delta0^2/2))/(p0 + delta0/k)]/k, which is arccosh(2)/k = 0.931 from
    p0 = 1/2, delta0 = 0. It is finite iff delta0 + k p0 > 0: the separatrix is delta = -k p.
    """
    p0, delta0 = _start(p0, delta0)
    grows = p0 + delta0 / K  # twice the part of p that grows as exp(kt)
    with np.errstate(divide="ignore", invalid="ignore"):
        time = np.log((1 + np.sqrt(1 - p0**2 + delta0**2 / 2)) / grows) / K
    return np.where(grows > 0, time, np.inf)


def predict_fixed_margin(t: Numbers, attention: float = 0.5, margin0: float = 0.0) -> Numbers:
    """Margin s1 - s0 under cross-entropy at time t, with attention held at p.

    m' = 2 p^2/(1 + e^m), so m + e^m = m0 + e^m0 + 2 p^2 t, solved by Wright's omega. It grows
    without bound for every p > 0: low loss needs no attention, only 1/p^2 times the time.
    """
    _start(attention, 0)
    total = margin0 + np.exp(margin0) + 2 * attention**2 * np.asarray(t)
    return np.log(wrightomega(total))


def predict_soft_gate(delta: Numbers, logit0: Numbers = 0.0, delta0: Numbers = 0.0) -> Numbers:
    """Attention p at knowledge delta if p is a softmax: p = sigmoid(c), c = c1 - c0.

    delta' = 2 p g and c' = 2 p (1 - p) delta g, with g = 1 for the toy's loss and sigmoid(-p
    delta) for cross-entropy, so delta^2/2 - c - e^c stays as it is under either and
    p/(1 - p) = omega(c0 + e^c0 + (delta^2 - delta0^2)/2). As p > 0, delta always rises: every
    start succeeds, and a wrong one (delta0 < 0) sinks no lower than p at delta = 0.
    """
    first = np.asarray(logit0) + np.exp(logit0) - np.asarray(delta0) ** 2 / 2
    odds = wrightomega(first + np.asarray(delta) ** 2 / 2)
    return odds / (1 + odds)


def _start(p0: Numbers, delta0: Numbers) -> tuple[np.ndarray, np.ndarray]:
    p0, delta0 = np.asarray(p0, float), np.asarray(delta0, float)
    if not ((p0 >= 0) & (p0 <= 1)).all():
        raise ValueError(f"attention p is a share and must be in [0, 1], got {p0}")
    return p0, delta0
