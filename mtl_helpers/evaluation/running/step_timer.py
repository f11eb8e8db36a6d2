"""CPU time of a training step, of several models in turns, so that a busy machine changes all of them alike."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from mtl_helpers.data.batches import Batch
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.training import train_steps

WARM_UP = 5  # rounds that are not counted


class StepTimer:
    """CPU seconds that one training step of each of several models takes, measured in turns.

    Each ``measure()`` lets every model take one step on the next batch and starts with another model each time, so that a
    busy machine slows all of them alike: compare the times, do not trust them one by one. Only the time of this thread
    counts (``time.thread_time``). The models are trained by it: give fresh ones. ``seconds`` holds what was measured; the
    first five rounds are not counted. Uses the number of torch threads that is set.
    """

    def __init__(self, models: Mapping[str, MultiTaskModel], batches: Sequence[Batch]) -> None:
        self._steps = {
            name: train_steps(model, batches, torch.optim.AdamW(model.parameters())) for name, model in models.items()
        }
        self.seconds: dict[str, list[float]] = {name: [] for name in models}
        self._round = -WARM_UP

    def measure(self, rounds: int = 1) -> None:
        """Let every model take ``rounds`` more steps."""
        names = list(self._steps)
        for _ in range(rounds):
            for name in names[self._round % len(names) :] + names[: self._round % len(names)]:
                start = time.thread_time()
                next(self._steps[name])
                if self._round >= 0:
                    self.seconds[name].append(time.thread_time() - start)
            self._round += 1

    def medians(self) -> dict[str, float]:
        """The median step of each model, in milliseconds."""
        return {name: 1000 * float(np.median(values)) for name, values in self.seconds.items() if values}
