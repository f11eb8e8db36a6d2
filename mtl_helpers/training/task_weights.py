"""The task weights λ themselves, the sum they make of the losses, and what can be wrong with either."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence

from torch import Tensor

from mtl_helpers.arguments import number
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
        self._values[name] = number(f"λ of '{name}'", value, TrainingError, at_least=0)

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


class Losses(dict[str, Tensor]):
    """The loss Lᵢ, a scalar, of each task that has a label; ``counts`` says of *every* task how many labels it is over.

    ``features`` are, by task, those that the heads read, if the model hands them on (`models.Answers`).
    """

    counts: dict[str, int]
    features: Mapping[str, Tensor] | None = None


def task_losses(tasks: Sequence[Task], outputs: Mapping[str, Tensor], batch: Batch) -> Losses:
    """The mean loss Lᵢ of each task over its labels in one batch; a task without a label has none.

    >>> import torch
    >>> from mtl_helpers.tasks import SENTIMENT, STARS
    >>> masks = {"sentiment": torch.tensor([True, True]), "stars": torch.tensor([False, False])}
    >>> batch = Batch(torch.zeros(2, 1), {"sentiment": torch.tensor([0, 1]), "stars": torch.zeros(2)}, masks)
    >>> losses = task_losses([SENTIMENT, STARS], {"sentiment": torch.zeros(2, 2), "stars": torch.zeros(2)}, batch)
    >>> losses, losses.counts
    ({'sentiment': tensor(0.6931)}, {'sentiment': 2, 'stars': 0})
    """
    losses = Losses()
    losses.counts, losses.features = {}, getattr(outputs, "features", None)
    for task in tasks:
        target, mask = batch.labels_of(task.name)
        losses.counts[task.name] = n = int(mask.count_nonzero())
        if n:
            losses[task.name] = task.loss(output_of(task, outputs), target, None if n == mask.shape[0] else mask)
    return losses


def output_of(task: Task, outputs: Mapping[str, Tensor]) -> Tensor:
    """What the model answered for one task; raises `TrainingError` if a model of one's own answers otherwise."""
    if isinstance(outputs, (dict, Mapping)) and task.name in outputs:
        return outputs[task.name]
    found = list(outputs) if isinstance(outputs, Mapping) else f"a {type(outputs).__name__}"
    raise TrainingError(f"A model answers with a dict, an output for each task; for '{task.name}' found {found}.")


def weighted_sum(losses: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """L(θ) = Σᵢ λᵢ Lᵢ(θ), the formula of the course.

    >>> import torch
    >>> weighted_sum({"topic": torch.tensor(2.0), "sentiment": torch.tensor(0.5)}, {"topic": 1.0, "sentiment": 4.0})
    tensor(4.)
    """
    if not losses.keys() <= weights.keys():
        absent = min(losses.keys() - weights.keys())
        raise TrainingError(f"There is no λ for the task '{absent}'; there are weights for {sorted(weights)}.")
    # No product with 1.0, and no 0 to begin from: each would be one more operation, forward and backward.
    terms = [
        loss if weights[name].__class__ is float and weights[name] == 1 else weights[name] * loss
        for name, loss in losses.items()
    ]
    return sum(terms[1:], start=terms[0]) if terms else 0


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
    alpha = number("alpha, 0 for equal λ and 1 for λ by label,", alpha, TrainingError)
    counts = {name: int(mask.sum()) for name, mask in dataset.masks.items()}
    if empty := [name for name, n in counts.items() if n == 0]:
        raise TrainingError(f"Task '{empty[0]}' has no label in the data: leave it out, or give its λ by hand.")
    powers = {name: n**alpha for name, n in counts.items()}
    return {name: len(powers) * power / sum(powers.values()) for name, power in powers.items()}
