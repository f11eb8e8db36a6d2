"""Drives: drawn as rows of plain numbers, rendered and spoken from them, and encoded as any other data set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from mtl_helpers.arguments import whole_number
from mtl_helpers.data.batches import DatasetSplits, MultiTaskDataset
from mtl_helpers.driving.noise import LENGTH
from mtl_helpers.driving.rules import (
    ACTION,
    COMMAND,
    DRIVING_TASKS,
    FREQUENCIES,
    OBSTACLE,
    SIGN,
    WAYPOINTS,
    route_action,
    waypoints,
)
from mtl_helpers.driving.scene import PAINTS, render
from mtl_helpers.driving.spectrogram import RATE, log_mel
from mtl_helpers.driving.speech import speak
from mtl_helpers.errors import DataError
from mtl_helpers.tasks import Task

# What makes two drives with the same labels look and sound different, and within which limits it is drawn.
RANGES = {
    "bend": (-1.0, 1.0),
    "light": (0.45, 1.0),
    "fog": (0.0, 0.5),
    "rain": (0.0, 1.0),
    "grain": (0.02, 0.08),
    "shift_x": (-0.1, 0.1),
    "shift_y": (-0.2, 0.2),
    "sign_x": (-0.06, 0.02),
    "sign_y": (-0.06, 0.08),
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
    """Draw ``n`` drives: ``command``, ``sign``, ``obstacle``, the ``action`` that follows, and how all looks and sounds.

    Columns beside those: the `RANGES`, the obstacle's ``paint``, and ``noise``, where in the noise the drive begins.

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
    rows["action"] = [route_action(*row) for row in zip(rows.command, rows.sign, rows.obstacle, strict=True)]
    return rows


def encode_drives(rows: pd.DataFrame, tasks: Sequence[Task] = DRIVING_TASKS) -> MultiTaskDataset:
    """Render and speak the drives. Inputs: ``camera (n, 3, 32, 32)`` and ``microphone (n, 1, 24, 24)``, standardised.

    >>> data = encode_drives(drive_rows(4, seed=0))
    >>> {name: tuple(part.shape) for name, part in data.inputs.items()}, data.targets["waypoints"].shape
    ({'camera': (4, 3, 32, 32), 'microphone': (4, 1, 24, 24)}, torch.Size([4, 10]))
    """
    labels = {name: list(rows[name]) for name in ("sign", "obstacle", "command", "action")}
    labels["waypoints"] = list(waypoints(labels["action"], rows.bend.to_numpy()))
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
