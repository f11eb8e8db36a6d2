"""The register of claims as a picture: each measured claim of a lesson with its interval, its floor and its verdict."""

from __future__ import annotations

from textwrap import wrap
from typing import NamedTuple

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
WIDE = 46  # characters of a sentence in one line
ROW, LINE, GAP, FOOT = 0.24, 0.19, 0.2, 0.6  # inches: a claim, a line of its sentence, between sentences, the axis


def plot_claims(lesson: str, table: pd.DataFrame | None = None) -> Figure:
    """The measured claims of a lesson ("06"): estimate and 95 % interval beside the sentence, one panel a unit.

    Claims that share a sentence stand below one another; computed ones are left out. The grey line is the floor, a green band
    the margin of an "equal". The verdict is after Holm's correction, so an interval beside the floor may still be "not
    shown". ``table`` is `claims.read_claims()`, unless given.

    >>> plot_claims("06").axes[0].get_xlabel()
    'points, 95 % interval'
    """
    table = read_claims() if table is None else table
    rows = table[(table.lesson == lesson) & (table.kind != "computed")]
    if rows.empty:
        raise ValueError(f"Lesson {lesson!r} has no measured claim; lessons with some are {sorted(set(table.lesson))}.")
    panels = [(unit, _blocks(part)) for unit, part in rows.groupby("unit", sort=False)]
    heights = [sum(block.height for block in blocks) for _, blocks in panels]
    total = sum(heights) + FOOT * len(panels)
    figure = Figure(figsize=(9.5, total + 0.4), layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=[height + FOOT for height in heights])[:, 0]
    for ax, (unit, blocks), height in zip(axes, panels, heights, strict=True):
        _panel(ax, blocks, height)
        ax.set_xlabel(f"{unit}, 95 % interval", fontsize=11)
    found = [verdict for verdict in VERDICTS if verdict in set(rows.verdict)]
    handles = [Line2D([], [], linewidth=2.2, markersize=8, label=verdict, **VERDICTS[verdict]) for verdict in found]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(found), frameon=False, fontsize=11)
    return figure


class _Block(NamedTuple):
    """A sentence and the claims that share it."""

    lines: list[str]
    rows: pd.DataFrame

    @property
    def height(self) -> float:
        return max(LINE * len(self.lines), ROW * len(self.rows)) + GAP


def _blocks(rows: pd.DataFrame) -> list[_Block]:
    return [_Block(_lines(sentence), part) for sentence, part in rows.groupby("sentence", sort=False)]


def _lines(sentence: str) -> list[str]:
    """As few lines as may be, of even length.

    >>> _lines("on whole inputs sign, obstacle, command and action stay within a point")
    ['On whole inputs sign, obstacle,', 'command and action stay within a point']
    """
    said = sentence[0].upper() + sentence[1:] if sentence[0].isascii() else sentence
    fewest = len(wrap(said, WIDE))
    return wrap(said, next(width for width in range(1, WIDE + 1) if len(wrap(said, width)) == fewest))


def _panel(ax: Axes, blocks: list[_Block], height: float) -> None:
    """The claims of one unit; the y axis is in inches from the top."""
    top, middles = 0.0, []
    floors = set(pd.concat([block.rows.floor for block in blocks]))
    one_floor = len(floors) == 1
    if one_floor:
        ax.axvline(*floors, color="#808080", linewidth=1.2)
    for block in blocks:
        middle = top + block.height / 2
        middles.append(middle)
        for place, row in enumerate(block.rows.itertuples()):
            y, style = middle + ROW * (place - (len(block.rows) - 1) / 2), VERDICTS[row.verdict]
            if row.kind == "equal":
                low, high = row.floor - row.margin, row.floor + row.margin
                ax.fill_betweenx([y - ROW / 2, y + ROW / 2], low, high, color="#009E73", alpha=0.15, linewidth=0)
            if not one_floor:
                ax.plot([row.floor] * 2, [y - ROW / 2, y + ROW / 2], color="#808080", linewidth=1.2)
            ax.plot([row.low, row.high], [y, y], color=style["color"], linewidth=2.2)
            ax.plot(row.estimate, y, markersize=7, **style)
        top += block.height
    ax.set(yticks=middles, yticklabels=["\n".join(block.lines) for block in blocks], ylim=(height, 0))
    ax.tick_params(axis="y", length=0, labelsize=10.5)
    ax.spines[["top", "right", "left"]].set_visible(False)
