"""Opponents that `experiments.methods` lacks, for lesson 05: equal parameters, equal compute, a utility, a regression.

About 3 minutes on two cores; five seeds of the same worlds, trained in the same way at the same learning rates.

``wide``: a shared model with as many parameters as both single-task models together. ``half the steps``: single-task models
that take half the steps, so that both together cost what one shared model costs. ``3 : 1``: λ as mistakes cost, if one in the
first task costs as much as three in the second.

A third world, ``stars``, has a regression: topic and the stars of a review. Its single-task models and the arm
``standardised`` learn standardised stars, all others raw ones: their squared error begins at about eleven, topic's
cross-entropy at 1.8. Here rules have something to do: `STARS_RULES`, against λ by hand (`STARS_SHARES` are topic's part).

``results/methods_fair_runs.csv``: a row a run and task; ``share`` is the first task's part of λ, ``val`` and ``test`` are
accuracy, or the mean absolute error of the stars. `methods_tables.chosen_runs` chooses a seed's setting among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mtl_helpers.experiments import Config, Experiment, rows_of
from mtl_helpers.experiments.methods import WORLDS, World, encoded, reviews, static, train_one
from mtl_helpers.tasks import STARS, TOPIC, Task
from mtl_helpers.training import RULES, Weighting

WIDE = {"digits": {"channels": 12, "hidden": 41}, "reviews": {"embedding_dim": 16, "filters": 4}}
REGRESSION = World("stars", (TOPIC, STARS), 300, WORLDS["reviews"].lrs, WORLDS["reviews"].sizes)
STARS_SHARES = (0.5, 0.7, 0.8, 0.9)
STARS_RULES = ("uncertainty", "GradNorm", "PCGrad")
DIGITS = {"val": 4, "test": 4, "val_loss": 4, "test_loss": 4, "seconds": 2, "steps_per_s": 0}

Arms = Iterator[tuple[str, float, list[dict]]]  # name, the first task's part of λ, a row a task


def opponents(world: World, lr: float, seed: int) -> Arms:
    """Equal parameters, equal compute, and λ as mistakes cost."""
    words, parts = world.parts(seed)
    wide = replace(world, sizes={"small": WIDE[world.name]})
    yield "wide", 0.5, train_one(wide, words, parts, seed, lr, weights=static(world.tasks, 0.5))
    half = replace(world, steps=world.steps // 2)
    yield from (
        ("half the steps", np.nan, train_one(half, words, parts, seed, lr, tasks=[task])) for task in world.tasks
    )
    yield "3 : 1", 0.75, train_one(world, words, parts, seed, lr, weights=static(world.tasks, 0.75))


def regression(world: World, lr: float, seed: int) -> Arms:
    """Topic and stars: each alone, standardised, λ by hand, λ by rule."""
    frames = reviews(seed)
    words, parts = encoded(frames, world.tasks)
    standard = [TOPIC, STARS.standardised(frames.train.stars.dropna())]

    def run(tasks: Sequence[Task], weights: Weighting | None = None) -> list[dict]:
        return train_one(world, words, parts, seed, lr, tasks=tasks, weights=weights)

    yield from (("single", np.nan, run([task])) for task in standard)
    yield "standardised", 0.5, run(standard, static(standard, 0.5))
    yield from (("static", share, run(world.tasks, static(world.tasks, share))) for share in STARS_SHARES)
    yield from ((rule, np.nan, run(world.tasks, RULES[rule](world.tasks, total=2))) for rule in STARS_RULES)


def run(config: Config) -> dict[str, Any]:
    """All arms of a world at one learning rate and seed."""
    name, lr, seed = config["world"], config["lr"], config["seed"]
    arms = regression(REGRESSION, lr, seed) if name == REGRESSION.name else opponents(WORLDS[name], lr, seed)
    key = {"world": name, "model": "small"}
    return {
        "rows": [{**key, "arm": arm, "share": share, **row, "seed": seed} for arm, share, rows in arms for row in rows]
    }


def configs(seeds: int) -> list[Config]:
    """A world, a learning rate and a seed."""
    worlds = (*WORLDS.values(), REGRESSION)
    return [{"world": w.name, "lr": lr, "seed": seed} for seed in range(seeds) for w in worlds for lr in w.lrs]


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The runs, world by world."""
    rows = rows_of(runs).sort_values(["world", "arm", "share", "task", "lr", "seed"], kind="stable")
    return {"methods_fair_runs": rows.round(DIGITS).reset_index(drop=True)}


EXPERIMENT = Experiment(configs, run, tables, seeds=5)
