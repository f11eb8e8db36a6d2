"""What can be read off a run that is watched, whoever drives it."""

from __future__ import annotations

import math
from collections.abc import Callable

import pandas as pd

from mtl_helpers.live.lab.panel import LabPanel
from mtl_helpers.live.lab.recording import BY_HAND, LabError, RecordedRun
from mtl_helpers.live.lab.views import LabViews
from mtl_helpers.live.widgets.live_widget import LiveWidget, by_worker
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.training import as_history


class RunInView(LiveWidget):
    """A live widget with a run in it: its numbers, and how it looks."""

    what, refusal = "lab", LabError

    recorded: RecordedRun
    views: LabViews
    model: MultiTaskModel
    names: list[str]
    weights: dict[str, float]
    world: str | None
    panel: LabPanel
    _target: tuple[str, Callable[[RunInView], bool] | None] = ("", None)
    _met: int | None = None  # the step that met it

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
        """The run so far as a tidy frame, see `training.as_history`; ``pull`` is λᵢ‖gᵢ‖, nan where not measured."""
        history, pull = as_history(list(self.recorded.records)), self.views.curves.tables["pull"]
        known = {(step, name): pull[name][i] for i, step in enumerate(pull["x"]) for name in self.names}
        places = zip(history.step, history.task, strict=True)
        return history.assign(pull=[known.get(place, math.nan) for place in places])

    @property
    def losses(self) -> dict[str, float]:
        """By task the running mean of the training loss over the last steps, as the curves have it; nan before the first."""
        return {name: (self.views.curves.tables["loss"][name] or [math.nan])[-1] for name in self.names}

    def ever(self, true_of: Callable[[dict[str, float]], bool]) -> bool:
        """Whether something was true of the ``losses`` at any step so far."""
        columns = {name: self.views.curves.tables["loss"][name] for name in self.names}
        return any(true_of(dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True))

    @property
    def points(self) -> pd.DataFrame:
        """What the encoder saw at the last validation, in the plane of the first task's head: ``x, y``, and labels by task.

        Empty before the first picture: *what the encoder sees* must be on.
        """
        return self.views.points.frame()

    @property
    def events(self) -> pd.DataFrame:
        """What steered the run: ``step, task, value``; the first step names every λ, the task ``method`` who chose them."""
        return self.recorded.events

    @by_worker
    def png(self) -> bytes:
        """The curves as they stand, for where no live page is."""
        return self.views.png(self.model.tasks)

    @by_worker
    def aim(self, target: str, met: Callable[[RunInView], bool] | None) -> None:
        """Set a target, in words and as what is true of the lab once it is met; asked after each step of a run.

        ``lab.aim("both losses below 0.3", lambda lab: max(lab.losses.values()) < 0.3)``
        """
        if target and not callable(met):
            raise LabError(f"A target is words and a function of the lab; found {met!r}.")
        self._target, self._met = (target, met), None
        self.panel.show_target(target, None)

    def _ask_target(self) -> None:
        """After a step: whether the target is met now, unless it was before."""
        target, met = self._target
        if met is not None and self._met is None and met(self):
            self._met = self.step
            self.panel.show_target(target, self.step)

    def __repr__(self) -> str:
        # No trained number in it: this text is compared when the notebook is checked on another machine.
        λ = ": " + ", ".join(f"{name} {value:g}" for name, value in self.weights.items())
        data = f" of {self.world}" if self.world else ""
        return f"LambdaLab{data} at step {self.step}, λ{λ if self.method == BY_HAND else f' by {self.method}'}"
