"""Ways of sharing between tasks beyond one encoder for all. Each is a `MultiTaskModel`: the same loop trains it.

What they have in common stands in `_Sharing`: features *by task*, then that task's head. Each says in ``shared_parameters``
which parameters more than one task's loss reaches, so rules and `gradient_cosines` work on all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mtl_helpers.arguments import number, whole_number
from mtl_helpers.models import ModelError, MultiTaskModel
from mtl_helpers.tasks import Task, check_tasks


class _Sharing(MultiTaskModel):
    """A multi-task model whose heads each get features of their own task."""

    def task_features(self, inputs: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
        """By task the features ``(batch, encoder.features)`` that its head gets."""
        raise NotImplementedError

    def forward(self, inputs: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
        """By task what its head answers, in the shape that the task takes."""
        return self.answers(self.task_features(inputs))


class TaskEncoders(nn.Module):
    """An encoder for each task, all of one width; answers with the features by task."""

    def __init__(self, encoders: Mapping[str, nn.Module], tasks: Sequence[Task]) -> None:
        super().__init__()
        names = [task.name for task in check_tasks(tasks)]
        if not isinstance(encoders, Mapping) or set(encoders) != set(names):
            found = sorted(encoders) if isinstance(encoders, Mapping) else type(encoders).__name__
            raise ModelError(
                f"Each task needs its own encoder, given by name: tasks are {sorted(names)}, found {found}. "
                "Write {task.name: CNNEncoder(...) for task in tasks}."
            )
        widths = {name: getattr(encoders[name], "features", None) for name in names}
        if len(set(widths.values())) != 1:
            raise ModelError(f"All encoders must have the same width to share anything; found .features {widths}.")
        self.by_task = nn.ModuleDict({name: encoders[name] for name in names})
        self.features = widths[names[0]]

    def forward(self, inputs: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
        """``(batch, features)`` by task."""
        return {name: encoder(inputs) for name, encoder in self.by_task.items()}


class SoftSharing(_Sharing):
    """Soft parameter sharing: an encoder for each task, drawn to each other by an L2 tie (Duong et al., ACL 2015).

    The loop adds `penalty` to the loss: strength/2 · Σₜ ‖θₜ - θ̄‖², θₜ the parameters of task t's encoder and θ̄ their mean
    over the tasks. Strength 0 gives separate models. ``math.inf`` gives hard sharing: one encoder, that of the first task,
    stands under every name. Between them, a plain gradient step needs learning rate · strength ≤ 1.

    The tasks share no parameter, only the tie: their gradients meet nowhere and `gradient_cosines` gives nan (but at
    ``math.inf``).
    """

    def __init__(
        self,
        encoders: Mapping[str, nn.Module],
        tasks: Sequence[Task],
        strength: float,
        heads: dict[str, nn.Module] | None = None,
    ) -> None:
        if strength != math.inf:
            number("The strength of the tie, which is math.inf or", strength, ModelError, at_least=0)
        encoder = TaskEncoders(encoders, tasks)
        each = list(encoder.by_task.values())
        if len({str([p.shape for p in one.parameters()]) for one in each}) > 1:
            raise ModelError("Only encoders of one architecture can be tied, parameter by parameter; these differ.")
        if math.isinf(strength):
            encoder = TaskEncoders(dict.fromkeys(encoder.by_task, each[0]), tasks)
        super().__init__(encoder, tasks, heads)
        self.strength = strength

    def task_features(self, inputs: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
        """Each task's own encoder."""
        return self.encoder(inputs)

    def shared_parameters(self) -> list[nn.Parameter]:
        """None; but all of the one encoder at ``math.inf``."""
        return super().shared_parameters() if math.isinf(self.strength) else []

    def penalty(self) -> Tensor:
        """The tie, a scalar: strength/2 · Σₜ ‖θₜ - θ̄‖²."""
        encoders = self.encoder.by_task.values()
        if math.isinf(self.strength):  # nothing is apart
            return next(self.parameters()).new_zeros(())
        stacks = [torch.stack(same) for same in zip(*(e.parameters() for e in encoders), strict=True)]
        return self.strength / 2 * sum((stack - stack.mean(dim=0)).square().sum() for stack in stacks)


class CrossStitch(_Sharing):
    """Cross-stitch (Misra et al., CVPR 2016): an encoder for each task, whose features a learnt T x T unit mixes.

    Task t's head gets Σₛ αₜₛ fₛ. A unit starts with ``keep`` on the diagonal and the rest spread over the other tasks;
    ``keep=1`` starts as separate models. The paper puts a unit after several layers; here there is one, on top. Through it
    every task's loss reaches every encoder: they are what is shared.
    """

    def __init__(
        self,
        encoders: Mapping[str, nn.Module],
        tasks: Sequence[Task],
        keep: float = 0.9,
        heads: dict[str, nn.Module] | None = None,
    ) -> None:
        keep = number("keep, a task's share of its own features,", keep, ModelError, at_least=0, at_most=1)
        encoder = TaskEncoders(encoders, tasks)
        super().__init__(encoder, tasks, heads)
        n = len(self.tasks)
        unit = torch.eye(n) if n == 1 else torch.full((n, n), (1 - keep) / (n - 1)).fill_diagonal_(keep)
        self.unit = nn.Parameter(unit)

    def task_features(self, inputs: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
        """The mixed features."""
        own = self.encoder(inputs)
        stacked = torch.stack([own[task.name] for task in self.tasks])  # (task, batch, features)
        mixed = torch.einsum("ts,sbf->tbf", self.unit, stacked)
        return {task.name: features for task, features in zip(self.tasks, mixed, strict=True)}


class MMoE(_Sharing):
    """Multi-gate mixture of experts (Ma et al., KDD 2018) on top of one encoder.

    Expert e is a layer eₑ(h) = ReLU(Wₑ h + bₑ) as wide as the encoder; task t's head gets Σₑ gₜₑ(h) eₑ(h), with the gate
    gₜ(h) = softmax(Vₜ h) its own.
    """

    def __init__(
        self,
        encoder: nn.Module,
        tasks: Sequence[Task],
        experts: int = 4,
        heads: dict[str, nn.Module] | None = None,
    ) -> None:
        super().__init__(encoder, tasks, heads)
        experts = whole_number("experts of an MMoE", experts, ModelError)
        width = encoder.features
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(width, width), nn.ReLU()) for _ in range(experts))
        self.gates = nn.ModuleDict({task.name: nn.Linear(width, experts, bias=False) for task in self.tasks})

    def shared_parameters(self) -> list[nn.Parameter]:
        """The encoder's and the experts'."""
        return [*super().shared_parameters(), *(p for p in self.experts.parameters() if p.requires_grad)]

    def gate(self, name: str, features: Tensor) -> Tensor:
        """How much task ``name`` takes of each expert: ``(batch, experts)``, rows that sum to 1."""
        return self.gates[name](features).softmax(dim=1)

    def task_features(self, inputs: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
        """For each task its own mixture of the experts."""
        features = self.encoder(inputs)
        answers = torch.stack([expert(features) for expert in self.experts], dim=1)  # (batch, expert, features)
        return {t.name: torch.einsum("be,bef->bf", self.gate(t.name, features), answers) for t in self.tasks}


class Adapters(_Sharing):
    """One encoder and for each task a small residual adapter: aₜ(h) = h + Bₜ ReLU(Aₜ h) (Houlsby et al., ICML 2019).

    Bₜ starts at 0, so the model starts as hard sharing. Freeze ``encoder`` to train the adapters and heads alone.
    """

    def __init__(
        self,
        encoder: nn.Module,
        tasks: Sequence[Task],
        size: int = 8,
        heads: dict[str, nn.Module] | None = None,
    ) -> None:
        super().__init__(encoder, tasks, heads)
        size = whole_number("size, the units of an adapter,", size, ModelError)
        width = encoder.features
        self.adapters = nn.ModuleDict(
            {t.name: nn.Sequential(nn.Linear(width, size), nn.ReLU(), nn.Linear(size, width)) for t in self.tasks}
        )
        for adapter in self.adapters.values():
            nn.init.zeros_(adapter[-1].weight)
            nn.init.zeros_(adapter[-1].bias)

    def task_features(self, inputs: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
        """The shared features, changed a little for each task."""
        features = self.encoder(inputs)
        return {name: features + adapter(features) for name, adapter in self.adapters.items()}
