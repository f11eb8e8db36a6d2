"""The rivals: single models that perceive, and a known or a learnt rule that drives; and a route head on frozen branches."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from mtl_helpers.data import MultiTaskDataset, make_loader
from mtl_helpers.driving import (
    COMMAND,
    OBSTACLE,
    SIGN,
    WAYPOINTS,
    Policy,
    Simulator,
    pose_of,
    route_action,
    way_ahead,
)
from mtl_helpers.driving.road import TURN
from mtl_helpers.experiments.driving.learning import LR, STEPS
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.tasks import Regression, Task
from mtl_helpers.training import fit

# Where the car is on the road, which one could read off a map with the car's place on it: its labels cost no driver.
LANE = Regression("lane", size=4)
_PLACE = ("along", "aside", "turned", "bend")
Rule = Callable[[str, str, str], str]  # command, sign, obstacle -> action


def lane_data(data: MultiTaskDataset, rows: pd.DataFrame) -> MultiTaskDataset:
    """The same moments, with the place on the road as their only label, before the decision."""
    known = torch.as_tensor(~rows.decided.to_numpy())
    target = torch.as_tensor(rows[list(_PLACE)].to_numpy(np.float32))
    return MultiTaskDataset(data.inputs, {LANE.name: target}, {LANE.name: known})


def learnt_rule(rows: pd.DataFrame) -> Rule:
    """The most frequent action of each command, sign and obstacle among the moments before a decision; unseen: stop.

    >>> from mtl_helpers.driving import drive_rows
    >>> learnt_rule(drive_rows(2000, seed=0).assign(decided=False))("left", "none", "middle")
    'left'
    """
    known = rows[~rows.decided]
    table = known.groupby(["command", "sign", "obstacle"]).action.agg(lambda actions: actions.mode().iloc[0]).to_dict()
    return lambda command, sign, obstacle: table.get((command, sign, obstacle), "stop")


def perceived(models: Mapping[str, MultiTaskModel], observed: Mapping[str, Tensor]) -> dict[str, list[str]]:
    """Command, sign and obstacle as the single models read them."""
    words = {}
    for task in (COMMAND, SIGN, OBSTACLE):
        with torch.inference_mode():
            output = models[task.name].eval()(observed)[task.name]
        words[task.name] = [task.classes[i] for i in output.argmax(dim=1)]
    return words


class Pipeline:
    """A policy: perceive, decide by the rule, and drive the way of the action from where the car is on the road.

    Where that is, and how the road bends, says the map (``lane`` None: the true pose, as a perfect positioning would give),
    or the single model ``lane``, from the camera. Once the car is in the crossing it keeps its action, and with ``lane`` its
    last estimate, moved on by what its wheels turned.
    """

    def __init__(
        self,
        simulator: Simulator,
        models: Mapping[str, MultiTaskModel],
        rule: Rule = route_action,
        lane: MultiTaskModel | None = None,
    ) -> None:
        self.simulator, self.models, self.rule, self.lane = simulator, models, rule, lane
        n = len(simulator)
        self.actions = np.array(["stop"] * n, dtype=object)
        self.decided = np.zeros(n, bool)
        self.place = self.true_then = np.zeros((3, n))  # x, y and heading: believed, and true at that time
        self.bend = simulator.rows.bend.to_numpy().copy()

    def __call__(self, observed: Mapping[str, Tensor]) -> np.ndarray:
        """Waypoints ``(n, 10)`` of what the cars see and hear."""
        words = perceived(self.models, observed)
        said = [self.rule(*one) for one in zip(*words.values(), strict=True)]
        true = np.stack(self.simulator.pose[:3])
        believed = true if self.lane is None else self._believed(observed, true)
        self.actions = np.where(self.decided, self.actions, np.array(said, dtype=object))
        self.decided |= believed[1] > -TURN
        return way_ahead(self.actions, self.bend, *believed)

    def _believed(self, observed: Mapping[str, Tensor], true: np.ndarray) -> np.ndarray:
        (task,) = self.lane.tasks
        with torch.inference_mode():
            seen = task.predict(self.lane.eval()(observed)[task.name]).numpy().astype(float)
        seen = pd.DataFrame(seen, columns=_PLACE).assign(action="ahead")
        seen["along"] = seen.along.clip(-3, 0)
        fresh = ~self.decided
        self.bend = np.where(fresh, seen.bend, self.bend)
        self.place = np.where(fresh, np.stack(pose_of(seen)[:3]), self.place)
        self.true_then = np.where(fresh, true, self.true_then)
        return moved(self.place, self.true_then, true)


def moved(place: np.ndarray, before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Where a car is that was believed at ``place`` and moved as from ``before`` to ``now``; each x, y, heading ``(3, n)``.

    >>> moved(*(np.array([[x], [y], [0.0]]) for x, y in ((5, 5), (0, 0), (0, 1)))).ravel().tolist()
    [5.0, 6.0, 0.0]
    """
    dx, dy = now[0] - before[0], now[1] - before[1]
    turn = place[2] - before[2]
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([place[0] + cos * dx + sin * dy, place[1] - sin * dx + cos * dy, now[2] + turn])


class _Read(nn.Module):
    """Features that were computed before, and one hidden layer."""

    def __init__(self, width: int, hidden: int = 64) -> None:
        super().__init__()
        self.layer, self.features = nn.Linear(width, hidden), hidden

    def forward(self, features: Tensor) -> Tensor:
        return torch.relu(self.layer(features))


def frozen_features(models: Mapping[str, MultiTaskModel], inputs: Mapping[str, Tensor]) -> Tensor:
    """What the trunks of the single models make of the inputs, side by side: ``(n, 64 a model)``."""
    with torch.no_grad():
        return torch.cat([model.eval().encoder(inputs) for model in models.values()], dim=1)


def route_head(
    models: Mapping[str, MultiTaskModel], train: MultiTaskDataset, val: MultiTaskDataset, task: Task, seed: int
) -> MultiTaskModel:
    """Branches first, then the route: a hidden layer and a head for the waypoints, on what the trained branches give."""
    data = [
        MultiTaskDataset(
            frozen_features(models, part.inputs),
            {task.name: part.targets[task.name]},
            {task.name: part.masks[task.name]},
        )
        for part in (train, val)
    ]
    known = MultiTaskDataset(*data[0][data[0].masks[task.name].nonzero().flatten()])
    generator = seeded(seed)
    with drawn_from(generator):
        model = MultiTaskModel(_Read(data[0].inputs.shape[1]), [task])
    fit(
        model,
        make_loader(known, 32, shuffle=True, seed=seed),
        torch.optim.AdamW(model.parameters(), lr=LR, fused=True),
        steps=STEPS,
        val_loader=make_loader(data[1], 250),
        eval_every=100,
        generator=generator,
    )
    return model


def steered_by_head(models: Mapping[str, MultiTaskModel], head: MultiTaskModel) -> Policy:
    """The policy of a `route_head`."""
    (task,) = head.tasks

    def policy(observed: Mapping[str, Tensor]) -> Tensor:
        with torch.inference_mode():
            return task.predict(head.eval()(frozen_features(models, observed))[WAYPOINTS.name])

    return policy
