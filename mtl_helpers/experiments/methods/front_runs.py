"""Models of two digits along λ, trained once and kept, and what each can do: what a Pareto front is made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import pandas as pd
import torch

from mtl_helpers.data import make_loader
from mtl_helpers.datasets import LEFT, RIGHT, DatasetSplits, two_digits
from mtl_helpers.evaluation import confusion, pareto_front
from mtl_helpers.experiments.methods import SHARES, WORLDS
from mtl_helpers.models import ImageEncoder, MultiTaskModel
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.training import StaticWeights, fit, predict

WORLD = WORLDS["digits"]  # as the table of lesson 05 has it
TASKS, STEPS, SIZES = WORLD.tasks, WORLD.steps, WORLD.sizes
NAMES = tuple(task.name for task in TASKS)
LR = WORLD.lrs[0]  # of AdamW. At twice that the small model is better by a little, and scatters twice as far.


class Key(NamedTuple):
    """Which model: its size; λ of the left digit, or 1 and 0 for a model of one task alone; and its seed."""

    size: str
    share: float
    seed: int = 0

    @property
    def tasks(self) -> tuple:
        """The tasks that the model learns."""
        return {0: (RIGHT,), 1: (LEFT,)}.get(self.share, TASKS)


@dataclass(frozen=True)
class Found:
    """A model and, by task, its accuracy, mean loss and confusion matrix on the validation pictures."""

    model: MultiTaskModel
    scores: dict[str, float]
    losses: dict[str, float]
    confusion: dict[str, pd.DataFrame]


class FrontRuns:
    """Models that are trained once and kept, on the pictures of ``two_digits(seed=0)``. Another seed draws other first
    weights and another order of the batches, not other pictures.
    """

    def __init__(self) -> None:
        self.found: dict[Key, Found] = {}

    @cached_property
    def splits(self) -> DatasetSplits:
        """The pictures; the test part is not used here."""
        return two_digits(seed=0)

    def missing(self, size: str, share: float, others: int) -> list[Key]:
        """What is still to train: the model chosen, the other λ, each task alone, ``others`` more seeds of the chosen."""
        shares = (share, *(other for other in SHARES if other != share), 1, 0)
        keys = [*(Key(size, x) for x in shares), *(Key(size, share, seed + 1) for seed in range(others))]
        return [key for key in keys if key not in self.found]

    def train(self, key: Key, on_step: Callable[[int], None]) -> None:
        """Train one model. ``on_step`` is called with the number of each step; to give up, raise in it."""
        with drawn_from(seeded(key.seed)):  # the caller's random state stays its own
            model = MultiTaskModel(ImageEncoder(**SIZES[key.size]), key.tasks)
        weights = {"left": key.share, "right": 1 - key.share}
        fit(
            model,
            make_loader(self.splits.train, shuffle=True, seed=key.seed),
            torch.optim.AdamW(model.parameters(), lr=LR),
            steps=STEPS,
            weights=None if len(key.tasks) == 1 else StaticWeights(key.tasks, weights, total=len(key.tasks)),
            on_step=lambda record: on_step(record.step),
        )
        answers = predict(model, make_loader(self.splits.val, 500))
        self.found[key] = Found(
            model,
            {t.name: t.score(t.predict(answers[t.name][0]), *answers[t.name][1:]) for t in key.tasks},
            {t.name: t.loss(*answers[t.name]).item() for t in key.tasks},
            {t.name: confusion(t, *answers[t.name]) for t in key.tasks},
        )

    def front(self, size: str) -> pd.DataFrame:
        """A row a λ with seed 0: ``λ left``, accuracy and loss by task, and whether it is on the ``front``."""
        rows = [
            {"λ left": share, **run.scores, **{f"{name} loss": run.losses[name] for name in NAMES}}
            for share in SHARES
            if (run := self.found.get(Key(size, share)))
        ]
        frame = pd.DataFrame(rows, columns=["λ left", *NAMES, *(f"{name} loss" for name in NAMES)])
        return frame.assign(front=pareto_front(frame[[*NAMES]]) if rows else pd.Series(dtype=bool))

    def alone(self, size: str) -> dict[str, float]:
        """The accuracy of each task's own model, as far as they are trained."""
        runs = [self.found.get(Key(size, share)) for share in (1, 0)]
        return {name: score for run in runs if run for name, score in run.scores.items()}

    def seeds(self, size: str, share: float) -> pd.DataFrame:
        """A row a seed of one λ: accuracy by task."""
        runs = {key.seed: run.scores for key, run in list(self.found.items()) if key[:2] == (size, share)}
        return pd.DataFrame.from_dict(runs, orient="index", columns=[*NAMES])

    def scatter(self, size: str) -> float:
        """Standard deviation of an accuracy over the seeds of one λ, pooled over tasks and λ; nan before 3 seeds."""
        clouds = [cloud for share in SHARES if len(cloud := self.seeds(size, share)) >= 3]
        if not clouds:
            return math.nan
        freedom = sum(len(cloud) - 1 for cloud in clouds)
        return math.sqrt(sum(((cloud - cloud.mean()) ** 2).to_numpy().mean(axis=1).sum() for cloud in clouds) / freedom)
