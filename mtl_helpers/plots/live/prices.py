"""What each way of having many tasks weighs and costs, by their number, and how such numbers are said."""

from __future__ import annotations

import math

import numpy as np

from mtl_helpers.models.sizes import Architecture, break_even, ways
from mtl_helpers.plots.figure import Figure

LINES = (("#0072B2", "-"), ("#D55E00", "--"), ("#009E73", "-."), ("#777777", ":"))  # a way each


def plot_prices(
    large: Architecture, small: Architecture, rank: int, tasks: int, *, most: int, rate: float, tflops: float
) -> Figure:
    """By number of tasks GB to keep, and dollars for a million texts that all tasks answer; a line a way.

    A thin line stands at ``tasks``, and a dot where the large model becomes the smaller one: the axis reaches to ``most``, or
    as far as that dot.
    """
    figure = Figure(figsize=(9.6, 3.5), layout="constrained", dpi=100)
    panels = figure.subplots(1, 2)
    point = break_even(large, small, rank)
    end = max(most, 2 ** math.ceil(math.log2(1.5 * point))) if point else most
    counts = np.unique(np.geomspace(1, end, 60).astype(int))
    by_count = [ways(large, small, int(n), rank) for n in counts]
    for line, style, width in zip(zip(*by_count, strict=True), LINES, (2, 2, 4, 2), strict=True):
        color, dashes = style
        looks = {"color": color, "linestyle": dashes, "linewidth": width, "alpha": 0.5 if width == 4 else 1}
        panels[0].plot(counts, [way.gb_kept for way in line], label=line[0].name, **looks)
        panels[1].plot(counts, [way.dollars(rate, tflops=tflops) for way in line], **looks)
    if point is not None:
        place = (point, 2 * point * small.parameters / 1e9)
        panels[0].plot(*place, "o", color="black", markersize=8, zorder=5)
        panels[0].annotate(f"from {point:,} tasks", place, (-8, 8), textcoords="offset points", ha="right", fontsize=10)
    powers = range(0, math.ceil(math.log2(end)) + 1, 1 if end <= 64 else 3)
    for ax, said in zip(panels, ("GB to keep", "dollars, a million texts"), strict=True):
        ax.axvline(tasks, color="#999999", linewidth=0.8)
        ax.set_xscale("log", base=2)
        ax.set_xticks([2**power for power in powers], [f"{2**power:,}" for power in powers])
        ax.set(yscale="log", xlabel="tasks", ylabel=said, xlim=(1, end))
        ax.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, fontsize=9, loc="outside upper center", ncols=2)
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


def dollars(amount: float) -> str:
    """Dollars with three digits.

    >>> dollars(0.06041), dollars(1234.5)
    ('$0.0604', '$1,234')
    """
    return f"${_three(amount)}"


def _three(number: float) -> str:
    digits = max(0, 2 - math.floor(math.log10(number))) if number > 0 else 0
    return f"{number:,.{digits}f}"
