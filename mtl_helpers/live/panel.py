"""What the λ lab shows: sliders, buttons, choices and the readout. It knows how a run looks and nothing of how it is made."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets

from mtl_helpers.tasks import Task
from mtl_helpers.training import Record

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
_WRAP = {"flex_flow": "row wrap"}


class LabPanel:
    """The lab's widgets in one `box`. ``actions`` maps each of `BUTTONS` to what it does; an error in one is shown."""

    def __init__(
        self,
        tasks: Sequence[Task],
        canvas: widgets.Widget,
        *,
        optimizers: Sequence[str],
        optimizer: str,
        lr: float,
        batches: int,
        actions: Mapping[str, Callable[[], None]],
    ) -> None:
        self.tasks = tasks
        self.readout = widgets.HTML(layout={"min_height": "6.2em"})
        self.sliders = {task.name: LambdaSlider(task.name) for task in tasks}
        self.buttons = {
            name: _button(*BUTTONS[name], lambda _, act=act: self.safely(act)) for name, act in actions.items()
        }
        self.optimizer = widgets.Dropdown(options=list(optimizers), value=optimizer, description="optimizer")
        rates = [(f"{rate:g}", rate) for rate in sorted({*LEARNING_RATES, lr})]
        self.learning_rate = widgets.Dropdown(options=rates, value=lr, description="learning rate")
        self.preset = widgets.Dropdown(
            options=[("choose ...", {}), *_presets(list(self.sliders))], description="λ preset"
        )
        self.speed = widgets.Dropdown(options=SPEEDS, value=0, description="speed")
        choosers = [self.optimizer, self.learning_rate, self.preset, self.speed]
        for chooser in choosers:
            chooser.layout.width, chooser.style.description_width = "15.5em", "7em"
        self.progress = widgets.IntProgress(max=batches, layout={"width": "12em"})
        self.error_box = widgets.HTML()
        self.ghost_row = widgets.HBox(layout=_WRAP)
        self.box = widgets.VBox(
            [
                self.readout,
                self.error_box,
                widgets.HBox([*self.buttons.values(), self.progress], layout=_WRAP),
                widgets.HBox(choosers, layout=_WRAP),
                *self.sliders.values(),
                canvas,
                self.ghost_row,
            ]
        )
        self.box.add_class("mtl-lambda-lab")

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
        for chooser in (self.optimizer, self.learning_rate):
            chooser.disabled = begun
            chooser.tooltip = "Fixed during a run; press Reset to change it." if begun else ""

    def show(
        self,
        records: Sequence[Record],
        weights: Mapping[str, float],
        rate: float,
        cosines: Mapping[tuple[str, str], float],
        scores: Mapping[str, float],
    ) -> None:
        """Write the readout: a row a task, of fixed height so that nothing below it jumps."""
        recent, last = records[-20:], records[-1] if records else None
        rows = []
        for task in self.tasks:
            losses = [record.losses[task.name] for record in recent]
            cells = [
                f"{(last.weights if last else weights)[task.name]:g}",
                f"{sum(losses) / len(losses):.3f}" if losses else "–",
                f"{task.metric} {scores[task.name]:.3f}" if task.name in scores else "–",
            ]
            rows.append(
                f'<tr><td style="text-align:left">{task.name}</td>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
            )
        cosine = " · ".join(f"{a}, {b}: {value:+.2f}" for (a, b), value in cosines.items())
        self.readout.value = (
            f'<div style="line-height:1.5"><b>step {last.step if last else 0}</b> &nbsp; '
            f"{f'{rate:.0f} steps/s' if rate else ''} &nbsp; {f'gradient cosine {cosine}' if cosine else ''}"
            '<table style="border-spacing:1.2em 0; margin-left:-1.2em; text-align:right">'
            '<tr><th style="text-align:left">task</th><th>λ</th><th>training loss</th><th>validation</th></tr>'
            f"{''.join(rows)}</table></div>"
        )
        self.progress.value = (last.step - 1) % self.progress.max + 1 if last else 0
        self.progress.description = f"epoch {last.epoch if last else 0}"

    def show_error(self, error: Exception | None) -> None:
        """Show an error above the buttons, or take it away."""
        style = "color:#7a1f00;background:#fff0e8;border-left:4px solid #D55E00;padding:6px 10px"
        text = f"<b>{type(error).__name__}:</b> {html.escape(str(error))}" if error else ""
        self.error_box.value = f'<div style="{style}">{text}</div>' if text else ""

    def show_ghosts(self, labels: Sequence[str], remove: Callable[[int], None]) -> None:
        """A button for each kept run, which removes it."""
        row = []
        for number, label in enumerate(labels, start=1):
            act = lambda _, number=number: self.safely(lambda: remove(number))  # noqa: E731
            button = _button(f"run {number}: {label}", "times", "Remove this kept run", act)
            button.layout.width, button.style.button_color = "auto", "#f2f2f2"
            row.append(button)
        self.ghost_row.children = row

    def close(self) -> None:
        """Take every widget off the page."""
        for widget in _all_widgets(self.box):
            widget.close()


def _presets(names: list[str]) -> Iterable[tuple[str, dict[str, float]]]:
    yield "equal", dict.fromkeys(names, 1.0)
    if len(names) > 1:
        for name in names:
            yield f"only {name}", {other: float(other == name) for other in names}
        for name, rest in (names[:2], names[1::-1]):
            yield f"{name} 10 : 1 {rest}", {other: 10.0 if other == name else 1.0 for other in names}


class LambdaSlider(widgets.SelectionSlider):
    """λ on a log scale with a true zero at the left end; it moves in stops that read well."""

    adding = False  # while a stop is added the widget passes through 0, which must not reach the training

    def __init__(self, name: str) -> None:
        super().__init__(
            options=[(f"{stop:g}", float(stop)) for stop in STOPS],
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

    def add_stop(self, value: float) -> None:
        """Make room for a λ that is none of the stops; the present one stays."""
        present, self.adding = self.value, True
        self.options = [(f"{stop:g}", stop) for stop in sorted({*self.options_values, value})]
        self.value, self.adding = present, False


def _button(text: str, icon: str, tip: str, act: Callable[[Any], None]) -> widgets.Button:
    button = widgets.Button(description=text, icon=icon, tooltip=tip, layout={"width": "7.2em"})
    button.on_click(act)
    return button


def _all_widgets(widget: widgets.Widget) -> Iterable[widgets.Widget]:
    for child in getattr(widget, "children", ()):
        yield from _all_widgets(child)
    yield widget
