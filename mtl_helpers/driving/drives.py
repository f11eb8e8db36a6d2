"""Drives: drawn as rows of plain numbers, rendered and spoken from them, and encoded as any other data set.

A row of `drive_rows` is one moment of a drive, to learn from; one of `episode_rows` is a drive's beginning, for the
`Simulator`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from mtl_helpers.arguments import whole_number
from mtl_helpers.data.batches import DatasetSplits, MultiTaskDataset
from mtl_helpers.driving.noise import LENGTH
from mtl_helpers.driving.road import STOP_LINE, TURN, way_ahead
from mtl_helpers.driving.rules import (
    ACTION,
    COMMAND,
    DRIVING_TASKS,
    FREQUENCIES,
    OBSTACLE,
    SIGN,
    WAYPOINTS,
    route_action,
)
from mtl_helpers.driving.scene import PAINTS, pose_of, render
from mtl_helpers.driving.spectrogram import RATE, log_mel
from mtl_helpers.driving.speech import speak
from mtl_helpers.errors import DataError
from mtl_helpers.tasks import Task

START, GOAL = -2.5, 1.25  # along a way, where drives begin and where they have arrived
AFTER = 0.3  # so many moments are after the decision
# What makes two drives with the same labels look and sound different, and within which limits it is drawn.
RANGES = {
    "bend": (-1.0, 1.0),
    "light": (0.45, 1.0),
    "fog": (0.0, 0.25),
    "rain": (0.0, 1.0),
    "grain": (0.01, 0.04),
    "shift_x": (-0.1, 0.1),
    "shift_y": (-0.1, 0.1),
    "sign_x": (-0.1, 0.05),
    "sign_y": (-0.1, 0.2),
    "aside": (-0.25, 0.25),
    "turned": (-0.25, 0.25),
    "pitch": (90.0, 230.0),
    "tract": (0.82, 1.15),
    "lasts": (0.28, 0.42),
    "begins": (0.01, 0.07),
    "loud": (0.5, 1.2),
    "hum": (0.005, 0.06),
}


def standardise(pictures: np.ndarray) -> torch.Tensor:
    """Each picture or spectrogram ``(n, ...)`` less its own mean, over its own standard deviation: a dark scene and a bright
    one, a soft word and a loud one, look alike to the model.

    One that is the same all over, a black frame or silence, becomes exactly 0, which stands for a missing input.

    >>> standardise(np.array([[0.0, 2.0], [1.0, 1.0]]))
    tensor([[-1.,  1.],
            [ 0.,  0.]])
    """
    flat = torch.as_tensor(pictures, dtype=torch.float32).flatten(1)
    flat = flat - flat.mean(dim=1, keepdim=True)
    flat = torch.where(flat.abs().amax(dim=1, keepdim=True) < 1e-4, 0, flat)
    return (flat / flat.std(dim=1, correction=0, keepdim=True).clamp(min=1e-4)).reshape(pictures.shape)


def drive_rows(n: int, *, seed: int) -> pd.DataFrame:
    """Draw ``n`` moments of drives: ``command``, ``sign``, ``obstacle``, and the ``action`` that follows.

    Where the car is: ``along`` the way of its action, in road widths from the crossing, ``aside`` of its middle and ``turned``
    off its heading, so that a model sees what it looks like to have lost the way a little, and learns to come back. 30 % are
    moments after the decision: ``decided``, the car is in the crossing or behind it, or waits. Columns beside those: the other
    `RANGES`, the obstacle's ``paint``, and ``noise``, where in the noise the moment begins.

    >>> drive_rows(3, seed=0)[["command", "sign", "obstacle", "action"]]
      command        sign obstacle action
    0    stop        none   middle   stop
    1   right  right only   middle  right
    2    left    no entry     left   stop
    """
    n, seed = whole_number("n", n), whole_number("seed", seed, at_least=0)
    rng = np.random.default_rng(seed)
    columns = {task.name: rng.choice(task.classes, n, p=FREQUENCIES[task.name]) for task in (COMMAND, SIGN, OBSTACLE)}
    rows = pd.DataFrame(columns | {name: rng.uniform(*limits, n) for name, limits in RANGES.items()})
    rows["paint"] = rng.choice(list(PAINTS), n)
    rows["noise"] = rng.integers(0, LENGTH, n)
    rows = with_action(rows)
    rows["decided"] = rng.random(n) < AFTER
    along = np.where(rows.decided, rng.uniform(-TURN, GOAL, n), rng.uniform(START, -TURN, n))
    waits = STOP_LINE + rng.uniform(-0.1, 0.1, n)
    rows["along"] = np.where(rows.action == "stop", np.minimum(along, waits), along)
    return rows


def episode_rows(n: int, *, seed: int) -> pd.DataFrame:
    """Draw ``n`` drives at their beginning, 2.1 to 2.5 road widths before the crossing, all else as in `drive_rows`.

    >>> bool(episode_rows(50, seed=0).along.between(-2.5, -2.1).all())
    True
    """
    rows = drive_rows(n, seed=seed).assign(decided=False)
    along = np.random.default_rng([seed, 1]).uniform(START, START + 0.4, n)
    return rows.assign(along=along, aside=0.5 * rows.aside, turned=0.5 * rows.turned)


def with_action(rows: pd.DataFrame) -> pd.DataFrame:
    """The same drives with the ``action`` that follows from command, sign and obstacle."""
    return rows.assign(action=[route_action(*row) for row in zip(rows.command, rows.sign, rows.obstacle, strict=True)])


def waypoints(rows: pd.DataFrame) -> np.ndarray:
    """Where each car is to be after one to five seconds, as it sees it: ``(n, 10)``, see `way_ahead`.

    >>> row = drive_rows(1, seed=0).assign(action="ahead", along=-2.0, aside=0.0, turned=0.0, bend=0.0)
    >>> waypoints(row).reshape(5, 2)[:, 1].round(2).tolist()
    [0.55, 1.1, 1.65, 2.2, 2.75]
    """
    return way_ahead(rows.action, rows.bend.to_numpy(), *pose_of(rows)[:3])


def encode_drives(rows: pd.DataFrame, tasks: Sequence[Task] = DRIVING_TASKS) -> MultiTaskDataset:
    """Render and speak the drives. Inputs: ``camera (n, 3, 32, 32)`` and ``microphone (n, 1, 24, 24)``, standardised.

    Sign, obstacle and action have no label once they are decided: then they may be out of sight, and nothing hangs on them.

    >>> data = encode_drives(drive_rows(4, seed=0))
    >>> {name: tuple(part.shape) for name, part in data.inputs.items()}, data.targets["waypoints"].shape
    ({'camera': (4, 3, 32, 32), 'microphone': (4, 1, 24, 24)}, torch.Size([4, 10]))
    """
    labels: dict[str, list] = {"command": list(rows.command), WAYPOINTS.name: list(waypoints(rows))}
    for task in (SIGN, OBSTACLE, ACTION):
        labels[task.name] = list(rows[task.name].where(~rows.decided, None))
    encoded = {task.name: task.encode(labels[task.name]) for task in tasks}
    return MultiTaskDataset(
        {
            "camera": standardise(render(rows)),
            "microphone": standardise(log_mel(speak(rows), RATE))[:, None],
        },
        {name: target for name, (target, _) in encoded.items()},
        {name: mask for name, (_, mask) in encoded.items()},
    )


def keep_route_labels(dataset: MultiTaskDataset, n: int) -> MultiTaskDataset:
    """The same drives, of which only the first ``n`` have a label for action and waypoints.

    >>> keep_route_labels(encode_drives(drive_rows(4, seed=0)), 1)[[0, 1]].masks["action"].tolist()
    [True, False]
    """
    if whole_number("The number of route labels", n, at_least=0) > len(dataset):
        raise DataError(f"The number of route labels lies between 0 and the {len(dataset)} drives; found {n!r}.")
    kept = torch.arange(len(dataset)) < n
    masks = {
        name: mask & kept if name in (ACTION.name, WAYPOINTS.name) else mask for name, mask in dataset.masks.items()
    }
    return MultiTaskDataset(dataset.inputs, dataset.targets, masks)


def make_drives(
    n_train: int = 4000, n_val: int = 500, n_test: int = 1000, *, seed: int = 0, route_labels: int | None = None
) -> DatasetSplits:
    """Drives to learn from, to validate on and to test on. Of the training drives, ``route_labels`` have one for action and
    waypoints; None: all.

    The same ``seed`` draws the same drives, and the same ones for any number of ``route_labels``.

    >>> [len(split) for split in make_drives(20, 10, 10, seed=0)]
    [20, 10, 10]
    """
    rows = drive_rows(n_train + n_val + n_test, seed=seed)
    train, val, test = (
        encode_drives(part) for part in (rows[:n_train], rows[n_train : n_train + n_val], rows[n_train + n_val :])
    )
    return DatasetSplits(keep_route_labels(train, n_train if route_labels is None else route_labels), val, test)
