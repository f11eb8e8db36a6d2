"""The λ lab: drag the task weights while the model trains, and watch each task's loss answer."""

from __future__ import annotations

import base64
import copy
import html
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd
import torch
from torch.utils.data import DataLoader

from mtl_helpers.live.canvas import LivePlot
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.relations import gradient_cosines
from mtl_helpers.training import Record, TaskWeights, as_history, train_steps, whole_number

STOPS = (0, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10)
OPTIMIZERS = {cls.__name__: cls for cls in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)}
LEARNING_RATES = (0.0001, 0.0003, 0.001, 0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 1.0)
SPEEDS = (("full", 0), ("100 a second", 100), ("30 a second", 30), ("10 a second", 10))
MAX_GHOSTS = 5
PUSH_INTERVAL = 0.1  # seconds: the page hears from the training at most 10 times a second


class LabError(ValueError):
    """The lab was asked for something it can not do."""


class LambdaLab:
    """Train ``model`` on ``loader`` with one λ slider a task; see losses, validation scores, λ and gradient cosines live.

    Parameters
    ----------
    model, loader, val_loader
        As for `mtl_helpers.training.train_steps`; ``loader`` needs a ``generator`` (`make_loader` gives it one), so that a
        run can be replayed.
    optimizer, lr
        The choice the lab opens with: one of SGD, Adam and AdamW. Fixed during a run; Reset to change them.
    eval_every
        Steps from one validation (and gradient cosine) to the next.

    ``run(steps)`` drives the same steps from code. ``history`` is the run as a tidy frame, ``events`` every λ that took
    effect as ``(step, task, value)``; ``replay()`` gives the same curves from them, bit for bit.
    """

    # A lab outlives the cell that made it, since its thread and the page hold it. When that cell is run again,
    # the lab it replaces must stop: so labs are known by the cell they come from, and by nothing else.
    _by_cell: ClassVar[dict[str, list[tuple[int, weakref.ref]]]] = {}

    def __init__(
        self,
        model: MultiTaskModel,
        loader: DataLoader,
        val_loader: DataLoader | None = None,
        *,
        optimizer: str = "AdamW",
        lr: float = 0.002,
        eval_every: int = 25,
    ) -> None:
        if optimizer not in OPTIMIZERS:
            raise LabError(f"Unknown optimizer {optimizer!r}; choose one of {', '.join(OPTIMIZERS)}.")
        if isinstance(lr, bool) or not isinstance(lr, (int, float)) or not 0 < lr < float("inf"):
            raise LabError(f"The learning rate must be a positive number; found {lr!r}.")
        if getattr(loader, "generator", None) is None:
            raise LabError(
                "The training loader has no generator, so no run could be replayed. Use make_loader, or pass generator=."
            )
        if len(model.tasks) > 5:
            raise LabError(f"The lab shows 1 to 5 tasks; this model has {len(model.tasks)}.")
        whole_number("eval_every", eval_every)
        self.model, self.val_loader, self.eval_every = model, val_loader, eval_every
        # An order of its own: two labs on one loader would take each other's random numbers. The data are shared.
        self.loader = loader = copy.deepcopy(loader, {id(loader.dataset): loader.dataset})
        self.names = [task.name for task in model.tasks]
        self.weights = TaskWeights(self.names)
        self.plot = LivePlot(model.tasks)
        self._start_state = copy.deepcopy(model.state_dict())
        self._start_generator = loader.generator.get_state()
        self._control = threading.RLock()
        self._pause = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False
        self.error: Exception | None = None
        self._build_widgets(optimizer, float(lr))
        self._begin()
        self._replace_older()

    # The run itself ---------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Put model, loader and optimizer back to the start and forget the run."""
        self.model.load_state_dict(self._start_state)
        self.loader.generator.set_state(self._start_generator)
        optimizer = OPTIMIZERS[self.optimizer.value](self.model.parameters(), lr=self.learning_rate.value)
        self._steps = train_steps(
            self.model,
            self.loader,
            optimizer,
            weights=self.weights,
            val_loader=self.val_loader,
            eval_every=self.eval_every,
        )
        self._records: list[Record] = []
        self._events: list[tuple[int, str, float]] = []
        self._cosines: dict[tuple[str, str], float] = {}
        self._last_seen: dict[str, tuple[float, float]] = {}
        self._rate = 0.0
        self.error = None
        self._show_error()
        self.plot.clear()
        self._show()

    def _drive(self, limit: int | None, script: dict[int, dict[str, float]] | None = None) -> None:
        """Take steps until paused, or ``limit`` of them; with a script, λ changes come from it."""
        torch.set_num_threads(1)  # small models: a second thread only gets in the way, and in the page's
        taken, since, counted, next_at = 0, time.perf_counter(), 0, 0.0
        try:
            while not self._pause.is_set() and (limit is None or taken < limit):
                if script and self.step + 1 in script:
                    self.set(**script[self.step + 1])
                if limit is None and self.speed.value:
                    self._pause.wait(max(0.0, next_at - time.perf_counter()))
                    next_at = time.perf_counter() + 1 / self.speed.value
                self._take(next(self._steps))
                taken += 1
                now = time.perf_counter()
                if now - since >= PUSH_INTERVAL:
                    self._rate = (taken - counted) / (now - since)
                    self.plot.refresh()
                    self._show()
                    since, counted = time.perf_counter(), taken
        except Exception as error:
            self.error = error
        finally:
            torch.set_num_threads(self._threads)
        self._after_driving()

    def _take(self, record: Record) -> None:
        previous = self._records[-1].weights if self._records else {}
        self._events += [(record.step, n, v) for n, v in record.weights.items() if previous.get(n) != v]
        cosines = {}
        if record.step % self.eval_every == 0 and self.plot.pairs:
            cosines = self._cosines = gradient_cosines(self.model, record.batch)
        if record.val_scores:
            self._last_seen = {n: (record.val_losses[n], record.val_scores[n]) for n in self.names}
        record.batch = None
        self._records.append(record)
        self.plot.add(record, cosines)

    def _after_driving(self) -> None:
        self.plot.refresh()
        self._show()
        self._show_error()
        self._buttons_for(training=False)

    @property
    def step(self) -> int:
        """Steps taken in this run."""
        return len(self._records)

    @property
    def training(self) -> bool:
        """Whether the background thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def history(self) -> pd.DataFrame:
        """The run so far as a tidy frame, see `training.as_history`."""
        return as_history(list(self._records))

    @property
    def events(self) -> pd.DataFrame:
        """Every λ that took effect: ``step, task, value``; the first step names them all."""
        return pd.DataFrame(list(self._events), columns=["step", "task", "value"])

    @property
    def scores(self) -> dict[str, float]:
        """The last validation's score by task; empty before the first."""
        return {name: score for name, (_, score) in self._last_seen.items()}

    def set(self, /, **weights: float) -> None:
        """Set λ by task name, as dragging the sliders does."""
        TaskWeights(self.names, **weights)  # the same check, before any slider moves
        for name, value in weights.items():
            slider = self.sliders[name]
            if value not in slider.options_values:
                slider.add_stop(float(value))
            slider.value = float(value)

    def run(self, steps: int) -> None:
        """Take ``steps`` steps now, in this thread; raises what goes wrong, after showing it in the lab."""
        whole_number("steps", steps)
        with self._control:
            self._ready()
            self._drive(steps)
            self._raise()

    def start(self) -> None:
        """Train in the background until `pause` or `stop`."""
        self._start_thread(None, None)

    def pause(self) -> None:
        """Let the thread finish its step and wait for it."""
        with self._control:
            self._pause.set()
            if self._thread is not None and self._thread is not threading.current_thread():
                self._thread.join()
            self._thread = None

    def stop(self) -> None:
        """Pause, and raise what went wrong in the thread, if anything did."""
        self.pause()
        self._raise()

    def reset(self) -> None:
        """Back to step 0: first weights, first batch, the optimizer and learning rate chosen now. λ stays."""
        with self._control:
            self.pause()
            self._alive()
            self._begin()
            self._buttons_for(training=False)

    def replay(self, events: pd.DataFrame | None = None, steps: int | None = None) -> None:
        """Run again from step 0 with recorded λ changes: this lab's own, or a frame ``step, task, value``."""
        with self._control:
            script, steps = self._script(events, steps)
            self.reset()
            self._ready()
            self._drive(steps, script)
            self._raise()

    def _script(self, events: pd.DataFrame | None, steps: int | None) -> tuple[dict[int, dict[str, float]], int]:
        events = self.events if events is None else events
        steps = self.step if steps is None else steps
        absent = {"step", "task", "value"} - set(events.columns)
        if absent:
            raise LabError(f"Events need the columns step, task and value; missing: {', '.join(sorted(absent))}.")
        if events.empty or steps == 0:
            raise LabError("There is nothing to replay: train first, or give events and steps.")
        whole_number("steps", steps)
        script: dict[int, dict[str, float]] = {}
        for step, task, value in events[["step", "task", "value"]].itertuples(index=False):
            whole_number("An event's step", step)
            TaskWeights(self.names, **{task: value})
            script.setdefault(int(step), {})[task] = float(value)
        return script, steps

    def keep(self) -> None:
        """Keep the present curves as a pale ghost to compare with; at most five."""
        with self._control:
            if not self._records:
                raise LabError("There is no curve to keep yet: train first.")
            if len(self.plot.ghosts) >= MAX_GHOSTS:
                raise LabError(f"{MAX_GHOSTS} runs are kept already; remove one first.")
            now = self._records[-1].weights
            label = ", ".join(f"{name} {now[name]:g}" for name in self.names)
            changed = "" if len(self._events) == len(self.names) else ", λ changed on the way"
            self.plot.add_ghost(f"λ {label} · {self.optimizer.value} {self.learning_rate.value:g}{changed}")
            self._show_ghosts()

    def remove(self, number: int) -> None:
        """Remove the ghost of that number, counted from 1 as the lab shows them."""
        with self._control:
            if not 1 <= number <= len(self.plot.ghosts):
                raise LabError(f"There is no kept run {number}; there are {len(self.plot.ghosts)}.")
            self.plot.remove_ghost(number - 1)
            self._show_ghosts()

    def close(self) -> None:
        """Stop the thread and take the lab off the page. It can not be used again."""
        if self._closed:
            return
        self.pause()
        self._closed = True
        for widget in _all_widgets(self.box):
            widget.close()

    def _start_thread(self, limit: int | None, script: dict | None) -> None:
        with self._control:
            if self.training:
                return
            self._ready()
            self._buttons_for(training=True)
            self._thread = threading.Thread(target=self._drive, args=(limit, script), daemon=True, name="lambda-lab")
            self._thread.start()

    def _ready(self) -> None:
        self.pause()
        self._alive()
        self._raise()
        self._threads = torch.get_num_threads()  # asked here: a new thread is told what another lab has set
        self._pause.clear()
        self._lock_choices(True)

    def _alive(self) -> None:
        if self._closed:
            raise LabError("This lab was closed, or its cell was run again; make a new one.")

    def _raise(self) -> None:
        if self.error is not None:
            raise self.error

    def _replace_older(self) -> None:
        cell = _current_cell()
        if cell is None:
            return
        key, count = cell
        kept = []
        for made, ref in self._by_cell.get(key, []):
            lab = ref()
            if lab is not None and made < count:
                lab.close()
            elif lab is not None:
                kept.append((made, ref))
        self._by_cell[key] = [*kept, (count, weakref.ref(self))]

    # What the page shows ----------------------------------------------------------------------------------------

    def _build_widgets(self, optimizer: str, lr: float) -> None:
        self.readout = widgets.HTML(layout={"min_height": "6.2em"})
        self.sliders = {name: _LambdaSlider(name) for name in self.names}
        for name, slider in self.sliders.items():
            slider.observe(lambda change, name=name: self._slider_moved(name, change["new"]), names="value")
        button = lambda text, icon, tip, act: _button(text, icon, tip, lambda _: self._safely(act))  # noqa: E731
        self.buttons = {
            "train": button("Train", "play", "Train until you press Pause", self.start),
            "pause": button("Pause", "pause", "Stop after the present step", self.pause),
            "step": button("Step", "step-forward", "Take one step", lambda: self.run(1)),
            "reset": button("Reset", "undo", "Back to step 0 with the same first weights", self.reset),
            "keep": button("Keep run", "thumb-tack", "Keep these curves, pale, to compare with", self.keep),
            "replay": button("Replay", "history", "Run again with the λ changes you made", self._replay_live),
        }
        self.optimizer = widgets.Dropdown(options=list(OPTIMIZERS), value=optimizer, description="optimizer")
        rates = sorted({*LEARNING_RATES, lr})
        self.learning_rate = widgets.Dropdown(
            options=[(f"{r:g}", r) for r in rates], value=lr, description="learning rate"
        )
        self.speed = widgets.Dropdown(options=SPEEDS, value=0, description="speed")
        self.preset = widgets.Dropdown(options=[("choose ...", {}), *self._presets()], description="λ preset")
        choosers = [self.optimizer, self.learning_rate, self.preset, self.speed]
        for chooser in choosers:
            chooser.layout.width, chooser.style.description_width = "15.5em", "7em"
        self.optimizer.observe(lambda _: self._safely(self._choice_changed), names="value")
        self.learning_rate.observe(lambda _: self._safely(self._choice_changed), names="value")
        self.preset.observe(lambda change: self.set(**change["new"]), names="value")
        self.progress = widgets.IntProgress(max=len(self.loader), layout={"width": "12em"})
        self._error_box = widgets.HTML()
        self._ghost_row = widgets.HBox(layout={"flex_flow": "row wrap"})
        wrap = {"flex_flow": "row wrap"}
        self.box = widgets.VBox(
            [
                self.readout,
                self._error_box,
                widgets.HBox([*self.buttons.values(), self.progress], layout=wrap),
                widgets.HBox(choosers, layout=wrap),
                *self.sliders.values(),
                self.plot.canvas,
                self._ghost_row,
            ]
        )
        self.box.add_class("mtl-lambda-lab")
        self._buttons_for(training=False)

    def _presets(self) -> Iterable[tuple[str, dict[str, float]]]:
        yield "equal", dict.fromkeys(self.names, 1.0)
        if len(self.names) > 1:
            for name in self.names:
                yield f"only {name}", {other: float(other == name) for other in self.names}
            first = self.names[0]
            for name in self.names[:2]:
                rest = self.names[1] if name == first else first
                yield f"{name} 10 : 1 {rest}", {other: 10.0 if other == name else 1.0 for other in self.names}

    def _slider_moved(self, name: str, value: float) -> None:
        if not self.sliders[name].adding:
            self.weights[name] = float(value)

    def _choice_changed(self) -> None:
        if not self._records:
            self.reset()  # the optimizer of step 0 is made anew

    def _replay_live(self) -> None:
        with self._control:
            self.pause()
            script, steps = self._script(None, None)
            self.reset()
            self._start_thread(steps, script)

    def _safely(self, action: Callable[[], None]) -> None:
        """Run a button's action; what goes wrong is shown in the lab, since a callback's traceback shows nowhere."""
        try:
            action()
        except Exception as error:
            self._show_error(error)

    def _buttons_for(self, *, training: bool) -> None:
        if self._closed:
            return
        for name, button in self.buttons.items():
            button.disabled = {"pause": not training, "keep": False, "reset": False}.get(name, training)
        self._lock_choices(training or bool(getattr(self, "_records", [])))

    def _lock_choices(self, locked: bool) -> None:
        tip = "Fixed during a run; press Reset to change it." if locked else ""
        for chooser in (self.optimizer, self.learning_rate):
            chooser.disabled, chooser.tooltip = locked, tip

    def _show(self) -> None:
        """Write the readout: a row a task, of fixed height so that nothing below it jumps."""
        if self._closed:
            return
        last = self._records[-1] if self._records else None
        rate = f"{self._rate:.0f} steps/s" if self._rate else ""
        rows = "".join(self._row(name, last) for name in self.names)
        cosine = " · ".join(
            f"{a}, {b}: {self._cosines[a, b]:+.2f}" for a, b in self.plot.pairs if (a, b) in self._cosines
        )
        self.readout.value = (
            f'<div style="line-height:1.5"><b>step {self.step}</b> &nbsp; {rate} &nbsp; '
            f"{'gradient cosine ' + cosine if cosine else ''}"
            '<table style="border-spacing:1.2em 0; margin-left:-1.2em; text-align:right">'
            '<tr><th style="text-align:left">task</th><th>λ</th><th>training loss</th><th>validation</th></tr>'
            f"{rows}</table></div>"
        )
        if last is not None:
            self.progress.value = (self.step - 1) % len(self.loader) + 1
            self.progress.description = f"epoch {last.epoch}"
        else:
            self.progress.value, self.progress.description = 0, "epoch 0"

    def _row(self, name: str, last: Record | None) -> str:
        task = next(task for task in self.model.tasks if task.name == name)
        recent = [record.losses[name] for record in self._records[-20:]]
        loss = f"{sum(recent) / len(recent):.3f}" if recent else "–"
        score = f"{task.metric} {self._last_seen[name][1]:.3f}" if name in self._last_seen else "–"
        weight = last.weights[name] if last is not None else self.weights[name]
        return f'<tr><td style="text-align:left">{name}</td><td>{weight:g}</td><td>{loss}</td><td>{score}</td></tr>'

    def _show_error(self, error: Exception | None = None) -> None:
        error = error or self.error
        text = f"<b>{type(error).__name__}:</b> {html.escape(str(error))}" if error else ""
        style = "color:#7a1f00;background:#fff0e8;border-left:4px solid #D55E00;padding:6px 10px"
        self._error_box.value = f'<div style="{style}">{text}</div>' if text else ""

    def _show_ghosts(self) -> None:
        row = []
        for number, ghost in enumerate(self.plot.ghosts, start=1):
            button = _button(f"run {number}: {ghost['label']}", "times", "Remove this kept run", self._remover(number))
            button.layout.width, button.style.button_color = "auto", "#f2f2f2"
            row.append(button)
        self._ghost_row.children = row

    def _remover(self, number: int) -> Callable[[Any], None]:
        return lambda _: self._safely(lambda: self.remove(number))

    def __repr__(self) -> str:
        # No trained number in it: this text is compared when the notebook is checked on another machine.
        weights = ", ".join(f"{name} {value:g}" for name, value in self.weights.items())
        return f"LambdaLab at step {self.step}, λ: {weights}"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        view = self.box._repr_mimebundle_(**kwargs)
        picture = base64.b64encode(self.plot.png()).decode("ascii")
        return {**view, "image/png": picture, "text/plain": repr(self)}


class _LambdaSlider(widgets.SelectionSlider):
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


def _current_cell() -> tuple[str, int] | None:
    """What tells the running notebook cell from others, and the number of its run; None outside a notebook."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId") or parent.get("content", {}).get("code", "")
    return str(cell), shell.execution_count
