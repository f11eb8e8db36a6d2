"""What does a second task change? One run of one arm, the same for the table, the lesson and its live demo."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from mtl_helpers.corpus import make_reviews
from mtl_helpers.data import Splits, Vocabulary, encode_reviews, make_loader
from mtl_helpers.models import CNNEncoder, MultiTaskModel
from mtl_helpers.relations import ConditionedModel
from mtl_helpers.tasks import Task
from mtl_helpers.training import Record, fit, predict

N_TEST = 1500


@dataclass(frozen=True)
class Arm:
    """One way of learning a task: the first of ``tasks`` is the one in question, the others are there to help it.

    ``build(new_encoder, tasks)`` makes the model; ``new_encoder()`` makes one more encoder each time it is called.
    ``weights`` are the λ that differ from 1.
    """

    name: str
    tasks: Sequence[Task]
    build: Callable[[Callable[[], nn.Module], Sequence[Task]], MultiTaskModel] = field(
        default=lambda new_encoder, tasks: MultiTaskModel(new_encoder(), tasks)
    )
    weights: Mapping[str, float] = field(default_factory=dict)
    lr: float = 0.003
    filters: int = 32


@dataclass(frozen=True)
class ArmRun:
    """What came out of one run: the model, which labelled test reviews it got right, CPU seconds of its thread."""

    model: MultiTaskModel
    right: np.ndarray
    seconds: float

    @property
    def score(self) -> float:
        """Accuracy on the test reviews that have a label of the task in question."""
        return float(self.right.mean())


def usual_arms(task: Task, other: Task, **options: Any) -> list[Arm]:
    """Alone; sharing plainly; conditioned on the other task; and the control: that model with the other's loss off."""
    build = conditioned_on(task, other)
    return [
        Arm("single", [task], **options),
        Arm("plain sharing", [task, other], **options),
        Arm("conditioned", [task, other], build, **options),
        Arm("control", [task, other], build, {other.name: 0}, **options),
    ]


def conditioned_on(task: Task, other: Task) -> Callable[[Callable[[], nn.Module], Sequence[Task]], MultiTaskModel]:
    """An `Arm.build` in which the head of ``task`` is conditioned on that of ``other``."""
    return lambda new_encoder, tasks: ConditionedModel(new_encoder(), tasks, {task.name: other.name})


def controlled_splits(n: int, seed: int, **world: float) -> Splits:
    """``n`` controlled reviews to learn from, a third as many (at most 500) to validate on, 1,500 to test on."""
    n_val = min(500, n // 3)
    frame = make_reviews(n + n_val + N_TEST, seed=seed, **world)
    return Splits(frame[:n], frame[n : n + n_val], frame[n + n_val :])


def run_arm(
    arm: Arm,
    splits: Splits,
    *,
    seed: int,
    steps: int,
    on_step: Callable[[MultiTaskModel, Record], None] | None = None,
) -> ArmRun:
    """Train one arm by `training.fit` with AdamW and test it once.

    Weights and order of the batches follow from ``seed``. The model ends with the weights of its best validation on the
    task in question alone. ``on_step`` is called with model and record after each step; to give up a run, raise in it.

    >>> splits = controlled_splits(60, seed=0, relatedness=1)
    >>> from mtl_helpers.tasks import SENTIMENT, TOPIC
    >>> run = run_arm(Arm("shared", [SENTIMENT, TOPIC], filters=4), splits, seed=0, steps=2)
    >>> len(run.right), 0 <= run.score <= 1
    (1500, True)
    """
    start, main = time.thread_time(), arm.tasks[0]
    vocabulary = Vocabulary.from_texts(splits.train.text)
    train_set, val_set, test_set = (encode_reviews(frame, vocabulary, arm.tasks) for frame in splits)
    for name, mask in val_set.masks.items():
        if name != main.name:
            mask.zero_()
    with torch.random.fork_rng(devices=[]):  # only the first weights are drawn; the caller's random state stays its own
        torch.manual_seed(seed)
        model = arm.build(partial(CNNEncoder, len(vocabulary), filters=arm.filters), arm.tasks)
    fit(
        model,
        make_loader(train_set, 32, shuffle=True, seed=seed),
        torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=arm.lr, fused=True),
        steps=steps,
        weights=arm.weights,
        val_loader=make_loader(val_set, 250),
        on_step=None if on_step is None else partial(on_step, model),
    )
    output, target, mask = predict(model, make_loader(test_set, 250))[main.name]
    right = (main.predict(output) == target)[mask].numpy()
    return ArmRun(model, right, time.thread_time() - start)


def run_arms(arms: Sequence[Arm], splits: Splits, *, seed: int, steps: int) -> Iterator[dict[str, Any]]:
    """Run the arms one after the other on the same data; a row of ``arm, task, seed, score, seconds`` for each."""
    for arm in arms:
        run = run_arm(arm, splits, seed=seed, steps=steps)
        yield {
            "arm": arm.name,
            "task": arm.tasks[0].name,
            "seed": seed,
            "score": run.score,
            "seconds": run.seconds,
        }
