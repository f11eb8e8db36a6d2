"""Drive: say a command, change the scene, and see the five answers of one model at once; λ retrains it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import ipywidgets as widgets
import pandas as pd
import torch
from torch.utils.data import DataLoader

from mtl_helpers.arguments import whole_number
from mtl_helpers.driving import COMMAND, DRIVING_TASKS, OBSTACLE, RANGES, SIGN, drive_rows, encode_drives, speak, wav
from mtl_helpers.driving import route_action as right_action
from mtl_helpers.live.demos.demo import Demo, DemoError
from mtl_helpers.live.lab.recording import RecordedRun
from mtl_helpers.live.widgets.listen import Listen
from mtl_helpers.live.widgets.live_widget import by_worker
from mtl_helpers.live.widgets.page import row
from mtl_helpers.live.widgets.slider import LambdaSlider
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.plots import Figure
from mtl_helpers.plots.live.drive_views import Answer, answers_table, plot_drive, tries_table
from mtl_helpers.plots.styles import task_styles
from mtl_helpers.training import BestWeights, TrainingError, validate

PUSH_INTERVAL = 0.8  # seconds between two pictures of a model in training; drawing one takes 0.1 to 0.2
MAX_TRIES = 6
POINTS_ALLOWED = 2.0  # a task is kept if it is at most so many points below its single model
EVAL_EVERY = 50
SCENE = ("bend", "light", "fog", "rain", "hum")  # the numbers of a drive that have a slider
CLASSES = {task.name: task.classes for task in (COMMAND, SIGN, OBSTACLE)}
START = {"command": "left", "sign": "none", "obstacle": "none", "bend": 0.0, "light": 0.9, "fog": 0.1, "rain": 0.2}
PLACE = {"along": -1.6, "aside": 0.0, "turned": 0.0, "decided": False}  # where the car stands
NAMES = [task.name for task in DRIVING_TASKS]


class DriveDemo(Demo):
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
    from code, ``run(waypoints=4)`` sets λ and trains here and now, ``take(model)`` shows one that is trained already;
    ``reset()`` sets drive and λ as they were at first. ``tries`` has a row for each training that came to its end.
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
        super().__init__(height="12em")
        names = [task.name for task in model.tasks]
        if sorted(names) != sorted(NAMES):
            raise DemoError(f"The demo draws the tasks {', '.join(NAMES)}; the model has {', '.join(names)}.")
        steps = whole_number("steps", steps, TrainingError)
        self.single = dict(single or {})
        if unknown := set(self.single) - set(names):
            raise DemoError(f"There is no task {min(unknown)!r} to compare with; tasks are {', '.join(names)}.")
        self.recorded = RecordedRun(model, loader, val_loader, eval_every=min(EVAL_EVERY, steps))
        self.model, self.steps, self.lr = model, steps, lr
        self.scores: dict[str, float] = {}
        self._tries: list[dict[str, Any]] = []
        self.step = 0
        self.row = self._first = drive_rows(1, seed=seed).assign(**START, **PLACE)
        self._seed = seed
        self._build_widgets()
        self._begin()

    # The drive at hand and what the model says of it ----------------------------------------------------------------

    @property
    @by_worker
    def answers(self) -> dict[str, Answer]:
        """By task what the model says of the drive at hand."""
        inputs = encode_drives(self.row).inputs
        for name, on in (("camera", self.camera.value), ("microphone", self.microphone.value)):
            inputs[name] = inputs[name] * on
        was_training = self.model.training
        with torch.no_grad():
            outputs = self.model.eval()(inputs)
        self.model.train(was_training)
        return {task.name: Answer(task, outputs[task.name][0]) for task in self.model.tasks}

    @property
    def gaps(self) -> dict[str, float]:
        """By task how many points the validation score is better (+) or worse (-) than its single model's."""
        signs = {task.name: 1 if task.higher_is_better else -1 for task in self.model.tasks}
        known = [name for name in signs if name in self.scores and name in self.single]
        return {name: 100 * signs[name] * (self.scores[name] - self.single[name]) for name in known}

    @by_worker
    def set(self, *, camera: bool | None = None, microphone: bool | None = None, **drive: Any) -> None:
        """Change the drive as buttons and sliders do: ``command``, ``sign``, ``bend``, ..., or whether an input works."""
        for name, value in drive.items():
            self._check(name, value)
        switches = {"camera": camera, "microphone": microphone}
        self._silent = True
        try:
            for name, value in {**drive, **switches}.items():
                if value is not None:
                    getattr(self, name).value = value
        finally:
            self._silent = False
        self._take_over()

    def reset(self) -> None:
        """The first drive again, both inputs at work and all λ 1; the model stays as it is, and so do the tries."""

        def change() -> None:
            self.row = self._first
            self.recorded.set(**dict.fromkeys(NAMES, 1.0))
            for slider in self.sliders.values():
                slider.show(1.0)
            for name in (*CLASSES, *SCENE):
                getattr(self, name).value = self._first[name].iloc[0]
            self.camera.value = self.microphone.value = True

        self._choose(change)

    @property
    def tries(self) -> pd.DataFrame:
        """By try λ and points of each task, as ``λ sign`` and ``sign``, and how many tasks are kept; the last one last."""
        return pd.DataFrame(self._tries)

    def run(self, steps: int | None = None, **weights: float) -> pd.DataFrame:
        """Set λ, those not named stay; train and wait for it; return validation, single model and gap by task."""
        if unknown := [name for name in weights if name not in self.sliders]:
            raise DemoError(f"There is no task {unknown[0]!r} to weight; tasks are {', '.join(self.sliders)}.")
        steps = self.steps if steps is None else whole_number("steps", steps, TrainingError)

        def change() -> None:
            self.recorded.set(**weights)
            for name, value in weights.items():
                self.sliders[name].show(value)

        self._choose(change)
        self._compute_now(steps)
        return self._compared()

    def take(self, trained: MultiTaskModel) -> pd.DataFrame:
        """Go on with the weights of a model that is trained already, one of the same parts; return what `run` returns."""

        def change() -> None:
            try:
                self.model.load_state_dict(trained.state_dict())
            except RuntimeError as error:
                raise DemoError(f"The demo's model has other parts than the one it is to take: {error}") from error
            self.step, self.scores = 0, validate(self.model, self.recorded.val_loader)[1]
            self._add_try()

        self._choose(change)
        return self._compared()

    def _compared(self) -> pd.DataFrame:
        return pd.DataFrame({"validation": self.scores, "single": self.single, "points": self.gaps}).reindex(NAMES)

    # The computation ------------------------------------------------------------------------------------------------

    def _amount(self) -> int:
        return self.steps

    def _work(self, steps: int) -> Iterator[None]:
        """Train anew with the λ of the sliders; end with the weights of the best validation, as `fit` does."""
        self.scores, self.step, best = {}, 0, BestWeights(None, NAMES)
        self.recorded.begin(partial(torch.optim.AdamW, lr=self.lr, fused=True))
        for self.step in range(1, steps + 1):
            yield
            record = self.recorded.step()
            if record.val_scores:
                best.see(self.model, record)
            if self._due(PUSH_INTERVAL):
                self._show()
        self.scores = best.scores
        if best.state:
            self.model.load_state_dict(best.state)
        self._add_try()

    def _add_try(self) -> None:
        kept = sum(gap >= -POINTS_ALLOWED for gap in self.gaps.values())
        self._tries.append({f"λ {name}": λ for name, λ in self.recorded.weights.items()} | self.gaps | {"kept": kept})

    # What the page shows --------------------------------------------------------------------------------------------

    def _check(self, name: str, value: Any) -> None:
        if name in CLASSES and value not in CLASSES[name]:
            raise DemoError(f"{name} is one of {', '.join(CLASSES[name])}; found {value!r}.")
        if name in SCENE and not (isinstance(value, (int, float)) and RANGES[name][0] <= value <= _most(name)):
            raise DemoError(f"{name} lies between {RANGES[name][0]:g} and {_most(name):g}; found {value!r}.")
        if name not in CLASSES and name not in SCENE:
            raise DemoError(f"A drive has {', '.join([*CLASSES, *SCENE])}; found {name!r}.")

    def _build_widgets(self) -> None:
        wide = {"style": {"button_width": "5.5em"}}
        self.command = widgets.ToggleButtons(options=COMMAND.classes, value=START["command"], **wide)
        narrow = {"layout": {"width": "15em"}, "style": {"description_width": "5em"}}
        self.sign = widgets.Dropdown(options=SIGN.classes, description="sign", **narrow)
        self.obstacle = widgets.Dropdown(options=OBSTACLE.classes, description="obstacle", **narrow)
        for name in SCENE:
            low, high = RANGES[name][0], _most(name)
            looks = {"readout_format": ".2f", "style": {"description_width": "3.5em"}, "layout": {"width": "21em"}}
            slider = widgets.FloatSlider(min=low, max=high, step=(high - low) / 40, description=name, **looks)
            slider.value = float(self.row[name].iloc[0])
            setattr(self, name, slider)
        self.camera = widgets.Checkbox(True, description="camera works", indent=False)
        self.microphone = widgets.Checkbox(True, description="microphone works", indent=False)
        self.audio = Listen()
        scene = [getattr(self, name) for name in SCENE]
        for widget in (self.command, self.sign, self.obstacle, *scene, self.camera, self.microphone):
            self._watch(widget, lambda _: self._silent or self._take_over())
        colours = {name: style["color"] for name, style in task_styles(NAMES).items()}
        self.sliders = {name: LambdaSlider(name, colour=c, continuous_update=False) for name, c in colours.items()}
        for name, slider in self.sliders.items():
            self._watch(slider, partial(self._weigh, name))
        self.buttons = {
            "train": self._button("Train", self.start, icon="play"),
            "stop": self._button("Stop", self._cancel, icon="stop"),
            "other": self._button("Another drive", self._another, icon="random", width="10em"),
        }
        self.progress = widgets.IntProgress(max=self.steps, layout={"width": "12em"})
        self._tried = widgets.HTML()
        say = row(widgets.Label("say"), self.command, self.audio, self.microphone, self.camera)
        weights, train = row(*self.sliders.values()), row(*self.buttons.values(), self.progress)
        weights.add_class("mtl-columns")
        drawn = [say, row(self.sign, self.obstacle, *scene), self.picture]
        self.box = widgets.VBox([self.readout, self.error_box, *drawn, weights, train, self._tried])
        self.box.add_class("mtl-drive-demo")

    def _take_over(self) -> None:
        """Let the drive at hand be what buttons and sliders say, and draw it."""
        changes = {name: getattr(self, name).value for name in (*CLASSES, *SCENE)}
        self.row = self.row.assign(**changes)
        self._chosen()
        self._show()

    def _another(self) -> None:
        """Another voice, another place of sign and obstacle, other noise."""
        self._seed += 1
        kept = {name: getattr(self, name).value for name in (*CLASSES, *SCENE)}
        self.row = drive_rows(1, seed=self._seed).assign(**kept, **PLACE)
        self._take_over()

    def _weigh(self, name: str, value: float) -> None:
        if not self._silent:
            self.recorded.set(**{name: value})
            self.start()

    def _chosen(self) -> None:
        """The action that belongs to the drive."""
        self.row = self.row.assign(action=right_action(*(self.row[name].iloc[0] for name in CLASSES)))

    def _show_all(self) -> None:
        answers = self.answers
        if self.step:
            state = f"step {self.step} of {self.steps}"
        else:
            taken = "this model was trained before; release a λ to train it anew"
            state = taken if self.scores else "not trained yet: press Train"
        if self.gaps:
            kept = sum(gap >= -POINTS_ALLOWED for gap in self.gaps.values())
            state += f" · {kept} of {len(self.gaps)} tasks within {POINTS_ALLOWED:g} points of their single model"
        table = answers_table(self.row, answers, self.scores, self.single, self.gaps, POINTS_ALLOWED)
        self.readout.value = f'<div style="line-height:1.4">{state}{table}</div>'
        self.progress.value = self.step
        self._tried.value = tries_table(self._tries[-MAX_TRIES:], NAMES, POINTS_ALLOWED) if self.single else ""
        figure = Figure(figsize=(9.6, 3.3), dpi=100)
        plot_drive(figure, self.row, answers, camera=self.camera.value, microphone=self.microphone.value)
        self.picture.show(figure)
        self.audio.value = wav(speak(self.row)[0] * self.microphone.value)

    def __repr__(self) -> str:
        # No trained number in it: this text is compared when the notebook is checked on another machine.
        labels = ", ".join(f"{name} {self.row[name].iloc[0]}" for name in (*CLASSES, "action"))
        weights = ", ".join(f"{value:g}" for value in self.recorded.weights.values())
        return f"DriveDemo: {labels}; {self.steps} steps a training, λ {weights}"


def _most(name: str) -> float:
    """Where a slider ends: beyond what is drawn for training, for fog and hum, so that an input can be spoilt."""
    return {"fog": 2.0, "hum": 0.4}.get(name, RANGES[name][1])
