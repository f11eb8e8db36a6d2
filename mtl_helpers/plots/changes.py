"""Changes with their intervals: what each arm gains or loses against the single-task model."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mtl_helpers.plots.figure import Figure

_CLEAR, _UNCLEAR = "#0072B2", "#777777"
_GROUPS = ("#0072B2", "#D55E00", "#009E73")


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


def plot_runs(
    runs: pd.DataFrame,
    columns: dict[str, str],
    *,
    by: str = "",
    marks: dict[str, float] | None = None,
    title: str = "",
) -> Figure:
    """A row an arm, a dot a run, a bar their mean; a panel for each of ``columns``, named by its label.

    ``runs`` has the arms as index, in the order in which they first come. ``by`` is a column of at most three groups, such as
    the optimiser: they stand below one another in the arm's row, in a colour and marker each. ``marks`` are places, by label,
    of a line for what an uninformed answer gets.
    """
    if runs.empty:
        raise ValueError("There is nothing to draw: the table holds no run.")
    arms = list(dict.fromkeys(runs.index))
    groups = list(dict.fromkeys(runs[by])) if by else [""]
    if len(groups) > len(_GROUPS):
        raise ValueError(f"A figure can tell {len(_GROUPS)} groups apart; '{by}' has {groups}.")
    height = (0.3 + 0.16 * len(groups)) * len(arms) + 1.1
    figure = Figure(figsize=(max(5.6, 1.4 + 3.3 * len(columns)), height), layout="constrained")
    axes = figure.subplots(1, len(columns), sharey=True, squeeze=False)[0]
    for ax, (label, column) in zip(axes, columns.items(), strict=True):
        if label in (marks or {}):
            ax.axvline(marks[label], color="#808080", linewidth=1, linestyle=(0, (4, 2)))
        for number, group in enumerate(groups):
            for place, arm in enumerate(arms):
                rows = runs.loc[[arm]]
                values = (rows[rows[by] == group] if by else rows)[column].dropna()
                y, colour = place + 0.28 * (number - (len(groups) - 1) / 2), _GROUPS[number]
                ax.plot(values, [y] * len(values), "os^"[number], color=colour, alpha=0.45, markersize=5, linewidth=0)
                ax.plot([values.mean()] * 2, [y - 0.12, y + 0.12], color=colour, linewidth=3)
        ax.set_xlabel(label, fontsize=9)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.tick_params(axis="y", length=0)
    axes[0].set(yticks=range(len(arms)), yticklabels=arms, ylim=(len(arms) - 0.5, -0.5))
    if by:
        handles = [Line2D([], [], color=_GROUPS[i], marker="os^"[i], linewidth=0) for i in range(len(groups))]
        axes[-1].legend(handles, groups, frameon=False, fontsize=9, loc="best")
    figure.suptitle(title, fontsize=11)
    return figure
