"""What the λ lab shows: sliders, buttons, choices and the readout. It knows how a run looks and nothing of how it is made."""

from __future__ import annotations

import html
import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import ipywidgets as widgets

from mtl_helpers.live.page import close_widgets, error_html, new_button
from mtl_helpers.live.recorded_run import BY_HAND, METHODS, RecordedRun
from mtl_helpers.tasks import Task

STOPS = (0, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10)
LEARNING_RATES = (0.0001, 0.0003, 0.001, 0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 1.0)
SPEEDS = (("full", 0), ("100 a second", 100), ("30 a second", 30), ("10 a second", 10))
BUTTONS = {
    "train": ("Train", "play", "Train until you press Pause"),
    "pause": ("Pause", "pause", "Stop after the present step"),
    "step": ("Step", "step-forward", "Take one step"),
    "reset": ("Reset", "undo", "Back to step 0 with the same first weights"),
    "keep": ("Keep run", "thumb-tack", "Keep these curves, pale, to compare with"),
    "replay": ("Replay", "history", "Run again with the λ changes you made"),
}
METHOD_TIP = (
    "Who chooses λ. A rule takes over from where λ stands and keeps their sum; one that begins a run makes them sum to the "
    "number of tasks, so that runs by different rules compare. Move a slider to take the wheel back."
)
_WRAP = {"flex_flow": "row wrap"}


class LabPanel:
    """The lab's widgets in one `box`; `furnish` puts in what belongs to the tasks.

    ``actions`` maps each of `BUTTONS` to what it does; an error in one is shown. ``moved`` is called with a task and its λ
    when its slider is moved, but not when the lab moves it.
    """

    def __init__(
        self,
        canvas: widgets.Widget,
        *,
        optimizers: Sequence[str],
        optimizer: str,
        lr: float,
        actions: Mapping[str, Callable[[], None]],
        moved: Callable[[str, float], None],
    ) -> None:
        self.tasks: Sequence[Task] = ()
        self.sliders: dict[str, LambdaSlider] = {}
        self._moved = moved
        self.readout = widgets.HTML()
        self.buttons = {
            name: new_button(text, partial(self.safely, actions[name]), icon=icon, tip=tip, width="7.2em")
            for name, (text, icon, tip) in BUTTONS.items()
        }
        self.optimizer = widgets.Dropdown(options=list(optimizers), value=optimizer, description="optimizer")
        self.learning_rate = widgets.Dropdown(options=_rates(lr), value=lr, description="learning rate")
        self.preset = widgets.Dropdown(options=[("choose ...", {})], description="λ preset")
        self.speed = widgets.Dropdown(options=SPEEDS, value=0, description="speed")
        choosers = [self.optimizer, self.learning_rate, self.preset, self.speed]
        self.method = widgets.Dropdown(options=METHODS, value=BY_HAND, description="method", tooltip=METHOD_TIP)
        self.method.add_class("mtl-lambda-method")
        self.data = widgets.Dropdown(description="data", layout={"display": "none"})
        self.data.add_class("mtl-lambda-data")
        for chooser in (*choosers, self.method, self.data):
            chooser.layout.width, chooser.style.description_width = "15.5em", "7em"
        self.data.layout.width = "19em"
        self.driver = widgets.HTML(layout={"margin": "2px 0 2px 1em"})
        self.progress = widgets.IntProgress(layout={"width": "12em"})
        self.error_box = widgets.HTML()
        self.slider_box = widgets.VBox()
        self.ghost_row = widgets.HBox(layout=_WRAP)
        self.box = widgets.VBox(
            [
                self.readout,
                self.error_box,
                widgets.HBox([*self.buttons.values(), self.progress], layout=_WRAP),
                widgets.HBox(choosers, layout=_WRAP),
                widgets.HBox([self.data, self.method, self.driver], layout=_WRAP),
                self.slider_box,
                canvas,
                self.ghost_row,
            ]
        )
        self.box.add_class("mtl-lambda-lab")

    def furnish(self, tasks: Sequence[Task], *, batches: int, lr: float) -> None:
        """Put in the sliders of these tasks, and take away those that were here."""
        before = self.slider_box.children
        self.tasks, self.sliders = tasks, {task.name: LambdaSlider(task.name) for task in tasks}
        for name, slider in self.sliders.items():
            slider.observe(lambda change, name=name: self._slider_moved(name, change["new"]), names="value")
        # What is below must not jump while the page takes away the old and draws the new.
        self.readout.layout.min_height = f"{2.9 + 1.65 * max(2, len(tasks)):.1f}em"
        self.slider_box.layout.min_height = f"{30 * max(2, len(tasks))}px"
        self.slider_box.children = [*self.sliders.values()]
        self.preset.options = [("choose ...", {}), *_presets(list(self.sliders))]
        self.progress.max, self.progress.value = batches, 0
        if lr != self.learning_rate.value:
            self.learning_rate.options = _rates(lr)
            self.learning_rate.value = lr
        for widget in before:
            close_widgets(widget)

    def _slider_moved(self, name: str, value: float) -> None:
        if not self.sliders[name].moved_by_lab:
            self._moved(name, float(value))

    def show_weights(self, weights: Mapping[str, float], *, exactly: bool = True) -> None:
        """Move the sliders to these λ, or to the nearest stops, without it counting as a learner's move."""
        for name, slider in self.sliders.items():
            slider.show(weights[name], exactly=exactly)

    def show_method(self, method: str) -> None:
        """Say who chooses λ."""
        self.method.value = method
        who = f"<b>{method}</b> drives; move a slider to take the wheel" if method != BY_HAND else "you drive"
        self.driver.value = f'<span style="color:#555">{who}</span>'

    def offer(self, worlds: Iterable[str], chosen: str) -> None:
        """Show the choice of data."""
        self.data.options = list(worlds)
        self.data.value, self.data.layout.display = chosen, None

    def loading(self, world: str) -> None:
        """Say that data are being read; nothing can be pressed until `enable` and `show` are called."""
        self.show_error(None)
        for widget in (*self.buttons.values(), *self.sliders.values(), self.data, self.method, self.preset):
            widget.disabled = True
        self.readout.value = f"loading {html.escape(world)} ..."

    def safely(self, action: Callable[[], None]) -> None:
        """Run a button's action; what goes wrong is shown in the lab, since a callback's traceback shows nowhere."""
        try:
            action()
        except Exception as error:
            self.show_error(error)

    def enable(self, *, training: bool, begun: bool) -> None:
        """Which buttons can be pressed now; the optimizer and learning rate of a run that has begun are fixed."""
        for name, button in self.buttons.items():
            button.disabled = {"pause": not training, "keep": False, "reset": False}.get(name, training)
        for widget in (*self.sliders.values(), self.data, self.method, self.preset):
            widget.disabled = False
        for chooser in (self.optimizer, self.learning_rate):
            chooser.disabled = begun
            chooser.tooltip = "Fixed during a run; press Reset to change it." if begun else ""

    def show(
        self,
        run: RecordedRun,
        rate: float,
        cosines: Mapping[tuple[str, str], float],
        scores: Mapping[str, float],
    ) -> None:
        """Write the readout: a row a task, of fixed height so that nothing below it jumps; the sliders follow a rule."""
        recent, last = run.records[-20:], run.records[-1] if run.records else None
        weights = run.mean_weights or dict(run.weights)
        if run.by_rule and run.method == run.driving:
            self.show_weights(weights, exactly=False)
            if run.method == BY_HAND:  # the wheel was taken just now
                self.show_weights(run.weights)
        rows = []
        for task in self.tasks:
            losses = [record.losses[task.name] for record in recent]
            cells = [
                three_digits(weights[task.name]) if run.by_rule else f"{weights[task.name]:g}",
                f"{sum(losses) / len(losses):.3f}" if losses else "–",
                f"{task.metric} {scores[task.name]:.3f}" if task.name in scores else "–",
            ]
            rows.append(
                f'<tr><td style="text-align:left">{task.name}</td>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
            )
        by = f" by {run.driving}" if run.by_rule else ""
        cosine = " · ".join(f"{a}, {b}: {value:+.2f}" for (a, b), value in cosines.items())
        self.readout.value = (
            f'<div style="line-height:1.5"><b>step {last.step if last else 0}</b> &nbsp; '
            f"{f'{rate:.0f} steps/s' if rate else ''} &nbsp; {f'gradient cosine {cosine}' if cosine else ''}"
            '<table style="border-spacing:1.2em 0; margin-left:-1.2em; text-align:right">'
            f'<tr><th style="text-align:left">task</th><th style="min-width:9em">λ{by}</th>'
            "<th>training loss</th><th>validation</th></tr>"
            f"{''.join(rows)}</table></div>"
        )
        self.progress.value = (last.step - 1) % self.progress.max + 1 if last else 0
        self.progress.description = f"epoch {last.epoch if last else 0}"

    def show_error(self, error: Exception | None) -> None:
        """Show an error above the buttons, or take it away."""
        self.error_box.value = error_html(error)

    def show_ghosts(self, labels: Sequence[str], remove: Callable[[int], None]) -> None:
        """A button for each kept run, which removes it."""
        row = []
        for number, label in enumerate(labels, start=1):
            act = partial(self.safely, partial(remove, number))
            button = new_button(f"run {number}: {label}", act, icon="times", tip="Remove this kept run", width="auto")
            button.style.button_color = "#f2f2f2"
            row.append(button)
        self.ghost_row.children = row

    def close(self) -> None:
        """Take every widget off the page."""
        close_widgets(self.box)


def _presets(names: list[str]) -> Iterable[tuple[str, dict[str, float]]]:
    yield "equal", dict.fromkeys(names, 1.0)
    if len(names) > 1:
        for name in names:
            yield f"only {name}", {other: float(other == name) for other in names}
        for name, rest in (names[:2], names[1::-1]):
            yield f"{name} 10 : 1 {rest}", {other: 10.0 if other == name else 1.0 for other in names}


class LambdaSlider(widgets.SelectionSlider):
    """λ on a log scale with a true zero at the left end; it moves in stops that read well."""

    _mover: int | None = None  # the thread in which the lab, and not the learner, is moving it

    def __init__(self, name: str) -> None:
        self.lock = threading.RLock()
        super().__init__(
            options=_stops(STOPS),
            value=1.0,
            description=f"λ {name}",
            layout={"width": "32em"},
            style={"description_width": "8em"},
            continuous_update=True,
        )
        self.add_class(f"mtl-lambda-{name}")

    @property
    def options_values(self) -> list[float]:
        """The stops of the slider, from 0 upwards."""
        return [value for _, value in self.options]

    @property
    def moved_by_lab(self) -> bool:
        """Whether a change that is just being told of is the lab's own doing."""
        return self._mover == threading.get_ident()

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """What the page says; the lab does not move the slider meanwhile."""
        with self.lock:
            super().set_state(sync_data)

    def show(self, value: float, *, exactly: bool) -> None:
        """Move it to λ, with a stop made for it if need be, or to the nearest of the stops there are."""
        with self.lock, self.hold_sync():
            self._mover = threading.get_ident()
            try:
                if not exactly:
                    value = min(self.options_values, key=lambda stop: abs(_place(stop) - _place(value)))
                elif value not in self.options_values:
                    self.options = _stops({*STOPS, float(value)})  # passes through 0, which must not reach the training
                self.value = float(value)
            finally:
                self._mover = None


def three_digits(value: float) -> str:
    """λ as a rule chose it, in a width that does not change: ``0.900``, ``1.02``, ``-12.5``."""
    return f"{value:#.3g}".rstrip(".")


def _place(value: float) -> float:
    return math.log(max(value, 0.0) + 0.005)


def _stops(values: Iterable[float]) -> list[tuple[str, float]]:
    return [(f"{value:g}", float(value)) for value in sorted(values)]


def _rates(lr: float) -> list[tuple[str, float]]:
    return [(f"{rate:g}", rate) for rate in sorted({*LEARNING_RATES, lr})]
