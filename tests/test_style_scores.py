"""Tables of scores: white at 0 and below, darkest at the limit and above."""

import numpy as np

from twostage.style import BLUES, REDS, plot_scores


def test_scores_run_from_white_to_their_limit(ax):
    assert plot_scores(ax, np.array([[-1.0, 0.0], [2.0, 3.0]]), 2.0) is ax
    (image,) = ax.images
    assert image.get_array().tolist() == [[-1, 0], [2, 3]]
    (below, zero), (limit, above) = image.cmap(image.norm(image.get_array()))
    assert below.tolist() == zero.tolist() == [1, 1, 1, 1]
    assert limit.tolist() == above.tolist() and limit[:3].sum() < 1
    assert image.cmap == BLUES and (image.norm.vmin, image.norm.vmax) == (0, 2)
    assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0
    assert all(spine.get_visible() for spine in ax.spines.values())


def test_attention_is_drawn_in_its_own_colours(ax):
    plot_scores(ax, np.eye(2), 1.0, REDS)
    assert ax.images[0].cmap == REDS
