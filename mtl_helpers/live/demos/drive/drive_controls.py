"""What a learner changes of a drive, as buttons and sliders."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import pandas as pd

from mtl_helpers.driving import COMMAND, OBSTACLE, RANGES, SIGN
from mtl_helpers.live.demos.demo import DemoError

CLASSES = {task.name: task.classes for task in (COMMAND, SIGN, OBSTACLE)}
SCENE = ("bend", "light", "fog", "rain", "hum")  # the numbers of a drive that have a slider
INPUTS = {"camera": "eye-slash", "microphone": "microphone-slash"}


class Controls(dict[str, widgets.Widget]):
    """By name a widget for each of `CLASSES` and `SCENE`, and a button for each input that lets it fail, as a drive."""

    def __init__(self, row: pd.DataFrame) -> None:
        super().__init__()
        self["command"] = widgets.ToggleButtons(options=COMMAND.classes, style={"button_width": "5.5em"})
        looks: dict[str, Any] = {"layout": {"width": "15em"}, "style": {"description_width": "5em"}}
        for task in (SIGN, OBSTACLE):
            self[task.name] = widgets.Dropdown(options=task.classes, description=task.name, **looks)
        for name in SCENE:
            low, high = RANGES[name][0], _most(name)
            looks = {"readout_format": ".2f", "style": {"description_width": "3.5em"}, "layout": {"width": "20em"}}
            self[name] = widgets.FloatSlider(min=low, max=high, step=(high - low) / 40, description=name, **looks)
        for name, icon in INPUTS.items():
            looks = {"icon": icon, "layout": {"width": "12em"}, "tooltip": f"Pressed: the {name} is out of order"}
            self[name] = widgets.ToggleButton(False, description=f"no {name}", **looks)
        self.show(row)

    def show(self, row: pd.DataFrame) -> None:
        """Show a drive whose inputs work."""
        self.choose({name: row[name].iloc[0] for name in (*CLASSES, *SCENE)} | dict.fromkeys(INPUTS, True))

    def choose(self, drive: dict[str, Any]) -> None:
        """Set the widgets; for an input False lets it fail. Raises `DemoError` for what no widget can say."""
        for name, value in drive.items():
            _check(name, value)
        for name, value in drive.items():
            self[name].value = not value if name in INPUTS else value

    def chosen(self) -> dict[str, Any]:
        """The drive that they say."""
        return {name: self[name].value for name in (*CLASSES, *SCENE)}

    def failing(self) -> set[str]:
        """The inputs that are to fail."""
        return {name for name in INPUTS if self[name].value}


def _check(name: str, value: Any) -> None:
    if name in CLASSES and value not in CLASSES[name]:
        raise DemoError(f"{name} is one of {', '.join(CLASSES[name])}; found {value!r}.")
    if name in SCENE and not (isinstance(value, (int, float)) and RANGES[name][0] <= value <= _most(name)):
        raise DemoError(f"{name} lies between {RANGES[name][0]:g} and {_most(name):g}; found {value!r}.")
    if name in INPUTS and not isinstance(value, bool):
        raise DemoError(f"{name} is True, then it works, or False; found {value!r}.")
    if name not in (*CLASSES, *SCENE, *INPUTS):
        raise DemoError(f"A drive has {', '.join([*CLASSES, *SCENE, *INPUTS])}; found {name!r}.")


def _most(name: str) -> float:
    """Where a slider ends: beyond what is drawn for training, for fog and hum, so that an input can be spoilt."""
    return {"fog": 2.0, "hum": 0.4}.get(name, RANGES[name][1])
