"""Texts as points in a plane, once by each of their labels, and which of them are nearest to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mtl_helpers.plots.figure import Figure
from mtl_helpers.plots.styles import COLOURS, numbered_marker


def class_looks(classes: Sequence[str]) -> dict[str, dict[str, str]]:
    """Colour and marker of each class, in their order.

    >>> class_looks(["negative", "positive"])["positive"]
    {'color': '#D55E00', 'marker': 's'}
    """
    return {kind: {"color": COLOURS[i], "marker": numbered_marker(i)} for i, kind in enumerate(classes)}


def plot_neighbours(
    points: np.ndarray,
    labels: Mapping[str, Sequence[str]],
    classes: Mapping[str, Sequence[str]],
    chosen: int,
    near: Sequence[int],
    *,
    titles: Mapping[str, str],
) -> Figure:
    """A panel a task: all texts at their ``points (n, 2)``, coloured and shaped by their label in it.

    ``labels`` are those of all texts by task, ``classes`` the classes of each task, and lines lead from the text ``chosen`` to
    those that are ``near`` it: nearest by all features, and so not always in the plane. ``titles`` stand above the panels.
    """
    figure = Figure(figsize=(9.6, 4.3), layout="constrained")
    axes = figure.subplots(1, len(labels), squeeze=False)[0]
    x, y = points.T
    for ax, (task, found) in zip(axes, labels.items(), strict=True):
        of = np.asarray(found)
        for kind, looks in class_looks(classes[task]).items():
            ax.scatter(x[of == kind], y[of == kind], 24, alpha=0.55, linewidth=0, label=kind, **looks)
        for other in near:
            ax.plot([x[chosen], x[other]], [y[chosen], y[other]], color="black", linewidth=1.2, zorder=3)
        around = {"facecolor": "none", "edgecolor": "black", "zorder": 4}
        ax.scatter(x[list(near)], y[list(near)], 90, label="its five nearest", **around)
        ax.scatter(
            x[chosen], y[chosen], 260, color="black", edgecolor="white", marker="*", zorder=5, label="the review"
        )
        ax.set(xticks=[], yticks=[])
        ax.set_title(titles[task], fontsize=11)
        ax.legend(frameon=False, fontsize=9, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.01))
        ax.spines[:].set_visible(False)
    return figure
