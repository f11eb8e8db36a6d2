"""Changes with their intervals: what each arm gains or loses against the single-task model."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from mtl_helpers.plots.figure import Figure

_CLEAR, _UNCLEAR = "#0072B2", "#777777"


def plot_changes(
    tables: dict[str, pd.DataFrame],
    *,
    scale: float = 100,
    title: str = "",
    label: str = "change against the single-task model, points of accuracy",
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """A row an arm: the mean change, times ``scale``, and its interval; one panel a table, by its name.

    The tables have an arm as index and columns ``change, low, high``, as `evaluation.paired_changes` gives them. An interval
    that does not reach zero is drawn solid and blue, one that does grey and hollow, and so is one change without an interval;
    of an arm with nan only the name is drawn. A column ``each``, the changes of the single runs, adds a dot for each of
    them. Into ``axes``, one a table, if they are given; ``title`` and ``label`` are then left to the caller.
    """
    if not tables or any(table.empty for table in tables.values()):
        raise ValueError(f"There is nothing to draw: {list(tables) or 'no table'} holds no arm.")
    longest = max(len(table) for table in tables.values())
    if axes is None:
        figure = Figure(figsize=(8.2, 0.34 * longest + 1.15), layout="constrained")
        axes = figure.subplots(1, len(tables), sharex=True, squeeze=False)[0]
        figure.supxlabel(label, fontsize=9)
        if title:
            figure.suptitle(title, fontsize=11)
    for ax, (name, table) in zip(axes, tables.items(), strict=True):
        ax.axvline(0, color="#808080", linewidth=1)
        for place, row in enumerate(table.itertuples()):
            clear = row.low < row.high and (row.low > 0 or row.high < 0)
            colour, face = (_CLEAR, _CLEAR) if clear else (_UNCLEAR, "white")
            each = [scale * value for value in getattr(row, "each", [])]
            ax.scatter(each, [place + 0.22] * len(each), 9, color=colour, alpha=0.45, linewidth=0)
            ax.plot([scale * row.low, scale * row.high], [place, place], color=colour, linewidth=2.4 if clear else 1.6)
            ax.plot(scale * row.change, place, "o", color=colour, markerfacecolor=face, markersize=6)
        ax.set(yticks=range(len(table)), yticklabels=table.index, ylim=(longest - 0.5, -0.5))
        ax.set_title(name, fontsize=10)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.tick_params(axis="y", length=0)
    return axes[0].figure
