"""One model that sees, listens and steers, against five that do one thing each: data/results/driving.csv.

Driving: a seed draws 4,000 drives to learn from, 500 to validate on, 1,000 to test on, the first weights and the order of
the batches, the same for all arms. All drives have labels for sign, obstacle and command; 300, 1,000 or 4,000 of them for
the route, that is action and waypoints. The shared model has the five tasks; where few drives have route labels, half of its
batches are drawn from those (`mixed_loader`, τ = ∞). A single model has the branches its task needs, and learns from the
drives that have its label. Every model takes 800 steps of AdamW and ends with the weights of its best validation, by the
mean skill of its tasks. Arms beside the two: λ × 5 for the waypoints, λ × 3 for the route, and modality dropout (30 % of the
examples lose one of the two inputs). Each model is tested once; those of five tasks and all route labels once more with an
input that fails. Condition ``validation`` is what the single models reached there: the demo of lesson 06 compares with it.

Spoken digits and CIFAR-10, five seeds: the same two branches on real speech (digit and speaker; takes 0 to 4 are the test,
5 to 9 validation) and on real images (which of ten things, animal or vehicle). The archives are downloaded, or read from the
folder that MTL_DATA names. Column ``n`` says how many examples were learnt from.

A row a run, task and condition. ``seconds`` is the processor time of training. About 10 minutes on two cores.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import pandas as pd
import torch
from torch.utils.data import DataLoader

from mtl_helpers.data import MultiTaskDataset, make_loader, mixed_loader
from mtl_helpers.datasets import DIGIT, KIND, OBJECT, SPEAKER, DatasetSplits, cifar10, spoken_digits
from mtl_helpers.driving import (
    DRIVING_TASKS,
    drive_rows,
    encode_drives,
    keep_route_labels,
    log_mel,
    make_drives,
    standardise,
)
from mtl_helpers.experiments import Config, Experiment
from mtl_helpers.experiments.real_data import given, versions_of
from mtl_helpers.models import FusionEncoder, ImageEncoder, MultiTaskModel, count_parameters
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.tasks import Task
from mtl_helpers.training import fit, validate

SIZES = {"n_train": 4000, "n_val": 500, "n_test": 1000}
ROUTE_LABELS = (300, 1000, 4000)
STEPS, LR, DROP = 800, 0.002, 0.3
ARCHIVES = {"spoken digits": "free-spoken-digit-dataset.tar.gz", "CIFAR-10": "cifar-10-binary.tar.gz"}
TASKS = {"driving": DRIVING_TASKS, "spoken digits": (DIGIT, SPEAKER), "CIFAR-10": (OBJECT, KIND)}
WEIGHTS = {"waypoints x 5": {"waypoints": 5}, "route x 3": {"action": 3, "waypoints": 3}}
READS = {"sign": ["camera"], "obstacle": ["camera"], "command": ["microphone"], "digit": ["microphone"]}
READS |= {"speaker": ["microphone"], "object": ["camera"], "kind": ["camera"]}  # the others read both


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
    """Batches of 32; a single task from the examples with its label, several with half the batches from the rare labels."""
    rare = min(tasks, key=lambda task: int(data.masks[task.name].sum())).name
    labelled = with_label(data, rare)
    if len(tasks) == 1 or len(labelled) == len(data):
        return make_loader(labelled, 32, shuffle=True, seed=seed)
    parts = {"routes": labelled, "frames": with_label(data, rare, known=False)}
    return mixed_loader(parts, 32, temperature=math.inf, seed=seed)


@lru_cache(maxsize=1)
def drives(seed: int) -> tuple[DatasetSplits, dict[str, MultiTaskDataset]]:
    """The drives of a seed, and the test drives in every condition."""
    splits = make_drives(**SIZES, seed=seed)
    rows = drive_rows(sum(SIZES.values()), seed=seed)[-SIZES["n_test"] :]
    spoilt = encode_drives(rows.assign(hum=0.35, fog=2.0, grain=0.2)).inputs
    whole = splits.test.inputs
    failing = {
        "no microphone": {"microphone": torch.zeros_like(whole["microphone"])},
        "no camera": {"camera": torch.zeros_like(whole["camera"])},
        "noisy microphone": {"microphone": spoilt["microphone"]},
        "dirty lens": {"camera": spoilt["camera"]},
    }
    tests = {"whole": splits.test}
    for name, inputs in failing.items():
        tests[name] = MultiTaskDataset(whole | inputs, splits.test.targets, splits.test.masks)
    return splits, tests


@lru_cache(maxsize=1)
def real(world: str) -> DatasetSplits:
    """Spoken digits as spectrograms, or CIFAR-10, as inputs of the same two branches."""
    if world == "spoken digits":
        data, takes, rate = spoken_digits(**given(ARCHIVES[world]))
        heard = standardise(log_mel(data.inputs.numpy(), rate))[:, None]
        parts = [takes >= 10, (takes >= 5) & (takes < 10), takes < 5]
        cuts = [data[part.nonzero().flatten()] for part in parts]
        inputs = [{"microphone": heard[part]} for part in parts]
        return DatasetSplits(*(MultiTaskDataset(x, c.targets, c.masks) for x, c in zip(inputs, cuts, strict=True)))
    splits = cifar10(**given(ARCHIVES[world]))
    return DatasetSplits(
        *(MultiTaskDataset({"camera": standardise(d.inputs.numpy())}, d.targets, d.masks) for d in splits)
    )


def run(config: Config) -> dict[str, Any]:
    """Train one model and test it: its scores by condition and task, its size and how long it took."""
    world, arm, seed = config["world"], config["arm"], config["seed"]
    if world == "driving":
        splits, tests = drives(seed)
        train = keep_route_labels(splits.train, config["labels"])
        if arm == "single":
            tests = {"whole": splits.test, "validation": splits.val}
        elif config["labels"] < max(ROUTE_LABELS):
            tests = {"whole": splits.test}
    else:
        splits = real(world)
        train, tests = splits.train, {"whole": splits.test}
    tasks = [task for task in TASKS[world] if arm != "single" or task.name == config["task"]]
    generator = seeded(seed)  # of the first weights, and then of what is dropped
    model = new_model(tasks, seed, DROP if arm == "modality dropout" else 0.0, generator=generator)
    loader = new_loader(train, tasks, seed)
    start = time.thread_time()
    fit(
        model,
        loader,
        torch.optim.AdamW(model.parameters(), lr=LR, fused=True),
        steps=STEPS,
        weights=WEIGHTS.get(arm),
        val_loader=make_loader(splits.val, 250),
        eval_every=100,
        generator=generator,
    )
    seconds = time.thread_time() - start
    scores = {name: validate(model, make_loader(test, 250))[1] for name, test in tests.items()}
    size = {"parameters": sum(count_parameters(model).values()), "n": len(loader.dataset)}
    return {"scores": scores, **size, "cpu_s": seconds}


def configs(seeds: int) -> list[Config]:
    """All runs; those of one seed behind one another, so that a worker makes its drives once."""
    found = []
    for seed in range(seeds):
        for world in TASKS:
            if world != "driving":
                rest = {"world": world, "seed": seed, "labels": 0}
                singles = [{**rest, "arm": "single", "task": task.name} for task in TASKS[world]]
                found += [{**rest, "arm": "shared"}, *singles] if seed < 5 else []
                continue
            rest = {"world": world, "seed": seed}
            for labels in ROUTE_LABELS:
                arms = [
                    "shared",
                    "waypoints x 5",
                    *(["route x 3"] if labels == 300 else ()),
                    *(["modality dropout"] if labels == 4000 else ()),
                ]
                found += [{**rest, "labels": labels, "arm": arm} for arm in arms]
                singles = [
                    task.name for task in DRIVING_TASKS if labels == 4000 or task.name in ("action", "waypoints")
                ]
                found += [{**rest, "labels": labels, "arm": "single", "task": task} for task in singles]
    return found


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A row a run, task and condition."""
    rows = []
    for run in runs.to_dict("records"):
        kept = {"world": run["world"], "arm": run["arm"], "labels": run["labels"], "seed": run["seed"]}
        size = {"n": run["n"], "parameters": run["parameters"], "seconds": round(run["cpu_s"], 1)}
        for condition, scores in run["scores"].items():
            rows += [
                {**kept, "condition": condition, "task": task, "score": score, **size} for task, score in scores.items()
            ]
    return {"driving": pd.DataFrame(rows)}


def notes() -> list[str]:
    """The archives of the two real worlds."""
    return versions_of(*ARCHIVES.values())


def prepare() -> None:
    """Download and read the archives once, before the workers ask for them."""
    for world in ARCHIVES:
        real(world)


EXPERIMENT = Experiment(configs, run, tables, seeds=10, prepare=prepare, notes=notes)
