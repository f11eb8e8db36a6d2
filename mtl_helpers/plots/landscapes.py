"""Paths over the landscape of two losses, and the same paths in the space of the two losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.patches import Circle

from mtl_helpers.plots.figure import Figure
from mtl_helpers.plots.live.arrows import METHOD_STYLES
from mtl_helpers.plots.styles import numbered_marker, task_styles
from mtl_helpers.relations.landscape import CENTRE, ENDS, LANDSCAPE_TASKS, RADIUS, landscape_losses

VIEW = ((-2.4, 2.4), (-0.9, 3.1))  # of the parameters
LOSS_VIEW = ((-0.1, 3.0), (-0.1, 2.6))  # of the losses
BY_HAND = "by hand"
PATH_STYLES: dict[str, dict[str, Any]] = {
    BY_HAND: {"color": "#882255", "linestyle": "-"},
    **METHOD_STYLES,
}
PATH_MARKERS = {name: "*" if name == BY_HAND else numbered_marker(i) for i, name in enumerate(PATH_STYLES, -1)}
_LEVELS = np.arange(0.25, 4, 0.25)


def losses_at(points: np.ndarray) -> np.ndarray:
    """The landscape's two losses ``(..., 2)`` at points ``(..., 2)``."""
    return np.stack(landscape_losses(points[..., 0], points[..., 1]), axis=-1)


def landscape_front(n: int = 61) -> np.ndarray:
    """``n`` points ``(n, 2)`` of the Pareto front: the losses along the Pareto set, from its one end to the other."""
    return losses_at(np.linspace(*ENDS, n))


def landscape_contours(n: int = 97) -> dict[str, list[np.ndarray]]:
    """By task the lines of equal loss, each an array ``(points, 2)`` of parameters: 0.25, 0.5, 0.75, ...

    >>> lines = landscape_contours()["steep"]
    >>> bool(np.ptp(losses_at(lines[0])[:, 0]) < 0.01)
    True
    """
    x, y = np.meshgrid(*(np.linspace(low, high, n) for low, high in VIEW))
    losses, ax = losses_at(np.stack([x, y], axis=-1)), Figure().subplots()
    return {
        task.name: [line for lines in ax.contour(x, y, losses[..., i], _LEVELS).allsegs for line in lines if len(line)]
        for i, task in enumerate(LANDSCAPE_TASKS)
    }


def plot_landscape(paths: Mapping[str, np.ndarray], *, start: tuple[float, float] | None = None) -> Figure:
    """Draw paths ``(steps, 2)``, by method, over both losses' lines; beside it, where they lead in the losses.

    Black and thick: the Pareto set, and its image, the Pareto front. The shade is where the losses fight. ``start`` is marked.
    """
    figure = Figure(figsize=(9.6, 4.3), layout="constrained")
    plane, space = figure.subplots(1, 2)
    for name, style in task_styles([task.name for task in LANDSCAPE_TASKS]).items():
        for line in landscape_contours()[name]:
            plane.plot(*line.T, color=style["color"], linewidth=0.7, alpha=0.5)
    plane.add_patch(Circle(CENTRE, RADIUS, color="#999999", alpha=0.2, linewidth=0))
    plane.plot(*np.array(ENDS).T, color="black", linewidth=5, solid_capstyle="round", alpha=0.8)
    space.plot(*landscape_front().T, color="black", linewidth=5, alpha=0.8)
    for name, path in paths.items():
        width = 3.5 if name == BY_HAND else 2
        for ax, points in ((plane, path), (space, losses_at(path))):
            ax.plot(*points.T, **(PATH_STYLES[name] | {"linewidth": width, "label": name}))
            end = {"marker": PATH_MARKERS[name], "color": PATH_STYLES[name]["color"]}
            ax.plot(*points[-1], markersize=11, markeredgecolor="white", **end)
    if start is not None:
        for ax, point in ((plane, np.array(start)), (space, losses_at(np.array(start)))):
            ax.plot(*point, "o", markersize=12, markerfacecolor="none", markeredgecolor="black", markeredgewidth=2)
    first, second = (task.name for task in LANDSCAPE_TASKS)
    plane.set(xlim=VIEW[0], ylim=VIEW[1], aspect="equal", xlabel="θ₁", ylabel="θ₂", title="parameters")
    space.set(
        xlim=LOSS_VIEW[0], ylim=LOSS_VIEW[1], xlabel=f"loss of {first}", ylabel=f"loss of {second}", title="losses"
    )
    space.spines[["top", "right"]].set_visible(False)
    if paths:
        space.legend(frameon=False, fontsize=8, loc="upper left")
    return figure
