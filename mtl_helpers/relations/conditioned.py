"""Letting one task's answer decide how another task reads the text: in one model, or as a pipeline of two."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from mtl_helpers.models import ModelError, MultiTaskModel
from mtl_helpers.relations.sharing import TaskEncoders
from mtl_helpers.tasks import Task


class ConditionedHead(nn.Module):
    """A linear head for each answer of another task, mixed by what that task says of them: of classes, their probabilities p.

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


class ToldHead(nn.Module):
    """A head that is told what another task says beside the features: it reads both, one behind the other.

    Linear, output = W h + V p + b, so that it can only *add* the two; with ``hidden`` units a ReLU layer comes before.

    >>> ToldHead(12, 6, 2, hidden=8)(torch.zeros(5, 12), torch.zeros(5, 6)).shape
    torch.Size([5, 2])
    """

    def __init__(self, features: int, conditions: int, n_outputs: int, *, hidden: int = 0) -> None:
        super().__init__()
        width = features + conditions
        layers = [nn.Linear(width, hidden), nn.ReLU()] if hidden else []
        self.layers = nn.Sequential(*layers, nn.Linear(hidden or width, n_outputs))

    def forward(self, features: Tensor, p: Tensor) -> Tensor:
        """``(batch, n_outputs)``."""
        return self.layers(torch.cat([features, p], dim=1))


class ConditionedModel(MultiTaskModel):
    """One encoder, or one a task; the head of a task is conditioned on what another task's head answers.

    ``on`` says which on which: ``{"sentiment": "topic"}`` reads the features for sentiment in the light of the probable
    topic. What the head is told, the other task says, see `Task.condition`: probabilities of classes, or the number itself.

    With ``detach`` (the default) the condition is passed on as it is and gets no gradient: topic's loss alone decides what
    the topic head says, so that it stays a statement about topics. Without, sentiment's loss trains the topic head too.

    ``encoder`` may be one for each task, by name: then the tasks share nothing but the condition. ``head(features,
    conditions, n_outputs)`` makes the conditioned head, called with features and condition.
    """

    def __init__(
        self,
        encoder: nn.Module | Mapping[str, nn.Module],
        tasks: Sequence[Task],
        on: Mapping[str, str],
        *,
        detach: bool = True,
        head: Callable[[int, int, int], nn.Module] = ConditionedHead,
    ) -> None:
        encoder = TaskEncoders(encoder, tasks) if isinstance(encoder, Mapping) else encoder
        super().__init__(encoder, tasks)
        by_name = {task.name: task for task in self.tasks}
        for name, other in on.items():
            if absent := {name, other} - by_name.keys():
                raise ModelError(f"on={dict(on)}: there is no task {min(absent)!r}; tasks are {sorted(by_name)}.")
            if name == other or other in on:
                raise ModelError(f"on={dict(on)}: '{name}' needs another task with a plain head; '{other}' has none.")
            if by_name[other].per_word:
                raise ModelError(f"on={dict(on)}: '{other}' has an answer a word; a head is conditioned on one a text.")
            conditions, n_outputs = by_name[other].n_outputs, by_name[name].n_outputs
            self.heads[name] = head(encoder.features, conditions, n_outputs)
        self.on, self.detach = dict(on), detach

    def forward(self, inputs: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
        """By task what its head answers, in the shape that the task takes."""
        by_name = {task.name: task for task in self.tasks}
        found = self.encoder(inputs)
        features = found if isinstance(found, dict) else dict.fromkeys(by_name, found)
        outputs = {
            name: task.from_head(self.heads[name](features[name]))
            for name, task in by_name.items()
            if name not in self.on
        }
        for name, other in self.on.items():
            told = outputs[other].detach() if self.detach else outputs[other]
            condition = by_name[other].condition(told)
            outputs[name] = by_name[name].from_head(self.heads[name](features[name], condition))
        return {name: outputs[name] for name in by_name}

    def shared_parameters(self) -> list[nn.Parameter]:
        """The encoder's, if there is one for all; and, unless the condition is detached, all that it comes from."""
        asked = [] if self.detach else list(dict.fromkeys(self.on.values()))
        own = isinstance(self.encoder, TaskEncoders)
        encoders = [self.encoder.by_task[name] for name in asked] if own else [self.encoder]
        parts = [*encoders, *(self.heads[name] for name in asked)]
        return [p for part in parts for p in part.parameters() if p.requires_grad]


class PipelineModel(MultiTaskModel):
    """Two models in a row: ``first``, trained before, tells the condition of this model's only head.

    It is a copy of ``first`` that stands here, frozen and in eval mode; the caller's own model can be trained on. The same
    head as in `ConditionedModel`, but nothing is shared: the control that tells what sharing adds to conditioning.
    """

    def __init__(self, encoder: nn.Module, task: Task, first: MultiTaskModel, on: str) -> None:
        conditions = {t.name: t for t in first.tasks}
        if on not in conditions:
            raise ModelError(f"The first model has no task '{on}'; it has {sorted(conditions)}.")
        super().__init__(encoder, [task])
        self.heads[task.name] = ConditionedHead(encoder.features, conditions[on].n_outputs, task.n_outputs)
        self.first, self.on = copy.deepcopy(first).requires_grad_(False).eval(), on

    def forward(self, inputs: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
        """By task, there is one, what its head answers."""
        (task,) = self.tasks
        condition = next(t for t in self.first.tasks if t.name == self.on).condition(self.first(inputs)[self.on])
        return {task.name: task.from_head(self.heads[task.name](self.encoder(inputs), condition))}

    def train(self, mode: bool = True) -> PipelineModel:
        """Set the mode of all but the first model: that one has learnt, and answers without dropout."""
        super().train(mode)
        self.first.eval()
        return self
