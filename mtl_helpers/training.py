"""Step 4, training: L(θ) = Σᵢ λᵢ Lᵢ(θ), and the one training loop that everything in the course runs through."""

from __future__ import annotations

import copy
import math
import numbers
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field

import pandas as pd
import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from mtl_helpers.data.batches import Batch
from mtl_helpers.models import MultiTaskModel
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


@dataclass(slots=True)
class Record:
    """What one step did. ``val_losses`` and ``val_scores`` are empty except on the steps that were validated."""

    step: int
    epoch: int
    losses: dict[str, float]
    weights: dict[str, float]
    total: float
    batch: Batch | None
    val_losses: dict[str, float] = field(default_factory=dict)
    val_scores: dict[str, float] = field(default_factory=dict)


def task_losses(tasks: Sequence[Task], outputs: Mapping[str, Tensor], batch: Batch) -> dict[str, Tensor]:
    """The masked loss Lᵢ of each task on one batch, by name; zero for a task without a label in the batch."""
    return {task.name: task.loss(outputs[task.name], *batch.labels_of(task.name)) for task in tasks}


def weighted_sum(losses: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """L(θ) = Σᵢ λᵢ Lᵢ(θ), the formula of the course.

    >>> weighted_sum({"topic": torch.tensor(2.0), "sentiment": torch.tensor(0.5)}, {"topic": 1.0, "sentiment": 4.0})
    tensor(4.)
    """
    if absent := losses.keys() - weights.keys():
        raise TrainingError(f"There is no λ for the task '{min(absent)}'; there are weights for {sorted(weights)}.")
    return sum(weights[name] * loss for name, loss in losses.items())


def whole_number(what: str, value: int) -> None:
    """Raise `TrainingError` unless ``value``, called ``what`` in the message, is a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise TrainingError(f"{what} must be a whole number of at least 1; found {value!r}.")


def train_steps(
    model: MultiTaskModel,
    loader: DataLoader,
    optimizer: Optimizer,
    *,
    weights: Mapping[str, float] | None = None,
    val_loader: DataLoader | None = None,
    eval_every: int = 50,
) -> Iterator[Record]:
    """Train for ever, a `Record` per step: the only training loop of the course.

    It stops when the caller stops asking. ``weights`` is read anew at each step, so a λ changed between two steps counts
    from the next on; None means λ = 1 for all. With ``val_loader``, every ``eval_every``-th step is validated. Raises
    `TrainingDiverged` before the step is taken if a loss is nan or infinite. A model with a method ``penalty()``, a scalar,
    has it added to the total (soft sharing ties its encoders so).
    """
    if len(loader) == 0:
        raise TrainingError("The training loader has no batch: the split is empty.")
    whole_number("eval_every", eval_every)
    if not isinstance(weights, (Mapping, type(None))):
        raise TrainingError(
            f"weights must give λ by task name, such as {{'{model.tasks[0].name}': 1}}; found {weights!r}."
        )
    if not isinstance(weights, TaskWeights):
        weights = TaskWeights([task.name for task in model.tasks], **dict(weights or {}))
    penalty = getattr(model, "penalty", None)
    step = epoch = 0
    model.train()
    while True:
        epoch += 1
        for batch in loader:
            step += 1
            current = dict(weights)
            optimizer.zero_grad()
            losses = task_losses(model.tasks, model(batch.inputs), batch)
            total = weighted_sum(losses, current)
            values = {name: loss.item() for name, loss in losses.items()}
            record = Record(step, epoch, values, current, sum(current[n] * values[n] for n in values), batch)
            if penalty is not None:
                extra = penalty()
                total, record.total = total + extra, record.total + extra.item()
            if not math.isfinite(record.total):
                raise TrainingDiverged(_what_diverged(record))
            total.backward()
            optimizer.step()
            if val_loader is not None and step % eval_every == 0:
                record.val_losses, record.val_scores = validate(model, val_loader)
            # The next step reuses the graph's memory only if it is free by then: 2 % of an LSTM's step.
            del losses, total
            yield record


def _what_diverged(record: Record) -> str:
    bad = [name for name, loss in record.losses.items() if not math.isfinite(loss)] or list(record.losses)
    found = ", ".join(f"'{name}' (loss {record.losses[name]}, λ {record.weights[name]:g})" for name in bad)
    return f"Training stopped at step {record.step}: {found}. Try a smaller learning rate or λ, and look at the labels."


@torch.no_grad()
def validate(model: MultiTaskModel, loader: DataLoader) -> tuple[dict[str, float], dict[str, float]]:
    """Loss and score of each task over a whole loader."""
    predictions = predict(model, loader)
    losses = {task.name: task.loss(*predictions[task.name]).item() for task in model.tasks}
    scores = {
        task.name: task.score(task.predict(output), target, mask)
        for task in model.tasks
        for output, target, mask in [predictions[task.name]]
    }
    return losses, scores


@torch.no_grad()
def predict(model: MultiTaskModel, loader: DataLoader) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    """By task ``(outputs, targets, masks)`` over a whole loader, in the loader's order.

    The model answers in eval mode, so without dropout, and is put back to the mode it was in.
    """
    if len(loader) == 0:
        raise TrainingError("There is nothing to predict: the loader has no batch.")
    parts: dict[str, list[tuple[Tensor, Tensor, Tensor]]] = {task.name: [] for task in model.tasks}
    was_training = model.training
    model.eval()
    for batch in loader:
        for name, output in model(batch.inputs).items():
            parts[name].append((output, *batch.labels_of(name)))
    model.train(was_training)
    return {name: tuple(map(torch.cat, zip(*part, strict=True))) for name, part in parts.items()}


def mean_score(model: MultiTaskModel, scores: Mapping[str, float]) -> float:
    """How good a validation is as one number: the mean over tasks of the accuracy, or of minus the MAE."""
    known = [
        scores[t.name] if t.higher_is_better else -scores[t.name] for t in model.tasks if not math.isnan(scores[t.name])
    ]
    return sum(known) / len(known) if known else -math.inf


def fit(
    model: MultiTaskModel,
    loader: DataLoader,
    optimizer: Optimizer,
    *,
    steps: int,
    weights: Mapping[str, float] | None = None,
    val_loader: DataLoader | None = None,
    eval_every: int = 50,
    on_step: Callable[[Record], None] | None = None,
) -> pd.DataFrame:
    """Run `train_steps` for ``steps`` steps and return its history as a tidy frame, see `as_history`.

    With ``val_loader`` the model ends with the weights of its best validation by `mean_score`. ``on_step`` is called with
    each record, for a progress bar say.
    """
    whole_number("steps", steps)
    whole_number("eval_every", eval_every)
    records, best, best_state = [], -math.inf, None
    every = min(eval_every, steps)  # a short run is validated once, at its end
    for record in train_steps(model, loader, optimizer, weights=weights, val_loader=val_loader, eval_every=every):
        records.append(record)
        if record.val_scores and mean_score(model, record.val_scores) > best:
            best, best_state = mean_score(model, record.val_scores), copy.deepcopy(model.state_dict())
        if on_step is not None:
            on_step(record)
        record.batch = None  # a long history would keep every batch alive
        if record.step == steps:
            break
    if best_state is not None:
        model.load_state_dict(best_state)
    return as_history(records)


def as_history(records: Iterable[Record]) -> pd.DataFrame:
    """One row a step and task: ``step, epoch, task, loss, weight, val_loss, val_score`` (nan where not validated)."""
    rows = [
        (
            r.step,
            r.epoch,
            name,
            loss,
            r.weights[name],
            r.val_losses.get(name, math.nan),
            r.val_scores.get(name, math.nan),
        )
        for r in records
        for name, loss in r.losses.items()
    ]
    return pd.DataFrame(rows, columns=["step", "epoch", "task", "loss", "weight", "val_loss", "val_score"])
