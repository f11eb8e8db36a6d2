"""The scores of a table's tasks, way by way, with their intervals: one panel a task."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from mtl_helpers.plots.figure import Figure

# Colour and shape, so that either alone tells them apart; what learns nothing of the text is grey and hollow.
_LOOKS = {
    "floor": {"color": "#777777", "marker": "D", "markerfacecolor": "white"},
    "linear": {"color": "#000000", "marker": "s"},
    "alone": {"color": "#0072B2", "marker": "o"},
    "shared": {"color": "#D55E00", "marker": "^"},
    "conditioned": {"color": "#009E73", "marker": "v"},
    "MiniLM": {"color": "#CC79A7", "marker": "P"},
}


def plot_arm_scores(scores: pd.DataFrame, metrics: Mapping[str, str]) -> Figure:
    """A row an arm, from ``floor`` down: mean score over re-splits and its interval; a dotted line at the floor.

    ``scores`` has the index (task, arm) and columns ``score, low, high``; ``metrics`` says by task what a score is, and is
    written below its panel, such as "accuracy".

    >>> index = pd.MultiIndex.from_tuples([("mood", "floor"), ("mood", "linear")])
    >>> scores = pd.DataFrame({"score": [0.5, 0.8], "low": [0.5, 0.7], "high": [0.5, 0.9]}, index=index)
    >>> plot_arm_scores(scores, {"mood": "accuracy"}).axes[0].get_xlabel()
    'accuracy'
    """
    tasks = list(dict.fromkeys(scores.index.get_level_values(0)))
    longest = max(len(scores.loc[task]) for task in tasks)
    columns = min(len(tasks), 3)
    lines = -(-len(tasks) // columns)
    figure = Figure(figsize=(1.2 + 3.6 * columns, lines * (0.42 * longest + 1.1)), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for ax in axes[len(tasks) :]:
        ax.remove()
    for ax, task in zip(axes, tasks, strict=False):
        rows = scores.loc[task]
        for place, (arm, row) in enumerate(rows.iterrows()):
            look = _LOOKS.get(arm, {"color": "#000000", "marker": "o"})
            ax.plot([row.low, row.high], [place, place], color=look["color"], linewidth=2.4, solid_capstyle="butt")
            ax.plot(row.score, place, markersize=8, linestyle="none", **look)
        if "floor" in rows.index:
            ax.axvline(rows.score["floor"], color="#777777", linewidth=1.2, linestyle=":", zorder=0)
        first = ax in axes[::columns]
        ax.set(yticks=range(len(rows)), yticklabels=list(rows.index) if first else [], ylim=(longest - 0.5, -0.5))
        ax.set_title(task, fontsize=12)
        ax.set_xlabel(metrics[task], fontsize=11)
        ax.tick_params(axis="y", length=0, labelsize=11)
        ax.spines[["top", "right", "left"]].set_visible(False)
    return figure
