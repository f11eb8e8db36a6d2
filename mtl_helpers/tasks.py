"""What a task is: its name, its kind, its classes, its loss and its score. Everything else stands on this."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TaskError(ValueError):
    """A task was described, or its labels were given, in a way that cannot be right."""


@dataclass(frozen=True)
class Task:
    """One task Tᵢ of a multi-task model.

    Parameters
    ----------
    name
        Key of the task in every ``dict`` of outputs, targets, losses and weights.
    kind
        ``"classification"`` (cross-entropy, scored by accuracy) or ``"regression"`` (squared error, scored by the mean
        absolute error in the label's own unit).
    classes
        The class labels in a fixed order, for classification only.
    size
        How many numbers a label is, for regression only: 1, or more for a label such as the points of a path.

    Examples
    --------
    >>> mood = Task("sentiment", classes=("negative", "positive"))
    >>> target, mask = mood.encode(["positive", None, "negative"])
    >>> target, mask
    (tensor([1, 0, 0]), tensor([ True, False,  True]))
    >>> mood.loss(torch.zeros(3, 2), target, mask)
    tensor(0.6931)
    """

    name: str
    kind: Literal["classification", "regression"] = "classification"
    classes: tuple[str, ...] = ()
    size: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise TaskError(f"A task's name must be a plain word such as 'topic'; found {self.name!r}.")
        if hasattr(nn.ModuleDict(), self.name):
            raise TaskError(
                f"A task can not be called '{self.name}': torch's ModuleDict, which holds the heads, uses that name itself. "
                f"Choose another, such as '{self.name}_task'."
            )
        if self.kind not in ("classification", "regression"):
            raise TaskError(f"Task '{self.name}': kind must be 'classification' or 'regression'; found {self.kind!r}.")
        object.__setattr__(self, "classes", tuple(self.classes))
        if self.kind == "classification" and len(self.classes) < 2:
            raise TaskError(f"Task '{self.name}': classification needs at least two classes; found {self.classes!r}.")
        if self.kind == "regression" and self.classes:
            raise TaskError(f"Task '{self.name}': a regression has no classes; found {self.classes!r}.")
        whole = isinstance(self.size, int) and not isinstance(self.size, bool)
        if not whole or self.size < 1 or (self.classes and self.size != 1):
            raise TaskError(
                f"Task '{self.name}': size, the numbers in a regression's label, must be at least 1 (and is 1 for classes); "
                f"found {self.size!r}."
            )
        if len(set(self.classes)) != len(self.classes):
            raise TaskError(f"Task '{self.name}': a class is listed twice in {self.classes!r}.")

    @property
    def n_outputs(self) -> int:
        """Numbers the task's head puts out for one example: one per class, or as many as a regression's label has."""
        return len(self.classes) or self.size

    @property
    def label_shape(self) -> tuple[int, ...]:
        """Shape of one example's target: ``()``, or ``(size,)`` for a regression of several numbers."""
        return () if self.size == 1 else (self.size,)

    @property
    def metric(self) -> str:
        """Name of the score: ``"accuracy"`` or ``"MAE"``."""
        return "accuracy" if self.kind == "classification" else "MAE"

    @property
    def higher_is_better(self) -> bool:
        """Whether a larger score is a better one."""
        return self.kind == "classification"

    def encode(self, labels: Iterable[Any]) -> tuple[Tensor, Tensor]:
        """Turn labels into ``(target, mask)``, each of shape ``(n,)``; for a regression of several numbers a label is a list
        of them, and the target ``(n, size)``.

        A missing label (``None``, ``nan``, ``""``) gets target 0 and mask ``False``; its example then adds nothing to the
        task's loss or score. Raises `TaskError`, naming task and position, for a label that is none of the classes.
        """
        labels = list(labels)
        mask = torch.tensor([not _is_missing(label) for label in labels], dtype=torch.bool)
        if self.kind == "classification":
            index = {label: i for i, label in enumerate(self.classes)}
            values = [
                self._lookup(index, label, i) if known else 0
                for i, (label, known) in enumerate(zip(labels, mask, strict=True))
            ]
            return torch.tensor(values, dtype=torch.long), mask
        nothing = 0.0 if self.size == 1 else [0.0] * self.size
        read = self._number if self.size == 1 else self._numbers
        values = [
            read(label, i) if known else nothing for i, (label, known) in enumerate(zip(labels, mask, strict=True))
        ]
        return torch.tensor(values, dtype=torch.float32).reshape(len(values), *self.label_shape), mask

    def _lookup(self, index: Mapping[Any, int], label: Any, position: int) -> int:
        if not isinstance(label, Hashable) or label not in index:
            raise TaskError(
                f"Task '{self.name}': unknown label {label!r} at position {position}; "
                f"known are {', '.join(map(repr, self.classes))}. Clean the labels first (lesson 01)."
            )
        return index[label]

    def _number(self, label: Any, position: int) -> float:
        try:
            number = float(label)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise TaskError(
                f"Task '{self.name}': label {label!r} at position {position} is not a finite number; "
                "correct it, or give None if it is missing."
            )
        return number

    def _numbers(self, label: Any, position: int) -> list[float]:
        numbers = list(label) if isinstance(label, Iterable) and not isinstance(label, str) else [label]
        if len(numbers) != self.size:
            raise TaskError(
                f"Task '{self.name}': a label is {self.size} numbers; found {label!r} at position {position}."
            )
        return [self._number(number, position) for number in numbers]

    def loss(self, output: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Mean loss over the labelled examples of a batch, a scalar.

        ``output`` is ``(batch, classes)`` for classification and ``(batch,)`` for regression; ``target`` and ``mask`` are
        ``(batch,)``. (A regression of several numbers has ``(batch, size)`` for both, and its loss lₙ is their mean.)
        With mask m and per-example losses l the result is Σ mₙ lₙ / max(Σ mₙ, 1): a batch without one label for this task
        contributes exactly zero. (``cross_entropy(ignore_index=...)`` would give nan there.)
        """
        expected = (len(target), self.n_outputs) if self.kind == "classification" else (len(target), *self.label_shape)
        if output.shape != expected:
            raise TaskError(
                f"Task '{self.name}': the head gave shape {tuple(output.shape)}, expected {expected} "
                f"for {len(target)} examples. Does the head match the task?"
            )
        if self.kind == "classification":
            per_example = F.cross_entropy(output, target, reduction="none")
        else:
            per_example = F.mse_loss(output, target, reduction="none").reshape(len(target), self.size).mean(dim=1)
        if mask is None:
            return per_example.mean()
        return (per_example * mask).sum() / mask.sum().clamp(min=1)

    def predict(self, output: Tensor) -> Tensor:
        """Turn a head's output into predictions of shape ``(batch,)``: class indices, or the numbers themselves."""
        return output.argmax(dim=1) if self.kind == "classification" else output

    def score(self, predicted: Tensor, target: Tensor, mask: Tensor) -> float:
        """Accuracy or mean absolute error over the labelled examples; ``nan`` if there is none."""
        predicted, target = predicted[mask], target[mask]
        if len(target) == 0:
            return math.nan
        if self.kind == "classification":
            return (predicted == target).float().mean().item()
        return (predicted - target).abs().mean().item()


def _is_missing(label: Any) -> bool:
    return pd.api.types.is_scalar(label) and (bool(pd.isna(label)) or label == "")


def check_tasks(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Return ``tasks`` as a tuple; raise `TaskError` if there is none, one is no `Task`, or two share a name.

    >>> check_tasks([Task("stars", kind="regression")])[0].metric
    'MAE'
    """
    if isinstance(tasks, Task):
        raise TaskError(f"Expected a list of tasks; found the single task '{tasks.name}'. Write [{tasks.name}].")
    tasks = tuple(tasks)
    if not tasks:
        raise TaskError("A multi-task model needs at least one task; found none.")
    for task in tasks:
        if not isinstance(task, Task):
            raise TaskError(f"Expected a Task; found {task!r} ({type(task).__name__}).")
    names = [task.name for task in tasks]
    if len(set(names)) != len(names):
        raise TaskError(f"Two tasks share a name in {names}; outputs and losses are keyed by it.")
    return tasks


TOPIC = Task("topic", classes=("film", "book", "phone", "restaurant", "hotel", "car"))
SENTIMENT = Task("sentiment", classes=("negative", "positive"))
STARS = Task("stars", kind="regression")
