"""What does a second task change? One run of one arm, the same for the table, the lesson and its live demo."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mtl_helpers.corpus import make_reviews
from mtl_helpers.data import Batch, MultiTaskDataset, Splits, Vocabulary, encode_reviews, make_loader
from mtl_helpers.errors import DataError
from mtl_helpers.models import CNNEncoder, MultiTaskModel
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.relations import ConditionedModel
from mtl_helpers.tasks import Task
from mtl_helpers.training import Record, fit, predict

N_TEST = 1500


NewEncoder = Callable[[], nn.Module]
Build = Callable[[NewEncoder, Sequence[Task]], MultiTaskModel]
Encode = Callable[[Any, Sequence[Task]], tuple[NewEncoder, Sequence[MultiTaskDataset]]]


def on_one_encoder(new_encoder: NewEncoder, tasks: Sequence[Task]) -> MultiTaskModel:
    """Hard sharing: the tasks' heads on one encoder."""
    return MultiTaskModel(new_encoder(), tasks)


@dataclass(frozen=True)
class Arm:
    """One way of learning a task: the first of ``tasks`` is the one in question, the others are there to help it.

    ``build(new_encoder, tasks)`` makes the model; ``new_encoder()`` makes one more encoder each time it is called.
    ``weights`` are the λ that differ from 1. ``filters`` is the size of the encoder that `run_arm` takes by itself. With a
    function of a module, or a ``partial`` of one, for ``build``, an arm can be sent to other processes.
    """

    name: str
    tasks: Sequence[Task]
    build: Build = on_one_encoder
    weights: Mapping[str, float] = field(default_factory=dict)
    lr: float = 0.003
    filters: int = 32


@dataclass(frozen=True)
class ArmRun:
    """What came out of one run: the model, and of the test examples that have a label of the task in question what was
    ``predicted`` and what is right (``target``), in the task's own numbers; ``scores``, by task its `metric`; the CPU
    ``seconds`` of it all; and ``curve``, by step the score of the task in question had training ended there.
    """

    model: MultiTaskModel
    predicted: Tensor
    target: Tensor
    scores: dict[str, float]
    seconds: float
    curve: dict[int, float]

    @property
    def score(self) -> float:
        """Of the task in question."""
        return self.scores[self.model.tasks[0].name]


def usual_arms(task: Task, other: Task, **options: Any) -> list[Arm]:
    """Alone; sharing plainly; conditioned on the other task; and the control: that model with the other's loss off."""
    build = conditioned_on(task, other)
    return [
        Arm("single", [task], **options),
        Arm("plain sharing", [task, other], **options),
        Arm("conditioned", [task, other], build, **options),
        Arm("control", [task, other], build, {other.name: 0}, **options),
    ]


def conditioned_on(task: Task, other: Task) -> Build:
    """An `Arm.build` in which the head of ``task`` is conditioned on that of ``other``."""
    return partial(_conditioned, on={task.name: other.name})


def _conditioned(new_encoder: NewEncoder, tasks: Sequence[Task], on: Mapping[str, str]) -> MultiTaskModel:
    return ConditionedModel(new_encoder(), tasks, on)


def controlled_splits(n: int, seed: int, **world: float) -> Splits:
    """``n`` controlled reviews to learn from, a third as many (at most 500) to validate on, 1,500 to test on."""
    n_val = min(500, n // 3)
    frame = make_reviews(n + n_val + N_TEST, seed=seed, **world)
    return Splits(frame[:n], frame[n : n + n_val], frame[n + n_val :])


def run_arm(
    arm: Arm,
    splits: Any,
    *,
    seed: int,
    steps: int,
    encode: Encode | None = None,
    on_step: Callable[[MultiTaskModel, Record], None] | None = None,
    curve_at: Sequence[int] = (),
) -> ArmRun:
    """Train one arm by `training.fit` with AdamW and test it once.

    Weights and order of the batches follow from ``seed``. The model ends with the weights of its best validation on the
    task in question alone. At the steps of ``curve_at``, each one of a validation, it is also tested as it would have ended
    there; nothing is chosen by that. ``encode(splits, tasks)`` returns what makes an encoder, and the three data sets to
    learn from, to validate and to test on: any table, tokenizer and encoder. Without it, ``splits`` are frames with a column
    ``text``, read by a `CNNEncoder`. ``on_step`` is called with model and record after each step; to give up a run, raise in
    it.

    >>> splits = controlled_splits(60, seed=0, relatedness=1)
    >>> from mtl_helpers.tasks import SENTIMENT, TOPIC
    >>> run = run_arm(Arm("shared", [SENTIMENT, TOPIC], filters=4), splits, seed=0, steps=2)
    >>> len(run.predicted), 0 <= run.score <= 1
    (1500, True)

    Two digits in a picture, which are data sets already, by another encoder:

    >>> from mtl_helpers.datasets import LEFT, RIGHT, two_digits
    >>> from mtl_helpers.models import ImageEncoder
    >>> digits = lambda splits, tasks: (ImageEncoder, splits)
    >>> run = run_arm(Arm("shared", [LEFT, RIGHT]), two_digits(64, 20, 20), seed=0, steps=2, encode=digits)
    >>> len(run.predicted)
    20
    """
    start, main = time.thread_time(), arm.tasks[0]
    encode = encode or partial(_words, filters=arm.filters)
    new_encoder, (train_set, val_set, test_set) = encode(splits, arm.tasks)
    with drawn_from(seeded(seed)):  # the caller's random state stays its own
        model = arm.build(new_encoder, arm.tasks)
    test_loader, curve = make_loader(test_set, 250), {}

    def after_step(record: Record) -> None:
        if record.step in curve_at:
            ended = copy.deepcopy(model)
            ended.load_state_dict(record.best[""]["state"])
            curve[record.step] = _tested(ended, test_loader)[2][main.name]
        if on_step is not None:
            on_step(model, record)

    fit(
        model,
        make_loader(train_set, 32, shuffle=True, seed=seed),
        torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=arm.lr, fused=True),
        steps=steps,
        weights=arm.weights,
        val_loader=make_loader(val_set, 250),
        best=main.name,
        on_step=after_step,
    )
    predicted, target, scores = _tested(model, test_loader)
    return ArmRun(model, predicted, target, scores, time.thread_time() - start, curve)


def _tested(model: MultiTaskModel, loader: Iterable[Batch]) -> tuple[Tensor, Tensor, dict[str, float]]:
    """What was predicted for the first task and what is right, and the score of each task."""
    scores, first = {}, ()
    for task, (output, target, mask) in zip(model.tasks, predict(model, loader).values(), strict=True):
        predicted, target = task.predict(output)[mask], target[mask]
        first = first or (predicted, target)
        # Of all scores the main one: `Task.score`, quicker, may round to 32 bits, and differences of seeds are taken of these.
        scores[task.name] = task.measured(predicted, target)[task.metric] if len(target) else math.nan
    return *first, scores


def _words(splits: Splits, tasks: Sequence[Task], filters: int) -> tuple[NewEncoder, list[MultiTaskDataset]]:
    """The texts by the vocabulary of the training part, for a CNN."""
    if "text" not in splits.train:
        raise DataError(
            f"Column 'text' is missing; found {', '.join(map(repr, splits.train.columns))}. For another table give "
            "encode=..., a function of (splits, tasks) that returns what makes an encoder, and the three data sets."
        )
    vocabulary = Vocabulary.from_texts(splits.train.text)
    parts = [encode_reviews(frame, vocabulary, tasks) for frame in splits]
    return partial(CNNEncoder, len(vocabulary), filters=filters), parts


def run_arms(arms: Sequence[Arm], splits: Any, *, seed: int, steps: int, **options: Any) -> Iterator[dict[str, Any]]:
    """Run the arms one after the other on the same data; a row of ``arm, task, seed, score, helper, seconds`` for each.

    ``score`` is by the task's own `metric`, ``helper`` that of the task that is to help it (None: there is none). With
    ``curve_at`` among the ``options`` of `run_arm` the row also has ``at_150`` and so on.
    """
    for arm in arms:
        yield row_of(arm, run_arm(arm, splits, seed=seed, steps=steps, **options), seed)


def row_of(arm: Arm, run: ArmRun, seed: int) -> dict[str, Any]:
    """The row of `run_arms`."""
    return {
        "arm": arm.name,
        "task": arm.tasks[0].name,
        "seed": seed,
        "score": run.score,
        "helper": run.scores.get(arm.tasks[1].name) if len(arm.tasks) > 1 else None,
        "seconds": run.seconds,
        **{f"at_{step}": score for step, score in run.curve.items()},
    }
