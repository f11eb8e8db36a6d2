"""The gradient demo: drag the gradients of two tasks, and see the step that each method makes of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import ipywidgets as widgets
import pandas as pd
import torch
from torchjd.aggregation import UPGrad

from mtl_helpers.live.background import DemoError
from mtl_helpers.live.gradient_picture import ArrowPlot, Vector
from mtl_helpers.live.page import error_html, mime_bundle, new_button
from mtl_helpers.tasks import SENTIMENT, TOPIC
from mtl_helpers.training import RULES, GradientWeighting, NNLSProjector, Weighting

TASKS = (TOPIC, SENTIMENT)
NAMES = tuple(task.name for task in TASKS)
LENGTHS = [10.0 ** (i / 20 - 1) for i in range(61)]
SHORTEST, LONGEST = LENGTHS[0], LENGTHS[-1]
PRESETS: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {  # length and angle in degrees, by task
    "agree": ((1, 20), (1, 70)),
    "at right angles": ((1, 20), (1, 110)),
    "conflict": ((1, 20), (1, 140)),
    "one 100 times larger": ((100, 20), (1, 80)),
}
METHODS: dict[str, Callable[[Sequence[Any]], Weighting]] = {
    "sum": RULES["equal"],
    "MGDA": RULES["MGDA"],
    "PCGrad": RULES["PCGrad"],
    # Regularised as little as 64 bits allow: with the 1e-4 that RULES has for training, a gradient 100 times shorter than
    # the other counts for nothing, and UPGrad would be seen to harm its task.
    "UPGrad": lambda tasks: GradientWeighting(tasks, UPGrad(projector=NNLSProjector(1e-12))),
    "IMTL-G": RULES["IMTL-G"],
    "Aligned-MTL": RULES["Aligned-MTL"],
}
_NO_EFFECT = 1e-3  # |cosine| of a step and a gradient under which the task is neither helped nor harmed


class GradientDemo:
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
    the two gradients are dragged with the mouse, or set by the sliders. ``set()`` does the same from code; ``results`` and
    ``cosine`` hold the numbers.

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
        self._rules = {name: make(TASKS) for name, make in METHODS.items()}
        self._silent, self.error = True, None
        self.gradients = {name: _vector(*polar) for name, polar in zip(NAMES, PRESETS["conflict"], strict=True)}
        self._plot = ArrowPlot(NAMES, self._dragged, self._show)
        self._build_widgets()
        self.set(g1, g2, methods=methods, same_length=same_length)

    # The choice and what comes of it ----------------------------------------------------------------------------

    @property
    def methods(self) -> list[str]:
        """The methods that are drawn."""
        return [name for name, box in self.boxes.items() if box.value]

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
        with self._plot.canvas.lock:
            self.gradients |= given
            self._silent = True
            for name, box in self.boxes.items():
                box.value = name in chosen
            if same_length is not None:
                self.same_length.value = bool(same_length)
            self._show()

    def preset(self, name: str) -> None:
        """Choose one of ``PRESETS``, as its button does."""
        if name not in PRESETS:
            raise DemoError(f"There is no preset {name!r}; there are {', '.join(map(repr, PRESETS))}.")
        self.set(*(_vector(*polar) for polar in PRESETS[name]))

    def _compute(self) -> pd.DataFrame:
        jacobian = torch.tensor(list(self.gradients.values()), dtype=torch.float64)
        norms = jacobian.norm(dim=1)
        rows = []
        for name in self.methods:
            rule = self._rules[name]
            if isinstance(rule, GradientWeighting):
                weights = rule.from_gradients(jacobian)
            else:
                weights = jacobian.new_tensor(list(rule.weights.values()))
            d = weights @ jacobian
            length = d.norm()
            d = d if length > 1e-9 * norms.max() else torch.zeros_like(d)  # what rounding leaves of 0
            change = jacobian @ d
            change = torch.where(change.abs() > 1e-9 * norms * norms.max(), change, 0.0)  # nor what it leaves here
            cosines = change / (norms * length.clamp(min=1e-300))
            rows.append(
                [name, *d.tolist(), d.norm().item(), *weights.tolist(), *change.tolist(), _effect(cosines.tolist())]
            )
        columns = [
            "method",
            "x",
            "y",
            "length",
            *(f"{n}_weight" for n in NAMES),
            *(f"{n}_change" for n in NAMES),
            "effect",
        ]
        return pd.DataFrame(rows, columns=columns).set_index("method")

    # What the page shows ----------------------------------------------------------------------------------------

    def _build_widgets(self) -> None:
        self.readout = widgets.HTML(layout={"min_height": "14em"})
        self.error_box = widgets.HTML()
        self.sliders: dict[str, widgets.SelectionSlider | widgets.IntSlider] = {}
        looks = {"style": {"description_width": "9em"}, "layout": {"width": "29em"}}
        stops = [(f"{stop:.3g}", stop) for stop in LENGTHS]
        # Both kinds have steps: a page sends a value between them back, rounded and late.
        for name in NAMES:
            self.sliders[f"{name} length"] = widgets.SelectionSlider(options=stops, value=1.0, **looks)
        for name in NAMES:
            self.sliders[f"{name} angle"] = widgets.IntSlider(min=-180, max=180, **looks)
        for name, slider in self.sliders.items():
            slider.description = f"{name}°" if name.endswith("angle") else name
            slider.add_class("mtl-gradient-" + name.replace(" ", "-"))
            slider.observe(lambda change, name=name: self._slid(name, change.new), names="value")
        self.boxes = {
            name: widgets.Checkbox(value=True, description=name, indent=False, layout={"width": "8.8em"})
            for name in METHODS
        }
        self.same_length = widgets.Checkbox(description="results with the same length", indent=False)
        for box in (*self.boxes.values(), self.same_length):
            box.observe(lambda _: self._silent or self._show(), names="value")
        self.buttons = {name: new_button(name, lambda name=name: self.preset(name), width="auto") for name in PRESETS}
        rows = [self.buttons.values(), self.sliders.values(), [*self.boxes.values(), self.same_length]]
        rows = [widgets.HBox(list(row), layout={"flex_flow": "row wrap"}) for row in rows]
        self.box = widgets.VBox([self.readout, self.error_box, *rows, self._plot.canvas])
        self.box.add_class("mtl-gradient-demo")

    def _slid(self, name: str, value: float) -> None:
        if self._silent:
            return
        task, what = name.split()
        length, angle = _polar(self.gradients[task])
        self.gradients[task] = _vector(value, angle) if what == "length" else _vector(length, value)
        self._show()

    def _dragged(self, task: str, x: float, y: float) -> None:
        length, angle = _polar((x, y))
        self.gradients[task] = _vector(min(max(length, SHORTEST), LONGEST), angle)
        self._show()

    def _show(self) -> None:
        """Compute and show the present choice; an error is shown too, since a callback's shows nowhere."""
        with self._plot.canvas.lock:
            self._silent = True
            try:
                for task, gradient in self.gradients.items():
                    length, angle = _polar(gradient)
                    self.sliders[f"{task} length"].index = round((math.log10(length) + 1) * 20)
                    self.sliders[f"{task} angle"].value = round(angle)
                self.results, self.error = self._compute(), None
                steps = {name: (row.x, row.y) for name, row in self.results.iterrows()}
                self._plot.show(self.gradients, steps, same_length=self.same_length.value)
                self._write()
            except Exception as error:
                self.error = error
            finally:
                self._silent = False
            self.error_box.value = error_html(self.error)

    def _write(self) -> None:
        lengths = ", ".join(f"{name} {_short(math.hypot(*g))}" for name, g in self.gradients.items())
        angle = math.degrees(math.acos(min(max(self.cosine, -1), 1)))
        heads = "".join(f"<th>λ {n}</th>" for n in NAMES) + "<th>length of d</th>"
        heads += "".join(f"<th>d·g {n}</th>" for n in NAMES) + '<th style="text-align:left">a small step along -d</th>'
        rows = ""
        for name, row in self.results.iterrows():
            values = [row[f"{n}_weight"] for n in NAMES] + [row.length] + [row[f"{n}_change"] for n in NAMES]
            colour = "#7a1f00;font-weight:bold" if row.effect.startswith("harms") else "inherit"
            rows += f'<tr><td style="text-align:left">{name}</td>{"".join(f"<td>{_short(v)}</td>" for v in values)}'
            rows += f'<td style="text-align:left;color:{colour}">{row.effect}</td></tr>'
        self.readout.value = (
            f'<div style="line-height:1.5"><b>cosine of the gradients {_short(self.cosine, 2)}</b> ({angle:.0f}°) &nbsp; '
            f"lengths: {lengths} &nbsp; d = λ₁g₁ + λ₂g₂"
            '<table style="border-spacing:1.2em 0; margin-left:-1.2em; text-align:right">'
            f'<tr><th style="text-align:left">method</th>{heads}</tr>{rows}</table></div>'
        )

    def __repr__(self) -> str:
        gradients = []
        for task, gradient in self.gradients.items():
            length, angle = _polar(gradient)
            gradients.append(f"{task} {_short(length)} at {_short(round(angle))}°")
        methods = ", ".join(self.methods) or "no method"
        return f"GradientDemo: {', '.join(gradients)}; cosine {_short(self.cosine, 2)}; {methods}"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return mime_bundle(self.box, self._plot.png(), repr(self), **kwargs)


def _effect(cosines: Sequence[float]) -> str:
    """What a step along -d does to the tasks, from the cosines of d with their gradients."""
    harmed = [name for name, cosine in zip(NAMES, cosines, strict=True) if cosine < -_NO_EFFECT]
    helped = [name for name, cosine in zip(NAMES, cosines, strict=True) if cosine > _NO_EFFECT]
    for verb, names in (("harms", harmed), ("helps", helped)):
        if names:
            return f"{verb} {'both' if len(names) == len(NAMES) else names[0]}"
    return "changes next to nothing"


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
