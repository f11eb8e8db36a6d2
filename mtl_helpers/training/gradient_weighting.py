"""Rules that choose λ from the tasks' gradients: they see conflicts, and cost a backward pass for each task."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor, nn
from torchjd.aggregation import GramianWeightedAggregator
from torchjd.linalg import DualConeProjector

from mtl_helpers.models import MultiTaskModel
from mtl_helpers.tasks import Task
from mtl_helpers.training.weighting import Weighting
from mtl_helpers.training.weights import TrainingError, whole_number

Gradients = dict[str, list[Tensor | None]]


class GradientWeighting(Weighting):
    """λ by an aggregator of TorchJD, from the tasks' gradients in the shared encoder: MGDA, PCGrad, UPGrad, ...

    With J ``(tasks, shared parameters)``, row i the gradient gᵢ of the unweighted Lᵢ in the parameters of
    ``model.encoder``, the aggregator makes λ of J Jᵀ and the encoder descends Σᵢ λᵢ gᵢ. All that is not the encoder's gets
    the gradient of the unweighted Σᵢ Lᵢ: only in what is shared can gradients conflict.

    A task whose gradient is 0 (no label in the batch) has no say: its λ is 0, and the others' are as if it were not
    there. (For MGDA, 0 would be the best compromise of all.) If no task has a gradient there, as in a frozen encoder,
    every λ is 1. What an aggregator draws at random comes from ``generator`` (None: one with seed 0).

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
        self.generator = torch.Generator().manual_seed(0) if generator is None else generator

    def from_gradients(self, jacobian: Tensor) -> Tensor:
        """λ ``(tasks,)`` from the gradients ``(tasks, shared parameters)``; nan where a gradient is not finite."""
        gramian = jacobian @ jacobian.T
        if not gramian.isfinite().all():
            return torch.full_like(gramian[0], math.nan)
        present = gramian.diagonal() > 0
        if not present.any():
            return torch.ones_like(gramian[0])
        weights = torch.zeros_like(gramian[0])
        with drawing_from(self.generator):
            weights[present] = self.aggregator.gramian_weighting(gramian[present][:, present])
        return weights

    def backward(
        self, losses: Mapping[str, Tensor], model: MultiTaskModel, penalty: Tensor | None = None
    ) -> dict[str, float]:
        """Put Σᵢ λᵢ gᵢ into the encoder's ``.grad``, the sum of the gradients elsewhere; return λ by task."""
        shared, others = shared_and_others(model)
        gradients = gradients_of(losses, [*shared, *others])
        if shared:
            jacobian = torch.stack(
                [
                    torch.cat([_or_zeros(g, p).reshape(-1) for g, p in zip(gradients[name], shared, strict=False)])
                    for name in self.names
                ]
            )
            weights = self.from_gradients(jacobian)
            self._weights = self.rescaled(dict(zip(self.names, weights.tolist(), strict=True)))
            combined = weights.new_tensor(list(self._weights.values())) @ jacobian
            for p, part in zip(shared, combined.split([p.numel() for p in shared]), strict=True):
                p.grad = _laid_out_as(p, part.view_as(p))
        else:
            self._weights = dict.fromkeys(self.names, 1.0)
        rest = {name: gradients[name][len(shared) :] for name in self.names}
        put_sum(others, rest, dict.fromkeys(self.names, 1.0))
        if penalty is not None and penalty.requires_grad:
            penalty.backward()
        return self._weights


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


class GradNorm(Weighting):
    """GradNorm (Chen et al., ICML 2018): weights w under which all tasks' gradients have norms that suit their progress.

    Gᵢ = wᵢ ‖∇ Lᵢ‖ in the last shared layer, Ḡ its mean over the tasks; progress ℓᵢ = Lᵢ/Lᵢ(0), relative rate rᵢ = ℓᵢ / mean ℓ.
    After each step w moves to lower Σᵢ abs(Gᵢ - Ḡ rᵢ^alpha), where Ḡ rᵢ^alpha counts as a constant, by an Adam with learning
    rate ``lr``; then w is scaled back to sum to T. A task that lags (rᵢ > 1) may have larger gradients. alpha = 0 makes the
    norms equal; the authors use 0.12 to 1.5.

    The *last shared layer* is the last child of ``model.encoder`` that has trainable parameters: the convolutions of a
    `CNNEncoder`, the LSTM of an `LSTMEncoder`; of a model with an encoder for each task, all of them. Lᵢ(0) of one batch
    would be mostly noise: it is the mean over the first ``first`` batches with a label of the task, and w rests until each
    task in the batch has it. A task without a label in the batch has no part in the step's means. wᵢ stays above 0.001.

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
        total: float | None = None,
    ) -> None:
        super().__init__(tasks, total=total)
        whole_number("first, the batches that give L(0),", first)
        if not (isinstance(alpha, (int, float)) and math.isfinite(alpha) and lr > 0):
            raise TrainingError(f"GradNorm needs a finite alpha and lr above 0; found alpha={alpha!r}, lr={lr!r}.")
        self.alpha, self.lr, self.first = alpha, lr, first
        self._begin_at(torch.full((len(self.names),), (total or len(self.names)) / len(self.names)))

    def _begin_at(self, w: Tensor) -> None:
        self.w, self.sum = w, w.sum().item()
        self._adam = torch.optim.Adam([self.w], lr=self.lr)
        self._first_losses, self._seen = torch.zeros(len(w)), torch.zeros(len(w))
        self._weights = dict(zip(self.names, w.tolist(), strict=True))

    def backward(
        self, losses: Mapping[str, Tensor], model: MultiTaskModel, penalty: Tensor | None = None
    ) -> dict[str, float]:
        """Put Σᵢ wᵢ gᵢ into every ``.grad``, heads included; return that w, and move it for the next step."""
        shared, others = shared_and_others(model)
        gradients = gradients_of(losses, [*shared, *others])
        weights = self.weights
        put_sum([*shared, *others], gradients, weights)
        if penalty is not None and penalty.requires_grad:
            penalty.backward()
        layer = {id(p) for p in last_shared_layer(model)}
        norms = [
            math.sqrt(sum(_squared(g) for p, g in zip(shared, gradients[n], strict=False) if id(p) in layer))
            for n in self.names
        ]
        self.update(torch.tensor(norms), torch.tensor([losses[name].item() for name in self.names]))
        return weights

    def update(self, norms: Tensor, losses: Tensor) -> None:
        """Move w once: by the gradients' norms ``(tasks,)`` of the unweighted losses, and these losses ``(tasks,)``."""
        present = norms > 0
        starting = (losses > 0) & (self._seen < self.first)
        self._first_losses += torch.where(starting, losses / self.first, 0.0)
        self._seen += starting
        if not present.any() or (self._seen < self.first)[present].any() or not norms.isfinite().all():
            return
        progress = losses[present] / self._first_losses[present]
        slope = torch.zeros_like(self.w)
        slope[present] = gradnorm_slope(self.w[present], norms[present], progress, self.alpha)
        self.w.grad = slope
        self._adam.step()
        self.w.clamp_(min=1e-3)
        self.w *= self.sum / self.w.sum()
        self._weights = dict(zip(self.names, self.w.tolist(), strict=True))

    def start_from(self, weights: Mapping[str, float]) -> bool:
        """w starts there, at least 0.001, and keeps that sum unless ``total`` is set; L(0) is measured from now."""
        w = torch.tensor(list(self.given(weights).values())).clamp(min=1e-3)
        self._begin_at(w if self.total is None else w * self.total / w.sum())
        return True


def gradnorm_slope(w: Tensor, norms: Tensor, progress: Tensor, alpha: float) -> Tensor:
    """Gradient in w ``(tasks,)`` of Σᵢ abs(wᵢ nᵢ - Ḡ rᵢ^alpha) with Ḡ rᵢ^alpha held constant: nᵢ sign(wᵢ nᵢ - Ḡ rᵢ^alpha).

    >>> gradnorm_slope(torch.ones(2), torch.tensor([1.0, 3.0]), torch.ones(2), alpha=1.5)
    tensor([-1.,  3.])
    """
    weighted = w * norms
    target = weighted.mean() * (progress / progress.mean()) ** alpha
    return norms * (weighted - target).sign()


def last_shared_layer(model: MultiTaskModel) -> list[nn.Parameter]:
    """The trainable parameters of the encoder's last child that has any; of the encoder itself if no child has."""
    for child in reversed(list(model.encoder.children())):
        if parameters := [p for p in child.parameters() if p.requires_grad]:
            return parameters
    return [p for p in model.encoder.parameters() if p.requires_grad]


def shared_and_others(model: MultiTaskModel) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The trainable parameters of the encoder, and those of all the rest."""
    shared = [p for p in model.encoder.parameters() if p.requires_grad]
    ids = {id(p) for p in shared}
    return shared, [p for p in model.parameters() if p.requires_grad and id(p) not in ids]


def gradients_of(losses: Mapping[str, Tensor], parameters: Sequence[nn.Parameter]) -> Gradients:
    """By task the gradient of its loss in each parameter, None where it has none; one backward pass a task."""
    gradients, last = {}, len(losses) - 1
    for i, (name, loss) in enumerate(losses.items()):
        if loss.requires_grad:
            found = torch.autograd.grad(loss, parameters, retain_graph=i < last, allow_unused=True)
        else:
            found = [None] * len(parameters)
        gradients[name] = list(found)
    return gradients


def put_sum(parameters: Sequence[nn.Parameter], gradients: Gradients, weights: Mapping[str, float]) -> None:
    """Set each parameter's ``.grad`` to Σᵢ λᵢ gᵢ; to None where no task has a gradient."""
    for j, parameter in enumerate(parameters):
        parts = [weights[name] * each[j] for name, each in gradients.items() if each[j] is not None]
        parameter.grad = _laid_out_as(parameter, sum(parts[1:], start=parts[0])) if parts else None


def _laid_out_as(parameter: nn.Parameter, gradient: Tensor) -> Tensor:
    """The gradient with the strides of its parameter, as ``backward`` leaves it: PyTorch's fused optimizers assume them."""
    return gradient if gradient.stride() == parameter.stride() else torch.empty_like(parameter).copy_(gradient)


@contextmanager
def drawing_from(generator: torch.Generator) -> Iterator[None]:
    """Within it torch's global random numbers come from ``generator``; outside they go on as if nothing was drawn."""
    outside = torch.get_rng_state()
    torch.set_rng_state(generator.get_state())
    try:
        yield
    finally:
        generator.set_state(torch.get_rng_state())
        torch.set_rng_state(outside)


def _or_zeros(gradient: Tensor | None, parameter: Tensor) -> Tensor:
    return torch.zeros_like(parameter) if gradient is None else gradient


def _squared(gradient: Tensor | None) -> float:
    return 0.0 if gradient is None else gradient.square().sum().item()
