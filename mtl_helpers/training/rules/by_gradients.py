"""Rules that choose λ from the tasks' gradients: they see conflicts, and cost a backward pass for each task."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor, nn
from torchjd import Stateful
from torchjd.aggregation import GramianWeightedAggregator
from torchjd.linalg import DualConeProjector

from mtl_helpers.models import MultiTaskModel, shared_parameters
from mtl_helpers.randomness import Private
from mtl_helpers.tasks import Task
from mtl_helpers.training.rules.weighting import Weighting
from mtl_helpers.training.task_weights import TrainingError

Gradients = dict[str, list[Tensor | None]]


class GradientWeighting(Weighting):
    """λ by an aggregator of TorchJD, from the tasks' gradients in what they share: MGDA, PCGrad, UPGrad, ...

    With J ``(tasks, shared parameters)``, row i the gradient gᵢ of the unweighted Lᵢ in ``model.shared_parameters()``, the
    aggregator makes λ of J Jᵀ and what is shared descends Σᵢ λᵢ gᵢ. All the rest gets the gradient of the unweighted Σᵢ Lᵢ:
    only in what is shared can gradients conflict.

    A task without a label in the batch has no λ, and the others' are as if it were not there. One whose gradient is 0 has λ 0.
    (For MGDA, 0 would be the best compromise of all.) If no task has a gradient there, as in a frozen encoder, every λ is 1.
    What an aggregator draws at random comes from ``generator`` (None: one with seed 0). Under bf16 autocast, or with a model
    in half precision, gradients are weighed in 32 bits.

    >>> from torchjd.aggregation import MGDA
    >>> from mtl_helpers.tasks import SENTIMENT, STARS
    >>> rule = GradientWeighting([SENTIMENT, STARS], MGDA())
    >>> rule.from_gradients(torch.tensor([[1.0, 0.0], [0.0, 3.0]]))
    tensor([0.9000, 0.1000])
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        aggregator: GramianWeightedAggregator,
        *,
        generator: torch.Generator | None = None,
        total: float | None = None,
    ) -> None:
        super().__init__(tasks, total=total)
        if not isinstance(aggregator, GramianWeightedAggregator):
            raise TrainingError(
                "A GradientWeighting needs an aggregator that weighs by the Gramian, such as torchjd.aggregation.PCGrad(); "
                f"found {aggregator!r}."
            )
        self.aggregator = aggregator
        self._given = generator
        self.reset()

    def reset(self) -> None:
        """The generator of the rule's own from its seed, and an aggregator that has seen nothing."""
        super().reset()
        self.generator = torch.Generator().manual_seed(0) if self._given is None else self._given
        self._privately = Private(self.generator)
        if isinstance(self.aggregator, Stateful):
            self.aggregator.reset()

    def from_gradients(self, jacobian: Tensor) -> Tensor:
        """λ ``(tasks,)`` from the gradients ``(tasks, shared parameters)``; nan where a gradient is not finite."""
        gramian = jacobian @ jacobian.T
        if not gramian.isfinite().all():
            return torch.full_like(gramian[0], math.nan)
        present = gramian.diagonal() > 0
        if not present.any():
            return torch.ones_like(gramian[0])
        weights = torch.zeros_like(gramian[0])
        with self._privately():
            weights[present] = self.aggregator.gramian_weighting(gramian[present][:, present])
        return weights

    def backward(
        self, losses: Mapping[str, Tensor], model: MultiTaskModel, penalty: Tensor | None = None
    ) -> dict[str, float]:
        """Put Σᵢ λᵢ gᵢ into the ``.grad`` of what is shared, the sum of the gradients elsewhere; return λ by task."""
        shared, others = shared_and_others(model)
        with in_full_precision(model):
            weights = self._into_shared(losses, shared) if losses and shared else dict.fromkeys(losses, 1.0)
            put_sum(others, gradients_of(losses, others), dict.fromkeys(losses, 1.0))
            add_gradient_of(penalty)
        self._weights |= weights
        return weights

    def _into_shared(self, losses: Mapping[str, Tensor], shared: list[nn.Parameter]) -> dict[str, float]:
        gradients = gradients_of(losses, shared, keep_graph=True)
        jacobian = torch.stack([flat(each, shared) for each in gradients.values()])
        weights = self.scaled(dict(zip(losses, self.from_gradients(jacobian).tolist(), strict=True)))
        combined = jacobian.new_tensor(list(weights.values())) @ jacobian
        for p, part in zip(shared, combined.split([p.numel() for p in shared]), strict=True):
            p.grad = laid_out_as(p, part.view_as(p))
        return weights

    def state_dict(self) -> dict[str, Any]:
        """Where the generator stands, and what a stateful aggregator remembers."""
        memory = {}
        if isinstance(self.aggregator, Stateful):
            weighting = self.aggregator.gramian_weighting
            if not hasattr(weighting, "_state_key"):  # as those of TorchJD have, for what their buffers are
                raise TrainingError(f"{self.kind} remembers what only it knows: a run by it can not go on from a file.")
            memory = copy.deepcopy({**weighting._buffers, "_state_key": weighting._state_key})
        return {**super().state_dict(), "generator": self.generator.get_state(), "memory": memory}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        super().load_state_dict(state)
        self.generator.set_state(state["generator"])
        for name, value in copy.deepcopy(state.get("memory", {})).items():
            setattr(self.aggregator.gramian_weighting, name, value)

    @property
    def kind(self) -> str:
        """The aggregator's name."""
        return type(self.aggregator).__name__


class NNLSProjector(DualConeProjector):
    """The quadratic programme of UPGrad by SciPy: min vᵀ G v with v ≥ u, for each row u of U.

    With v = u + x and G = L Lᵀ it is non-negative least squares, min ‖Lᵀ x + Lᵀ u‖ with x ≥ 0. G is divided by its trace, and
    ``regularization`` added to its diagonal, as TorchJD's own projector does, which needs a solver under the GPL. It bounds
    how unequal the gradients may be: with 1e-4, one 100 times as long as the other can still harm it.

    >>> gradients = torch.tensor([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]])
    >>> NNLSProjector()(torch.eye(2) / 2, gradients @ gradients.T).sum(dim=0)
    tensor([1.1109, 0.7894])
    """

    def __init__(self, regularization: float = 1e-4) -> None:
        self.regularization = regularization

    def __call__(self, U: Tensor, G: Tensor) -> Tensor:
        """``U (..., tasks)`` and ``G (tasks, tasks)`` to weights shaped as U."""
        gramian = G.detach().double().cpu()
        trace = gramian.trace()
        gramian = gramian / trace if trace > 0 else gramian
        root = torch.linalg.cholesky(gramian + self.regularization * torch.eye(len(gramian))).numpy().T
        rows = U.detach().double().cpu().reshape(-1, U.shape[-1]).numpy()
        projected = np.stack([u + nnls(root, -root @ u)[0] for u in rows])
        return torch.as_tensor(projected, dtype=G.dtype, device=G.device).reshape(U.shape)

    def __repr__(self) -> str:
        return f"NNLSProjector(regularization={self.regularization})"


def shared_and_others(model: MultiTaskModel) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The trainable parameters that the tasks share, and all others that are trained."""
    shared = shared_parameters(model)
    ids = {id(p) for p in shared}
    return shared, [p for p in model.parameters() if p.requires_grad and id(p) not in ids]


def gradients_of(
    losses: Mapping[str, Tensor], parameters: Sequence[nn.Parameter], *, keep_graph: bool = False
) -> Gradients:
    """By task the gradient of its loss in each parameter, None where it has none; one backward pass a task."""
    gradients, last = {}, len(losses) - 1
    for i, (name, loss) in enumerate(losses.items()):
        if loss.requires_grad and parameters:
            found = torch.autograd.grad(loss, parameters, retain_graph=keep_graph or i < last, allow_unused=True)
        else:
            found = [None] * len(parameters)
        gradients[name] = list(found)
    return gradients


def put_sum(parameters: Sequence[nn.Parameter], gradients: Gradients, weights: Mapping[str, float]) -> None:
    """Set each parameter's ``.grad`` to Σᵢ λᵢ gᵢ; to None where no task has a gradient."""
    for j, parameter in enumerate(parameters):
        parts = [weights[name] * each[j] for name, each in gradients.items() if each[j] is not None]
        parameter.grad = laid_out_as(parameter, sum(parts[1:], start=parts[0])) if parts else None


def laid_out_as(parameter: nn.Parameter, gradient: Tensor) -> Tensor:
    """The gradient with type and strides of its parameter, as ``backward`` leaves it: torch's fused optimizers assume them."""
    if gradient.stride() == parameter.stride() and gradient.dtype == parameter.dtype:
        return gradient
    return torch.empty_like(parameter).copy_(gradient)


def flat(gradients: Sequence[Tensor | None], parameters: Sequence[nn.Parameter]) -> Tensor:
    """One task's gradients as one row of at least 32 bits, 0 where there is none."""
    parts = [torch.zeros_like(p) if g is None else g for g, p in zip(gradients, parameters, strict=True)]
    row = torch.cat([part.reshape(-1) for part in parts])
    return row.float() if row.dtype in (torch.bfloat16, torch.float16) else row


def add_gradient_of(penalty: Tensor | None) -> None:
    """Add the gradient of the model's own penalty, if it has one, to every ``.grad``."""
    if penalty is not None and penalty.requires_grad:
        penalty.backward()


def in_full_precision(model: MultiTaskModel) -> torch.autocast:
    """Autocast switched off: products of gradients need their 32 bits."""
    return torch.autocast(next(model.parameters()).device.type, enabled=False)
