"""The λ lab: drag the task weights while the model trains, and watch each task's loss answer."""

from __future__ import annotations

import base64
import copy
import threading
import time
import weakref
from typing import Any, ClassVar

import pandas as pd
import torch
from torch.utils.data import DataLoader

from mtl_helpers.live.canvas import LivePlot
from mtl_helpers.live.panel import LabPanel
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.relations import gradient_cosines
from mtl_helpers.training import Record, TaskWeights, as_history, train_steps, whole_number

OPTIMIZERS = {cls.__name__: cls for cls in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)}
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
            raise LabError(
                f"The lab shows 1 to 5 tasks; this model has {len(model.tasks)}. Train it with fit, or leave some out."
            )
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
        self._build_panel(optimizer, float(lr))
        self._begin()
        self._replace_older()

    # The run itself ---------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Put model, loader and optimizer back to the start and forget the run."""
        self.model.load_state_dict(self._start_state)
        self.loader.generator.set_state(self._start_generator)
        optimizer = OPTIMIZERS[self.panel.optimizer.value](self.model.parameters(), lr=self.panel.learning_rate.value)
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
        self._scores: dict[str, float] = {}
        self._rate = 0.0
        self.error = None
        self.panel.show_error(self.error)
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
                if limit is None and self.panel.speed.value:
                    self._pause.wait(max(0.0, next_at - time.perf_counter()))
                    next_at = time.perf_counter() + 1 / self.panel.speed.value
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
            self._scores = dict(record.val_scores)
        record.batch = None
        self._records.append(record)
        self.plot.add(record, cosines)

    def _after_driving(self) -> None:
        self.plot.refresh()
        self._show()
        self.panel.show_error(self.error)
        self._enable(training=False)

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
        return dict(self._scores)

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
            self._enable(training=False)

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
            self.plot.add_ghost(f"λ {label} · {self.panel.optimizer.value} {self.panel.learning_rate.value:g}{changed}")
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
        self.panel.close()

    def _start_thread(self, limit: int | None, script: dict | None) -> None:
        with self._control:
            if self.training:
                return
            self._ready()
            self._enable(training=True)
            self._thread = threading.Thread(target=self._drive, args=(limit, script), daemon=True, name="lambda-lab")
            self._thread.start()

    def _ready(self) -> None:
        self.pause()
        self._alive()
        self._raise()
        self._threads = torch.get_num_threads()  # asked here: a new thread is told what another lab has set
        self._pause.clear()
        self.panel.enable(training=False, begun=True)

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

    # Between the run and the page -------------------------------------------------------------------------------

    def _build_panel(self, optimizer: str, lr: float) -> None:
        actions = {
            "train": self.start,
            "pause": self.pause,
            "step": lambda: self.run(1),
            "reset": self.reset,
            "keep": self.keep,
            "replay": self._replay_live,
        }
        self.panel = LabPanel(
            self.model.tasks,
            self.plot.canvas,
            optimizers=list(OPTIMIZERS),
            optimizer=optimizer,
            lr=lr,
            batches=len(self.loader),
            actions=actions,
        )
        self.box, self.sliders = self.panel.box, self.panel.sliders
        for name, slider in self.sliders.items():
            slider.observe(lambda change, name=name: self._slider_moved(name, change["new"]), names="value")
        for chooser in (self.panel.optimizer, self.panel.learning_rate):
            chooser.observe(lambda _: self.panel.safely(self._choice_changed), names="value")
        self.panel.preset.observe(lambda change: self.set(**change["new"]), names="value")

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

    def _enable(self, *, training: bool) -> None:
        if not self._closed:
            self.panel.enable(training=training, begun=training or bool(self._records))

    def _show(self) -> None:
        if not self._closed:
            self.panel.show(self._records, self.weights, self._rate, self._cosines, self.scores)

    def _show_ghosts(self) -> None:
        self.panel.show_ghosts([ghost["label"] for ghost in self.plot.ghosts], self.remove)

    def __repr__(self) -> str:
        # No trained number in it: this text is compared when the notebook is checked on another machine.
        weights = ", ".join(f"{name} {value:g}" for name, value in self.weights.items())
        return f"LambdaLab at step {self.step}, λ: {weights}"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        view = self.box._repr_mimebundle_(**kwargs)
        picture = base64.b64encode(self.plot.png()).decode("ascii")
        return {**view, "image/png": picture, "text/plain": repr(self)}


def _current_cell() -> tuple[str, int] | None:
    """What tells the running notebook cell from others, and the number of its run; None outside a notebook."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return None
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId") or parent.get("content", {}).get("code", "")
    return str(cell), shell.execution_count
