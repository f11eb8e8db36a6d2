"""GradNorm: the rule that evens out the norms of the tasks' gradients."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mtl_helpers.arguments import number, whole_number
from mtl_helpers.models import MultiTaskModel, shared_parameters
from mtl_helpers.tasks import Task
from mtl_helpers.training.rules.backward_passes import (
    On,
    add_gradient_of,
    checked_place,
    features_of,
    gradients_at,
    gradients_of,
    in_full_precision,
    put_gradient,
    put_sum,
    shared_and_others,
    through_encoder,
)
from mtl_helpers.training.rules.weighting import Weighting, refuse_below_zero
from mtl_helpers.training.task_weights import TrainingError, weighted_sum


class GradNorm(Weighting):
    """GradNorm (Chen et al., ICML 2018): weights w under which all tasks' gradients have norms that suit their progress.

    Gᵢ = wᵢ ‖∇ Lᵢ‖ in the last shared layer, Ḡ its mean over the tasks; progress ℓᵢ = Lᵢ/Lᵢ(0), relative rate rᵢ = ℓᵢ / mean ℓ.
    After each step w moves to lower Σᵢ abs(Gᵢ - Ḡ rᵢ^alpha), where Ḡ rᵢ^alpha counts as a constant, by an Adam with learning
    rate ``lr``; then w is scaled back to sum to T. A task that lags (rᵢ > 1) may have larger gradients. alpha = 0 makes the
    norms equal; the authors use 0.12 to 1.5.

    The *last shared layer*: see `last_shared_layer`. Lᵢ(0) of one batch would be mostly noise: it is the mean over the first
    ``first`` batches with a label of the task, and w rests until each task in the batch has it. A task without a label in the
    batch has no part in the step's means, and its wᵢ rests. wᵢ stays above 0.001.

    ``on="features"`` takes the norms in the shared features in place of that layer: one pass through the encoder in place of
    one a task, as in `GradientWeighting`.

    >>> from mtl_helpers.tasks import SENTIMENT, STARS
    >>> rule = GradNorm([SENTIMENT, STARS], alpha=0.0, first=1)
    >>> norms, losses = torch.tensor([1.0, 3.0]), torch.tensor([0.7, 2.0])
    >>> for _ in range(100):
    ...     rule.update(norms, losses)
    >>> {name: round(weight, 1) for name, weight in rule.weights.items()}  # equal norms: 1.5 x 1 = 0.5 x 3
    {'sentiment': 1.5, 'stars': 0.5}
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        alpha: float = 1.5,
        lr: float = 0.025,
        first: int = 20,
        on: On = "parameters",
        total: float | None = None,
    ) -> None:
        super().__init__(tasks, total=total)
        self.on = checked_place(on)
        self.first = whole_number("first, the batches that give L(0),", first, TrainingError)
        self.alpha = number("alpha of GradNorm", alpha, TrainingError)
        self.lr = number("The learning rate of GradNorm", lr, TrainingError, above=0)
        self.reset()

    def reset(self) -> None:
        """Equal w, and no loss seen."""
        super().reset()
        n = len(self.names)
        self._begin_at(torch.full((n,), (self.total or n) / n))

    def _begin_at(self, w: Tensor) -> None:
        self.w, self.sum = w, w.sum().item()
        self._adam = torch.optim.Adam([self.w], lr=self.lr)
        self._first_losses, self._seen = torch.zeros(len(w)), torch.zeros(len(w))
        self._weights = dict(zip(self.names, w.tolist(), strict=True))

    def backward(
        self, losses: Mapping[str, Tensor], model: MultiTaskModel, penalty: Tensor | None = None
    ) -> dict[str, float]:
        """Put Σᵢ wᵢ gᵢ into every ``.grad``, heads included; return that w, and move it for the next step."""
        weights = self.weights
        with in_full_precision(model):
            measured = self._by_features if self.on == "features" and losses else self._by_layer
            found = measured(losses, model, weights)
            add_gradient_of(penalty)
        norms, values = torch.full((2, len(self.names)), math.nan)
        for i, name in enumerate(self.names):
            if name in losses:
                norms[i], values[i] = found[name], losses[name].item()
        refuse_below_zero(self, dict(zip(self.names, values.tolist(), strict=True)))
        self.update(norms, values)
        return weights

    def _by_layer(
        self, losses: Mapping[str, Tensor], model: MultiTaskModel, weights: Mapping[str, float]
    ) -> dict[str, float]:
        """Set every ``.grad``; by task the norm of its gradient in the last shared layer."""
        parameters = [p for p in model.parameters() if p.requires_grad]
        gradients = gradients_of(losses, parameters)
        put_sum(parameters, gradients, weights)
        layer = {id(p) for p in last_shared_layer(model)}
        inside = [i for i, p in enumerate(parameters) if id(p) in layer]
        return {name: math.sqrt(sum(_squared(each[i]) for i in inside)) for name, each in gradients.items()}

    def _by_features(
        self, losses: Mapping[str, Tensor], model: MultiTaskModel, weights: Mapping[str, float]
    ) -> dict[str, float]:
        """As `_by_layer`, with the norms in the shared features."""
        features = features_of(losses, model, self)
        if not features.requires_grad:  # of a frozen encoder
            return self._by_layer(losses, model, weights)
        shared, others = shared_and_others(model)
        put_gradient(weighted_sum(losses, weights), others)
        at_features = {name: gradient for name, (gradient,) in gradients_at(features, losses).items()}
        through_encoder(features, sum(weights[name] * each for name, each in at_features.items()), shared)
        return {name: each.norm().item() for name, each in at_features.items()}

    def update(self, norms: Tensor, losses: Tensor) -> None:
        """Move w once: by the gradients' norms ``(tasks,)`` of the unweighted losses, and these losses ``(tasks,)``.

        Both are nan for a task without a label in the batch.
        """
        present = ~losses.isnan()
        starting = present & (self._seen < self.first)
        self._first_losses += torch.where(starting, losses / self.first, 0.0)
        self._seen += starting
        ready = present.any() and (self._seen >= self.first)[present].all()
        if not ready or not norms[present].isfinite().all() or not norms[present].any():
            return
        progress = (losses[present] / self._first_losses[present]).nan_to_num(nan=1.0)  # 0/0 stands still
        slope = torch.zeros_like(self.w)
        slope[present] = gradnorm_slope(self.w[present], norms[present], progress, self.alpha)
        rest = self.w[~present].clone()
        self.w.grad = slope
        self._adam.step()
        self.w.clamp_(min=1e-3)
        self.w[~present] = rest
        self.w[present] *= (self.sum - rest.sum().item()) / self.w[present].sum()
        self._weights = dict(zip(self.names, self.w.tolist(), strict=True))

    def start_from(self, weights: Mapping[str, float]) -> bool:
        """w starts there, at least 0.001, and keeps that sum unless ``total`` is set; L(0) is measured from now."""
        w = torch.tensor(list(self.given(weights).values())).clamp(min=1e-3)
        self._begin_at(w if self.total is None else w * self.total / w.sum())
        return True

    def state_dict(self) -> dict[str, Any]:
        """w, its sum, its Adam, and the losses of the start."""
        own = {"w": self.w, "sum": self.sum, "adam": self._adam.state_dict()}
        return {**super().state_dict(), **copy.deepcopy(own | {"first": self._first_losses, "seen": self._seen})}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        super().load_state_dict(state)
        self._begin_at(state["w"].clone())
        self.sum = state["sum"]
        self._adam.load_state_dict(state["adam"])
        self._first_losses, self._seen = state["first"].clone(), state["seen"].clone()


def gradnorm_slope(w: Tensor, norms: Tensor, progress: Tensor, alpha: float) -> Tensor:
    """Gradient in w ``(tasks,)`` of Σᵢ abs(wᵢ nᵢ - Ḡ rᵢ^alpha) with Ḡ rᵢ^alpha held constant: nᵢ sign(wᵢ nᵢ - Ḡ rᵢ^alpha).

    >>> gradnorm_slope(torch.ones(2), torch.tensor([1.0, 3.0]), torch.ones(2), alpha=1.5)
    tensor([-1.,  3.])
    """
    weighted = w * norms
    target = weighted.mean() * (progress / progress.mean()) ** alpha
    return norms * (weighted - target).sign()


def last_shared_layer(model: MultiTaskModel) -> list[nn.Parameter]:
    """The trainable parameters of the last part of a model that its tasks share.

    A part is a child of ``model.encoder`` or of the model itself: the convolutions of a `CNNEncoder`, the LSTM of an
    `LSTMEncoder`, the experts of an `MMoE`. Where the tasks share no parameter, as encoders that are only tied together, it
    is the last part of the encoder.
    """
    shared = {id(p) for p in shared_parameters(model) or model.encoder.parameters()}
    parts: dict[str, list[nn.Parameter]] = {}
    for name, p in model.named_parameters():
        if id(p) in shared and p.requires_grad:
            names = name.split(".")
            parts.setdefault(".".join(names[: 2 if names[0] == "encoder" and len(names) > 2 else 1]), []).append(p)
    return list(parts.values())[-1] if parts else []


def _squared(gradient: Tensor | None) -> float:
    return 0.0 if gradient is None else gradient.square().sum().item()
