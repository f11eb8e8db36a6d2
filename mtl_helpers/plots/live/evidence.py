"""The rows behind a claim of the article as a forest plot, each read as for the claim, against it, or neither."""

from __future__ import annotations

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mtl_helpers.claims.article import ArticleClaim, Evidence, judge_claim
from mtl_helpers.claims.article.rule import IN_POINTS, Reading
from mtl_helpers.plots.figure import Figure

# Colour and shape, so that either alone tells them apart; what is unclear is hollow.
READINGS = {
    "supports": {"color": "#0072B2", "marker": "o"},
    "contradicts": {"color": "#D55E00", "marker": "X"},
    "unclear": {"color": "#777777", "marker": "D", "markerfacecolor": "white"},
}
ROW, HEAD = 0.34, 0.9  # inches


def plot_evidence(claim: ArticleClaim, register: pd.DataFrame, threshold: float = 0.0) -> Figure:
    """A row of the register a line: estimate and 95 % interval, one panel a unit.

    The grey line is what the row is held against. The pale blue is where the article puts it, from ``threshold`` on.

    >>> from mtl_helpers.claims import read_claims
    >>> from mtl_helpers.claims.article import ARTICLE_CLAIMS
    >>> plot_evidence(next(c for c in ARTICLE_CLAIMS if c.id == "driving"), read_claims()).axes[0].get_xlabel()
    'points'
    """
    readings = judge_claim(claim, register, threshold).readings
    units: dict[str, list[Evidence]] = {}
    for one in claim.evidence:
        units.setdefault(register.loc[one.row].unit, []).append(one)
    heights = [len(part) + HEAD / ROW for part in units.values()] or [3]
    figure = Figure(figsize=(8.6, ROW * sum(heights) + 0.4), layout="constrained", dpi=100)
    axes = figure.subplots(max(1, len(units)), 1, squeeze=False, height_ratios=heights)[:, 0]
    if not units:
        axes[0].set_axis_off()
        said = textwrap.fill(f"Nothing is measured, because {claim.because}.", 80)
        axes[0].text(0.5, 0.5, said, ha="center", va="center", fontsize=11)
        return figure
    for ax, (unit, part) in zip(axes, units.items(), strict=True):
        _panel(ax, register, part, readings, threshold if unit in IN_POINTS else 0.0)
        ax.set_xlabel(unit)
    found = [name for name in READINGS if name in readings.values()]
    handles = [Line2D([], [], linewidth=2.2, markersize=8, label=name, **READINGS[name]) for name in found]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(found), frameon=False, fontsize=10)
    return figure


def _panel(
    ax: Axes, register: pd.DataFrame, part: list[Evidence], readings: dict[str, Reading], threshold: float
) -> None:
    """The rows of one unit."""
    rows = [register.loc[one.row] for one in part]
    floors = [row.floor for row in rows]
    ends = [*floors, *(row.low for row in rows), *(row.high for row in rows)]
    pad = 0.08 * (max(ends) - min(ends) or 1.0) + threshold
    left, right = min(ends) - pad, max(ends) + pad
    for place, (one, row, floor) in enumerate(zip(part, rows, floors, strict=True)):
        style = READINGS[readings[one.row]]
        span = (floor + threshold, right) if one.side == "above" else (left, floor - threshold)
        ax.fill_betweenx([place - 0.42, place + 0.42], *span, color="#56B4E9", alpha=0.16, linewidth=0)
        ax.plot([floor] * 2, [place - 0.5, place + 0.5], color="#808080", linewidth=1.2)
        ax.plot([row.low, row.high], [place, place], color=style["color"], linewidth=2.2)
        ax.plot(row.estimate, place, markersize=8, **style)
    ax.set(yticks=range(len(rows)), yticklabels=[one.row for one in part], ylim=(len(rows) - 0.5, -0.5))
    ax.set_xlim(left, right)
    ax.tick_params(axis="y", length=0, labelsize=10)
    ax.spines[["top", "right", "left"]].set_visible(False)
