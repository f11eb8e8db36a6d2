"""The tables of lesson 05: λ by hand, by rule and by search, against tuned single-task models. 12 to 14 minutes on two cores.

Two worlds in which a small shared encoder has too little room for both tasks: two digits in a picture, and topic and
sentiment of the review corpus. A seed draws data or split, initial weights and order of the batches, the same for every arm.
Each model takes the same number of steps by `mtl_helpers.training.fit` with AdamW, and is the one after its last step. The
arms are each task alone, λ by hand (``share`` is the first task's part of λ, from .1 to .9), and the rules of
`mtl_helpers.training.RULES`; λ sums to the number of tasks in each. A large model, at one learning rate, shows λ by hand
alone.

How things are chosen: every arm runs at each of three learning rates with each seed. Each seed chooses for itself, by its own
*validation*: the learning rate, and for tuned static λ the share too (`methods_tables.chosen_runs`); ``settings`` are those
it chose among, ``agree`` says how many seeds chose the one in ``share`` and ``lr``. Then the test scores of the chosen
setting are read, one a seed. So no example that chose a setting is test for it. A first look at the reviews had .006 in place
of .048: no arm chose it, and most chose .024, then the largest. The rules' own dials (GradNorm's alpha, the learning rate of
uncertainty's s and of FAMO's w) stay at their defaults.

Every seed splits one corpus, or one set of 1,797 digits, anew: intervals are 95 % intervals of the corrected resampled t
(Nadeau and Bengio 2003). ``p`` and ``sees``, the smallest effect that so many seeds find at 80 % power, are those of the
comparison with tuned static λ; ``p_holm`` is Holm's over all rules in both worlds.

``results/methods_runs.csv``: a row a run and task. ``results/methods.csv``: a row an arm and task: the chosen setting; test
accuracy ± half its interval; ``change`` of accuracy against the tuned single-task model of the same seed; the same in
``percent`` of the single-task score, with Δ_MTL, their mean, from ``low`` to ``high``; and by how many of these per cent the
arm differs from equal λ and from tuned static λ. ``seconds`` is the processor time of training one model, of the two
together for ``single``, and ``cost`` the same as a multiple of that of equal λ. ``results/search.csv``, and by seed
``search_runs.csv``: λ and learning rate by search with one seed's validation alone, and their difference from the grid.
``results/choices.csv``: what a score gains when each seed's setting is chosen by its test score. ``results/lucky.csv``: Δ_MTL
of equal λ in the best and the worst seed. Lesson 05 reads the files and runs a sample again.

``results/methods_again.csv`` is ``methods_runs.csv`` as another processor made it, from the same seeds and PyTorch (its first
line says which): there two sums round differently, and some hundred steps later it is another model. The code
as it was when the first table was made, run there, gives the second one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from mtl_helpers.data import (
    MultiTaskDataset,
    Splits,
    Vocabulary,
    encode_reviews,
    load_reviews,
    make_loader,
    split_reviews,
)
from mtl_helpers.datasets import two_digits
from mtl_helpers.evaluation import cross_validate, optuna_search, pareto_front, weight_grid
from mtl_helpers.experiments import Config, Experiment, rows_of
from mtl_helpers.experiments.methods.methods_tables import TASKS, tables_of
from mtl_helpers.models import CNNEncoder, ImageEncoder, MultiTaskModel
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.tasks import Task
from mtl_helpers.training import RULES, StaticWeights, Weighting, fit, validate

SHARES = tuple(round(0.1 * i, 1) for i in range(1, 10))
LARGE_LR = 0.003
SEARCH_WORLD = "reviews"
SEARCH_SEEDS = 5
FOLDS_LR = 0.024  # the cross-validation searches λ alone


# The worlds: data of a seed, and a model on them.


@dataclass(frozen=True)
class World:
    """Data, encoder, length of training and learning rates; ``sizes`` are the options of the small and the large encoder."""

    name: str
    tasks: tuple[Task, Task]
    steps: int
    lrs: Sequence[float]
    sizes: Mapping[str, Mapping[str, int]]

    def parts(self, seed: int) -> tuple[int, Sequence[MultiTaskDataset]]:
        """Size of the vocabulary (0 for pictures); data to train, validate and test on."""
        return (0, two_digits(seed=seed)) if self.name == "digits" else encoded(reviews(seed), self.tasks)

    def encoder(self, words: int, size: str) -> nn.Module:
        """For texts of a vocabulary of so many words, or for pictures if there are none."""
        return CNNEncoder(words, **self.sizes[size]) if words else ImageEncoder(**self.sizes[size])


WORLDS = {
    "digits": World(
        "digits",
        TASKS["digits"],
        400,
        (0.003, 0.006, 0.012),
        {"small": {"channels": 8, "hidden": 32}, "large": {"channels": 32, "hidden": 128}},
    ),
    "reviews": World(
        "reviews",
        TASKS["reviews"],
        300,
        (0.012, 0.024, 0.048),
        {"small": {"embedding_dim": 8, "filters": 3}, "large": {"embedding_dim": 32, "filters": 32}},
    ),
}


@cache
def reviews(seed: int) -> Splits:
    """The corpus, split by the seed."""
    return split_reviews(load_reviews(), seed=seed)


def encoded(frames: Sequence[pd.DataFrame], tasks: Sequence[Task]) -> tuple[int, list[MultiTaskDataset]]:
    """Size of the vocabulary of the first frame, and all frames encoded with it."""
    vocabulary = Vocabulary.from_texts(frames[0].text)
    return len(vocabulary), [encode_reviews(frame, vocabulary, tasks) for frame in frames]


def static(tasks: Sequence[Task], share: float) -> StaticWeights:
    """λ of two tasks by hand: the first one's part of it."""
    first, second = tasks
    return StaticWeights(tasks, {first.name: share, second.name: 1 - share}, total=len(tasks))


def train_one(
    world: World,
    words: int,
    parts: Sequence[MultiTaskDataset],
    seed: int,
    lr: float,
    *,
    tasks: Sequence[Task] | None = None,
    size: str = "small",
    weights: Weighting | None = None,
) -> list[dict]:
    """Train one model on the first of ``parts``; a row a task with its scores on the others, validation and test."""
    with drawn_from(seeded(seed)):
        model = MultiTaskModel(world.encoder(words, size), tasks or world.tasks)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    start = time.thread_time()
    fit(model, make_loader(parts[0], shuffle=True, seed=seed), optimizer, steps=world.steps, weights=weights)
    seconds = time.thread_time() - start
    found = {name: validate(model, make_loader(p, 500)) for name, p in zip(("val", "test"), parts[1:], strict=False)}
    return [
        {
            "lr": lr,
            "task": task.name,
            **{name: scores[task.name] for name, (_, scores) in found.items()},
            **{f"{name}_loss": losses[task.name] for name, (losses, _) in found.items()},
            "seconds": seconds,
            "steps_per_s": world.steps / seconds,
        }
        for task in model.tasks
    ]


# The jobs: all arms of one world at one seed, or all searches.


def arms(name: str, size: str, lr: float, seed: int) -> list[dict]:
    """Every arm of one world at one learning rate and seed; of the large model only λ by hand."""
    world = WORLDS[name]
    words, parts = world.parts(seed)
    run = partial(train_one, world, words, parts, seed, lr, size=size)
    found = [("single", np.nan, run(tasks=[task])) for task in world.tasks]
    found += [("static", share, run(weights=static(world.tasks, share))) for share in SHARES]
    if size == "small":
        rules = {rule: make for rule, make in RULES.items() if rule != "equal"}  # that is λ by hand with share .5
        found += [(rule, np.nan, run(weights=make(world.tasks, total=2))) for rule, make in rules.items()]
    key = {"world": name, "model": size}
    return [{**key, "arm": arm, "share": share, **row, "seed": seed} for arm, share, rows in found for row in rows]


def searches(name: str, seed: int) -> list[dict]:
    """λ by Optuna and by cross-validation with one seed's data: a row a search with what it chose and its test score."""
    world = WORLDS[name]
    words, parts = world.parts(seed)
    names = [task.name for task in world.tasks]

    def scores(weights: Mapping[str, float], lr: float, words: int = words, parts: Sequence = parts) -> pd.DataFrame:
        rows = train_one(world, words, parts, seed, lr, weights=static(world.tasks, weights[names[0]]))
        return pd.DataFrame(rows).set_index("task")

    def on_val(weights: Mapping[str, float], lr: float) -> dict[str, float]:
        return scores(weights, lr, parts=parts[:2]).val.to_dict()

    def on_fold(weights: Mapping[str, float], *frames: pd.DataFrame) -> dict[str, float]:
        fold_words, fold = encoded(frames, world.tasks)
        return scores(weights, FOLDS_LR, fold_words, fold).val.to_dict()

    search = partial(
        optuna_search,
        on_val,
        world.tasks,
        runs=len(SHARES) * len(world.lrs),
        lr=(world.lrs[0], world.lrs[-1]),
        seed=seed,
    )
    tables = {"Optuna": search(objective=lambda found: sum(found.values()) / 2), "Optuna, two objectives": search()}
    frame = pd.concat(reviews(seed)[:2], ignore_index=True)
    tables["5-fold cross-validation"] = cross_validate(on_fold, frame, weight_grid(world.tasks), seed=seed)
    rows = []
    for kind, table in tables.items():
        table = table[table.error == ""]
        front = int(pareto_front(table[names]).sum())
        if "fold" in table:
            table = table.assign(lr=FOLDS_LR)
        means = table.groupby([f"λ {names[0]}", "lr"], sort=False)[names].mean().mean(axis=1)
        (share, lr), val = means.idxmax(), means.max()
        test = scores({names[0]: share}, lr).test
        row = {"world": name, "search": kind, "seed": seed, "runs": len(table), "seconds": table.seconds.sum()}
        row |= {"share": share, "lr": lr, "front": np.nan if "fold" in table else front}
        rows += [row | {"val": val, "task": task, "test": test[task]} for task in names]
    return rows


def configs(seeds: int) -> list[Config]:
    """All arms of a world at a learning rate and seed; and all searches of a seed."""
    small = [(name, "small", lr, seed) for seed in range(seeds) for name in WORLDS for lr in WORLDS[name].lrs]
    large = [(name, "large", LARGE_LR, seed) for seed in range(seeds) for name in WORLDS]
    keys = ("name", "size", "lr", "seed")
    return [
        *(dict(zip(keys, job, strict=True)) for job in small),
        *({"name": SEARCH_WORLD, "seed": seed} for seed in range(min(seeds, SEARCH_SEEDS))),
        *(dict(zip(keys, job, strict=True)) for job in large),
    ]


def run(config: Config) -> dict[str, Any]:
    """The arms, or the searches where no learning rate is given."""
    return {"rows": arms(**config) if "lr" in config else searches(**config)}


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """All tables by name."""
    return tables_of(rows_of(runs[runs.lr.notna()]), rows_of(runs[runs.lr.isna()]))


EXPERIMENT = Experiment(configs, run, tables, seeds=10)
