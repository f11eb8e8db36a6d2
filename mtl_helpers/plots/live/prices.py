"""What each way of having many tasks weighs, by their number, and how such numbers are said."""

from __future__ import annotations

import math

import numpy as np

from mtl_helpers.models.sizes import Architecture, break_even, ways
from mtl_helpers.plots.figure import Figure

LINES = (("#0072B2", "-"), ("#D55E00", "--"), ("#009E73", "-."), ("#777777", ":"))  # a way each


def plot_prices(large: Architecture, small: Architecture, rank: int, tasks: int, *, most: int) -> Figure:
    """GB to keep by number of tasks up to ``most``, a line a way; a thin line at ``tasks``, a dot where the large one pays."""
    figure = Figure(figsize=(8.4, 3.2), layout="constrained", dpi=100)
    ax = figure.subplots()
    counts = np.unique(np.geomspace(1, most, 40).astype(int))
    by_count = [[(way.name, way.gb_kept) for way in ways(large, small, int(n), rank)] for n in counts]
    for line, (color, style) in zip(list(zip(*by_count, strict=True))[:3], LINES, strict=False):
        ax.plot(counts, [gb for _, gb in line], style, color=color, label=line[0][0])
    ax.axvline(tasks, color="#999999", linewidth=0.8)
    point = break_even(large, small, rank)
    if point is not None and point <= most:
        place = (point, 2 * point * small.parameters / 1e9)
        ax.plot(*place, "o", color="black")
        ax.annotate(f"from {point} tasks", place, (6, -14), textcoords="offset points", fontsize=9)
    ticks = [1, 2, 4, 8, 16, 32, 64]
    ax.set_xscale("log", base=2)
    ax.set_xticks(ticks, map(str, ticks))
    ax.set(yscale="log", xlabel="tasks", ylabel="GB to keep", xlim=(1, most))
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def short(number: float) -> str:
    """A number of parameters as one says it.

    >>> short(22713216), short(174.6e9), short(3080)
    ('22.7 M', '175 G', '3.08 k')
    """
    for factor, unit in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= factor:
            return _three(number / factor) + unit
    return f"{number:g}"


def gigabytes(gb: float) -> str:
    """GB with three digits.

    >>> gigabytes(0.04543), gigabytes(349.2), gigabytes(5587)
    ('0.0454 GB', '349 GB', '5,587 GB')
    """
    return f"{_three(gb)} GB"


def _three(number: float) -> str:
    digits = max(0, 2 - math.floor(math.log10(number))) if number > 0 else 0
    return f"{number:,.{digits}f}"
