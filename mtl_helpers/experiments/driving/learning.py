"""What the arms of the driving experiment learn from, the models they are, and one training."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch.utils.data import DataLoader

from mtl_helpers.data import MultiTaskDataset, make_loader, mixed_loader
from mtl_helpers.data.loaders import as_is
from mtl_helpers.datasets import DatasetSplits
from mtl_helpers.driving import DRIVING_TASKS, WAYPOINTS, drive_rows, encode_drives, make_drives
from mtl_helpers.models import FusionEncoder, ImageEncoder, MultiTaskModel
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.tasks import Task
from mtl_helpers.training import fit

SIZES = {"n_train": 4000, "n_val": 500, "n_test": 1000}
ROUTE_LABELS = (300, 1000, 4000)
STEPS, LR, DROP = 500, 0.004, 0.3
READS = {"sign": ["camera"], "obstacle": ["camera"], "lane": ["camera"], "command": ["microphone"]}
READS |= {"digit": ["microphone"], "speaker": ["microphone"], "object": ["camera"], "kind": ["camera"]}  # others: both


def new_model(
    tasks: Sequence[Task], seed: int, drop: float = 0.0, *, generator: torch.Generator | None = None
) -> MultiTaskModel:
    """The branches that these tasks need, the trunk, and a head a task; drawn by ``seed``, or on from a ``generator``."""
    reads = {name for task in tasks for name in READS.get(task.name, ["camera", "microphone"])}
    with drawn_from(generator or seeded(seed)):
        branches = {"camera": ImageEncoder(size=32, colours=3), "microphone": ImageEncoder(size=24)}
        encoder = FusionEncoder({name: branches[name] for name in sorted(reads)}, hidden=64, drop=drop)
        return MultiTaskModel(encoder, tasks)


def with_label(data: MultiTaskDataset, task: str, *, known: bool = True) -> MultiTaskDataset:
    """The examples that have a label for a task, or those that have none."""
    return MultiTaskDataset(*data[(data.masks[task] == known).nonzero().flatten()])


def new_loader(data: MultiTaskDataset, tasks: Sequence[Task], seed: int) -> DataLoader:
    """Batches of 32; a single task from the moments with its label, several with half the batches from those with a route.

    Where all have a route, all batches are of one kind.
    """
    if len(tasks) == 1:
        return make_loader(with_label(data, tasks[0].name), 32, shuffle=True, seed=seed)
    names = {task.name for task in tasks}
    if WAYPOINTS.name not in names or data.masks[WAYPOINTS.name].all():
        return make_loader(data, 32, shuffle=True, seed=seed)
    parts = {"routes": with_label(data, WAYPOINTS.name), "moments": with_label(data, WAYPOINTS.name, known=False)}
    return mixed_loader(parts, 32, temperature=math.inf, seed=seed)


def in_every_batch(data: MultiTaskDataset, seed: int, *, batches: int) -> DataLoader:
    """Batches of 32, half of each from the moments with a route and half from the others."""
    generator, known = seeded(seed), data.masks[WAYPOINTS.name]
    halves = []
    for rows in (known.nonzero().flatten(), (~known).nonzero().flatten()):
        deals = [rows[torch.randperm(len(rows), generator=generator)] for _ in range(1 + 16 * batches // len(rows))]
        halves.append(torch.cat(deals)[: 16 * batches].reshape(batches, 16))
    return DataLoader(data, sampler=list(torch.cat(halves, dim=1)), batch_size=None, collate_fn=as_is)


@lru_cache(maxsize=1)
def drives(seed: int) -> tuple[DatasetSplits, dict[str, MultiTaskDataset]]:
    """The moments of a seed, and those of the test in every condition."""
    splits = make_drives(**SIZES, seed=seed)
    rows = drive_rows(sum(SIZES.values()), seed=seed)[-SIZES["n_test"] :]
    whole = splits.test.inputs
    failing = {
        "no microphone": {"microphone": torch.zeros_like(whole["microphone"])},
        "no camera": {"camera": torch.zeros_like(whole["camera"])},
        "noisy microphone": {"microphone": encode_drives(rows.assign(hum=HUM)).inputs["microphone"]},
        "thick fog": {"camera": encode_drives(rows.assign(fog=FOG)).inputs["camera"]},
    }
    tests = {"whole": splits.test}
    for name, inputs in failing.items():
        tests[name] = MultiTaskDataset(whole | inputs, splits.test.targets, splits.test.masks)
    return splits, tests


HUM, FOG = 0.35, 1.0  # far beyond what is drawn to learn from


def standardised(data: MultiTaskDataset, tasks: Sequence[Task] = DRIVING_TASKS) -> list[Task]:
    """The tasks, the waypoints in units of their own mean and standard deviation in the data (lesson 04)."""
    known = data.targets[WAYPOINTS.name][data.masks[WAYPOINTS.name]]
    return [task.standardised(known.tolist()) if task.name == WAYPOINTS.name else task for task in tasks]


def trained(
    tasks: Sequence[Task],
    loader: DataLoader,
    val: MultiTaskDataset,
    seed: int,
    *,
    drop: float = 0.0,
    weights: Mapping[str, float] | None = None,
    steps: int = STEPS,
    lr: float = LR,
    **more: Any,
) -> tuple[MultiTaskModel, float]:
    """A new model, trained, with the weights of its best validation; and the seconds of processor time that it took."""
    generator = seeded(seed)  # of the first weights, and then of what is dropped
    model = new_model(tasks, seed, drop, generator=generator)
    start = time.thread_time()
    fit(
        model,
        loader,
        torch.optim.AdamW(model.parameters(), lr=lr, fused=True),
        steps=steps,
        weights=weights,
        val_loader=make_loader(val, 250),
        eval_every=100,
        generator=generator,
        **more,
    )
    return model, time.thread_time() - start
