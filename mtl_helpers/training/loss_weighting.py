"""Rules that choose λ from the losses alone: they cost next to nothing, and know nothing of conflicts between gradients."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer
from torchjd import scalarization

from mtl_helpers.data.batches import Batch
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.tasks import Task
from mtl_helpers.training.weighting import Weighting
from mtl_helpers.training.weights import TrainingError, task_losses

SMALLEST = 1e-4  # a rule that thinks in log λ takes over a λ of 0, or less, as this


class LossWeighting(Weighting):
    """λ by a scalarizer S of TorchJD, which makes one number of the T losses: λᵢ = ∂S/∂Lᵢ.

    The parameters of S, if it has any, join the optimiser as a group of their own, without weight decay, and with the
    learning rate ``lr`` (None: the optimiser's).

    A task without a label in the batch has loss 0, which no logarithm and no quotient can take: S sees the loss the task
    had last, or, before its first label, the mean of the others. It adds nothing to the gradient.

    >>> from mtl_helpers.tasks import SENTIMENT, STARS
    >>> rule = LossWeighting([SENTIMENT, STARS], scalarization.GeometricMean())
    >>> rule.weigh({"sentiment": torch.tensor(1.0), "stars": torch.tensor(4.0)}, None)
    {'sentiment': 1.0, 'stars': 0.25}
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        scalarizer: scalarization.Scalarizer,
        *,
        lr: float | None = None,
        total: float | None = None,
    ) -> None:
        super().__init__(tasks, total=total)
        if not isinstance(scalarizer, scalarization.Scalarizer):
            raise TrainingError(
                f"A LossWeighting needs a scalarizer, such as torchjd.scalarization.Mean(); found {scalarizer!r}."
            )
        if lr is not None and not (isinstance(lr, (int, float)) and 0 < lr < math.inf):
            raise TrainingError(f"The learning rate of λ must be a finite number above 0, or None; found {lr!r}.")
        self.scalarizer, self.lr = scalarizer, lr
        self.learnt = list(scalarizer.parameters())
        self._last: Tensor | None = None

    def begin(self, model: MultiTaskModel, optimizer: Optimizer) -> None:
        """The parameters of S join the optimiser, once."""
        super().begin(model, optimizer)
        self.scalarizer.to(next(model.parameters()).device)
        known = {id(p) for group in optimizer.param_groups for p in group["params"]}
        if new := [p for p in self.learnt if id(p) not in known]:
            lr = {} if self.lr is None else {"lr": self.lr}
            optimizer.add_param_group({"params": new, "weight_decay": 0.0, **lr})

    def weigh(self, losses: Mapping[str, Tensor], model: MultiTaskModel) -> dict[str, float]:
        """λᵢ = ∂S/∂Lᵢ; the gradient of S in its own parameters goes to their ``.grad``."""
        values = self.known(losses)
        values.requires_grad_()
        slopes, *gradients = torch.autograd.grad(self.scalarize(values), [values, *self.learnt])
        for parameter, gradient in zip(self.learnt, gradients, strict=True):
            parameter.grad = gradient
        return self.rescaled(dict(zip(self.names, slopes.tolist(), strict=True)))

    def scalarize(self, values: Tensor) -> Tensor:
        """S of the losses ``(tasks,)``, a scalar."""
        return self.scalarizer(values)

    def known(self, losses: Mapping[str, Tensor]) -> Tensor:
        """The losses ``(tasks,)`` that S sees: where one is 0, what it was last."""
        values = torch.stack([losses[name].detach() for name in self.names])
        present = values > 0
        if not present.all():
            if self._last is None:
                self._last = torch.full_like(values, values[present].mean() if present.any() else 1.0)
            values = torch.where(present, values, self._last)
        self._last = values.clone()
        return values


class Uncertainty(LossWeighting):
    """Uncertainty weighting (Kendall, Gal and Cipolla, CVPR 2018): λ is learnt, as the inverse of a task's noise.

    L = Σᵢ cᵢ e^(-sᵢ) Lᵢ + sᵢ/2, with sᵢ = log σᵢ² learnt beside the model and cᵢ = 1 for a classification, 1/2 for a
    regression: λᵢ = cᵢ e^(-sᵢ). At rest e^(sᵢ) = 2 cᵢ Lᵢ: a task with half the loss has twice the λ. The total may fall below
    0, since sᵢ may.

    sᵢ starts at 0, and stays where the batch has no label of the task. With an adaptive optimiser it moves by about a
    learning rate a step: set ``lr`` where that is too slow. A λ below 0.0001 can be taken over as 0.0001 only.

    >>> from mtl_helpers.tasks import SENTIMENT, STARS
    >>> Uncertainty([SENTIMENT, STARS]).weigh({"sentiment": torch.tensor(0.7), "stars": torch.tensor(2.0)}, None)
    {'sentiment': 1.0, 'stars': 0.5}
    """

    def __init__(self, tasks: Sequence[Task], *, lr: float | None = None, total: float | None = None) -> None:
        super().__init__(tasks, scalarization.UW(len(tasks)), lr=lr, total=total)
        (self.s,) = self.learnt
        # TorchJD's S is Σ e^(-s) L/2 + s/2, as for regressions
        self.c = torch.tensor([0.5 if task.kind == "regression" else 1.0 for task in self.tasks])
        self._weights = dict(zip(self.names, self.c.tolist(), strict=True))

    def scalarize(self, values: Tensor) -> Tensor:
        """Σᵢ cᵢ e^(-sᵢ) Lᵢ + sᵢ/2."""
        return self.scalarizer(2 * self.c.to(values) * values)

    def weigh(self, losses: Mapping[str, Tensor], model: MultiTaskModel) -> dict[str, float]:
        """λᵢ = cᵢ e^(-sᵢ); the gradient of s goes to its ``.grad``, 0 for a task without a label in the batch."""
        weights = super().weigh(losses, model)
        self.s.grad *= torch.stack([losses[name].detach() > 0 for name in self.names])
        return weights

    def own_loss(self) -> float:
        """Σᵢ sᵢ/2."""
        return self.s.sum().item() / 2

    def start_from(self, weights: Mapping[str, float]) -> bool:
        """sᵢ = -log(λᵢ/cᵢ)."""
        start = torch.tensor([max(value, SMALLEST) for value in self.given(weights).values()])
        with torch.no_grad():
            self.s.copy_(-(start / self.c).log())
        self._weights = dict(zip(self.names, start.tolist(), strict=True))
        return True


class DWA(LossWeighting):
    """Dynamic weight average (Liu, Johns and Davison, CVPR 2019): more for the task whose loss falls more slowly.

    λᵢ(t) = T softmaxᵢ(rᵢ / temperature), rᵢ = L̄ᵢ(t-1) / L̄ᵢ(t-2), with L̄ᵢ(t) the mean of the unweighted loss over epoch t and
    T the number of tasks. λ changes from epoch to epoch only; until two are over it stays where it started, at 1.

    >>> from mtl_helpers.tasks import SENTIMENT, STARS
    >>> rule = DWA([SENTIMENT, STARS])
    >>> for sentiment in (1.0, 0.5, 0.4):  # epochs of one batch each: only sentiment learns
    ...     weights = rule.weigh({"sentiment": torch.tensor(sentiment), "stars": torch.tensor(8.0)}, None)
    ...     rule.after_epoch()
    >>> weights
    {'sentiment': 0.87..., 'stars': 1.12...}
    """

    def __init__(self, tasks: Sequence[Task], *, temperature: float = 2.0, total: float | None = None) -> None:
        if not 0 < temperature < math.inf:
            raise TrainingError(f"The temperature of DWA must be a finite number above 0; found {temperature!r}.")
        super().__init__(tasks, scalarization.DWA(temperature), total=total)
        self.epochs = 0
        self._start = self.weights

    def weigh(self, losses: Mapping[str, Tensor], model: MultiTaskModel) -> dict[str, float]:
        """λ of this epoch; the losses are kept for the next ones'."""
        weights = super().weigh(losses, model)
        return weights if self.epochs >= 2 else self.rescaled(dict(self._start))

    def after_epoch(self) -> None:
        """The epoch's mean losses are complete."""
        self.scalarizer.step()
        self.epochs += 1

    def start_from(self, weights: Mapping[str, float]) -> bool:
        """λ stays there until two epochs are over from now."""
        self._weights = self._start = self.given(weights)
        self.scalarizer.reset()
        self.epochs = 0
        return True


class RandomWeights(Weighting):
    """Random loss weighting (Lin et al., TMLR 2022): λ = softmax(z), z drawn anew from N(0, 1) for each step; sums to 1.

    Not meant to be good, but to be beaten: a rule that does no better has shown nothing. It draws as `torchjd` does, but
    from ``generator`` (None: one with seed 0), so that a run can be repeated.

    >>> from mtl_helpers.tasks import SENTIMENT, STARS
    >>> sum(RandomWeights([SENTIMENT, STARS], total=2).weigh({}, None).values())
    2.0
    """

    def __init__(
        self, tasks: Sequence[Task], *, generator: torch.Generator | None = None, total: float | None = None
    ) -> None:
        super().__init__(tasks, total=total)
        self.generator = torch.Generator().manual_seed(0) if generator is None else generator

    def weigh(self, losses: Mapping[str, Tensor], model: MultiTaskModel) -> dict[str, float]:
        """A new draw."""
        drawn = torch.randn(len(self.names), generator=self.generator).softmax(dim=0)
        return self.rescaled(dict(zip(self.names, drawn.tolist(), strict=True)))


class FAMO(LossWeighting):
    """Fast adaptive multitask optimization (Liu et al., NeurIPS 2023): let all log-losses fall at one rate.

    λᵢ = c zᵢ/(Lᵢ + floor), with z = softmax(w) and c = 1 / Σⱼ zⱼ/(Lⱼ + floor), so that λ sums to 1. After the step it looks at
    the same batch again and descends Σᵢ zᵢ δᵢ in w, δᵢ = log(Lᵢ + floor) before - after the step: zᵢ falls for the task that
    has just gained most. ``lr`` and ``weight_decay`` are of the Adam that moves w. The second look costs a forward pass.

    The authors have floor = 0. Then a task that can be fitted perfectly takes the whole step: its log-loss can fall for ever,
    1/Lᵢ outruns zᵢ, and the others stop learning.

    >>> from mtl_helpers.tasks import SENTIMENT, STARS
    >>> FAMO([SENTIMENT, STARS], floor=0).weigh({"sentiment": torch.tensor(1.0), "stars": torch.tensor(4.0)}, None)
    {'sentiment': 0.8..., 'stars': 0.2...}
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        floor: float = 0.01,
        lr: float = 0.025,
        weight_decay: float = 1e-3,
        total: float | None = None,
    ) -> None:
        if not (isinstance(floor, (int, float)) and 0 <= floor < math.inf):
            raise TrainingError(f"The floor of FAMO must be a finite number of at least 0; found {floor!r}.")
        self.floor = float(floor)
        floors = torch.full((len(tasks),), -self.floor)  # TorchJD takes log(L - b)
        scalarizer = scalarization.FAMO(len(tasks), floors, lr=lr, weight_decay=weight_decay)
        super().__init__(tasks, scalarizer, total=total)
        (self.w,) = self.learnt
        self.learnt = []  # it has an optimiser of its own
        self._start: Tensor | None = None

    def weigh(self, losses: Mapping[str, Tensor], model: MultiTaskModel) -> dict[str, float]:
        """λᵢ = c zᵢ/(Lᵢ + floor)."""
        if self._start is not None:
            values = self.known(losses)
            with torch.no_grad():
                self.w.copy_((self._start.to(values) * (values + self.floor)).log())
            self._start = None
        return super().weigh(losses, model)

    def after_step(self, model: MultiTaskModel, batch: Batch) -> None:
        """The second look at the batch."""
        with torch.no_grad():
            losses = task_losses(model.tasks, model(batch.inputs), batch)
        after = self.known(losses)
        if after.isfinite().all():
            self.scalarizer.update(after)

    def start_from(self, weights: Mapping[str, float]) -> bool:
        """zᵢ ~ λᵢ (Lᵢ + floor), by the losses of the next batch; and λ keeps its sum, unless ``total`` is set."""
        given = {name: max(value, SMALLEST) for name, value in self.given(weights).items()}
        if self.total is None:
            self.total = sum(given.values())
        self._weights, self._start = given, torch.tensor(list(given.values()))
        self.scalarizer.reset()
        return True
