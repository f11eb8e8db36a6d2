"""The landscape demo: drag a start over two losses that fight, see where each method gets from it, and steer λ meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
import torch

from mtl_helpers.live.demos.demo import Demo, DemoError
from mtl_helpers.live.widgets.landscape_view import LandscapeView
from mtl_helpers.live.widgets.live_widget import by_worker
from mtl_helpers.live.widgets.page import only_shown, row
from mtl_helpers.live.widgets.slider import LambdaSlider
from mtl_helpers.plots import figure_png
from mtl_helpers.plots.landscapes import BY_HAND, VIEW, losses_at, plot_landscape
from mtl_helpers.plots.styles import task_styles
from mtl_helpers.relations import LANDSCAPE_TASKS, LandscapeModel, landscape_gradients, pareto_distance
from mtl_helpers.training import TWO_TASK_RULES, TaskWeights, train_steps, two_task_paths

NAMES = tuple(task.name for task in LANDSCAPE_TASKS)
METHODS = tuple(TWO_TASK_RULES)
OPTIMIZERS = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}
RATES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
STEPS, PACE = 200, 40  # steps of each method's path; steps a second of the path that is steered
OFF = 0.05  # distance from the Pareto set from which on an end is off it


class LandscapeDemo(Demo):
    """Paths over two losses that fight, see `landscape_losses`: by every method from one start, and one steered by hand.

    Parameters
    ----------
    start
        Where the paths begin, ``(θ₁, θ₂)``. On the page it is dragged.
    optimizer, rate
        "SGD" or "Adam", and its learning rate, one of `RATES`.
    methods
        Which of `METHODS` are drawn, `STEPS` steps each. All λ are scaled to the sum 2.

    *Run* lets the path by hand go on from where it is, `PACE` steps a second, by the course's loop; the sliders are its λ, and
    count from the next step on. ``run(steps)`` does the same from code, and ``set()`` chooses as page and sliders do.
    ``results`` says where each path ends.

    >>> demo = LandscapeDemo((1.4, 2.2), methods=["sum", "MGDA"])
    >>> demo
    LandscapeDemo: SGD at 0.05 from (1.4, 2.2); on the Pareto set: MGDA; off it: sum
    >>> demo.set(optimizer="Adam")
    >>> demo.results.distance.round(2).to_dict()
    {'sum': 0.0, 'MGDA': 0.0}
    >>> demo.close()
    """

    go = "run"

    def __init__(
        self,
        start: tuple[float, float] = (1.4, 2.2),
        *,
        optimizer: str = "SGD",
        rate: float = 0.05,
        methods: Iterable[str] = ("sum", "MGDA", "PCGrad", "UPGrad"),
    ) -> None:
        super().__init__(height="4.6em", pictured=False)
        self.weights = TaskWeights(NAMES)
        self._build_widgets()
        self._take(start, optimizer, rate, methods)
        self._restart()
        self._begin()

    # The choice and what comes of it ----------------------------------------------------------------------------

    @property
    def start_point(self) -> tuple[float, float]:
        """Where the paths begin."""
        return tuple(self.view.value)

    @property
    def results(self) -> pd.DataFrame:
        """Where each path ends: its parameters, both losses there, and the distance from the Pareto set."""
        ends = np.array([path[-1] for path in self.paths.values()]).reshape(-1, 2)
        table = {"x": ends[:, 0], "y": ends[:, 1], **dict(zip(NAMES, losses_at(ends).T, strict=True))}
        return pd.DataFrame(table | {"distance": pareto_distance(ends)}, index=pd.Index(self.paths, name="method"))

    def set(
        self,
        start: tuple[float, float] | None = None,
        *,
        optimizer: str | None = None,
        rate: float | None = None,
        methods: Iterable[str] | None = None,
        **weights: float,
    ) -> None:
        """Choose as the page does; λ by task: ``steep=0.3``. Any other choice takes the path by hand back to the start."""
        if unknown := weights.keys() - set(NAMES):
            raise DemoError(f"There is no task {min(unknown)!r} here; there are {', '.join(map(repr, NAMES))}.")
        TaskWeights(NAMES, **weights)  # refuses what can be no λ before anything is changed

        def change() -> None:
            self._take(start, optimizer, rate, methods)
            for name, value in weights.items():
                self.sliders[name].show(value)
                self.weights[name] = value
            if any(given is not None for given in (start, optimizer, rate, methods)):
                self._restart()

        self._choose(change)

    def run(self, steps: int = STEPS) -> None:
        """Let the path by hand take so many steps with λ as they are, and wait for it."""
        self._compute_now(steps)

    @by_worker
    def reset(self) -> None:
        """Take the path by hand back to the start; λ stay."""
        self._restart()
        self._show()

    @by_worker
    def png(self) -> bytes:
        """The picture as it stands, for where no live page is."""
        return figure_png(plot_landscape(self.paths, start=self.start_point))

    def _take(self, start: Any, optimizer: Any, rate: Any, methods: Any) -> None:
        checked = [
            (self.optimizer, optimizer, OPTIMIZERS, "optimizer"),
            (self.rate, rate, RATES, "rate"),
        ]
        for _, given, known, what in checked:
            if given is not None and given not in known:
                raise DemoError(f"{what} is one of {', '.join(map(repr, known))}; found {given!r}.")
        start = None if start is None else _checked(start)
        if methods is not None:
            methods = [methods] if isinstance(methods, str) else list(methods)
            if unknown := [name for name in methods if name not in METHODS]:
                raise DemoError(f"There is no method {unknown[0]!r} here; there are {', '.join(map(repr, METHODS))}.")
        for widget, given, *_ in checked:
            if given is not None:
                with only_shown(widget):
                    widget.value = given
        with only_shown(self.view):
            if start is not None:
                self.view.value = list(start)
            if methods is not None:
                self.view.methods = [name for name in METHODS if name in methods]

    def _restart(self) -> None:
        """Every method's path anew, and the one by hand from the start: the loop that is at work goes on with it."""
        optimizer, rate, start = self.optimizer.value, self.rate.value, self.start_point
        model = LandscapeModel(start)
        own = OPTIMIZERS[optimizer](model.parameters(), lr=rate)
        self._loop = (model.place for _ in train_steps(model, model.loader, own, weights=self.weights))
        self._steered = [start]
        self._by_method = two_task_paths(
            landscape_gradients, start, self.view.methods, optimizer=optimizer, rate=rate, steps=STEPS
        )

    @property
    def paths(self) -> dict[str, np.ndarray]:
        """By method the places ``(steps + 1, 2)`` of its path."""
        by_hand = {BY_HAND: np.array(self._steered)} if len(self._steered) > 1 else {}
        return by_hand | self._by_method

    def _work(self, amount: int | None) -> Iterator[float | None]:
        taken = 0
        while amount is None or taken < amount:
            self._steered.append(next(self._loop))
            taken += 1
            if amount is None and self._due(0.045):
                self._show()
            yield 1 / PACE if amount is None else None

    # What the page shows ----------------------------------------------------------------------------------------

    def _build_widgets(self) -> None:
        self.view = LandscapeView()
        styles = task_styles(NAMES)
        self.sliders = {name: LambdaSlider(name, colour=styles[name]["color"]) for name in NAMES}
        for name, slider in self.sliders.items():
            self._watch(slider, partial(self.weights.__setitem__, name))
        self.optimizer = widgets.ToggleButtons(options=list(OPTIMIZERS), style={"button_width": "5em"})
        self.rate = widgets.SelectionSlider(options=RATES, value=0.05, description="rate", layout={"width": "20em"})
        self._held: Any = None  # where the page holds the start, until it is drawn
        self.view.on_msg(lambda _, content, __: self._drag(content.get("start")))
        for chooser in (self.optimizer, self.rate, self.view):
            self._watch(chooser, lambda _: self._moved())
        self._watch(self.view, lambda _: self._moved(), "methods")
        self.buttons = {
            "run": self._button("Run by hand", self.start, icon="play", tip="Let the path by hand go on", width="auto"),
            "stop": self._button("Pause", self.stop, icon="pause", width="auto"),
            "reset": self._button("Back to start", self.reset, icon="undo", width="auto"),
        }
        sliders = widgets.VBox(list(self.sliders.values()))
        sliders.add_class("mtl-landscape-sliders")
        chosen = row(*self.buttons.values(), self.optimizer, self.rate)
        self.box = widgets.VBox([self.readout, self.error_box, chosen, sliders, self.view])
        for name in ("mtl-live", "mtl-landscape-demo"):
            self.box.add_class(name)

    def _drag(self, start: Any) -> None:
        """The page may tell of more places than can be drawn: the latest counts."""
        self._held = start
        self._worker.post(self._follow, "held")

    def _follow(self) -> None:
        if self._held is not None:
            with only_shown(self.view):
                self.view.value = list(_checked(self._held))
            self._moved()

    def _moved(self) -> None:
        self._held = None
        if not self._silent:
            self._restart()
            self._show()

    def _show_all(self) -> None:
        self.view.show(self.paths)
        x, y = self.start_point
        weights = ", ".join(f"{name} {value:g}" for name, value in self.weights.items())
        on, off = self._on_and_off()
        self.readout.value = (
            f'<div style="line-height:1.5">start ({x:.2f}, {y:.2f}), {float(pareto_distance(np.array((x, y)))):.2f} from the '
            f"Pareto set &nbsp; {self.optimizer.value}, rate {self.rate.value:g} &nbsp; by hand: step "
            f"{len(self._steered) - 1}, λ {weights}<br>ends on the Pareto set: {', '.join(on) or '–'}<br>"
            f"ends off it: <b>{', '.join(off) or '–'}</b></div>"
        )

    def _on_and_off(self) -> tuple[list[str], list[str]]:
        distance = self.results.distance
        return list(distance.index[distance <= OFF]), list(distance.index[distance > OFF])

    def __repr__(self) -> str:
        (x, y), (on, off) = self.start_point, self._on_and_off()
        return (
            f"LandscapeDemo: {self.optimizer.value} at {self.rate.value:g} from ({x:.3g}, {y:.3g}); "
            f"on the Pareto set: {', '.join(on) or 'none'}; off it: {', '.join(off) or 'none'}"
        )


def _checked(start: Any) -> tuple[float, float]:
    try:
        x, y = map(float, start)
    except (TypeError, ValueError):
        raise DemoError(f"A start is given as (θ₁, θ₂), two numbers; found {start!r}.") from None
    if not all(low <= v <= high for v, (low, high) in zip((x, y), VIEW, strict=True)):
        (a, b), (c, d) = VIEW
        raise DemoError(f"A start lies in the picture: θ₁ from {a} to {b}, θ₂ from {c} to {d}; found {start!r}.")
    return x, y
