"""What a lab can be told from code: run, start, pause, replay, set λ or let a rule choose it; and what it has recorded."""

from __future__ import annotations

import threading

import pandas as pd

from mtl_helpers.live.cells import OneToACell
from mtl_helpers.live.panel import LabPanel, LambdaSlider
from mtl_helpers.live.recorded_run import BY_HAND, LabError, RecordedRun, Script
from mtl_helpers.live.stepper import Stepper
from mtl_helpers.training import Record, TaskWeights, as_history, whole_number


class LabControls(OneToACell):
    """A recorded run, the stepper that drives it and the panel that shows it, under one hand.

    A class that builds on this shows what is new by `_show_new`, takes in each step by `_take`, begins a new run by `_begin`.
    """

    recorded: RecordedRun
    panel: LabPanel

    def __init__(self) -> None:
        self._control = threading.RLock()
        self._stepper = Stepper(show=self._show_new, done=self._after_driving)
        self._scores: dict[str, float] = {}
        self._closed = False

    def _show_new(self) -> None:
        raise NotImplementedError

    def _take(self, record: Record) -> None:
        raise NotImplementedError

    def _begin(self) -> None:
        raise NotImplementedError

    @property
    def step(self) -> int:
        """Steps taken in this run."""
        return len(self.recorded.records)

    @property
    def training(self) -> bool:
        """Whether the background thread is at work."""
        return self._stepper.training

    @property
    def error(self) -> Exception | None:
        """What went wrong in this run, if anything did."""
        return self._stepper.error

    @property
    def history(self) -> pd.DataFrame:
        """The run so far as a tidy frame, see `training.as_history`."""
        return as_history(list(self.recorded.records))

    @property
    def events(self) -> pd.DataFrame:
        """What steered the run: ``step, task, value``; the first step names every λ, the task ``method`` who chose them."""
        return self.recorded.events

    @property
    def weights(self) -> TaskWeights:
        """λ by hand, as the sliders have them; while a rule drives, where they stood before."""
        return self.recorded.weights

    @property
    def method(self) -> str:
        """Who chooses λ from the next step on: ``by hand`` or the name of a rule."""
        return self.recorded.method

    @property
    def sliders(self) -> dict[str, LambdaSlider]:
        """The sliders, by task."""
        return self.panel.sliders

    @property
    def scores(self) -> dict[str, float]:
        """The last validation's score by task; empty before the first."""
        return dict(self._scores)

    def set(self, /, **weights: float) -> None:
        """Set λ by task name, as dragging the sliders does."""
        self.recorded.set(**weights)
        self._show_steering()

    def use(self, method: str) -> None:
        """Let a rule choose λ from the next step on, or take the wheel: ``by hand``. As the choice on the page does."""
        self.recorded.use(method)
        self._show_steering()

    def run(self, steps: int) -> None:
        """Take ``steps`` steps now, in this thread; raises what goes wrong, after showing it in the lab."""
        whole_number("steps", steps)
        with self._control:
            self._run_now(steps)

    def start(self) -> None:
        """Train in the background until `pause` or `stop`."""
        self._start_thread(None, None)

    def pause(self) -> None:
        """Let the thread finish its step and wait for it."""
        with self._control:
            self._stepper.pause()

    def stop(self) -> None:
        """Pause, and raise what went wrong in the thread, if anything did."""
        self.pause()
        self._stepper.raise_error()

    def reset(self) -> None:
        """Back to step 0: first weights, first batch, the optimizer and learning rate chosen now.

        λ by hand and the method stay: the sliders go back to where they stood when a rule took over.
        """
        with self._control:
            self.pause()
            self._alive()
            self._begin()
            self._enable(training=False)

    def replay(self, events: pd.DataFrame | None = None, steps: int | None = None) -> None:
        """Run again from step 0 with recorded changes: this lab's own, or a frame ``step, task, value``."""
        with self._control:
            script, steps = self._reset_for(events, steps)
            self._run_now(steps, script)

    def _reset_for(self, events: pd.DataFrame | None, steps: int | None) -> tuple[Script, int]:
        script = self.recorded.script(events, steps)
        self.reset()
        self.use(BY_HAND)
        return script

    def _next(self, script: Script | None = None) -> None:
        """Take the next step; with a script, changes of λ and method come from it."""
        if script and self.step + 1 in script:
            self.recorded.play(script[self.step + 1])
            self._show_steering()
        self._take(self.recorded.step())

    def _run_now(self, steps: int, script: Script | None = None) -> None:
        self._ready()
        self._stepper.drive(lambda: self._next(script), steps)
        self._stepper.raise_error()

    def _start_thread(self, limit: int | None, script: Script | None) -> None:
        with self._control:
            if self.training:
                return
            self._ready()
            self._enable(training=True)
            pace = lambda: 0 if limit else self.panel.speed.value  # noqa: E731
            self._stepper.start(lambda: self._next(script), limit, pace)

    def _ready(self) -> None:
        self.pause()
        self._alive()
        self._stepper.ready()
        self.panel.enable(training=False, begun=True)

    def _alive(self) -> None:
        if self._closed:
            raise LabError("This lab was closed, or its cell was run again; make a new one.")

    def _after_driving(self) -> None:
        self._show_new()
        self.panel.show_error(self.error)
        self._enable(training=False)

    def _enable(self, *, training: bool) -> None:
        if not self._closed:
            self.panel.enable(training=training, begun=training or self.step > 0)

    def _show_steering(self) -> None:
        """The sliders and the choice of method as they stand, after a change that did not come from them."""
        if self.method == BY_HAND:
            self.panel.show_weights(self.weights)
        self.panel.show_method(self.method)
