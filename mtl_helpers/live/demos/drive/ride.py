"""One car with a model at the wheel, on a drive that may be changed while it goes, and whose inputs may fail."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mtl_helpers.driving import ACTION, Simulator, expert, steers, way_ahead, with_action
from mtl_helpers.driving.road import POINTS
from mtl_helpers.driving.simulator import WEATHER
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.plots.live.drive_views import Answer, Moment, Scene, on_map, scene_of

STEPS_PER_SECOND = 10
SIZE = 160  # pixels of the camera's picture for a person
APART = 0.15  # road widths that a path must lie nearer to another way than to the action's, before the two disagree
LEADS = {"left": "left", "right": "right", "ahead": "straight on", "stop": "to a halt"}


class Ride:
    """A drive, a frame of one row as `episode_rows` makes it, with ``model`` at the wheel.

    ``failing`` names the inputs that are out of order: the model gets zeros for them. `look` lets the model answer to what it
    gets now, `step` lets the car follow the answer for a tenth of a second.
    """

    def __init__(self, model: MultiTaskModel, row: pd.DataFrame, failing: set[str] | None = None) -> None:
        self.model, self.failing = model, failing or set()
        self._begin(row)

    def _begin(self, row: pd.DataFrame) -> None:
        self.simulator = Simulator(row, steps_per_second=STEPS_PER_SECOND)

    def restart(self) -> None:
        """Back to where it began, in the weather and with the word of now."""
        self._begin(self.row)

    @property
    def row(self) -> pd.DataFrame:
        """The drive as it is now, a frame of one row."""
        return self.simulator.rows

    @property
    def done(self) -> bool:
        """Whether it has come to its end."""
        return bool(self.simulator.done[0])

    @property
    def seconds(self) -> float:
        """How long the car has been driving, in simulated seconds."""
        return self.simulator.steps / STEPS_PER_SECOND

    def change(self, **values: Any) -> None:
        """Another word, weather, sign or obstacle from the next step on; another bend is another road: it starts anew."""
        old = self.row
        new = {name: value for name, value in values.items() if old[name].iloc[0] != value}
        if "command" in new:
            self.simulator.say(0, new.pop("command"))
        self.simulator.set_weather(**{name: new.pop(name) for name in WEATHER if name in new})
        if not new:
            return
        changed = with_action(self.row.assign(**new))
        if "bend" in new:
            self._begin(changed)
        else:  # what is decided stays decided
            right = changed.action.where(~self.simulator.decided, self.row.action)
            self.simulator.rows = changed.assign(action=right)

    def look(self) -> dict[str, Answer]:
        """By task what the model says to what it gets now; a path also by the way it leads."""
        return self._answers(self._inputs())

    def step(self, path: Answer | None = None) -> None:
        """Drive on for a tenth of a second along a path, such as one that is shown; None: that which the model says now."""
        self.simulator.step((path or self.look()["waypoints"]).output[None])

    def _inputs(self) -> dict[str, Tensor]:
        return {name: part * (name not in self.failing) for name, part in self.simulator.observe().items()}

    def _answers(self, inputs: dict[str, Tensor]) -> dict[str, Answer]:
        was_training = self.model.training
        with torch.no_grad():
            outputs = self.model.eval()(inputs)
            said = {t.name: (outputs[t.name] if t.classes else t.predict(outputs[t.name]))[0] for t in self.model.tasks}
        self.model.train(was_training)
        ways = self._off(said["waypoints"].numpy())
        leads = min(ways, key=lambda way: ways[way])
        return {task.name: Answer(task, said[task.name], leads) for task in self.model.tasks}

    def _place(self) -> tuple[float, float, float]:
        return tuple(float(value[0]) for value in self.simulator.pose[:3])

    def _off(self, points: np.ndarray) -> dict[str, float]:
        """By action how far, on average, the points of a path ``(10,)`` lie from those of its way, in road widths."""
        n = len(ACTION.classes)
        here = [np.repeat(value, n) for value in self.simulator.pose[:3]]
        ways = way_ahead(ACTION.classes, np.repeat(self.row.bend.to_numpy(), n), *here)
        off = np.hypot(*(ways - points).reshape(n, POINTS, 2).T).mean(axis=0)
        return dict(zip(ACTION.classes, off.tolist(), strict=True))

    # What is seen of it ---------------------------------------------------------------------------------------------

    def scene(self) -> Scene:
        """What stands still."""
        return scene_of(self.row)

    def moment(self) -> Moment:
        """What moves, and what the model says."""
        inputs, place = self._inputs(), self._place()
        answers = self._answers(inputs)
        decided = bool(self.simulator.decided[0])
        known = ("command",) if decided else ("sign", "obstacle", "command", "action")
        note, warns = self._note(answers, decided)
        return Moment(
            camera=self.simulator.camera(SIZE)[0] * ("camera" not in self.failing),
            seen=_stretched(inputs["camera"][0]),
            heard=_stretched(inputs["microphone"][0, 0]),
            car=place,
            points=on_map(answers["waypoints"].output.numpy(), place),
            driven=np.array([(float(pose.x[0]), float(pose.y[0])) for pose in self.simulator.trace]),
            right=on_map(expert(self.simulator)[0], place, with_car=True),
            answers=answers,
            labels={name: self.row[name].iloc[0] for name in known},
            said=self.row.command.iloc[0],
            decided=decided,
            note=note,
            warns=warns,
        )

    def told(self) -> str:
        """How long it has been driving, and where it is to go, in words, as HTML."""
        drive = self.row.iloc[0]
        said = "the microphone is dead" if "microphone" in self.failing else f"you say <b>{drive.command}</b>"
        rule = "decided" if self.simulator.decided[0] else "by the rule of the road"
        return f"<b>{self.seconds:.1f} s</b> · {said} · {rule}: <b>{drive.action}</b>"

    def report(self) -> pd.Series:
        """How it went so far, as `Simulator.report` says it."""
        return self.simulator.report().iloc[0]

    def _note(self, answers: dict[str, Answer], decided: bool) -> tuple[str, bool]:
        """The moment in a sentence, and whether it is a warning: that action and path disagree, or how the drive ended."""
        if self.done:
            return self.outcome()
        if decided:
            return "In the crossing: the decision is made.", False
        action, path, off = answers["action"].says, answers["waypoints"], self._off(answers["waypoints"].output.numpy())
        if off[action] - off[path.says] > APART:
            return f"The action says {action}, but the path leads {LEADS[path.says]}. The car follows the path.", True
        return f"The action says {action}, and the path agrees.", False

    def outcome(self) -> tuple[str, bool]:
        """How the drive ended in a sentence, and whether anything went wrong."""
        report = self.report()
        if report.success:
            return ("Waited" if report.action == "stop" else f"Arrived: {report.action}") + ", as it should.", False
        faults = {
            "hit the truck": report.collision,
            "went on where it had to stop": report.ran_stop,
            "took the wrong way": report.wrong_turn,
            "left the road": report.off_road > 0,
        }
        named = [fault for fault, found in faults.items() if found] or ["did not get there in time"]
        return f"The car {' and '.join(named)}; the rule of the road says {report.action}.", True


def drive_all(model: MultiTaskModel, rows: pd.DataFrame) -> Generator[None, None, pd.DataFrame]:
    """Send a model on drives, see `episode_rows`; it yields after each step, and returns the report."""
    simulator, policy = Simulator(rows), steers(model)
    while not simulator.done.all():
        simulator.step(policy(simulator.observe()))
        yield
    return simulator.report()


def _stretched(part: Tensor) -> np.ndarray:
    """A standardised input from 0 to 1, to be seen; nothing stays nothing."""
    low, high = part.min(), part.max()
    return ((part - low) / (high - low).clamp(min=1e-6)).numpy()
