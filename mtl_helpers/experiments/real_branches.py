"""The two branches of lesson 06 on real speech and real images: data/results/real_branches.csv.

Spoken digits and CIFAR-10, five seeds: a shared model against single ones, on real speech (digit and speaker; takes 0 to 4 are
the test, 5 to 9 validation) and on real images (which of ten things, animal or vehicle). Every model takes 800 steps of AdamW
and ends with the weights of its best validation. The archives are downloaded, or read from the folder that MTL_DATA names.
Column ``n`` says how many examples were learnt from.

A row a run and task. ``seconds`` is the processor time of training. About 3 minutes on two cores.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pandas as pd

from mtl_helpers.data import MultiTaskDataset, make_loader
from mtl_helpers.datasets import DIGIT, KIND, OBJECT, SPEAKER, DatasetSplits, cifar10, spoken_digits
from mtl_helpers.driving import log_mel, standardise
from mtl_helpers.experiments import Config, Experiment
from mtl_helpers.experiments.driving.learning import new_loader, trained
from mtl_helpers.experiments.real_data import given, versions_of
from mtl_helpers.models import count_parameters
from mtl_helpers.training import validate

STEPS, LR = 800, 0.002
ARCHIVES = {"spoken digits": "free-spoken-digit-dataset.tar.gz", "CIFAR-10": "cifar-10-binary.tar.gz"}
TASKS = {"spoken digits": (DIGIT, SPEAKER), "CIFAR-10": (OBJECT, KIND)}


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
    """Train one model and test it: its scores by task, its size and how long it took."""
    splits, seed = real(config["world"]), config["seed"]
    tasks = [task for task in TASKS[config["world"]] if config.get("task") in (None, task.name)]
    loader = new_loader(splits.train, tasks, seed)
    model, seconds = trained(tasks, loader, splits.val, seed, steps=STEPS, lr=LR)
    scores = validate(model, make_loader(splits.test, 250))[1]
    size = {"parameters": sum(count_parameters(model).values()), "n": len(loader.dataset)}
    return {"scores": scores, **size, "cpu_s": seconds}


def configs(seeds: int) -> list[Config]:
    """All runs; those of one world behind one another, so that a worker reads its archive once."""
    found = []
    for world, tasks in TASKS.items():
        for seed in range(seeds):
            rest = {"world": world, "seed": seed}
            found += [{**rest, "arm": "shared"}, *({**rest, "arm": "single", "task": task.name} for task in tasks)]
    return found


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A row a run and task."""
    rows = []
    for run in runs.to_dict("records"):
        kept = {"world": run["world"], "arm": run["arm"], "seed": run["seed"]}
        size = {"n": run["n"], "parameters": run["parameters"], "seconds": round(run["cpu_s"], 1)}
        rows += [{**kept, "task": task, "score": score, **size} for task, score in run["scores"].items()]
    return {"real_branches": pd.DataFrame(rows)}


def notes() -> list[str]:
    """The archives of the two worlds."""
    return versions_of(*ARCHIVES.values())


def prepare() -> None:
    """Download and read the archives once, before the workers ask for them."""
    for world in ARCHIVES:
        real(world)


EXPERIMENT = Experiment(configs, run, tables, seeds=5, prepare=prepare, notes=notes)
