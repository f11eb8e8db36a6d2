"""The numbers behind a figure, read back from what is drawn: for whoever reads rather than looks."""

from __future__ import annotations

import math
from typing import Any

import matplotlib.figure
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.category import StrCategoryFormatter as Named
from matplotlib.collections import PathCollection
from matplotlib.container import BarContainer
from matplotlib.ticker import FixedFormatter, FuncFormatter

ROWS = 10  # of one curve, or of one cloud of points


def figure_numbers(figure: matplotlib.figure.Figure) -> list[dict[str, Any]]:
    """A table for each panel that shows any numbers: ``title``, ``heads`` and ``rows`` of texts and numbers.

    Of a long curve ten points are given, evenly spread, its two ends included; of a coloured grid ten rows and columns.

    >>> from mtl_helpers.plots.figure import Figure
    >>> figure = Figure()
    >>> _ = figure.subplots().plot([1, 2], [0.5, 0.25], label="topic")
    >>> figure_numbers(figure)
    [{'title': 'panel 1', 'heads': ['', 'x', 'y'], 'rows': [['topic', 1.0, 0.5], ['topic', 2.0, 0.25]]}]
    """
    tables = []
    for number, ax in enumerate(figure.axes, start=1):
        title = ax.get_title() or ax.get_title("left") or f"panel {number}"
        heads = ["", ax.get_xlabel() or "x", ax.get_ylabel() or "y"]
        rows = [*_lines(ax), *_bars(ax), *_clouds(ax)]
        if rows:
            tables.append({"title": title, "heads": heads, "rows": rows})
        tables += [_grid(image.get_array(), title) for image in ax.get_images()]
    return tables


def _lines(ax: Axes) -> list[list[Any]]:
    """Points of curves; a guide, which crosses the whole panel, is none."""
    rows = []
    for line in ax.get_lines():
        if line.get_transform() == ax.transData:
            x, y = np.asarray(line.get_xdata(), object), np.asarray(line.get_ydata(), object)
            rows += [_row(ax, line.get_label(), x[i], y[i]) for i in _spread(len(x))]
    return rows


def _bars(ax: Axes) -> list[list[Any]]:
    rows = []
    for bars in ax.containers:
        if isinstance(bars, BarContainer):
            upright = bars.orientation == "vertical"
            boxes = [bar.get_bbox() for bar in bars.patches]
            ends = [((b.x0 + b.x1) / 2, b.y1) if upright else (b.x1, (b.y0 + b.y1) / 2) for b in boxes]
            rows += [_row(ax, str(bars.get_label()), *end) for end in ends]
    return rows


def _clouds(ax: Axes) -> list[list[Any]]:
    rows = []
    for cloud in ax.collections:
        if isinstance(cloud, PathCollection):
            points = np.ma.filled(np.ma.asarray(cloud.get_offsets(), float), math.nan)
            rows += [_row(ax, str(cloud.get_label()), *points[i]) for i in _spread(len(points))]
    return [row for row in rows if row[1:] != [None, None]]


def _row(ax: Axes, label: str, x: Any, y: Any) -> list[Any]:
    """Matplotlib's own names begin with an underscore."""
    return ["" if label.startswith("_") else label, _said(ax.xaxis, x), _said(ax.yaxis, y)]


def _said(axis: Axis, value: Any) -> Any:
    """A number, or the word that stands at it."""
    value = _plain(value)
    if not isinstance(value, float) or not isinstance(
        axis.get_major_formatter(), (FixedFormatter, FuncFormatter, Named)
    ):
        return value
    places = np.asarray(axis.get_majorticklocs(), float)
    words = dict(zip(places.round(6).tolist(), axis.get_major_formatter().format_ticks(places), strict=True))
    word = words.get(round(value, 6), "")
    return word if any(letter.isalpha() for letter in word) else value


def _grid(values: Any, title: str) -> dict[str, Any]:
    values = np.ma.filled(np.ma.asarray(values, float), math.nan)
    values = values.mean(axis=2) if values.ndim == 3 else values  # a picture: its brightness
    down, across = (_spread(size) for size in values.shape)
    rows = [[row + 1, *(_plain(values[row, column]) for column in across)] for row in down]
    return {"title": title, "heads": ["row", *(f"column {column + 1}" for column in across)], "rows": rows}


def _spread(size: int) -> list[int]:
    return sorted(set(np.linspace(0, size - 1, min(size, ROWS)).round().astype(int).tolist()))


def _plain(value: Any) -> Any:
    """As JSON knows it: a number, None for nan, any other thing as text."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return number if math.isfinite(number) else None
