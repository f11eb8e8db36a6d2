"""The plane of the gradient demo: its arrows are drawn by the page, and dragged there by mouse, finger or keyboard."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import anywidget
import traitlets

from mtl_helpers.live.widgets.chart import CSS, script
from mtl_helpers.plots.live.arrows import HANDLE, Vector, arrow_styles, arrow_tips, same_length, view_radius
from mtl_helpers.plots.styles import on_dark, page_dash

_DARK = {"#7B3FA0": "#C08AE0", "#2E9BD6": "#6CC4F2", "#8C6D1F": "#D2AE55"}  # what is not of the palette, on a dark page


class GradientPlane(anywidget.AnyWidget):
    """Arrows of the tasks' gradients and the methods' results, and a key in which methods are switched on and off.

    `show` says what is drawn. The page says in ``value`` which task's arrow is pulled where, ``{"task", "x", "y", "held"}``,
    and in ``shown`` which methods are wanted. An arrow that is too short to be held has its handle on a thin line, `HANDLE`
    of the radius away; `pulled` knows what is meant.
    """

    _esm = script("theme.js", "arrows.js")
    _css = CSS
    value = traitlets.Dict().tag(sync=True)
    shown = traitlets.List().tag(sync=True)
    methods = traitlets.List().tag(sync=True)
    gradients = traitlets.Dict().tag(sync=True)
    tips = traitlets.Dict().tag(sync=True)
    radius = traitlets.Float(1.0).tag(sync=True)
    handle = traitlets.Float(HANDLE).tag(sync=True)
    looks = traitlets.Dict().tag(sync=True)

    def __init__(self, tasks: Sequence[str], methods: Sequence[str]) -> None:
        super().__init__(methods=list(methods), shown=list(methods))
        self.looks = {name: _look(style) for name, style in arrow_styles(tuple(tasks)).items()}

    def show(
        self, gradients: Mapping[str, Vector], results: Mapping[str, Vector], *, one_length: bool, keep: bool | None
    ) -> None:
        """Draw them; ``one_length`` gives all results the same. ``keep``: the view stays, or only if it can, or (None) not."""
        lengths = {name: math.hypot(*vector) for name, vector in gradients.items()}
        most = sum(lengths.values())  # with λ below 0 a result may be longer than both together: it leaves the view
        if not one_length:
            lengths |= {name: min(math.hypot(*vector), most) for name, vector in results.items()}
        radius = self.radius if keep else view_radius(lengths, 0.0 if keep is None else self.radius)
        with self.hold_sync():
            self.radius, self.gradients = radius, {name: list(vector) for name, vector in gradients.items()}
            self.tips = arrow_tips(results, gradients, same_length(radius) if one_length else 0.0)

    def pulled(self, task: str, x: float, y: float) -> Vector:
        """The gradient of a task whose handle is pulled to (x, y); it stays in the view."""
        edge, shortest = 0.98 * self.radius, HANDLE * self.radius
        x, y = (min(max(value, -edge), edge) for value in (x, y))
        length, away = math.hypot(*self.gradients[task]), math.hypot(x, y)
        if length < shortest and 0 < away < 1.4 * shortest:  # held by its thin line: so near, it only turns
            return x / away * length, y / away * length
        return x, y


def _look(style: Mapping[str, Any]) -> dict[str, Any]:
    colour = style["color"]
    dash = [part * style["linewidth"] / 2 for part in page_dash(style)]
    return {"colour": [colour, _DARK.get(colour, on_dark(colour))], "dash": dash, "width": style["linewidth"]}
