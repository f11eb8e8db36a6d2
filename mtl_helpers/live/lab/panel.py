"""What the λ lab shows: sliders, buttons, choices and the readout. It knows how a run looks and nothing of how it is made."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

import ipywidgets as widgets

from mtl_helpers.arguments import number
from mtl_helpers.live.lab.curves import SMOOTH, mean
from mtl_helpers.live.lab.recording import BY_HAND, LabError, RecordedRun
from mtl_helpers.live.widgets.live_widget import LiveWidget
from mtl_helpers.live.widgets.page import only_shown, refill, row
from mtl_helpers.live.widgets.slider import LambdaSlider
from mtl_helpers.plots import html_table
from mtl_helpers.plots.styles import task_styles
from mtl_helpers.tasks import Task

LEARNING_RATES = (0.0001, 0.0003, 0.001, 0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 1.0)
SPEEDS = (("full", 0), ("100 a second", 100), ("30 a second", 30), ("10 a second", 10))
WATCHED = 30  # steps a second, where a learner watches
BUTTONS = {
    "train": ("Train", "play", "Train until you press Pause"),
    "pause": ("Pause", "pause", "Stop after the present step"),
    "step": ("Step", "step-forward", "Take one step"),
    "reset": ("Reset", "undo", "Back to step 0 with the same first weights"),
    "to": ("Run to", "fast-forward", "Train to the step beside it, and stop there"),
    "keep": ("Keep run", "thumb-tack", "Keep these curves, pale, to compare with"),
    "replay": ("Replay", "history", "Run again with the λ changes you made"),
}
METHOD_TIP = (
    "Who chooses λ. A rule takes over from where λ stands and keeps their sum; one that begins a run makes them sum to the "
    "number of tasks, so that runs by different rules compare. Move a slider to take the wheel back."
)
PARTS = ("preset", "speed", "optimizer", "learning rate", "method")


class LabPanel:
    """The lab's widgets; `furnish` puts in what belongs to the tasks.

    ``steer`` is what the learner drives with: sliders, buttons, readout. ``more`` is a fold with the choices that ``shows``
    names, of `PARTS`. ``actions`` maps each of `BUTTONS` to what it does. ``moved`` is called with a task and its λ when its
    slider is moved, but not when the lab moves it.
    """

    def __init__(
        self,
        lab: LiveWidget,
        *,
        shows: Sequence[str],
        optimizers: Sequence[str],
        optimizer: str,
        lr: float,
        actions: Mapping[str, Callable[[], None]],
        moved: Callable[[str, float], None],
    ) -> None:
        self._lab, self._moved = lab, moved
        self.tasks: Sequence[Task] = ()
        self.sliders: dict[str, LambdaSlider] = {}
        self.readout, self.driver, self.light = (widgets.HTML() for _ in range(3))
        self.readout.add_class("mtl-readout")
        self.buttons = {
            name: lab._button(text, actions[name], icon=icon, tip=tip, width="auto")
            for name, (text, icon, tip) in BUTTONS.items()
        }
        self.buttons["train"].button_style = "success"
        self.goal_step = widgets.BoundedIntText(400, min=1, max=10**7, tooltip="Stop at", layout={"width": "5.5em"})
        self.optimizer = widgets.Dropdown(options=list(optimizers), value=optimizer, description="optimizer")
        self.learning_rate = widgets.Dropdown(options=_rates(lr), value=lr, description="learning rate")
        self.preset = widgets.Dropdown(options=[("choose ...", {})], description="λ preset")
        self.speed = widgets.Dropdown(options=SPEEDS, value=WATCHED, description="speed")
        self.method = widgets.Dropdown(options=[BY_HAND], description="method", tooltip=METHOD_TIP)
        self.method.add_class("mtl-lambda-method")
        self.data = widgets.Dropdown(description="data", layout={"display": "none"})
        self.data.add_class("mtl-lambda-data")
        chosen = (self.preset, self.speed, self.optimizer, self.learning_rate, self.method)
        choosers = dict(zip(PARTS, chosen, strict=True))
        for chooser in (*choosers.values(), self.data):
            chooser.layout.width, chooser.style.description_width = "17em", "7em"
        self.progress = widgets.IntProgress(layout={"width": "100%"})
        self.slider_box = widgets.VBox(layout={"width": "100%"})
        shown = [choosers[part] for part in PARTS if part in shows]
        self.fold = widgets.ToggleButton(description="more", icon="chevron-down", layout={"width": "auto"})
        self.fold.tooltip = "Show or hide the other choices"
        more = widgets.VBox([*shown, self.progress], layout={"display": "none"})
        self.more = widgets.VBox([row(self.buttons["keep"], self.buttons["replay"], self.fold), more])
        lab._watch(self.fold, lambda open_: setattr(more.layout, "display", None if open_ else "none"))
        first = row(*(self.buttons[name] for name in ("train", "pause", "step", "reset")))
        to = row(self.buttons["to"], self.goal_step)
        parts = [self.slider_box, first, to, self.light, self.driver, self.readout, lab.error_box, self.data, self.more]
        self.slider_box.add_class("mtl-sliders")
        for part in (self.data, self.more):
            part.add_class("mtl-after")  # on a narrow page it is below the curves
        self.steer = widgets.VBox(parts, layout={"overflow": "visible"})
        self.steer.add_class("mtl-steer")

    def furnish(self, tasks: Sequence[Task], *, batches: int, lr: float) -> None:
        """Put in the sliders of these tasks, and take away those that were here."""
        styles = task_styles(task.name for task in tasks)
        colours = {name: style["color"] for name, style in styles.items()}
        self.tasks, self.sliders = tasks, {name: LambdaSlider(name, colour=c) for name, c in colours.items()}
        for name, slider in self.sliders.items():
            self._lab._watch(slider, partial(self._moved, name))
        # What is below must not jump while the page takes away the old and draws the new.
        self.readout.layout.min_height = f"{2.9 + 1.65 * max(2, len(tasks)):.1f}em"
        self.slider_box.layout.min_height = f"{46 * len(tasks)}px"
        refill(self._lab._worker, self.slider_box, self.sliders.values())
        self.preset.options = [("choose ...", {}), *_presets(list(self.sliders))]
        self.progress.max, self.progress.value = batches, 0
        self.train_by(lr=lr)

    def train_by(self, optimizer: str | None = None, lr: float | None = None) -> None:
        """Choose optimizer and learning rate, without it counting as a learner's choice; None: it stays."""
        if optimizer not in (None, *self.optimizer.options):
            raise LabError(f"Unknown optimizer {optimizer!r}; choose one of {', '.join(self.optimizer.options)}.")
        lr = None if lr is None else number("The learning rate", lr, LabError, above=0)
        with only_shown(self.optimizer), only_shown(self.learning_rate):
            self.optimizer.value = optimizer or self.optimizer.value
            if lr not in (None, self.learning_rate.value):
                self.learning_rate.options = _rates(lr)
                self.learning_rate.value = lr

    def show_weights(self, weights: Mapping[str, float]) -> None:
        """Move the sliders to these λ, without it counting as a learner's move."""
        for name, slider in self.sliders.items():
            if not math.isnan(weights[name]):
                slider.show(max(0.0, float(f"{weights[name]:.3g}")))

    def show_method(self, run: RecordedRun, locked: str = "") -> None:
        """Say who chooses λ, and who may; ``locked`` is why nobody can now."""
        with only_shown(self.method):  # new options begin with the first
            if list(self.method.options) != run.methods:
                self.method.options = run.methods
            self.method.value = run.method
        by_rule = f"<b>{html.escape(run.method)}</b> drives; move a slider to take the wheel"
        who = locked or ("you drive" if run.method == BY_HAND else by_rule)
        self.driver.value = f'<span class="mtl-note">{who}</span>'

    def show_target(self, target: str, met: int | None) -> None:
        """A light that is green once the target was met, and the step at which it was."""
        what = f"{html.escape(target)}{'' if met is None else f': met at step {met}'}"
        self.light.value = f'<span class="mtl-light{"" if met is None else " mtl-met"}">{what}</span>' if target else ""

    def chosen_preset(self) -> None:
        """The preset is used and λ may move on: it can be chosen again."""
        with only_shown(self.preset):
            self.preset.index = 0

    def offer(self, worlds: Iterable[str], chosen: str) -> None:
        """Show the choice of data."""
        self.data.options = list(worlds)
        self.data.value, self.data.layout.display = chosen, None

    def loading(self, world: str) -> None:
        """Say that data are being read; nothing can be pressed until `enable` and `show` are called."""
        for widget in (*self.buttons.values(), *self.sliders.values(), self.data, self.method, self.preset):
            widget.disabled = True
        self.readout.value = f"loading {html.escape(world)} ..."

    def enable(self, *, training: bool, begun: bool, locked: bool = False) -> None:
        """What can be pressed; optimizer and rate of a run that has begun are fixed; ``locked``: only Pause."""
        for name, button in self.buttons.items():
            button.disabled = {"pause": not training, "keep": locked, "reset": locked}.get(name, training)
        for widget in (*self.sliders.values(), self.data, self.method, self.preset):
            widget.disabled = locked
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
        recent, last = run.records[-SMOOTH:], run.records[-1] if run.records else None
        weights = run.mean_weights if run.by_rule and run.method != BY_HAND else dict(run.weights)
        if run.by_rule and run.method == run.driving:
            self.show_weights(weights)
        one = len({task.metric for task in self.tasks}) == 1
        rows = []
        for task in self.tasks:
            loss = mean(record.losses.get(task.name, math.nan) for record in recent)
            score = scores.get(task.name, math.nan)
            weight = three_digits(weights[task.name]) if run.by_rule else f"{weights[task.name]:g}"
            seen = "–" if math.isnan(score) else f"{score:.3f}" if one else f"{task.metric} {score:.3f}"
            rows.append([task.name, weight, "–" if math.isnan(loss) else f"{loss:.3f}", seen])
        by = f" by {html.escape(run.driving)}" if run.by_rule else ""
        pairs = {pair: value for pair, value in cosines.items() if not math.isnan(value)}
        names = [f"{a}, {b}: " if len(cosines) > 1 else "" for a, b in pairs]
        cosine = " · ".join(f"{name}{value:+.2f}" for name, value in zip(names, pairs.values(), strict=True))
        wide = f'<span style="display:inline-block; min-width:4em">λ{by}</span>'
        heads = ["task", wide, "training<br>loss", f"validation{f'<br>{self.tasks[0].metric}' if one else ''}"]
        self.readout.value = (
            f'<div style="line-height:1.5"><b>step {last.step if last else 0}</b> &nbsp; '
            f"{f'{rate:.0f} steps/s' if rate else ''} &nbsp; {f'gradient cosine {cosine}' if cosine else ''}"
            f"{html_table(heads, rows)}</div>"
        )
        if self.fold.value:  # each is a message more to the page
            self.progress.value = (last.step - 1) % self.progress.max + 1 if last else 0
            self.progress.description = f"epoch {last.epoch if last else 0}"


def _presets(names: list[str]) -> Iterable[tuple[str, dict[str, float]]]:
    yield "equal", dict.fromkeys(names, 1.0)
    if len(names) > 1:
        for name in names:
            yield f"only {name}", {other: float(other == name) for other in names}
        for name, rest in (names[:2], names[1::-1]):
            yield f"{name} 10 : 1 {rest}", {other: 10.0 if other == name else 1.0 for other in names}


def three_digits(value: float) -> str:
    """λ as a rule chose it, in a width that does not change: ``0.900``, ``1.02``, ``-12.5``."""
    return f"{value:#.3g}".rstrip(".")


def _rates(lr: float) -> list[tuple[str, float]]:
    return [(f"{rate:g}", rate) for rate in sorted({*LEARNING_RATES, lr})]
