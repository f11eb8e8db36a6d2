"""The task weights λ themselves, the sum they make of the losses, and what can be wrong with either."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence

from torch import Tensor

from mtl_helpers.data.batches import Batch, MultiTaskDataset
from mtl_helpers.tasks import Task


class TrainingError(ValueError):
    """Training was asked for in a way that cannot work."""


class TrainingDiverged(RuntimeError):
    """A loss became nan or infinite; the message names the task, the step and the λ."""


class TaskWeights(MutableMapping[str, float]):
    """The task weights λᵢ (任务权重) by task name, 1 unless set. They may be changed while a model trains.

    Raises `TrainingError` for an unknown task or a λ that is not a finite number of at least 0.

    >>> weights = TaskWeights(["topic", "sentiment"], sentiment=0.5)
    >>> weights["topic"] = 2
    >>> dict(weights)
    {'topic': 2.0, 'sentiment': 0.5}
    """

    def __init__(self, names: Iterable[str], /, **values: float) -> None:
        self._values = dict.fromkeys(names, 1.0)
        self.update(values)

    def __setitem__(self, name: str, value: float) -> None:
        if name not in self._values:
            raise TrainingError(f"There is no task '{name}' to weight; tasks are {', '.join(map(repr, self._values))}.")
        if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value < math.inf:
            raise TrainingError(f"λ of '{name}' must be a finite number of at least 0; found {value!r}.")
        self._values[name] = float(value)

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __delitem__(self, name: str) -> None:
        raise TrainingError(f"A task can not be removed; set λ of '{name}' to 0 to switch it off.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return "λ: " + ", ".join(f"{name} {value:g}" for name, value in self.items())


def task_losses(tasks: Sequence[Task], outputs: Mapping[str, Tensor], batch: Batch) -> dict[str, Tensor]:
    """The masked loss Lᵢ of each task on one batch, by name; zero for a task without a label in the batch."""
    return {task.name: task.loss(outputs[task.name], *batch.labels_of(task.name)) for task in tasks}


def weighted_sum(losses: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """L(θ) = Σᵢ λᵢ Lᵢ(θ), the formula of the course.

    >>> import torch
    >>> weighted_sum({"topic": torch.tensor(2.0), "sentiment": torch.tensor(0.5)}, {"topic": 1.0, "sentiment": 4.0})
    tensor(4.)
    """
    if absent := losses.keys() - weights.keys():
        raise TrainingError(f"There is no λ for the task '{min(absent)}'; there are weights for {sorted(weights)}.")
    return sum(weights[name] * loss for name, loss in losses.items())


def weights_by_count(dataset: MultiTaskDataset, *, alpha: float = 1.0) -> dict[str, float]:
    """λ by amount of data: λᵢ = T nᵢ^α / Σⱼ nⱼ^α, with nᵢ the number of task i's labels and T that of tasks.

    A task's loss is the *mean* over its labels, so α = 0, λ = 1 for all, lets each task count the same. With α = 1 (the
    default) each *label* counts the same. Between them, α is 1 over the temperature of temperature sampling (Arivazhagan et
    al. 2019); below 0, the task with few labels counts more.

    >>> import torch
    >>> masks = {"topic": torch.tensor([True] * 6), "stars": torch.tensor([True] * 2 + [False] * 4)}
    >>> data = MultiTaskDataset(torch.zeros(6, 1), {name: torch.zeros(6) for name in masks}, masks)
    >>> weights_by_count(data)
    {'topic': 1.5, 'stars': 0.5}
    >>> weights_by_count(data, alpha=0)
    {'topic': 1.0, 'stars': 1.0}
    """
    if not isinstance(dataset, MultiTaskDataset):
        raise TrainingError(
            f"Labels are counted in a MultiTaskDataset; found {type(dataset).__name__}. For a loader, give loader.dataset."
        )
    if isinstance(alpha, bool) or not isinstance(alpha, numbers.Real) or not math.isfinite(alpha):
        raise TrainingError(f"alpha must be a finite number, 0 for equal λ, 1 for λ by label; found {alpha!r}.")
    counts = {name: int(mask.sum()) for name, mask in dataset.masks.items()}
    if empty := [name for name, n in counts.items() if n == 0]:
        raise TrainingError(f"Task '{empty[0]}' has no label in the data: leave it out, or give its λ by hand.")
    powers = {name: n**alpha for name, n in counts.items()}
    return {name: len(powers) * power / sum(powers.values()) for name, power in powers.items()}


def whole_number(what: str, value: int) -> None:
    """Raise `TrainingError` unless ``value``, called ``what`` in the message, is a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise TrainingError(f"{what} must be a whole number of at least 1; found {value!r}.")
