"""The decision chart: questions from top to bottom, to the right of each what to do if the answer is yes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from mtl_helpers.claims.article.decisions import DECISIONS, Branch
from mtl_helpers.plots.figure import Figure

QUESTION, ADVICE = 2.9, 6.0  # widths of the boxes, in inches
GAP, STEP, HIGH = 0.9, 1.2, 0.92  # between the columns, from branch to branch, and of a box


def draw_decisions(branches: Sequence[Branch] = DECISIONS) -> Figure:
    """A branch a row: the question, what to do, and the ids of its rows; evidence that is thin has a dashed orange frame.

    >>> len(draw_decisions().axes)
    1
    """
    width, height = QUESTION + GAP + ADVICE, STEP * len(branches) + 0.3
    figure = Figure(figsize=(width, height), dpi=100)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.set_axis_off()
    for number, branch in enumerate(branches):
        top = 0.1 + STEP * number
        _branch(ax, branch, top, last=number == len(branches) - 1)
    return figure


def _branch(ax: Axes, branch: Branch, top: float, *, last: bool) -> None:
    middle, left = top + HIGH / 2, QUESTION + GAP
    thin = {"edgecolor": "#D55E00", "linestyle": "--"} if branch.thin else {"edgecolor": "#0072B2", "linestyle": "-"}
    _box(ax, 0.1, top, QUESTION - 0.1, facecolor="#f2f2f2", edgecolor="#777777", linestyle="-")
    _box(ax, left, top, ADVICE - 0.1, facecolor="white", **thin)
    ax.text(0.25, middle, textwrap.fill(branch.question, 29), va="center", fontsize=11, color="#111111")
    said = textwrap.fill(branch.advice, 74)
    rests = textwrap.fill(", ".join(branch.rows) + (f" (thin: {branch.thin})" if branch.thin else ""), 92)
    ax.text(left + 0.12, top + 0.08, said, va="top", fontsize=10.5, color="#111111")
    ax.text(left + 0.12, top + HIGH - 0.07, rests, va="bottom", fontsize=8.5, color="#555555")
    arrow = {"arrowstyle": "-|>", "color": "#555555", "linewidth": 1.4}
    ax.annotate("", (left, middle), (QUESTION, middle), arrowprops=arrow)
    ax.text(QUESTION + GAP / 2, middle - 0.06, "yes", ha="center", va="bottom", fontsize=10)
    if not last:
        ax.annotate("", (QUESTION / 2, top + STEP), (QUESTION / 2, top + HIGH), arrowprops=arrow)
        ax.text(QUESTION / 2 + 0.1, top + (HIGH + STEP) / 2, "no, or done", va="center", fontsize=9)


def _box(ax: Axes, left: float, top: float, width: float, **style: str) -> None:
    box = FancyBboxPatch((left, top), width, HIGH, boxstyle="round,pad=0,rounding_size=0.08", linewidth=1.5, **style)
    ax.add_patch(box)
