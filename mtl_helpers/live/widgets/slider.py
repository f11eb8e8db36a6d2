"""The slider of a task weight λ."""

from __future__ import annotations

import anywidget
import traitlets

from mtl_helpers.live.widgets.chart import CSS, script
from mtl_helpers.live.widgets.page import only_shown
from mtl_helpers.plots.styles import on_dark, task_styles

STOPS = (0, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10)
TICKS = (0, 0.1, 1, 10)


class LambdaSlider(anywidget.AnyWidget):
    """λ on a log scale with a true zero at the left end, in the colour of its task.

    Dragged, it moves in stops that read well; typed, and set by code, it takes any value from 0 up. ``task`` is the task's
    name, and ``colour`` its colour where it is not the one that `task_styles` gives it. Without ``continuous_update`` a drag
    counts when it ends.

    >>> slider = LambdaSlider("topic")
    >>> slider.value = 0.25
    >>> slider.value, slider.close()
    (0.25, None)
    """

    _esm = script("theme.js", "slider.js")
    _css = CSS
    value = traitlets.Float(1.0, min=0.0).tag(sync=True)
    task = traitlets.Unicode().tag(sync=True)
    stops = traitlets.List(list(STOPS)).tag(sync=True)
    ticks = traitlets.List(list(TICKS)).tag(sync=True)
    colours = traitlets.List().tag(sync=True)
    continuous = traitlets.Bool(True).tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)

    def __init__(self, task: str, *, colour: str | None = None, continuous_update: bool = True) -> None:
        colour = task_styles([task])[task]["color"] if colour is None else colour
        super().__init__(task=task, colours=[colour, on_dark(colour)], continuous=continuous_update)
        self.add_class(f"mtl-lambda-{task}")

    def show(self, value: float) -> None:
        """Move it to λ, which nobody chose by that."""
        with self.hold_sync(), only_shown(self):
            self.value = float(value)
