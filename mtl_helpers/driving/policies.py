"""Who drives: the rule of the road with the true state, the floors, and a model; and the closed loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from mtl_helpers.driving.road import POINTS, SPEED, way_ahead
from mtl_helpers.driving.rules import WAYPOINTS
from mtl_helpers.driving.simulator import Simulator

Policy = Callable[[Mapping[str, Tensor]], "np.ndarray | Tensor"]  # what the car sees and hears -> waypoints (n, 10)


def drive(simulator: Simulator, policy: Policy) -> pd.DataFrame:
    """Drive to the end: observe, ask the ``policy`` for waypoints ``(n, 10)``, step, and again; return the report.

    >>> from mtl_helpers.driving import episode_rows
    >>> drive(Simulator(episode_rows(2, seed=0)), stand_still).completion.tolist()
    [0.0, 0.0]
    """
    while not simulator.done.all():
        simulator.step(policy(simulator.observe()))
    return simulator.report()


def expert(simulator: Simulator) -> np.ndarray:
    """The waypoints of who knows the true state and the rule of the road, ``(n, 10)``: the ceiling."""
    return way_ahead(simulator.rows.action, simulator.rows.bend.to_numpy(), *simulator.pose[:3])


def wait_at_the_line(simulator: Simulator) -> np.ndarray:
    """The waypoints of who knows the road and always stops at its line, ``(n, 10)``: the strongest floor.

    It completes every drive that must stop, and no other.
    """
    return way_ahead(["stop"] * len(simulator), simulator.rows.bend.to_numpy(), *simulator.pose[:3])


def stand_still(observed: Mapping[str, Tensor]) -> np.ndarray:
    """A floor: stay where you are."""
    return np.zeros((len(observed["camera"]), 2 * POINTS))


def straight_on(observed: Mapping[str, Tensor]) -> np.ndarray:
    """A floor: drive straight on, at the usual speed."""
    points = np.arange(1, POINTS + 1)[:, None] * np.array([0.0, SPEED])
    return np.tile(points.reshape(-1), (len(observed["camera"]), 1))


def steers(model: nn.Module) -> Policy:
    """The policy of a model that has the task ``waypoints``: they are its answer, in road widths."""
    (task,) = [task for task in model.tasks if task.name == WAYPOINTS.name]

    def policy(observed: Mapping[str, Tensor]) -> Tensor:
        with torch.inference_mode():
            return task.predict(model.eval()(observed)[task.name])

    return policy
