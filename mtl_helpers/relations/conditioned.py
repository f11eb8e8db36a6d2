"""Letting one task's answer decide how another task reads the text: in one model, or as a pipeline of two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mtl_helpers.models import ModelError, MultiTaskModel
from mtl_helpers.tasks import Task


class ConditionedHead(nn.Module):
    """A linear head for each class of another task, mixed by that task's probabilities p.

    output = Σ_k p_k (W_k h + b_k), for features h ``(batch, features)`` and p ``(batch, conditions)``. Under a uniform p it
    is a plain linear head, with the mean of the W_k and b_k.
    """

    def __init__(self, features: int, conditions: int, n_outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, conditions * n_outputs)
        self.shape = (conditions, n_outputs)

    def forward(self, features: Tensor, p: Tensor) -> Tensor:
        """``(batch, n_outputs)``."""
        answers = self.linear(features).unflatten(1, self.shape)
        return torch.einsum("bk,bko->bo", p, answers)


class ConditionedModel(MultiTaskModel):
    """One encoder; the head of a task is conditioned on the softmax of another task's head.

    ``on`` says which on which: ``{"sentiment": "topic"}`` reads the features for sentiment in the light of the probable
    topic. The other task must be a classification with a plain head.

    With ``detach`` (the default) the condition is passed on as it is and gets no gradient: topic's loss alone decides what
    the topic head says, so that it stays a statement about topics. Without, sentiment's loss trains the topic head too.
    """

    def __init__(
        self, encoder: nn.Module, tasks: Sequence[Task], on: Mapping[str, str], *, detach: bool = True
    ) -> None:
        super().__init__(encoder, tasks)
        by_name = {task.name: task for task in self.tasks}
        for name, other in on.items():
            if absent := {name, other} - by_name.keys():
                raise ModelError(f"on={dict(on)}: there is no task {min(absent)!r}; tasks are {sorted(by_name)}.")
            if name == other or other in on:
                raise ModelError(f"on={dict(on)}: '{name}' needs another task with a plain head; '{other}' has none.")
            if not by_name[other].classes:
                raise ModelError(f"on={dict(on)}: '{other}' is a regression; only classes have a softmax.")
            conditions, n_outputs = by_name[other].n_outputs, by_name[name].n_outputs
            self.heads[name] = ConditionedHead(encoder.features, conditions, n_outputs)
        self.on, self.detach = dict(on), detach

    def forward(self, inputs: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
        """By task ``(batch, classes)``, or ``(batch,)`` for a regression."""
        features = self.encoder(inputs)
        outputs = {t.name: self.heads[t.name](features) for t in self.tasks if t.name not in self.on}
        for name, other in self.on.items():
            logits = outputs[other].detach() if self.detach else outputs[other]
            outputs[name] = self.heads[name](features, logits.softmax(dim=1))
        return {task.name: task.from_head(outputs[task.name]) for task in self.tasks}


class PipelineModel(MultiTaskModel):
    """Two models in a row: ``first``, trained before and frozen, tells the condition of this model's only head.

    The same head as in `ConditionedModel`, but nothing is shared: the control that tells what sharing adds to conditioning.
    """

    def __init__(self, encoder: nn.Module, task: Task, first: MultiTaskModel, on: str) -> None:
        conditions = {t.name: t for t in first.tasks if t.classes}
        if on not in conditions:
            raise ModelError(f"The first model has no classification '{on}'; it has {sorted(conditions)}.")
        super().__init__(encoder, [task])
        self.heads[task.name] = ConditionedHead(encoder.features, conditions[on].n_outputs, task.n_outputs)
        self.first, self.on = first.requires_grad_(False), on

    def forward(self, inputs: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
        """By task (there is one) ``(batch, classes)``, or ``(batch,)`` for a regression."""
        (task,) = self.tasks
        p = self.first(inputs)[self.on].softmax(dim=1)
        output = self.heads[task.name](self.encoder(inputs), p)
        return {task.name: task.from_head(output)}
