"""The gradient demo: drag the gradients of two tasks, and see the step that each method makes of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import ipywidgets as widgets
import pandas as pd

from mtl_helpers.evaluation.gradient_methods import METHODS, method_steps
from mtl_helpers.live.demos.demo import Demo, DemoError
from mtl_helpers.live.demos.gradient_plane import GradientPlane
from mtl_helpers.live.widgets.live_widget import by_worker
from mtl_helpers.live.widgets.page import row
from mtl_helpers.plots import figure_png, html_table
from mtl_helpers.plots.live.arrows import Vector, plot_arrows
from mtl_helpers.tasks import SENTIMENT, TOPIC

TASKS = (TOPIC, SENTIMENT)
NAMES = tuple(task.name for task in TASKS)
LENGTHS = [10.0 ** (i / 20 - 1) for i in range(61)]
SHORTEST, LONGEST = LENGTHS[0], LENGTHS[-1]
PRESETS: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {  # length and angle in degrees, by task
    "agree": ((1, 20), (1, 70)),
    "at right angles": ((1, 20), (1, 110)),
    "conflict": ((2.5, 20), (1, 140)),
    "one 100 times larger": ((100, 20), (1, 80)),
}


class GradientDemo(Demo):
    """Two tasks' gradients in the plane, and what each method makes of them: d = λ₁g₁ + λ₂g₂.

    Parameters
    ----------
    g1, g2
        Gradients ``(x, y)`` of topic and sentiment to open with; None: two that conflict.
    methods
        Which of ``METHODS`` are drawn.
    same_length
        Draw all results with one length, to compare their directions: some methods' λ sum to 1, others' to T.

    A parameter is moved by -lr d, so that for a small lr a task's loss falls by lr (d·gᵢ): d·gᵢ < 0 harms it. The tips of
    the two gradients are dragged, turned by the keyboard, or set by the sliders. ``set()`` does the same from code;
    ``results`` and ``cosine`` hold the numbers.

    >>> demo = GradientDemo(g1=(1, 0), g2=(-0.5, 0.25), methods=["sum", "PCGrad"])
    >>> demo.results[["topic_change", "sentiment_change", "effect"]].round(4)
            topic_change  sentiment_change           effect
    method
    sum              0.5           -0.1875  harms sentiment
    PCGrad           0.2            0.0625       helps both
    """

    def __init__(
        self,
        g1: Vector | None = None,
        g2: Vector | None = None,
        *,
        methods: Iterable[str] = tuple(METHODS),
        same_length: bool = False,
    ) -> None:
        super().__init__(height="14em", pictured=False)
        self._rules = {name: make(TASKS) for name, make in METHODS.items()}
        self.gradients = {name: _vector(*polar) for name, polar in zip(NAMES, PRESETS["conflict"], strict=True)}
        self._keep: bool | None = None  # the view, at the next drawing
        self._build_widgets()
        self._begin()
        self.set(g1, g2, methods=methods, same_length=same_length)

    # The choice and what comes of it ----------------------------------------------------------------------------

    @property
    def methods(self) -> list[str]:
        """The methods that are drawn."""
        return [name for name in METHODS if name in self.plane.shown]

    @property
    def cosine(self) -> float:
        """Cosine of the angle between the two gradients."""
        (a, b), (c, d) = self.gradients.values()
        return (a * c + b * d) / (math.hypot(a, b) * math.hypot(c, d))

    def set(
        self,
        g1: Vector | None = None,
        g2: Vector | None = None,
        *,
        methods: Iterable[str] | None = None,
        same_length: bool | None = None,
    ) -> None:
        """Choose as the mouse does: the gradients ``(x, y)`` of topic and sentiment, the methods, and how they are drawn."""
        given = {name: _checked(name, g) for name, g in zip(NAMES, (g1, g2), strict=True) if g is not None}
        chosen = self.methods if methods is None else _known(methods)

        def change() -> None:
            self.gradients |= given
            self.plane.shown = [name for name in METHODS if name in chosen]
            self._keep = None
            if same_length is not None:
                self.same_length.value = bool(same_length)

        self._choose(change)

    def preset(self, name: str) -> None:
        """Choose one of ``PRESETS``, as its button does."""
        if name not in PRESETS:
            raise DemoError(f"There is no preset {name!r}; there are {', '.join(map(repr, PRESETS))}.")
        self.set(*(_vector(*polar) for polar in PRESETS[name]))

    @by_worker
    def png(self) -> bytes:
        """The arrows as they stand, for where no live page is."""
        return figure_png(plot_arrows(self.gradients, self.plane.tips, self.plane.radius))

    def _compute(self) -> pd.DataFrame:
        return method_steps(self.gradients, {name: self._rules[name] for name in self.methods})

    # The page's hand --------------------------------------------------------------------------------------------

    def _pulled(self, pull: Mapping[str, Any]) -> None:
        task, tip = pull["task"], (pull["x"], pull["y"])
        self.gradients[task] = _vector(*_polar(tip if pull.get("key") else self.plane.pulled(task, *tip)))
        self._changed(keep=bool(pull["held"]))

    # What the page shows ----------------------------------------------------------------------------------------

    def _build_widgets(self) -> None:
        self.sliders: dict[str, widgets.SelectionSlider | widgets.IntSlider] = {}
        looks = {"style": {"description_width": "9.5em"}, "layout": {"width": "100%"}}
        stops = [(f"{stop:.3g}", stop) for stop in LENGTHS]
        # Both kinds have steps: a page sends a value between them back, rounded and late.
        for name in NAMES:
            self.sliders[f"{name} length"] = widgets.SelectionSlider(options=stops, value=1.0, **looks)
            self.sliders[f"{name} angle"] = widgets.IntSlider(min=-180, max=180, **looks)
        for name, slider in self.sliders.items():
            slider.description = f"{name}, °" if name.endswith("angle") else name
            slider.add_class("mtl-gradient-" + name.replace(" ", "-"))
            self._watch(slider, partial(self._slid, *name.split()))
        self.same_length = widgets.Checkbox(description="results with the same length", indent=False)
        self.plane = GradientPlane(NAMES, list(METHODS))
        self._watch(self.plane, self._pulled)
        self._watch(self.plane, lambda _: self._silent or self._changed(), "shown")
        self._watch(self.same_length, lambda _: self._silent or self._changed(keep=None))
        self.buttons = {name: self._button(name, partial(self.preset, name), width="auto") for name in PRESETS}
        beside = [row(*self.buttons.values()), self.readout, self.error_box, *self.sliders.values(), self.same_length]
        self.box = widgets.VBox([widgets.VBox(beside), self.plane])
        self.box.add_class("mtl-gradient-demo")

    def _slid(self, task: str, what: str, value: float) -> None:
        if not self._silent:
            length, angle = _polar(self.gradients[task])
            self.gradients[task] = _vector(value, angle) if what == "length" else _vector(length, value)
            self._changed()

    @by_worker
    def _changed(self, keep: bool | None = False) -> None:
        self._forget()
        self._keep = keep
        self._show()

    def _show_all(self) -> None:
        self._silent = True
        try:
            for task, gradient in self.gradients.items():
                length, angle = _polar(gradient)
                self.sliders[f"{task} length"].index = round((math.log10(length) + 1) * 20)
                self.sliders[f"{task} angle"].value = round(angle)
        finally:
            self._silent = False
        self.results = self._compute()
        steps = {one.Index: (one.x, one.y) for one in self.results.itertuples()}
        self.plane.show(self.gradients, steps, one_length=self.same_length.value, keep=self._keep)
        self._write()

    def _write(self) -> None:
        lengths = ", ".join(f"{name} {_short(math.hypot(*g))}" for name, g in self.gradients.items())
        angle = math.degrees(math.acos(min(max(self.cosine, -1), 1)))
        heads = ["method", *(f"λ {n}" for n in NAMES), "length of d", *(f"d·g {n}" for n in NAMES)]
        rows = []
        for name, one in self.results.iterrows():
            values = [one[f"{n}_weight"] for n in NAMES] + [one.length] + [one[f"{n}_change"] for n in NAMES]
            harm = ' class="mtl-harm"' if one.effect.startswith("harms") else ""
            rows.append([name, *map(_short, values), f"<span{harm}>{one.effect}</span>"])
        table = html_table([*heads, "a small step along -d"], rows, left=(0, 6))
        self.readout.value = (
            f'<div style="line-height:1.5"><b>cosine of the gradients {_short(self.cosine, 2)}</b> ({angle:.0f}°) &nbsp; '
            f"lengths: {lengths} &nbsp; d = λ₁g₁ + λ₂g₂{table}</div>"
        )

    def __repr__(self) -> str:
        gradients = []
        for task, gradient in self.gradients.items():
            length, angle = _polar(gradient)
            gradients.append(f"{task} {_short(length)} at {_short(round(angle))}°")
        methods = ", ".join(self.methods) or "no method"
        return f"GradientDemo: {', '.join(gradients)}; cosine {_short(self.cosine, 2)}; {methods}"


def _vector(length: float, angle: float) -> Vector:
    return length * math.cos(math.radians(angle)), length * math.sin(math.radians(angle))


def _polar(gradient: Vector) -> tuple[float, float]:
    return min(max(math.hypot(*gradient), SHORTEST), LONGEST), math.degrees(math.atan2(gradient[1], gradient[0]))


def _checked(name: str, gradient: Vector) -> Vector:
    try:
        x, y = map(float, gradient)
    except (TypeError, ValueError):
        raise DemoError(f"A gradient is given as (x, y), two numbers; found {gradient!r} for '{name}'.") from None
    if not SHORTEST * (1 - 1e-9) <= math.hypot(x, y) <= LONGEST * (1 + 1e-9):
        raise DemoError(
            f"The gradient of '{name}' must have a length from {SHORTEST:g} to {LONGEST:g}, so that it can be drawn; "
            f"found {math.hypot(x, y):g}. Only the ratio of the two lengths matters: scale both."
        )
    return x, y


def _known(methods: Iterable[str]) -> list[str]:
    chosen = [methods] if isinstance(methods, str) else list(methods)
    if unknown := [name for name in chosen if name not in METHODS]:
        raise DemoError(f"There is no method {unknown[0]!r} here; there are {', '.join(map(repr, METHODS))}.")
    return chosen


def _short(value: float, digits: int | None = None) -> str:
    """Three significant digits, or so many decimals; never -0."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    text = f"{value:.3g}" if digits is None else f"{value:.{digits}f}"
    return f"{0.0:.{digits or 0}f}" if float(text) == 0 or abs(value) < 1e-9 else text
