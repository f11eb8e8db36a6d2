"""Drives in the closed loop: what a policy is worth, and whether the car does what its action head says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from mtl_helpers.data import MultiTaskDataset, make_loader
from mtl_helpers.driving import ACTION, WAYPOINTS, Policy, Simulator, drive, episode_rows, pose_of, steers, way_ahead
from mtl_helpers.experiments.driving.learning import FOG
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.training import predict

EPISODES = 40
HALVES = {"fog": ("thinner fog", "thicker fog"), "rain": ("less rain", "more rain"), "light": ("darker", "brighter")}
MEASURES = ("success", "completion", "off_road", "collision", "ran_stop", "wrong_turn", "lateral_error")


def means(report: pd.DataFrame, condition: str = "whole") -> dict[str, float]:
    """Means of a report; of drives in their own weather also ``success`` in each half of them, by fog, rain and light."""
    found = {name: float(report[name].mean()) for name in MEASURES}
    for weather, names in HALVES.items() if condition == "whole" else ():
        halves = np.array_split(report.sort_values(weather, kind="stable").success.to_numpy(float), 2)
        found |= {f"success, {name}": float(half.mean()) for name, half in zip(names, halves, strict=True)}
    return found


def new_simulator(seed: int, condition: str = "whole") -> Simulator:
    """The test drives of a seed: none of them was drawn to learn from."""
    rows = episode_rows(EPISODES, seed=10_000 + seed)
    return Simulator(rows.assign(fog=FOG) if condition == "thick fog" else rows)


def failing(policy: Policy, condition: str) -> Policy:
    """The policy, with an input that fails from the first moment to the last."""
    lost = {"no microphone": "microphone", "no camera": "camera"}.get(condition)
    if lost is None:
        return policy
    return lambda observed: policy(observed | {lost: torch.zeros_like(observed[lost])})


def driven_by(policy: Policy | Callable[[Simulator], Policy], seed: int, condition: str = "whole") -> dict[str, float]:
    """Means of the report over the test drives of a seed."""
    return means(drive(new_simulator(seed, condition), failing(policy, condition)), condition)


def driven_by_model(model: MultiTaskModel, seed: int, condition: str = "whole") -> dict[str, float]:
    """The same for a model; with an action head, also how often the car does what that head says when it decides.

    ``does as said``: the part of the drives in which the way that the car took is the action of its head in the last moment
    before it decided. Of the others, ``said right`` is the part in which the head was right, ``did right`` the car.
    """
    simulator, policy = new_simulator(seed, condition), failing(steers(model), condition)
    if ACTION.name not in {task.name for task in model.tasks}:
        return means(drive(simulator, policy), condition)
    said = np.full(len(simulator), "", dtype=object)
    (task,) = [task for task in model.tasks if task.name == WAYPOINTS.name]

    def listening(observed: dict[str, torch.Tensor]) -> torch.Tensor:
        with torch.inference_mode():
            outputs = model.eval()(observed)
        words = np.array(ACTION.classes, dtype=object)[outputs[ACTION.name].argmax(dim=1).numpy()]
        said[~simulator.decided] = words[~simulator.decided]
        return task.predict(outputs[task.name])

    report = drive(simulator, failing(listening, condition))
    found = means(report, condition)
    differs = (report.way != said).to_numpy()
    found["does as said"] = 1 - float(differs.mean())
    if differs.any():
        found["said right"] = float((report.action == said)[differs].mean())
        found["did right"] = float((report.action == report.way)[differs].mean())
    return found


def agreement(model: MultiTaskModel, test: MultiTaskDataset, rows: pd.DataFrame) -> float:
    """How often the way that the waypoints lead is the action of the head, over the moments before the decision.

    The way of waypoints is the action whose right waypoints, from where the car is, are nearest to them (mean distance of
    the five points).
    """
    answers = predict(model, make_loader(test, 250))
    (task,) = [task for task in model.tasks if task.name == WAYPOINTS.name]
    points = task.predict(answers[WAYPOINTS.name][0]).numpy().reshape(len(rows), -1, 2)
    x, y, heading, _ = pose_of(rows)
    ways = [way_ahead([action] * len(rows), rows.bend.to_numpy(), x, y, heading) for action in ACTION.classes]
    away = [np.linalg.norm(points - way.reshape(points.shape), axis=2).mean(axis=1) for way in ways]
    leads = np.argmin(away, axis=0)
    before = ~rows.decided.to_numpy()
    return float((leads == answers[ACTION.name][0].argmax(dim=1).numpy())[before].mean())
