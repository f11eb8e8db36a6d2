"""The stage of the drive demo: the page draws camera, road and answers from the numbers of a moment."""

from __future__ import annotations

from typing import Any

import anywidget
import numpy as np
import traitlets

from mtl_helpers.live.widgets.chart import CSS, script
from mtl_helpers.plots.live.drive_views import Moment, Scene, spectrogram_colours
from mtl_helpers.plots.styles import on_dark, task_styles


class Stage(anywidget.AnyWidget):
    """A `Moment` of a drive on the page. Only numbers and pixels are sent, and a new page finds the last ones.

    `pictures` counts what was sent. The page sends ``{"say": command}`` and ``{"go": true}`` when keys are pressed on the map.
    """

    _esm = script("theme.js", "stage.js")
    _css = CSS
    scene = traitlets.Dict().tag(sync=True)
    frame = traitlets.Dict().tag(sync=True)
    camera = traitlets.Bytes().tag(sync=True)
    seen = traitlets.Bytes().tag(sync=True)
    heard = traitlets.Bytes().tag(sync=True)

    def __init__(self) -> None:
        super().__init__()
        self.pictures = 0

    def show(self, scene: Scene, moment: Moment) -> None:
        """Let the page draw a moment."""
        colours = {name: style["color"] for name, style in task_styles(moment.answers).items()}
        with self.hold_sync():
            self.scene = {
                "view": scene.view,
                "roads": [{"points": _pairs(road), "width": width} for road, width in scene.roads],
                "things": [{"kind": kind, "at": at, "colour": colour} for kind, at, colour in scene.things],
                "colours": {name: [colour, on_dark(colour)] for name, colour in colours.items()},
            }
            self.camera, self.seen = _bytes(moment.camera), _bytes(moment.seen)
            self.heard = _bytes(spectrogram_colours(moment.heard))
            self.frame = _frame(moment)
        self.pictures += 1


def _frame(moment: Moment) -> dict[str, Any]:
    answers = [
        {"task": name, "says": answer.says, "right": moment.labels.get(name), "sure": answer.confidence}
        for name, answer in moment.answers.items()
    ]
    return {
        "car": [round(float(value), 3) for value in moment.car],
        "points": _pairs(moment.points),
        "driven": _pairs(moment.driven),
        "right": _pairs(moment.right),
        "answers": answers,
        "said": moment.said,
        "camera": bool(moment.camera.any()),
        "microphone": bool(moment.heard.any()),
        "decided": moment.decided,
        "note": moment.note,
        "warns": moment.warns,
        "told": moment.told,
    }


def _pairs(points: np.ndarray) -> list[list[float]]:
    return np.asarray(points, float).round(3).tolist()


def _bytes(picture: np.ndarray) -> bytes:
    """A picture ``(3, size, size)`` from 0 to 1 as bytes, row by row the three colours of each pixel."""
    return (255 * np.clip(picture, 0, 1)).round().astype(np.uint8).transpose(1, 2, 0).tobytes()
