"""The driving school: the model is trained with the λ of the sliders, and sent on an exam."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pandas as pd
import torch
from torch.utils.data import DataLoader

from mtl_helpers.arguments import whole_number
from mtl_helpers.driving import DRIVING_TASKS, episode_rows
from mtl_helpers.live.demos.demo import DemoError
from mtl_helpers.live.demos.drive.ride import drive_all
from mtl_helpers.live.lab.recording import RecordedRun
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.training import BestWeights, TrainingError, validate

NAMES = [task.name for task in DRIVING_TASKS]
EVAL_EVERY = 50
EXAM, EXAM_SEED = 50, 1000  # drives that every try is sent on


class School:
    """A model of the five driving tasks in training, see `DriveDemo` for the parameters.

    ``recorded`` holds λ and the run, ``step`` is how far it has come, ``scores`` its validation at the end, ``tries`` a row
    for each training that came to its end. `train` and `examine` yield after each step; only one thread may use it.
    """

    def __init__(
        self,
        model: MultiTaskModel,
        loader: DataLoader,
        val_loader: DataLoader,
        *,
        steps: int,
        lr: float,
    ) -> None:
        names = [task.name for task in model.tasks]
        if sorted(names) != sorted(NAMES):
            raise DemoError(f"The demo draws the tasks {', '.join(NAMES)}; the model has {', '.join(names)}.")
        self.steps, self.lr = whole_number("steps", steps, TrainingError), lr
        self.recorded = RecordedRun(model, loader, val_loader, eval_every=min(EVAL_EVERY, steps))
        self.model = model
        self.scores: dict[str, float] = {}
        self.tries: list[dict[str, Any]] = []
        self.step = 0

    def told(self) -> str:
        """Where the model comes from, in words."""
        if self.step:
            return f"the model at step {self.step} of {self.steps}"
        return (
            "a model that was trained before; release a λ to train it anew"
            if self.scores
            else "not trained yet: press Train"
        )

    def take(self, trained: MultiTaskModel) -> None:
        """Go on with the weights of a model that is trained already, one of the same parts."""
        try:
            self.model.load_state_dict(trained.state_dict())
        except RuntimeError as error:
            raise DemoError(f"The demo's model has other parts than the one it is to take: {error}") from error
        self.step, self.scores = 0, validate(self.model, self.recorded.val_loader)[1]

    def train(self, steps: int) -> Iterator[None]:
        """Train anew with the λ of now; end with the weights of the best validation, as `fit` does, and an exam."""
        self.scores, self.step, best = {}, 0, BestWeights(None, NAMES)
        self.recorded.begin(partial(torch.optim.AdamW, lr=self.lr, fused=True))
        for self.step in range(1, steps + 1):
            yield
            record = self.recorded.step()
            if record.val_scores:
                best.see(self.model, record)
        self.scores = best.scores or validate(self.model, self.recorded.val_loader)[1]  # too short for one on the way
        if best.state:
            self.model.load_state_dict(best.state)
        yield from self.examine()

    def examine(self) -> Iterator[None]:
        """Send the model on the drives of the exam, and add a row to the tries."""
        report = yield from drive_all(self.model, episode_rows(EXAM, seed=EXAM_SEED))
        weights = {f"λ {name}": λ for name, λ in self.recorded.weights.items()}
        self.tries.append(weights | self.scores | {"drives": int(report.success.sum())})

    def last_try(self) -> pd.Series:
        """The last row of the tries; empty before the first one."""
        return pd.Series(self.tries[-1] if self.tries else {}, dtype=float)
