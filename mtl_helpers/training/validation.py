"""What a model answers over a whole loader, and how good that is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mtl_helpers.data.batches import Batch
from mtl_helpers.data.loaders import checked_batches
from mtl_helpers.models import MultiTaskModel, unwrapped
from mtl_helpers.randomness import drawn_from
from mtl_helpers.training.epochs import begun
from mtl_helpers.training.task_weights import TrainingError, output_of


class Validation(NamedTuple):
    """Loss, score and skill by task; nan for a task without a label."""

    losses: dict[str, float]
    scores: dict[str, float]
    skills: dict[str, float]


@torch.no_grad()
def predict(model: MultiTaskModel, loader: Iterable[Batch]) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    """By task ``(outputs, targets, masks)`` over a whole loader, in the loader's order, on the CPU.

    The model answers where it is, in eval mode, so without dropout, and each of its parts is put back to the mode it was in.
    Where the data have no labels of a task, as new texts have none, its mask is ``False`` throughout.
    """
    bare = unwrapped(model)
    device = next(bare.parameters()).device
    parts: dict[str, list[tuple[Tensor, Tensor, Tensor]]] = {task.name: [] for task in bare.tasks}
    with drawn_from(torch.Generator()):  # not the training's numbers
        batches = begun(checked_batches(loader, bare.tasks, device))
    with _answering(model):
        for batch in batches:
            outputs = model(batch.inputs)
            for task in bare.tasks:
                output = in_32_bits(output_of(task, outputs)).cpu()
                known = task.name in batch.targets
                target, mask = batch.labels_of(task.name) if known else task.encode([None] * len(output))
                parts[task.name].append((output, target.cpu(), mask.cpu()))
    if not all(parts.values()):
        raise TrainingError(
            "There is nothing to predict: the loader has no batch. If it was read before, it can be read only once: give one "
            "that begins anew when it is read again."
        )
    columns = {task: list(zip(*parts[task.name], strict=True)) for task in bare.tasks}
    return {task.name: (task.join(o), task.join(t), torch.cat(m)) for task, (o, t, m) in columns.items()}


def validation(model: MultiTaskModel, loader: Iterable[Batch]) -> Validation:
    """Loss, score and skill of each task over a whole loader."""
    found = Validation({}, {}, {})
    answers = predict(model, loader)
    for task in unwrapped(model).tasks:
        output, target, mask = answers[task.name]
        predicted = task.predict(output)
        found.losses[task.name] = task.loss(output, target, mask).item()
        found.scores[task.name] = task.score(predicted, target, mask)
        found.skills[task.name] = task.skill(predicted, target, mask)
    return found


def validate(model: MultiTaskModel, loader: Iterable[Batch]) -> tuple[dict[str, float], dict[str, float]]:
    """Loss and score of each task over a whole loader; nan for a task without a label in it."""
    return validation(model, loader)[:2]


def mean_skill(skills: Mapping[str, float]) -> float:
    """How good a validation is as one number: the mean over the tasks with labels of `Task.skill`, which has no unit.

    Accuracy or F1 for classes, 1 - MAE / MAE of the median for numbers: 1 is perfect. (A mean of scores would add stars to
    dollars, and a task in dollars would decide alone.) Of classifications it is the mean accuracy. -inf if no task has labels.

    >>> mean_skill({"topic": 0.5, "sentiment": 0.75, "stars": float("nan")})
    0.625
    """
    known = [skill for skill in skills.values() if not math.isnan(skill)]
    return sum(known) / len(known) if known else -math.inf


def in_32_bits(output: Tensor) -> Tensor:
    """What a model answered in half precision, in full: losses and scores need it."""
    return output.float() if output.dtype in (torch.bfloat16, torch.float16) else output


@contextmanager
def _answering(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
