"""Figures of knowledge: word tables and the positions that scores point at."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import Colormap

from twostage.style import BLUES


def plot_scores(
    ax: Axes,
    scores: Float[np.ndarray, "row column"],
    limit: float,
    cmap: Colormap = BLUES,
) -> Axes:
    """Draw a table of scores from white (0 and below) to dark (`limit` and above)."""
    ax.imshow(scores, cmap=cmap, vmin=0, vmax=limit)
    ax.spines[:].set(visible=True, color="#bbbbbb")
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    return ax
