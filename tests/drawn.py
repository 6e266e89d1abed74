"""What stands on an axis, read back: curves, dots, intervals and images with colour and label."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex


class Curve(NamedTuple):
    """A line, or dots: label ('' if it has none), colour, style ('-', '--', ':', 'o'), points."""

    label: str
    color: str
    style: str
    x: list[float]
    y: list[float]


def curves(ax: Axes) -> list[Curve]:
    """All lines of an axis in the order in which they were drawn."""
    found = []
    for line in ax.lines:
        style = line.get_linestyle() if line.get_linestyle() != "None" else line.get_marker()
        label = "" if line.get_label().startswith("_") else line.get_label()
        x, y = (np.asarray(values, float).tolist() for values in line.get_data())
        found.append(Curve(label, to_hex(line.get_color()).upper(), style, x, y))
    return found


def bars(ax: Axes, nth: int = 0) -> tuple[list, list[str], bool]:
    """Segments ((x, y), (x, y)) of the nth call of `vlines` or `hlines`, colours, dashed or not."""
    lines = [each for each in ax.collections if isinstance(each, LineCollection)][nth]
    segments = [[tuple(map(float, point)) for point in each] for each in lines.get_segments()]
    dashed = lines.get_linestyle()[0][1] is not None
    return segments, [to_hex(color).upper() for color in lines.get_color()], dashed


def dots(ax: Axes) -> tuple[list, list[str], str]:
    """Points (x, y), colours and label of what `scatter` drew."""
    (found,) = [each for each in ax.collections if isinstance(each, PathCollection)]
    places = [tuple(map(float, point)) for point in found.get_offsets()]
    return places, [to_hex(color).upper() for color in found.get_facecolor()], found.get_label()


def rows(ax: Axes) -> dict[str, float]:
    """Labels of the vertical axis and where they stand."""
    return {label.get_text(): float(label.get_position()[1]) for label in ax.get_yticklabels()}


def columns(ax: Axes) -> dict[str, float]:
    """Labels of the horizontal axis and where they stand."""
    return {label.get_text(): float(label.get_position()[0]) for label in ax.get_xticklabels()}


def legend(ax: Axes) -> list[str]:
    """What the legend says, from the top."""
    return [text.get_text() for text in ax.get_legend().get_texts()]
