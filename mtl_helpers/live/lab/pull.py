"""How hard each task pulls at the shared parameters, and at which angle: arrows on the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import anywidget
import traitlets

from mtl_helpers.live.widgets.chart import CSS, script
from mtl_helpers.plots.styles import on_dark, page_dash, task_styles


class Pull(anywidget.AnyWidget):
    """Arrows of the length λᵢ‖gᵢ‖, gᵢ the gradient of task i's loss in the shared parameters; two tasks at their angle.

    The plain sum Σ λᵢ gᵢ is what a step of SGD goes along, so the longer arrow has the say. More than two tasks are bars.
    """

    _esm = script("theme.js", "pull.js")
    _css = CSS
    pulls = traitlets.List().tag(sync=True)
    angle = traitlets.Float(None, allow_none=True).tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)

    def show(self, names: Sequence[str], pull: Mapping[str, float], cosine: float = math.nan) -> None:
        """Draw these lengths, by task, and of two tasks the angle that has this cosine; nan: not known."""
        styles = task_styles(names)
        lengths = {name: pull.get(name, math.nan) for name in names}
        with self.hold_sync():
            self.angle = math.acos(max(-1.0, min(1.0, cosine))) if math.isfinite(cosine) else None
            self.said = "pull: " + ", ".join(f"{name} {length:.3g}" for name, length in lengths.items())
            self.pulls = [
                {
                    "task": name,
                    "length": length if math.isfinite(length) else None,
                    "colour": [styles[name]["color"], on_dark(styles[name]["color"])],
                    "dash": " ".join(map(str, page_dash(styles[name]))),
                }
                for name, length in lengths.items()
            ]
