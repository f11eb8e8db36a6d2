"""The λ lab: drag the task weights while the model trains, and watch each task's loss answer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import ipywidgets as widgets
import pandas as pd
import torch
from torch.utils.data import DataLoader

from mtl_helpers.arguments import number, whole_number
from mtl_helpers.live.lab.panel import PARTS, LabPanel
from mtl_helpers.live.lab.recording import BY_HAND, LabError, RecordedRun, Script
from mtl_helpers.live.lab.run_in_view import RunInView
from mtl_helpers.live.lab.views import VIEWS, LabViews
from mtl_helpers.live.lab.worlds import World, Worlds, checked_worlds, made_world
from mtl_helpers.live.widgets.live_widget import by_worker
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.training import Weighting

OPTIMIZERS = {cls.__name__: cls for cls in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)}
# Seconds between two news to the page: within these bounds REST times what the last took, so that they cost little anywhere.
PUSH_INTERVAL, LONGEST, REST = 0.1, 0.3, 30


class LambdaLab(RunInView):
    """Train ``model`` on ``loader`` with one λ slider a task; see losses, validation scores, λ and gradient cosines live.

    Parameters
    ----------
    model, loader, val_loader
        As for `mtl_helpers.training.train_steps`, of one to eight tasks; ``loader`` needs a ``generator`` (`make_loader`
        gives it one), so that a run can be replayed.
    optimizer, lr
        The choice the lab opens with: one of SGD, Adam and AdamW. Fixed during a run; Reset to change them.
    eval_every
        Steps from one validation (and gradient cosine, and pull) to the next.
    examples
        What to show of each validation example where the mouse points at it in the encoder's view, such as its text.
    shows
        What the lab offers beside sliders and curves, of "cosine", "pull", "encoder" and, under *more*, "preset", "speed",
        "optimizer", "learning rate", "method"; all of it, if not given.

    ``run(steps)`` drives the same steps from code. ``use("PCGrad")``, or ``use(rule)`` with a `Weighting` of your own, lets a
    rule choose λ from the next step on, see `RecordedRun`; moving a slider, ``set`` and ``use("by hand")`` take the wheel back
    from where it left λ. `aim` sets a target and lights up when it is met. ``history`` is the run as a tidy frame, with the
    ``pull`` λᵢ‖gᵢ‖ of each task at the shared parameters where measured; ``events`` what steered it, as ``step, task, value``:
    every λ by hand that took effect, and, under the task ``method``, who chose λ from then on. ``replay()`` gives the same
    curves from them, bit for bit. ``scores`` are those of the last validation, by task. With `of`, the lab offers a choice of
    data sets.
    """

    def __init__(
        self,
        model: MultiTaskModel,
        loader: DataLoader,
        val_loader: DataLoader | None = None,
        *,
        optimizer: str = "AdamW",
        lr: float = 0.002,
        eval_every: int = 25,
        examples: Sequence[str] | None = None,
        shows: Sequence[str] | None = None,
    ) -> None:
        shows = (*VIEWS, *PARTS) if shows is None else tuple(shows)
        if unknown := sorted({*shows} - {*VIEWS, *PARTS}):
            raise LabError(f"The lab can show {', '.join((*VIEWS, *PARTS))}; found {', '.join(map(repr, unknown))}.")
        if optimizer not in OPTIMIZERS:
            raise LabError(f"Unknown optimizer {optimizer!r}; choose one of {', '.join(OPTIMIZERS)}.")
        super().__init__()
        self.world, self._worlds, self.eval_every = None, {}, eval_every
        self._locked = ""
        world = World(model, loader, val_loader, lr, examples)
        recorded, lr = self._prepared(world)
        actions = {"train": self.start, "pause": self.pause, "reset": self.reset, "keep": self.keep}
        actions["step"] = lambda: self._worker.run(lambda: self._training(1, watched=True))
        actions["to"] = lambda: self._worker.work(
            self._training(self._steps_to(self.panel.goal_step.value), watched=True)
        )
        actions["replay"] = lambda: self._worker.work(self._replaying)
        options = {"shows": shows, "optimizers": list(OPTIMIZERS), "optimizer": optimizer, "lr": lr}
        self.panel = LabPanel(self, **options, actions=actions, moved=lambda name, value: self.set(**{name: value}))
        self.views = LabViews(self, model.tasks, shows)
        self.panel.steer.children = [*self.panel.steer.children[:-1], self.views.pull, self.panel.steer.children[-1]]
        lab = widgets.Box([self.panel.steer, self.views.box])
        lab.add_class("mtl-lab")
        self.box = widgets.VBox([lab])
        for name in ("mtl-live", "mtl-lambda-lab"):
            self.box.add_class(name)
        for chooser in (self.panel.optimizer, self.panel.learning_rate):
            self._watch(chooser, lambda _: self.step or self.reset())  # the optimizer of step 0 is made anew
        self._watch(self.panel.preset, self._preset)
        self._watch(self.panel.method, lambda method: method == self.method or self.use(method))
        self._watch(self.panel.data, lambda world: world in (self.world, None) or self.choose(world))
        self._opened()
        self._worker.ask(lambda: self._open(world, recorded, lr))

    @classmethod
    def of(
        cls, worlds: Worlds, *, optimizer: str = "AdamW", eval_every: int = 25, shows: Sequence[str] | None = None
    ) -> LambdaLab:
        """A lab with a choice of data: ``worlds`` are functions by name that return (model, loader, val_loader).

        It opens with the first one; the others are called when they are chosen, on the page or by `choose`. `lab_worlds` has
        three to begin with; a function that returns a `World` can give a learning rate too.
        """
        worlds = checked_worlds(worlds)
        name = next(iter(worlds))
        first = made_world(name, worlds[name])
        options = {"optimizer": optimizer, "lr": first.lr, "eval_every": eval_every, "examples": first.examples}
        lab = cls(first.model, first.loader, first.val_loader, **options, shows=shows)
        lab._worlds, lab.world = worlds, name
        lab.views.name(name)
        lab._worker.ask(lambda: lab.panel.offer(worlds, name))
        return lab

    def _prepared(self, world: World) -> tuple[RecordedRun, float]:
        """What can go wrong goes wrong here, before anything in the lab is changed."""
        lr = number("The learning rate", world.lr, LabError, above=0)
        return RecordedRun(world.model, world.loader, world.val_loader, eval_every=self.eval_every), lr

    def _open(self, world: World, recorded: RecordedRun, lr: float) -> None:
        self.recorded = recorded
        self.model, self.names, self.weights = recorded.model, recorded.names, recorded.weights
        self.views.open(world, self.world)
        self.panel.furnish(self.model.tasks, batches=len(recorded.loader), lr=lr)
        self.sliders = self.panel.sliders
        self.reset()

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
        """Take ``steps`` steps and wait for them; raises what goes wrong, after showing it in the lab.

        Meanwhile the page's sliders and buttons are locked, but for Pause.
        """
        steps = whole_number("steps", steps, LabError)
        self._worker.run(lambda: self._training(steps, locked="a cell drives the lab; Pause stops it"))

    def run_to(self, step: int) -> None:
        """Run until that step; raises `LabError` if it has passed."""
        self.run(self._steps_to(step))

    @by_worker
    def start(self) -> None:
        """Train in the background until `pause` or `stop`."""
        if not self.training:
            self._worker.raise_error()
            self._worker.work(self._training(None, watched=True))

    def pause(self) -> None:
        """Finish the present step, and stop."""
        self._worker.cancel()

    @by_worker
    def reset(self, *, optimizer: str | None = None, lr: float | None = None) -> None:
        """Back to step 0: first weights, first batch, this optimizer and learning rate, or those chosen on the page.

        λ by hand and the method stay: the sliders go back to where they stood when a rule took over.
        """
        self.panel.train_by(optimizer, lr)
        self.pause()
        optimizer, lr = OPTIMIZERS[self.panel.optimizer.value], self.panel.learning_rate.value
        self.recorded.begin(lambda parameters: optimizer(parameters, lr=lr))
        self.scores, self._cosines, self._rate = {}, {}, 0.0
        self.views.clear()
        self._worker.forget()
        self._show_error(None)
        self._show_steering()
        self.aim(*self._target)
        self.panel.show_weights(self.weights)
        self._show()
        self._enable(training=False)

    def replay(self, events: pd.DataFrame | None = None, steps: int | None = None) -> None:
        """Run again from step 0 with recorded changes: this lab's own, or a frame ``step, task, value``."""
        self._worker.run(lambda: self._replaying(events, steps))

    @by_worker
    def choose(self, world: str) -> None:
        """Take another of the data sets the lab was made with (see `of`): a new run by hand; kept runs stay with theirs."""
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
            self._open(made, recorded, lr)
        except Exception as error:
            self._show_error(error)
            raise
        finally:
            self.panel.data.value = self.world
            self._show()
            self._enable(training=False)

    @by_worker
    def keep(self) -> None:
        """Keep the present curves as a pale ghost to compare with; at most five, and none twice."""
        if not self.step:
            raise LabError("There is no curve to keep yet: train first.")
        trained_by = f"{self.panel.optimizer.value} {self.panel.learning_rate.value:g}"
        self.views.keep(f"{self.recorded.summary()} · {trained_by}")

    @by_worker
    def remove(self, place: int) -> None:
        """Remove the kept run of that place, counted from 1 as the lab shows them."""
        self.views.remove(place)

    # What the worker does -------------------------------------------------------------------------------------------

    def _replaying(self, events: pd.DataFrame | None = None, steps: int | None = None) -> Iterator[float | None]:
        script, steps = self.recorded.script(events, steps)
        self.reset()
        self.use(BY_HAND)
        return self._training(steps, script, locked="replaying; Pause leaves it and gives you the sliders")

    def _steps_to(self, step: int) -> int:
        step = whole_number("step", step, LabError)
        if step <= self.step:
            raise LabError(f"Step {step} has passed: the run is at step {self.step}. Press Reset to begin anew.")
        return step - self.step

    def _preset(self, weights: dict[str, float]) -> None:
        if weights:
            self.set(**weights)
            self.panel.chosen_preset()

    def _training(
        self, limit: int | None, script: Script | None = None, *, watched: bool = False, locked: str = ""
    ) -> Iterator[float | None]:
        """Step after step, ``limit`` of them or for ever; told to the page three to ten times a second.

        As fast as the lab's speed says if ``watched``, else as fast as can be. ``locked`` is why nobody can steer meanwhile.
        """
        self._worker.raise_error()
        self._enable(training=True, locked=locked)
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
                speed = self.panel.speed.value if watched else 0
                yield 1 / speed if speed else None
        finally:
            self._show()
            self._enable(training=False)

    def _take(self, script: Script) -> None:
        """Take the next step; changes of λ and method may come from a script."""
        if self.step + 1 in script:
            self.recorded.play(script[self.step + 1])
            self._show_steering()
        looked = (self.step + 1) % self.eval_every == 0
        with self.views.looking(looked):
            record = self.recorded.step()
        self._cosines = self.views.add(record, self.recorded, looked=looked) or self._cosines
        self.scores = dict(record.val_scores or self.scores)
        self._ask_target()

    def _show(self) -> None:
        self.views.show(self._cosines)
        self.panel.show(self.recorded, self._rate, self._cosines, self.scores)

    def _show_steering(self) -> None:
        if self.method == BY_HAND:
            self.panel.show_weights(self.weights)
        self.panel.show_method(self.recorded, self._locked)
        if not self.training:
            self.panel.show(self.recorded, self._rate, self._cosines, self.scores)

    def _enable(self, *, training: bool, locked: str = "") -> None:
        self._locked, self.views.chart.driven = locked, bool(locked)
        self.panel.enable(training=training, begun=training or self.step > 0, locked=bool(locked))
        self.panel.show_method(self.recorded, self._locked)
