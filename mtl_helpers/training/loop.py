"""The one training loop that everything in the course runs through, and what it hands back."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd
import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from mtl_helpers.data.batches import Batch
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.training.weighting import StaticWeights, Weighting
from mtl_helpers.training.weights import TrainingDiverged, TrainingError, task_losses, whole_number


@dataclass(slots=True)
class Record:
    """What one step did: the unweighted losses Lᵢ before it, the λᵢ it was taken with, and their total.

    ``val_losses`` and ``val_scores`` are empty except on the steps that were validated.
    """

    step: int
    epoch: int
    losses: dict[str, float]
    weights: dict[str, float]
    total: float
    batch: Batch | None
    val_losses: dict[str, float] = field(default_factory=dict)
    val_scores: dict[str, float] = field(default_factory=dict)


def train_steps(
    model: MultiTaskModel,
    loader: DataLoader,
    optimizer: Optimizer,
    *,
    weights: Mapping[str, float] | Weighting | None = None,
    val_loader: DataLoader | None = None,
    eval_every: int = 50,
) -> Iterator[Record]:
    """Train for ever, a `Record` per step: the only training loop of the course.

    It stops when the caller stops asking. ``weights`` are λ by task name, read anew at each step, so that a λ changed
    between two steps counts from the next on; or a `Weighting`, a rule that chooses them; None means λ = 1 for all. With
    ``val_loader``, every ``eval_every``-th step is validated. Raises `TrainingDiverged` before the step is taken if a loss
    is nan or infinite. A model with a method ``penalty()``, a scalar, has it added to the total (soft sharing ties its
    encoders so).
    """
    if len(loader) == 0:
        raise TrainingError("The training loader has no batch: the split is empty.")
    whole_number("eval_every", eval_every)
    rule = _as_rule(weights, model)
    rule.begin(model, optimizer)
    penalty = getattr(model, "penalty", None)
    step = epoch = 0
    model.train()
    while True:
        epoch += 1
        for batch in loader:
            step += 1
            optimizer.zero_grad()
            losses = task_losses(model.tasks, model(batch.inputs), batch)
            values = {name: loss.item() for name, loss in losses.items()}
            if not all(map(math.isfinite, values.values())):
                raise TrainingDiverged(_what_diverged(step, values, rule.weights))
            extra = None if penalty is None else penalty()
            current = rule.backward(losses, model, extra)
            total = sum(current[name] * values[name] for name in values) + rule.own_loss()
            if extra is not None:
                total += extra.item()
            if not math.isfinite(total):
                raise TrainingDiverged(_what_diverged(step, values, current))
            optimizer.step()
            # The next step reuses the graph's memory only if it is free by then: 2 % of an LSTM's step.
            del losses, extra
            rule.after_step(model, batch)
            record = Record(step, epoch, values, current, total, batch)
            if val_loader is not None and step % eval_every == 0:
                record.val_losses, record.val_scores = validate(model, val_loader)
            yield record
        rule.after_epoch()


def _as_rule(weights: Mapping[str, float] | Weighting | None, model: MultiTaskModel) -> Weighting:
    if isinstance(weights, Weighting):
        return weights
    if isinstance(weights, type) and issubclass(weights, Weighting):
        raise TrainingError(
            f"weights is the class {weights.__name__}; make a rule of it: {weights.__name__}(model.tasks)."
        )
    if not isinstance(weights, (Mapping, type(None))):
        raise TrainingError(
            "weights must be a Weighting, or give λ by task name, such as "
            f"{{'{model.tasks[0].name}': 1}}; found {weights!r}."
        )
    return StaticWeights(model.tasks, weights)


def _what_diverged(step: int, losses: Mapping[str, float], weights: Mapping[str, float]) -> str:
    bad = [name for name, loss in losses.items() if not math.isfinite(loss)] or list(losses)
    found = ", ".join(f"'{name}' (loss {losses[name]}, λ {weights[name]:g})" for name in bad)
    return f"Training stopped at step {step}: {found}. Try a smaller learning rate or λ, and look at the labels."


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
    weights: Mapping[str, float] | Weighting | None = None,
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
