"""Two losses over two parameters and paths over them, drawn by the page, which drags the paths' start."""

from __future__ import annotations

from typing import Any

import anywidget
import numpy as np
import traitlets

from mtl_helpers.live.widgets.chart import CSS, script
from mtl_helpers.plots.landscapes import (
    LOSS_VIEW,
    PATH_MARKERS,
    PATH_STYLES,
    VIEW,
    landscape_contours,
    landscape_front,
    losses_at,
)
from mtl_helpers.plots.styles import on_dark, page_dash, task_styles
from mtl_helpers.relations.landscape import CENTRE, ENDS, LANDSCAPE_TASKS, RADIUS, pareto_distance

_APART = 0.04  # between two points of a path that the page gets
_DARK = {"#7B3FA0": "#B98AE0", "#2E9BD6": "#7CC4F0", "#8C6D1F": "#D9B75A"}  # methods' colours on a dark page


class LandscapeView(anywidget.AnyWidget):
    """The plane of the two parameters and that of the two losses, drawn by the page, which drags ``value``, the start."""

    _esm = script("theme.js", "landscape.js")
    _css = CSS
    value = traitlets.List(traitlets.Float()).tag(sync=True)
    methods = traitlets.List(traitlets.Unicode()).tag(sync=True)
    scene = traitlets.Dict().tag(sync=True)
    paths = traitlets.Dict().tag(sync=True)

    def __init__(self) -> None:
        super().__init__(scene=_scene())

    def show(self, paths: dict[str, np.ndarray]) -> None:
        """Draw these paths ``(steps, 2)``, by method: only their numbers are sent, and few of them."""
        self.paths = {name: _for_page(path) for name, path in paths.items()}


def _for_page(path: np.ndarray) -> dict[str, Any]:
    """A path's points, thinned to some distance from each other, and their losses."""
    way = np.concatenate([[0.0], np.hypot(*np.diff(path, axis=0).T).cumsum()])
    _, kept = np.unique((way / max(_APART, way[-1] / 150)).astype(int), return_index=True)
    points = path[np.append(kept, len(path) - 1)]
    columns = np.concatenate([points, losses_at(points)], axis=1).round(3).T.tolist()
    return dict(zip(("x", "y", "steep", "gentle"), columns, strict=True)) | {"off": float(pareto_distance(path[-1]))}


def _scene() -> dict[str, Any]:
    """All that does not move."""
    styles = task_styles([task.name for task in LANDSCAPE_TASKS])
    return {
        "view": VIEW,
        "loss_view": LOSS_VIEW,
        "disc": [*CENTRE, RADIUS],
        "set": ENDS,
        "front": landscape_front().round(3).tolist(),
        "tasks": [
            {
                "name": name,
                "colour": _colours(styles[name]["color"]),
                "lines": [line.round(3).tolist() for line in lines],
            }
            for name, lines in landscape_contours().items()
        ],
        "styles": [
            {"name": n, "colour": _colours(style["color"]), "dash": page_dash(style), "marker": PATH_MARKERS[n]}
            for n, style in PATH_STYLES.items()
        ],
    }


def _colours(colour: str) -> list[str]:
    return [colour, _DARK.get(colour, on_dark(colour))]
