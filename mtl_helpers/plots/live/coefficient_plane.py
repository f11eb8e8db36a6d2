"""What two LoRAs give when they are merged with a coefficient each: the plane of the coefficients, and of the scores."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from mtl_helpers.evaluation import pareto_front
from mtl_helpers.plots.figure import Figure
from mtl_helpers.plots.fronts import plot_front
from mtl_helpers.plots.styles import ink_on, task_styles

_MEAN = LinearSegmentedColormap.from_list("mean", ["#E8EEF4", "#08519C"])


def plot_merge(
    plane: pd.DataFrame,
    chosen: tuple[float, float],
    *,
    separate: Mapping[str, float],
    beside: Mapping[str, pd.DataFrame],
) -> Figure:
    """Left the coefficients, coloured by the mean of both scores, the Pareto front framed; right the scores themselves.

    ``plane`` has a row a pair of coefficients (its index) and a column for each of the two tasks; ``chosen`` is one of its
    rows. ``separate`` are the scores of one adapter per task, drawn as lines, and ``beside`` other models by name, a frame of
    scores each.
    """
    figure = Figure(figsize=(9.6, 4.1), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.05])
    _draw_plane(left, plane, chosen)
    names = tuple(plane.columns)
    plot_front(plane, names, ax=right, single=separate)
    for (name, scores), (marker, colour) in zip(beside.items(), (("D", "#D55E00"), ("^", "#009E73")), strict=False):
        right.plot(*scores[list(names)].to_numpy().T, marker, color=colour, markersize=8, label=name, zorder=4)
    x, y = plane.loc[chosen]
    right.scatter(x, y, 210, facecolor="none", edgecolor="black", linewidth=2, zorder=6, label="chosen")
    right.set(xlabel=f"{names[0]}: accuracy", ylabel=f"{names[1]}: accuracy")
    right.legend(frameon=False, fontsize=9, loc="lower left")
    return figure


def _draw_plane(ax: Axes, plane: pd.DataFrame, chosen: tuple[float, float]) -> None:
    (first, second), mean = plane.columns, plane.mean(axis=1)
    steps = sorted(set(plane.index.get_level_values(0)))
    share = (mean - mean.min()) / max(mean.max() - mean.min(), 1e-9)
    front = plane.index[pareto_front(plane)]
    for (a, b), scores in plane.iterrows():
        at = (steps.index(a), steps.index(b))
        ground = _MEAN(share[a, b])
        ax.add_patch(Rectangle((at[0] - 0.5, at[1] - 0.5), 1, 1, facecolor=ground, linewidth=0))
        ink = ink_on(ground)
        said = f"{100 * scores[first]:.0f}\n{100 * scores[second]:.0f}"
        ax.text(*at, said, ha="center", va="center", color=ink, fontsize=9, linespacing=1.05)
        if (a, b) in front:
            for edge, width in (
                (ink, 4.4),
                ("#E69F00", 2.2),
            ):  # the orange alone has too little contrast on a light cell
                ax.add_patch(
                    Rectangle((at[0] - 0.45, at[1] - 0.45), 0.9, 0.9, fill=False, edgecolor=edge, linewidth=width)
                )
    at, ring = [steps.index(value) for value in chosen], ink_on(_MEAN(share[chosen]))
    ax.plot(*at, "o", markersize=30, markerfacecolor="none", markeredgecolor=ring, markeredgewidth=2)
    ax.set(xlim=(-0.5, len(steps) - 0.5), ylim=(-0.5, len(steps) - 0.5), aspect="equal")
    ticks = [f"{step:g}" for step in steps]
    ax.set_xticks(range(len(steps)), ticks)
    ax.set_yticks(range(len(steps)), ticks)
    for axis, name in ((ax.xaxis, first), (ax.yaxis, second)):
        axis.set_label_text(f"coefficient of {name}", color=task_styles([name])[name]["color"])
    ax.set_title(f"% right: {first} above {second}", fontsize=10)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
