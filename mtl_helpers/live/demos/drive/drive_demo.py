"""Drive: one model sees, listens and steers; command, weather, λ and faults change while it drives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import ipywidgets as widgets
import pandas as pd
from torch.utils.data import DataLoader

from mtl_helpers.arguments import number, whole_number
from mtl_helpers.driving import episode_rows, speak, wav
from mtl_helpers.live.demos.demo import Demo, DemoError
from mtl_helpers.live.demos.drive.drive_controls import CLASSES, INPUTS, SCENE, Controls
from mtl_helpers.live.demos.drive.ride import STEPS_PER_SECOND, Ride
from mtl_helpers.live.demos.drive.school import EXAM, NAMES, School
from mtl_helpers.live.demos.drive.stage import Stage
from mtl_helpers.live.widgets.listen import Listen
from mtl_helpers.live.widgets.live_widget import by_worker
from mtl_helpers.live.widgets.page import row
from mtl_helpers.live.widgets.slider import LambdaSlider
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.plots import Figure, figure_png
from mtl_helpers.plots.live.drive_views import Answer, plot_moment, tries_table
from mtl_helpers.plots.styles import task_styles
from mtl_helpers.training import TrainingError

TICK = 1 / STEPS_PER_SECOND  # seconds between two pictures of a drive
PUSH_INTERVAL = 0.3  # seconds between two pictures of a model in training that does not drive
MAX_TRIES = 6
START = {"command": "left", "sign": "none", "obstacle": "none", "bend": 0.0, "light": 0.9, "fog": 0.1, "rain": 0.2}


class DriveDemo(Demo):
    """One model that sees, listens and steers a car, on a drive that is changed while it goes.

    Parameters
    ----------
    model, loader, val_loader
        A model of the five driving tasks and its drives, as for `LambdaLab`.
    steps, lr
        Steps of AdamW that a training takes, and its learning rate.
    seed
        Of the drive it opens with.

    *Drive* lets the car go, ten steps of a tenth of a second each second. Command, sign, obstacle, weather and failing inputs
    count from the next step on. Releasing a λ slider trains the model anew from its first weights, in the background; the car
    meanwhile follows what the model knows by then, again and again until the training ends. ``set(...)`` changes the drive
    from code, ``advance(seconds)`` drives on here and now, ``run(waypoints=4)`` sets λ and trains here and now,
    ``take(model)`` shows one that is trained already; ``reset()`` sets drive and λ as they were at first. ``tries`` has a row
    for each training that came to its end: λ and validation score of each task, as ``λ sign`` and ``sign``, and how many of
    the exam's ``drives`` it passed, `EXAM` drives, always the same. ``answers`` is what the model says now, ``report`` what
    came of the drive so far.
    """

    go = "train"

    def __init__(
        self,
        model: MultiTaskModel,
        loader: DataLoader,
        val_loader: DataLoader,
        *,
        steps: int = 400,
        lr: float = 0.004,
        seed: int = 7,
    ) -> None:
        super().__init__(height="3em", pictured=False)
        self.school = School(model, loader, val_loader, steps=steps, lr=lr)
        self.recorded = self.school.recorded
        self.driving, self.training, self._clip = False, False, None
        self._seed = self._first_seed = seed
        self._first = episode_rows(1, seed=seed).assign(**START)
        self._build_widgets()
        self.ride = self._new_ride()
        self._begin()

    # The drive at hand and what the model says of it ----------------------------------------------------------------

    @property
    @by_worker
    def answers(self) -> dict[str, Answer]:
        """By task what the model says at this moment."""
        return self.ride.look()

    @property
    @by_worker
    def report(self) -> pd.Series:
        """What came of the drive so far, by the words of `Simulator.report`."""
        return self.ride.report()

    @by_worker
    def set(self, **drive: Any) -> None:
        """Change the drive as buttons and sliders do: ``command``, ``sign``, ``bend``, ...; ``camera=False`` lets it fail."""
        self._silent = True
        try:
            self.controls.choose(drive)
        finally:
            self._silent = False
        self._take_over()

    @by_worker
    def advance(self, seconds: float | None = None) -> pd.Series:
        """Drive on so long here and now, None: to the end; at the end, from the start. Return the `report`."""
        left = 1e9 if seconds is None else number("seconds", seconds, DemoError, above=0) * STEPS_PER_SECOND
        self.driving = False
        if self.ride.done:
            self.ride.restart()
        while not self.ride.done and left > 0:
            self.ride.step()
            left -= 1
        self._show()
        return self.ride.report()

    @by_worker
    def new(self, seed: int | None = None) -> None:
        """Another drive from its start: another voice, place of sign and car, and noise; what was chosen stays."""
        self._seed = self._seed + 1 if seed is None else whole_number("seed", seed, DemoError, at_least=0)
        self.ride = self._new_ride()
        self._show()

    def reset(self) -> None:
        """The first drive at its start, both inputs at work and all λ 1; model and tries stay as they are."""

        def change() -> None:
            self._weigh(dict.fromkeys(NAMES, 1.0))
            self._seed = self._first_seed
            self.controls.show(self._first)
            self.ride = self._new_ride()

        self._choose(change)

    # Training -------------------------------------------------------------------------------------------------------

    @property
    def tries(self) -> pd.DataFrame:
        """A row a try, the last one last."""
        return pd.DataFrame(self.school.tries)

    def run(self, steps: int | None = None, **weights: float) -> pd.Series:
        """Set λ, those not named stay; train and wait for it; return its row of the tries."""
        if unknown := [name for name in weights if name not in self.sliders]:
            raise DemoError(f"There is no task {unknown[0]!r} to weight; tasks are {', '.join(self.sliders)}.")
        steps = self.school.steps if steps is None else whole_number("steps", steps, TrainingError)
        self._choose(partial(self._weigh, weights))
        self._compute_now((steps, False))
        return self.school.last_try()

    def take(self, trained: MultiTaskModel) -> pd.Series:
        """Go on with the weights of a model that is trained already, one of the same parts; return what `run` returns."""
        self._choose(lambda: self.school.take(trained))
        self._worker.run(self.school.examine())
        self._worker.ask(self._show)
        return self.school.last_try()

    def _weigh(self, weights: Mapping[str, float]) -> None:
        self.recorded.set(**weights)
        for name, value in weights.items():
            self.sliders[name].show(value)

    def _amount(self) -> tuple[int, bool]:
        return self.school.steps, self.driving

    def _work(self, amount: tuple[int, bool]) -> Iterator[float | None]:
        """Train so many steps, if any, and drive meanwhile and afterwards, as long as that is wanted."""
        steps, self.driving = amount
        try:
            self.training = steps > 0
            for _ in self.school.train(steps) if steps else ():
                yield
                self._tick()
            self.training = False
            while self.driving:
                yield TICK
                self._tick()
        finally:
            self.training = self.driving = False

    def _tick(self) -> None:
        """Where it is time for that, let the car drive a step, and show it; one that stands is shown now and then."""
        if not self._due(0.0 if not self.training else TICK if self.driving else PUSH_INTERVAL):
            return
        if self.driving:
            if self.ride.done:
                self.ride.restart()
                self._moment = self.ride.moment()
            self.ride.step(self._moment.answers["waypoints"])
            self.driving = self.training or not self.ride.done
        self._show()

    # The buttons ----------------------------------------------------------------------------------------------------

    def _drive(self) -> None:
        if self.ride.done:
            self.ride.restart()
        self.driving = True
        if not self.computing:
            self._worker.work(self._job((0, True)))

    def _pause(self) -> None:
        self.driving = False
        self._show()

    def _cancel(self) -> None:
        """Give up the training; a car that drives goes on."""
        if self.driving:
            self._worker.work(self._job((0, True)))
        else:
            super()._cancel()

    def _enable(self, *, computing: bool) -> None:
        self.buttons["train"].disabled, self.buttons["stop"].disabled = self.training, not self.training
        self.buttons["drive"].disabled, self.buttons["pause"].disabled = self.driving, not self.driving

    def _pressed(self, said: Mapping[str, Any]) -> None:
        """A key on the map."""
        if said.get("say") in CLASSES["command"]:
            self.controls["command"].value = said["say"]
        elif said.get("go"):
            self._pause() if self.driving else self._drive()

    # What the page shows --------------------------------------------------------------------------------------------

    def _build_widgets(self) -> None:
        self.controls, self.audio, self.stage = Controls(self._first), Listen(), Stage()
        for widget in self.controls.values():
            self._watch(widget, lambda _: self._silent or self._take_over())
        self.stage.on_msg(lambda _, said, __: self._pressed(said))
        colours = {name: style["color"] for name, style in task_styles(NAMES).items()}
        self.sliders = {name: LambdaSlider(name, colour=c, continuous_update=False) for name, c in colours.items()}
        for name, slider in self.sliders.items():
            self._watch(slider, partial(self._released, name))
        acts = {"drive": ("Drive", self._drive, "play"), "pause": ("Pause", self._pause, "pause")}
        acts |= {"one": ("Step", partial(self.advance, TICK), "step-forward"), "new": ("New drive", self.new, "random")}
        acts |= {"train": ("Train", self.start, "refresh"), "stop": ("Stop", self._cancel, "stop")}
        self.buttons = {name: self._button(text, act, icon=icon) for name, (text, act, icon) in acts.items()}
        self.progress = widgets.IntProgress(max=self.school.steps, layout={"width": "12em"})
        self._tried = widgets.HTML()
        weights, of, with_ = row(*self.sliders.values()), self.controls, self.buttons
        weights.add_class("mtl-columns")
        parts = [
            row(with_["drive"], with_["pause"], with_["one"], with_["new"], *(of[name] for name in INPUTS)),
            row(widgets.Label("say"), of["command"], self.audio),
            self.stage,
            row(of["sign"], of["obstacle"]),
            row(*(of[name] for name in SCENE)),
            weights,
            row(with_["train"], with_["stop"], self.progress),
        ]
        self.box = widgets.VBox([self.readout, self.error_box, *parts, self._tried])
        self.box.add_class("mtl-drive-demo")

    def _take_over(self) -> None:
        """Let the drive be what buttons and sliders say, from the next step on."""
        self.ride.failing = self.controls.failing()
        self.ride.change(**self.controls.chosen())
        self._show()

    def _new_ride(self) -> Ride:
        """The drive of the present seed, as buttons and sliders say."""
        drawn = episode_rows(1, seed=self._seed).assign(**self.controls.chosen())
        return Ride(self.school.model, drawn, self.controls.failing())

    def _released(self, name: str, value: float) -> None:
        if not self._silent:
            self.recorded.set(**{name: value})
            self.start()

    def _show_all(self) -> None:
        self._enable(computing=self.computing)
        state = "driving" if self.driving else "at the end" if self.ride.done else "the car stands"
        told = f"{self.ride.told()} · {state}<br>{self.school.told()}"
        self.readout.value = f'<div style="line-height:1.4">{told}</div>'
        self._moment = self.ride.moment()
        self.stage.show(self.ride.scene(), self._moment)
        self._let_hear()
        self.progress.value = self.school.step
        self._tried.value = tries_table(self.school.tries[-MAX_TRIES:], NAMES, EXAM)

    def _let_hear(self) -> None:
        """The word as the microphone hears it, spoken anew only where it is another one."""
        row, heard = self.ride.row.iloc[0], "microphone" not in self.ride.failing
        clip = (self._seed, row.command, row.hum, heard)
        if clip != self._clip:
            self._clip, self.audio.value = clip, wav(speak(self.ride.row)[0] * heard)

    @by_worker
    def png(self) -> bytes:
        """The moment as it stands, for where no live page is."""
        figure = Figure(figsize=(9.6, 3.9), dpi=100)
        plot_moment(figure, self.ride.scene(), self._moment)
        return figure_png(figure)

    def __repr__(self) -> str:
        # No trained number in it: this text is compared when the notebook is checked on another machine.
        labels = ", ".join(f"{name} {self.ride.row[name].iloc[0]}" for name in (*CLASSES, "action"))
        weights = ", ".join(f"{value:g}" for value in self.recorded.weights.values())
        return f"DriveDemo: {labels}; {self.school.steps} steps a training, λ {weights}"
