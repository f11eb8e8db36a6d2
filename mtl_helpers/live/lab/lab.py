"""The λ lab: drag the task weights while the model trains, and watch each task's loss answer."""

from __future__ import annotations

import time
from collections.abc import Iterator

import ipywidgets as widgets
import pandas as pd
import torch
from torch.utils.data import DataLoader

from mtl_helpers.arguments import number, whole_number
from mtl_helpers.live.lab.panel import LabPanel
from mtl_helpers.live.lab.recording import BY_HAND, LabError, RecordedRun, Script
from mtl_helpers.live.lab.worlds import World, Worlds, checked_worlds, made_world
from mtl_helpers.live.widgets.canvas import LiveCanvas
from mtl_helpers.live.widgets.live_widget import LiveWidget, by_worker
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.plots import Figure
from mtl_helpers.plots.live.live_curves import LiveCurves
from mtl_helpers.training import Weighting, as_history

OPTIMIZERS = {cls.__name__: cls for cls in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)}
MAX_GHOSTS = 5
# Seconds between two news to the page: within these bounds REST times what the last took, so that they cost little anywhere.
PUSH_INTERVAL, LONGEST, REST = 0.1, 0.3, 30


class LambdaLab(LiveWidget):
    """Train ``model`` on ``loader`` with one λ slider a task; see losses, validation scores, λ and gradient cosines live.

    Parameters
    ----------
    model, loader, val_loader
        As for `mtl_helpers.training.train_steps`, of one to eight tasks; ``loader`` needs a ``generator`` (`make_loader`
        gives it one), so that a run can be replayed.
    optimizer, lr
        The choice the lab opens with: one of SGD, Adam and AdamW. Fixed during a run; Reset to change them.
    eval_every
        Steps from one validation (and gradient cosine) to the next.

    ``run(steps)`` drives the same steps from code. ``use("PCGrad")``, or ``use(rule)`` with a `Weighting` of your own, lets a
    rule choose λ from the next step on, see `RecordedRun`; moving a slider, ``set`` and ``use("by hand")`` take the wheel back
    from where it left λ. ``history`` is the run as a tidy frame, ``events`` what steered it, as ``step, task, value``: every λ
    by hand that took effect, and, under the task ``method``, who chose λ from then on. ``replay()`` gives the same curves from
    them, bit for bit. ``scores`` are those of the last validation, by task. With `of`, the lab offers a choice of data sets.
    """

    what, refusal = "lab", LabError

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
        super().__init__()
        self.world, self._worlds, self.eval_every = None, {}, eval_every
        recorded, lr = self._prepared(World(model, loader, val_loader, lr))
        canvas = LiveCanvas(Figure(figsize=(8.2, 4.5), dpi=92))
        self.plot = LiveCurves(canvas.figure, model.tasks)
        actions = {"train": self.start, "pause": self.pause, "step": lambda: self.run(1), "reset": self.reset}
        actions |= {"keep": self.keep, "replay": lambda: self._worker.work(self._replaying)}
        options = {"optimizers": list(OPTIMIZERS), "optimizer": optimizer, "lr": lr}
        self.panel = LabPanel(self, **options, actions=actions, moved=lambda name, value: self.set(**{name: value}))
        self.box = widgets.VBox([*self.panel.parts, canvas, self.panel.ghost_row])
        self.box.add_class("mtl-lambda-lab")
        for chooser in (self.panel.optimizer, self.panel.learning_rate):
            self._watch(chooser, lambda _: self.step or self.reset())  # the optimizer of step 0 is made anew
        self._watch(self.panel.preset, lambda weights: self.set(**weights))
        self._watch(self.panel.method, lambda method: method == self.method or self.use(method))
        self._watch(self.panel.data, lambda world: world in (self.world, None) or self.choose(world))
        self._opened()
        self._worker.ask(lambda: self._open(recorded, lr))

    @classmethod
    def of(cls, worlds: Worlds, *, optimizer: str = "AdamW", eval_every: int = 25) -> LambdaLab:
        """A lab with a choice of data: ``worlds`` are functions by name that return (model, loader, val_loader).

        It opens with the first one; the others are called when they are chosen, on the page or by `choose`. `lab_worlds` has
        three to begin with; a function that returns a `World` can give a learning rate too.
        """
        worlds = checked_worlds(worlds)
        name = next(iter(worlds))
        first = made_world(name, worlds[name])
        lab = cls(first.model, first.loader, first.val_loader, optimizer=optimizer, lr=first.lr, eval_every=eval_every)
        lab._worlds, lab.world = worlds, name
        lab._worker.ask(lambda: lab.panel.offer(worlds, name))
        return lab

    def _prepared(self, world: World) -> tuple[RecordedRun, float]:
        """What can go wrong goes wrong here, before anything in the lab is changed."""
        lr = number("The learning rate", world.lr, LabError, above=0)
        return RecordedRun(world.model, world.loader, world.val_loader, eval_every=self.eval_every), lr

    def _open(self, recorded: RecordedRun, lr: float) -> None:
        self.recorded = recorded
        self.model, self.names, self.weights = recorded.model, recorded.names, recorded.weights
        self.panel.furnish(self.model.tasks, batches=len(recorded.loader), lr=lr)
        self.sliders = self.panel.sliders
        self.reset()
        self._show_ghosts()

    # What it knows --------------------------------------------------------------------------------------------------

    @property
    def step(self) -> int:
        """Steps taken in this run."""
        return len(self.recorded.records)

    @property
    def training(self) -> bool:
        """Whether it is at work."""
        return self._worker.working

    @property
    def method(self) -> str:
        """Who chooses λ from the next step on: ``by hand`` or the name of a rule."""
        return self.recorded.method

    @property
    def history(self) -> pd.DataFrame:
        """The run so far as a tidy frame, see `training.as_history`."""
        return as_history(list(self.recorded.records))

    @property
    def events(self) -> pd.DataFrame:
        """What steered the run: ``step, task, value``; the first step names every λ, the task ``method`` who chose them."""
        return self.recorded.events

    @by_worker
    def png(self) -> bytes:
        """The curves as they stand, for where no live page is."""
        return self.plot.png()

    # What it can be told --------------------------------------------------------------------------------------------

    @by_worker
    def set(self, /, **weights: float) -> None:
        """Set λ by task name, as dragging the sliders does."""
        self.recorded.set(**weights)
        self._show_steering()

    @by_worker
    def use(self, method: str | Weighting) -> None:
        """Let a rule choose λ from the next step, by name or your own (its ``total`` stays); ``by hand``: take the wheel."""
        self.recorded.use(method)
        self._show_steering()

    def run(self, steps: int) -> None:
        """Take ``steps`` steps and wait for them; raises what goes wrong, after showing it in the lab."""
        steps = whole_number("steps", steps, LabError)
        self._worker.run(lambda: self._training(steps))

    @by_worker
    def start(self) -> None:
        """Train in the background until `pause` or `stop`."""
        if not self.training:
            self._worker.raise_error()
            self._worker.work(self._training(None))

    def pause(self) -> None:
        """Finish the present step, and stop."""
        self._worker.cancel()

    @by_worker
    def reset(self) -> None:
        """Back to step 0: first weights, first batch, the optimizer and learning rate chosen now.

        λ by hand and the method stay: the sliders go back to where they stood when a rule took over.
        """
        self.pause()
        optimizer, lr = OPTIMIZERS[self.panel.optimizer.value], self.panel.learning_rate.value
        self.recorded.begin(lambda parameters: optimizer(parameters, lr=lr))
        self.scores, self._cosines, self._rate = {}, {}, 0.0
        self._worker.forget()
        self._show_error(None)
        self._show_steering()
        self.panel.show_weights(self.weights)
        self.plot.clear()
        self._show()
        self._enable(training=False)

    def replay(self, events: pd.DataFrame | None = None, steps: int | None = None) -> None:
        """Run again from step 0 with recorded changes: this lab's own, or a frame ``step, task, value``."""
        self._worker.run(lambda: self._replaying(events, steps))

    @by_worker
    def choose(self, world: str) -> None:
        """Take another of the data sets the lab was made with (see `of`): a new run by hand; kept runs go."""
        if world not in self._worlds:
            known = ", ".join(map(repr, self._worlds)) or "none: make the lab with LambdaLab.of"
            raise LabError(f"There are no data {world!r} to choose; there are {known}.")
        self.pause()
        self.panel.loading(world)
        self._show_error(None)
        try:
            made = made_world(world, self._worlds[world])
            recorded, lr = self._prepared(made)
            self.world = world
            self.plot.open(made.model.tasks)
            self._open(recorded, lr)
        except Exception as error:
            self._show_error(error)
            raise
        finally:
            self.panel.data.value = self.world
            self._show()
            self._enable(training=False)

    @by_worker
    def keep(self) -> None:
        """Keep the present curves as a pale ghost to compare with; at most five."""
        if not self.step:
            raise LabError("There is no curve to keep yet: train first.")
        if len(self.plot.ghosts) >= MAX_GHOSTS:
            raise LabError(f"{MAX_GHOSTS} runs are kept already; remove one first.")
        trained_by = f"{self.panel.optimizer.value} {self.panel.learning_rate.value:g}"
        self.plot.add_ghost(f"{self.recorded.summary()} · {trained_by}")
        self._show_ghosts()

    @by_worker
    def remove(self, number: int) -> None:
        """Remove the ghost of that number, counted from 1 as the lab shows them."""
        if not 1 <= number <= len(self.plot.ghosts):
            raise LabError(f"There is no kept run {number}; there are {len(self.plot.ghosts)}.")
        self.plot.remove_ghost(number - 1)
        self._show_ghosts()

    # What the worker does -------------------------------------------------------------------------------------------

    def _replaying(self, events: pd.DataFrame | None = None, steps: int | None = None) -> Iterator[float | None]:
        script, steps = self.recorded.script(events, steps)
        self.reset()
        self.use(BY_HAND)
        return self._training(steps, script)

    def _training(self, limit: int | None, script: Script | None = None) -> Iterator[float | None]:
        """Step after step, ``limit`` of them or for ever; told to the page three to ten times a second."""
        self._worker.raise_error()
        self._enable(training=True)
        taken, since, counted, interval = 0, time.perf_counter(), 0, PUSH_INTERVAL
        try:
            while limit is None or taken < limit:
                self._take(script or {})
                taken += 1
                now = time.perf_counter()
                if now - since >= interval:
                    self._rate = (taken - counted) / (now - since)
                    self._show()
                    since, counted = time.perf_counter(), taken
                    interval = min(max(PUSH_INTERVAL, REST * (since - now)), LONGEST)
                speed = 0 if limit else self.panel.speed.value
                yield 1 / speed if speed else None
        finally:
            self._show()
            self._enable(training=False)

    def _take(self, script: Script) -> None:
        """Take the next step; changes of λ and method may come from a script."""
        if self.step + 1 in script:
            self.recorded.play(script[self.step + 1])
            self._show_steering()
        record = self.recorded.step()
        cosines = {}
        if record.step % self.eval_every == 0 and self.plot.pairs:
            cosines = self._cosines = self.recorded.cosines()
        self.scores = dict(record.val_scores or self.scores)
        if self.recorded.handed_over:
            self.plot.mark(record.step, self.recorded.driving)
        self.plot.add(record, cosines, self.recorded.mean_weights if self.recorded.by_rule else None)

    def _show(self) -> None:
        self.plot.refresh()
        self.panel.show(self.recorded, self._rate, self._cosines, self.scores)

    def _show_steering(self) -> None:
        if self.method == BY_HAND:
            self.panel.show_weights(self.weights)
        self.panel.show_method(self.recorded)

    def _show_ghosts(self) -> None:
        self.panel.show_ghosts([ghost["label"] for ghost in self.plot.ghosts], self.remove)

    def _enable(self, *, training: bool) -> None:
        self.panel.enable(training=training, begun=training or self.step > 0)

    def __repr__(self) -> str:
        # No trained number in it: this text is compared when the notebook is checked on another machine.
        λ = ": " + ", ".join(f"{name} {value:g}" for name, value in self.weights.items())
        data = f" of {self.world}" if self.world else ""
        return f"LambdaLab{data} at step {self.step}, λ{λ if self.method == BY_HAND else f' by {self.method}'}"
