"""The slider of a task weight λ."""

from __future__ import annotations

import math
from collections.abc import Iterable

import ipywidgets as widgets

from mtl_helpers.live.widgets.page import only_shown

STOPS = (0, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10)


class LambdaSlider(widgets.SelectionSlider):
    """λ on a log scale with a true zero at the left end; it moves in stops that read well."""

    def __init__(self, name: str, *, continuous_update: bool = True) -> None:
        super().__init__(
            options=_stops(STOPS),
            value=1.0,
            description=f"λ {name}",
            layout={"width": "32em"},
            style={"description_width": "8em"},
            continuous_update=continuous_update,
        )
        self.add_class(f"mtl-lambda-{name}")

    @property
    def options_values(self) -> list[float]:
        """The stops of the slider, from 0 upwards."""
        return [value for _, value in self.options]

    def show(self, value: float, *, exactly: bool) -> None:
        """Move it to λ, with a stop made for it if need be, or to the nearest of the stops there are."""
        with self.hold_sync(), only_shown(self):
            if not exactly:
                value = min(self.options_values, key=lambda stop: abs(_place(stop) - _place(value)))
            elif value not in self.options_values:
                self.options = _stops({*STOPS, float(value)})  # passes through 0, which must not reach the training
            self.value = float(value)


def _place(value: float) -> float:
    return math.log(max(value, 0.0) + 0.005)


def _stops(values: Iterable[float]) -> list[tuple[str, float]]:
    return [(f"{value:g}", float(value)) for value in sorted(values)]
