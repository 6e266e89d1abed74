"""Tables of scores: white at 0 and below, darkest at the limit and above."""

import numpy as np
from matplotlib import pyplot as plt

from twostage.translation.figures_ktiw import plot_scores


def test_scores_run_from_white_to_their_limit():
    figure, ax = plt.subplots()
    assert plot_scores(ax, np.array([[-1.0, 0.0], [2.0, 3.0]]), 2.0) is ax
    (image,) = ax.images
    (below, zero), (limit, above) = image.cmap(image.norm(image.get_array()))
    assert below.tolist() == zero.tolist() == [1, 1, 1, 1]
    assert limit.tolist() == above.tolist() and limit[:3].sum() < 1
    plt.close(figure)
