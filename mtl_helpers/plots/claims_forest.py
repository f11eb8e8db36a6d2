"""The register of claims as a picture: each measured claim of a lesson with its interval, its floor and its verdict."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mtl_helpers.claims import read_claims
from mtl_helpers.plots.figure import Figure

# Colour and shape, so that either alone tells them apart; what is not shown is hollow.
VERDICTS = {
    "shown": {"color": "#0072B2", "marker": "o"},
    "equivalent": {"color": "#009E73", "marker": "s"},
    "not shown": {"color": "#777777", "marker": "D", "markerfacecolor": "white"},
    "opposite shown": {"color": "#D55E00", "marker": "X"},
}
ROW, HEAD = 0.36, 0.75  # inches


def plot_claims(lesson: str, table: pd.DataFrame | None = None) -> Figure:
    """A row a claim of the lesson ("06"): estimate and 95 % interval, one panel a unit; computed claims are left out.

    The grey line is the floor, a green band the margin of an "equal". The verdict is after Holm's correction, so an interval
    beside the floor may still be "not shown". ``table`` is `claims.read_claims()`, unless given.

    >>> plot_claims("06").axes[0].get_xlabel()[:6]
    'points'
    """
    table = read_claims() if table is None else table
    rows = table[(table.lesson == lesson) & (table.kind != "computed")]
    if rows.empty:
        raise ValueError(f"Lesson {lesson!r} has no measured claim; lessons with some are {sorted(set(table.lesson))}.")
    panels = list(rows.groupby("unit", sort=False))
    heights = [len(part) + HEAD / ROW for _, part in panels]
    figure = Figure(figsize=(9, ROW * sum(heights) + 0.5), layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for ax, (unit, part) in zip(axes, panels, strict=True):
        _panel(ax, part)
        ax.set_xlabel(f"{unit}, 95 % interval", fontsize=11)
    found = [verdict for verdict in VERDICTS if verdict in set(rows.verdict)]
    handles = [Line2D([], [], linewidth=2.2, markersize=8, label=verdict, **VERDICTS[verdict]) for verdict in found]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(found), frameon=False, fontsize=11)
    return figure


def _panel(ax: Axes, rows: pd.DataFrame) -> None:
    """The rows of one unit."""
    for place, (_, row) in enumerate(rows.iterrows()):
        style = VERDICTS[row.verdict]
        if row.kind == "equal":
            low, high = row.floor - row.margin, row.floor + row.margin
            ax.fill_betweenx([place - 0.4, place + 0.4], low, high, color="#009E73", alpha=0.15, linewidth=0)
        ax.plot([row.floor] * 2, [place - 0.5, place + 0.5], color="#808080", linewidth=1.2)
        ax.plot([row.low, row.high], [place, place], color=style["color"], linewidth=2.2)
        ax.plot(row.estimate, place, markersize=8, **style)
    names = [name.partition("-")[2].replace("-", " ") for name in rows.index]
    ax.set(yticks=range(len(rows)), yticklabels=names, ylim=(len(rows) - 0.5, -0.5))
    ax.tick_params(axis="y", length=0, labelsize=11)
    ax.spines[["top", "right", "left"]].set_visible(False)
