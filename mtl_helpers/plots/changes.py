"""Changes with their intervals: what each arm gains or loses against the single-task model."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from mtl_helpers.plots.figures import smooth, task_styles

_CLEAR, _UNCLEAR = "#0072B2", "#777777"


def plot_changes(
    tables: dict[str, pd.DataFrame],
    *,
    title: str = "",
    label: str = "change against the single-task model, points of accuracy",
) -> Figure:
    """A row an arm: the mean change, times 100, and its interval; one panel a table, by its name.

    The tables have an arm as index and columns ``change, low, high``, as `evaluation.paired_changes` gives them. An interval
    that does not reach zero is drawn solid and blue, one that does grey and hollow.
    """
    if not tables or any(table.empty for table in tables.values()):
        raise ValueError(f"There is nothing to draw: {list(tables) or 'no table'} holds no arm.")
    longest = max(len(table) for table in tables.values())
    figure, axes = plt.subplots(
        1,
        len(tables),
        figsize=(8.2, 0.34 * longest + 1.15),
        sharex=True,
        layout="constrained",
        squeeze=False,
    )
    for ax, (name, table) in zip(axes[0], tables.items(), strict=True):
        ax.axvline(0, color="#444444", linewidth=1)
        for place, row in enumerate(table.itertuples()):
            clear = row.low > 0 or row.high < 0
            colour, face = (_CLEAR, _CLEAR) if clear else (_UNCLEAR, "white")
            ax.plot([100 * row.low, 100 * row.high], [place, place], color=colour, linewidth=2.4 if clear else 1.6)
            ax.plot(100 * row.change, place, "o", color=colour, markerfacecolor=face, markersize=6)
        ax.set(yticks=range(len(table)), yticklabels=table.index, ylim=(longest - 0.5, -0.5))
        ax.set_title(name, fontsize=10)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.tick_params(axis="y", length=0)
    figure.supxlabel(label, fontsize=9)
    if title:
        figure.suptitle(title, fontsize=11)
    plt.close(figure)
    return figure


def plot_cosines(cosines: pd.DataFrame, *, title: str = "", window: int = 8) -> Figure:
    """Gradient cosines over training: index step, a column for each other task; thin as measured, thick their running mean."""
    if cosines.empty:
        raise ValueError("There is nothing to draw: the table holds no cosine.")
    figure, ax = plt.subplots(figsize=(7.5, 2.9), layout="constrained")
    for name, style in task_styles(cosines.columns).items():
        ax.plot(cosines.index, cosines[name], color=style["color"], linewidth=0.7, alpha=0.35)
        ax.plot(cosines.index, smooth(cosines[name], window), label=name, linewidth=2, **style)
    ax.axhline(0, color="#444444", linewidth=1)
    ax.set(xlabel="step", ylabel="gradient cosine\nwith sentiment", title=title)
    ax.legend(frameon=False, ncols=2)
    ax.spines[["top", "right"]].set_visible(False)
    plt.close(figure)
    return figure
