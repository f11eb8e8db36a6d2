"""Drive: say a command, change the scene, and see the five answers of one model at once; λ retrains it."""

from __future__ import annotations

import copy
import io
import math
import threading
import time
import wave
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader

from mtl_helpers.driving import COMMAND, DRIVING_TASKS, OBSTACLE, RANGES, RATE, SIGN, drive_rows, encode_drives, speak
from mtl_helpers.driving import route_action as right_action
from mtl_helpers.live.background import BackgroundDemo, DemoError
from mtl_helpers.live.drive_picture import POINTS_ALLOWED, Answer, answers_table, draw_drive
from mtl_helpers.live.page import new_button
from mtl_helpers.live.panel import LambdaSlider
from mtl_helpers.live.recorded_run import RecordedRun
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.training import mean_score, validate, whole_number

PUSH_INTERVAL = 0.8  # seconds between two pictures of a model in training; drawing one takes 0.1 to 0.2
EVAL_EVERY = 50
SCENE = ("bend", "light", "fog", "rain", "hum")  # the numbers of a drive that have a slider
CLASSES = {task.name: task.classes for task in (COMMAND, SIGN, OBSTACLE)}
START = {"command": "left", "sign": "none", "obstacle": "none", "bend": 0.0, "light": 0.9, "fog": 0.1, "rain": 0.2}
NAMES = [task.name for task in DRIVING_TASKS]


class DriveDemo(BackgroundDemo):
    """One model that sees, listens and steers, on a drive of your own making.

    Parameters
    ----------
    model, loader, val_loader
        A model of the five driving tasks and its drives, as for `LambdaLab`.
    single
        By task the validation score of a single-task model, to compare with.
    steps, lr
        Steps of AdamW that a training takes, and its learning rate.

    Command, sign, obstacle and weather change the drive at hand, and the answers are drawn at once. Releasing a λ slider
    trains the model anew from its first weights, in the background, and the drawing follows. ``set(...)`` changes the drive
    from code, ``run(waypoints=4)`` sets λ and trains here and now, ``take(model)`` shows one that is trained already.
    ``answers`` is what the model says, ``scores`` its validation, and ``gaps`` how many points each task is better (+) or
    worse (-) than its single model; a point is 0.01, of a road width for the waypoints.
    """

    go = "train"

    def __init__(
        self,
        model: MultiTaskModel,
        loader: DataLoader,
        val_loader: DataLoader,
        *,
        single: Mapping[str, float] | None = None,
        steps: int = 400,
        lr: float = 0.004,
        seed: int = 7,
    ) -> None:
        super().__init__()
        names = [task.name for task in model.tasks]
        if sorted(names) != sorted(NAMES):
            raise DemoError(f"The demo draws the tasks {', '.join(NAMES)}; the model has {', '.join(names)}.")
        whole_number("steps", steps)
        self.single = dict(single or {})
        if unknown := set(self.single) - set(names):
            raise DemoError(f"There is no task {min(unknown)!r} to compare with; tasks are {', '.join(names)}.")
        self.recorded = RecordedRun(model, loader, val_loader, eval_every=min(EVAL_EVERY, steps))
        self.model, self.steps, self.lr = model, steps, lr
        self.scores: dict[str, float] = {}
        self.step = 0
        self._using = threading.RLock()  # the model: one thread takes a step, or asks it, at a time
        self.row = drive_rows(1, seed=seed).assign(**START)
        self._seed = seed
        self._build_widgets()
        self._begin()

    # The drive at hand and what the model says of it ----------------------------------------------------------------

    @property
    def answers(self) -> dict[str, Answer]:
        """By task what the model says of the drive at hand."""
        inputs = encode_drives(self.row).inputs
        for name, on in (("camera", self.camera.value), ("microphone", self.microphone.value)):
            inputs[name] = inputs[name] * on
        with self._using, torch.no_grad():
            was_training = self.model.training
            outputs = self.model.eval()(inputs)
            self.model.train(was_training)
        return {task.name: Answer(task, outputs[task.name][0]) for task in self.model.tasks}

    @property
    def gaps(self) -> dict[str, float]:
        """By task how many points the validation score is better (+) or worse (-) than its single model's."""
        signs = {task.name: 1 if task.higher_is_better else -1 for task in self.model.tasks}
        known = [name for name in signs if name in self.scores and name in self.single]
        return {name: 100 * signs[name] * (self.scores[name] - self.single[name]) for name in known}

    def set(self, *, camera: bool | None = None, microphone: bool | None = None, **drive: Any) -> None:
        """Change the drive as buttons and sliders do: ``command``, ``sign``, ``bend``, ..., or whether an input works."""
        self._alive()
        for name, value in drive.items():
            self._check(name, value)
        switches = {"camera": camera, "microphone": microphone}
        changes = {**drive, **{name: on for name, on in switches.items() if on is not None}}
        self._silent = True
        try:
            for name, value in changes.items():
                getattr(self, name).value = value
        finally:
            self._silent = False
        self._take_over()

    def run(self, steps: int | None = None, **weights: float) -> pd.DataFrame:
        """Set λ, those not named stay; train here and now; return validation, single model and gap by task."""
        self._alive()
        with self._choosing():
            for name, value in weights.items():
                if name not in self.sliders:
                    raise DemoError(f"There is no task {name!r} to weight; tasks are {', '.join(self.sliders)}.")
                self.recorded.set(**{name: value})
                self.sliders[name].show(value, exactly=True)
        self._compute_now(self.steps if steps is None else steps)
        return self._compared()

    def take(self, trained: MultiTaskModel) -> pd.DataFrame:
        """Go on with the weights of a model that is trained already, one of the same parts; return what `run` returns."""
        self._alive()
        self._cancel()
        with self._working, self._using:
            try:
                self.model.load_state_dict(trained.state_dict())
            except RuntimeError as error:
                raise DemoError(f"The demo's model has other parts than the one it is to take: {error}") from error
            self.error, self.step = None, 0
            self.scores = validate(self.model, self.recorded.val_loader)[1]
        self._show()
        return self._compared()

    def _compared(self) -> pd.DataFrame:
        return pd.DataFrame({"validation": self.scores, "single": self.single, "points": self.gaps}).reindex(NAMES)

    # The computation ------------------------------------------------------------------------------------------------

    def _amount(self) -> int:
        return self.steps

    def _work(self, steps: int, go_on: Callable[[], None]) -> None:
        """Train anew with the λ of the sliders; end with the weights of the best validation, as `fit` does."""
        self.scores, self.step, told, best = {}, 0, time.monotonic(), {}
        with self._using:
            self.recorded.begin(lambda parameters: torch.optim.AdamW(parameters, lr=self.lr, fused=True))
        for self.step in range(1, steps + 1):
            go_on()
            with self._using:
                record = self.recorded.step()
                record.batch = None
                better = record.val_scores and mean_score(self.model, record.val_scores) > best.get("score", -math.inf)
                if better:
                    best = {"score": mean_score(self.model, record.val_scores), "scores": record.val_scores}
                    best["state"] = copy.deepcopy(self.model.state_dict())
            if time.monotonic() - told > PUSH_INTERVAL:
                self._show()
                told = time.monotonic()
        if best:
            with self._using:
                self.model.load_state_dict(best["state"])
                self.scores = best["scores"]

    # What the page shows --------------------------------------------------------------------------------------------

    def _check(self, name: str, value: Any) -> None:
        if name in CLASSES and value not in CLASSES[name]:
            raise DemoError(f"{name} is one of {', '.join(CLASSES[name])}; found {value!r}.")
        if name in SCENE and not (isinstance(value, (int, float)) and RANGES[name][0] <= value <= _most(name)):
            raise DemoError(f"{name} lies between {RANGES[name][0]:g} and {_most(name):g}; found {value!r}.")
        if name not in CLASSES and name not in SCENE:
            raise DemoError(f"A drive has {', '.join([*CLASSES, *SCENE])}; found {name!r}.")

    def _build_widgets(self) -> None:
        self.readout = widgets.HTML(layout={"min_height": "12em"})
        self.command = widgets.ToggleButtons(
            options=COMMAND.classes, value=START["command"], description="command", style={"button_width": "5.5em"}
        )
        self.sign = widgets.Dropdown(options=SIGN.classes, description="sign", layout={"width": "14em"})
        self.obstacle = widgets.Dropdown(options=OBSTACLE.classes, description="obstacle", layout={"width": "14em"})
        for name in SCENE:
            slider = widgets.FloatSlider(
                value=float(self.row[name].iloc[0]),
                min=RANGES[name][0],
                max=_most(name),
                step=(_most(name) - RANGES[name][0]) / 40,
                description=name,
                readout_format=".2f",
                layout={"width": "19em"},
            )
            setattr(self, name, slider)
        self.camera = widgets.Checkbox(value=True, description="camera works", indent=False, layout={"width": "9em"})
        self.microphone = widgets.Checkbox(
            value=True, description="microphone works", indent=False, layout={"width": "11em"}
        )
        self.audio = widgets.Audio(
            format="wav", autoplay=False, loop=False, layout={"width": "16em", "height": "2.4em"}
        )
        drive = [self.command, self.sign, self.obstacle, *(getattr(self, name) for name in SCENE)]
        for widget in (*drive, self.camera, self.microphone):
            widget.observe(self._changed, names="value")
        self.sliders = {name: LambdaSlider(name) for name in NAMES}
        for name, slider in self.sliders.items():
            slider.continuous_update = False
            slider.observe(lambda change, name=name: self._weigh(name, change["new"]), names="value")
        self.buttons = {
            "train": new_button("Train", self.start, icon="play"),
            "stop": new_button("Stop", self._cancel, icon="stop"),
            "other": new_button("Another drive", self._another, icon="random", width="10em"),
        }
        self.progress = widgets.IntProgress(max=self.steps, layout={"width": "12em"})
        self.picture = widgets.Image(format="png", layout={"width": "883px", "max_width": "100%"})
        rows = [
            [self.sign, self.obstacle, self.camera, self.microphone, self.audio],
            [getattr(self, name) for name in SCENE],
            [*self.buttons.values(), self.progress],
            list(self.sliders.values()),
        ]
        wrapped = [widgets.HBox(row, layout={"flex_flow": "row wrap"}) for row in rows]
        self.box = widgets.VBox(
            [self.readout, self.error_box, self.command, wrapped[0], wrapped[1], self.picture, *wrapped[2:]]
        )
        self.box.add_class("mtl-drive-demo")

    def _changed(self, _: Any) -> None:
        if not self._silent:
            self._take_over()

    def _take_over(self) -> None:
        """Let the drive at hand be what buttons and sliders say, and draw it."""
        changes = {name: getattr(self, name).value for name in (*CLASSES, *SCENE)}
        row = self.row.assign(**changes)
        self.row = row.assign(action=right_action(changes["command"], changes["sign"], changes["obstacle"]))
        self._show()

    def _another(self) -> None:
        """Another voice, another place of sign and obstacle, other noise."""
        self._seed += 1
        kept = {name: getattr(self, name).value for name in (*CLASSES, *SCENE)}
        self.row = drive_rows(1, seed=self._seed).assign(**kept)
        self._take_over()

    def _weigh(self, name: str, value: float) -> None:
        if not self._silent:
            self.recorded.set(**{name: value})
            self.start()

    def _chosen(self) -> None:
        """Before the first picture: the action that belongs to the drive."""
        self.row = self.row.assign(action=right_action(*(self.row[name].iloc[0] for name in CLASSES)))

    def _show_all(self) -> None:
        answers, row = self.answers, self.row
        truth = {name: str(row[name].iloc[0]) for name in ("sign", "obstacle", "command", "action")}
        table = answers_table(self.model.tasks, answers, truth, self.scores, self.single, self.gaps)
        if self.step:
            state = f"step {self.step} of {self.steps}"
        else:
            state = "a trained model, taken over" if self.scores else "not trained yet: press Train"
        if self.gaps:
            kept = sum(gap >= -POINTS_ALLOWED for gap in self.gaps.values())
            state += f" · {kept} of {len(self.gaps)} tasks within {POINTS_ALLOWED:g} points of their single model"
        self.readout.value = f'<div style="line-height:1.4">{state}{table}</div>'
        self.progress.value = self.step
        self.picture.value = draw_drive(row, answers, camera=self.camera.value, microphone=self.microphone.value)
        self.audio.value = wav(speak(row)[0] * self.microphone.value)

    def __repr__(self) -> str:
        # No trained number in it: this text is compared when the notebook is checked on another machine.
        labels = ", ".join(f"{name} {self.row[name].iloc[0]}" for name in (*CLASSES, "action"))
        weights = ", ".join(f"{value:g}" for value in self.recorded.weights.values())
        return f"DriveDemo: {labels}; {self.steps} steps a training, λ {weights}"


def wav(clip: np.ndarray) -> bytes:
    """A clip ``(time,)`` from -1 to 1 as a wave file of 16 bits, for a player on the page.

    >>> wav(np.zeros(10))[:4], len(wav(np.zeros(10)))
    (b'RIFF', 64)
    """
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(clip, -1, 1) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def _most(name: str) -> float:
    """Where a slider ends: beyond what is drawn for training, for fog and hum, so that an input can be spoilt."""
    return {"fog": 2.0, "hum": 0.4}.get(name, RANGES[name][1])
