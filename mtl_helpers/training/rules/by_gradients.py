"""Rules that choose λ from the tasks' gradients: they see conflicts, and cost a backward pass for each task."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor
from torchjd import Stateful
from torchjd.aggregation import GramianWeightedAggregator
from torchjd.linalg import DualConeProjector

from mtl_helpers.models import MultiTaskModel
from mtl_helpers.randomness import Private
from mtl_helpers.tasks import Task
from mtl_helpers.training.rules.backward_passes import (
    Gradients,
    On,
    add_gradient_of,
    checked_place,
    features_of,
    gradients_at,
    gradients_of,
    in_full_precision,
    jacobian,
    laid_out_as,
    put_gradient,
    shared_and_others,
    through_encoder,
)
from mtl_helpers.training.rules.weighting import Weighting
from mtl_helpers.training.task_weights import TrainingError


class GradientWeighting(Weighting):
    """λ by an aggregator of TorchJD, from the tasks' gradients in what they share: MGDA, PCGrad, UPGrad, ...

    With J ``(tasks, shared parameters)``, row i the gradient gᵢ of the unweighted Lᵢ in ``model.shared_parameters()``, the
    aggregator makes λ of J Jᵀ and what is shared descends Σᵢ λᵢ gᵢ. All the rest gets the gradient of the unweighted Σᵢ Lᵢ:
    only in what is shared can gradients conflict.

    A task without a label in the batch has no λ, and the others' are as if it were not there. One whose gradient is 0 has λ 0.
    (For MGDA, 0 would be the best compromise of all.) If no task has a gradient there, as in a frozen encoder, every λ is 1.
    What an aggregator draws at random comes from ``generator`` (None: one with seed 0). Under bf16 autocast, or with a model
    in half precision, gradients are weighed in 32 bits.

    ``on="features"`` is the cheap way of Sener and Koltun (NeurIPS 2018, MGDA-UB): gᵢ is the gradient of Lᵢ in the shared
    features Z ``(batch, features)``, and one backward pass takes Σᵢ λᵢ gᵢ from there through the encoder, however many tasks
    there are. (TorchJD's ``mtl_backward`` starts from the features, too, but then takes each task through the encoder.) It is
    another rule: λ are those of the shared parameters if the encoder's last layer is linear and the batch one example, or its
    inputs are orthonormal; elsewhere tasks that conflict in Z may agree in the parameters, and the other way round. All tasks
    must read the same features, and a step must be one batch.

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
        on: On = "parameters",
        generator: torch.Generator | None = None,
        total: float | None = None,
    ) -> None:
        super().__init__(tasks, total=total)
        self.on = checked_place(on)
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
        lengths = gramian.diagonal().tolist()  # squared; the products of two gradients are no larger
        if not all(map(math.isfinite, lengths)):
            return torch.full_like(gramian[0], math.nan)
        present = [i for i, length in enumerate(lengths) if length > 0]
        if not present:
            return torch.ones_like(gramian[0])
        with self._privately():
            if len(present) == len(lengths):  # as a rule; to pick what is there has its price
                return self.aggregator.gramian_weighting(gramian)
            weights = torch.zeros_like(gramian[0])
            weights[present] = self.aggregator.gramian_weighting(gramian[present][:, present])
        return weights

    def backward(
        self, losses: Mapping[str, Tensor], model: MultiTaskModel, penalty: Tensor | None = None
    ) -> dict[str, float]:
        """Put Σᵢ λᵢ gᵢ into the ``.grad`` of what is shared, the sum of the gradients elsewhere; return λ by task."""
        shared, others = shared_and_others(model)
        features = features_of(losses, model, self) if self.on == "features" and losses else None
        with in_full_precision(model):
            put_gradient(sum(losses.values()), others)
            if not losses or not shared:
                weights = dict.fromkeys(losses, 1.0)
            elif features is not None:
                weights, combined = self._combine(gradients_at(features, losses), [features])
                through_encoder(features, combined, shared)
            else:
                weights, combined = self._combine(gradients_of(losses, shared), shared)
                for p, part in zip(shared, combined.split([p.numel() for p in shared]), strict=True):
                    p.grad = laid_out_as(p, part.view_as(p))
            add_gradient_of(penalty)
        self._weights |= weights
        return weights

    def _combine(self, gradients: Gradients, parameters: Sequence[Tensor]) -> tuple[dict[str, float], Tensor]:
        """λ by task, and Σᵢ λᵢ gᵢ."""
        rows = jacobian(gradients, parameters)
        weights = self.scaled(dict(zip(gradients, self.from_gradients(rows).tolist(), strict=True)))
        return weights, rows.new_tensor(list(weights.values())) @ rows

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
