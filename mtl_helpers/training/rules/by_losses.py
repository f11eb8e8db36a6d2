"""Rules that choose λ from the losses alone: they cost next to nothing, and know nothing of conflicts between gradients."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer
from torchjd import scalarization

from mtl_helpers.arguments import number
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.tasks import Task, check_tasks
from mtl_helpers.training.rules.weighting import Weighting
from mtl_helpers.training.task_weights import Losses, TrainingError

SMALLEST = 1e-4  # a rule that thinks in log λ takes over a λ of 0, or less, as this


class LossWeighting(Weighting):
    """λ by a scalarizer S of TorchJD, which makes one number of the T losses: λᵢ = ∂S/∂Lᵢ.

    The parameters of S, if it has any, are learnt by an optimiser of their own, of the same kind as the model's, without
    weight decay. Its learning rate is ``lr``; None: that of the model's optimiser, step by step, whatever a scheduler makes
    of it.

    S needs T losses at each step: for a task without a label in the batch it sees the loss that the task had last, or, before
    its first label, the mean of the others.

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
        if isinstance(scalarizer, (scalarization.DWA, scalarization.FAMO)):  # they would miss their step() or update()
            kind = type(scalarizer).__name__
            raise TrainingError(f"Take {kind}(tasks) of this course: it tells {kind} when an epoch or a step is over.")
        self.scalarizer = scalarizer
        self.lr = None if lr is None else number("The learning rate of λ", lr, TrainingError, above=0)
        self.learnt = list(scalarizer.parameters())
        self._start = copy.deepcopy(scalarizer.state_dict())
        self.reset()

    def reset(self) -> None:
        """The parameters of S as they were, and no loss seen."""
        super().reset()
        self.scalarizer.load_state_dict(self._start)
        self._last: Tensor | None = None
        self._optimizer: Optimizer | None = None
        self._optimizer_state: dict[str, Any] | None = None

    def begin(self, model: MultiTaskModel, optimizer: Optimizer) -> None:
        """The parameters of S get their optimiser."""
        super().begin(model, optimizer)
        self.scalarizer.to(next(model.parameters()).device)
        self._leader = optimizer
        if self.learnt and self._optimizer is None:
            self._optimizer = optimizer_like(optimizer, self.learnt, self.lr)
            if self._optimizer_state is not None:
                self._optimizer.load_state_dict(self._optimizer_state)

    def weigh(self, losses: Mapping[str, Tensor], model: MultiTaskModel) -> dict[str, float]:
        """λᵢ = ∂S/∂Lᵢ of the tasks in ``losses``; the gradient of S in its own parameters goes to their ``.grad``."""
        slopes = self.slopes(losses)
        return {name: slopes[name] for name in losses}

    def slopes(self, losses: Mapping[str, Tensor]) -> dict[str, float]:
        """∂S/∂Lᵢ of every task."""
        values = self.known(losses)
        values.requires_grad_()
        slopes, *gradients = torch.autograd.grad(self.scalarize(values), [values, *self.learnt])
        for parameter, gradient in zip(self.learnt, gradients, strict=True):
            parameter.grad = gradient
        return dict(zip(self.names, slopes.tolist(), strict=True))

    def scalarize(self, values: Tensor) -> Tensor:
        """S of the losses ``(tasks,)``, a scalar."""
        return self.scalarizer(values)

    def known(self, losses: Mapping[str, Tensor]) -> Tensor:
        """The losses ``(tasks,)`` that S sees: of a task that has none now, what it was last."""
        now = torch.stack([loss.detach().float() for loss in losses.values()])
        if len(losses) == len(self.names) and list(losses) == self.names:
            values = now
        else:
            values = now.mean().expand(len(self.names)).clone() if self._last is None else self._last.clone()
            values[[self.names.index(name) for name in losses]] = now
        self._last = values.clone()
        return values

    def after_step(self, model: MultiTaskModel, again: Callable[[], Losses]) -> None:
        """The step of the optimiser of S."""
        if self._optimizer is not None:
            if self.lr is None:
                for group in self._optimizer.param_groups:
                    group["lr"] = self._leader.param_groups[0]["lr"]
            self._optimizer.step()
            self._optimizer.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        """The parameters of S, their optimiser, and the losses last seen."""
        own = {"scalarizer": copy.deepcopy(self.scalarizer.state_dict()), "last": self._last}
        own["optimizer"] = None if self._optimizer is None else copy.deepcopy(self._optimizer.state_dict())
        return {**super().state_dict(), **own}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        super().load_state_dict(state)
        self.scalarizer.load_state_dict(state["scalarizer"])
        self._last, self._optimizer, self._optimizer_state = state["last"], None, state["optimizer"]


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
        # TorchJD's S is Σ e^(-s) L/2 + s/2, as for regressions
        self.c = torch.tensor([task.noise_factor for task in check_tasks(tasks)])
        super().__init__(tasks, scalarization.UW(len(tasks)), lr=lr, total=total)
        (self.s,) = self.learnt

    def reset(self) -> None:
        """sᵢ = 0."""
        super().reset()
        self._weights = dict(zip(self.names, self.c.tolist(), strict=True))
        self._resting: list[int] = []

    def scalarize(self, values: Tensor) -> Tensor:
        """Σᵢ cᵢ e^(-sᵢ) Lᵢ + sᵢ/2."""
        return self.scalarizer(2 * self.c.to(values) * values)

    def weigh(self, losses: Mapping[str, Tensor], model: MultiTaskModel) -> dict[str, float]:
        """λᵢ = cᵢ e^(-sᵢ), of every task; the gradient of s goes to its ``.grad``, 0 for a task without a label."""
        weights = self.slopes(losses)
        self._resting = [i for i, name in enumerate(self.names) if name not in losses]
        self.s.grad[self._resting] = 0
        return weights

    def after_step(self, model: MultiTaskModel, again: Callable[[], Losses]) -> None:
        """s moves, but for tasks without a label, which an optimiser with momentum would move even so."""
        before = self.s.detach()[self._resting]
        super().after_step(model, again)
        with torch.no_grad():
            self.s[self._resting] = before

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


class RandomWeights(Weighting):
    """Random loss weighting (Lin et al., TMLR 2022): λ = softmax(z), z drawn anew from N(0, 1) for each step; sums to 1.

    Not meant to be good, but to be beaten: a rule that does no better has shown nothing. It draws as `torchjd` does, but
    from ``generator`` (None: one with seed 0), so that a run can be repeated.

    >>> from mtl_helpers.tasks import SENTIMENT, STARS
    >>> round(sum(RandomWeights([SENTIMENT, STARS]).weigh({}, None).values()), 6)
    1.0
    """

    def __init__(
        self, tasks: Sequence[Task], *, generator: torch.Generator | None = None, total: float | None = None
    ) -> None:
        super().__init__(tasks, total=total)
        self._given = generator
        self.reset()

    def reset(self) -> None:
        """The generator of the rule's own from its seed; one that was given is the giver's."""
        super().reset()
        self.generator = torch.Generator().manual_seed(0) if self._given is None else self._given

    def weigh(self, losses: Mapping[str, Tensor], model: MultiTaskModel) -> dict[str, float]:
        """A new draw, for every task."""
        drawn = torch.randn(len(self.names), generator=self.generator).softmax(dim=0)
        return dict(zip(self.names, drawn.tolist(), strict=True))

    def state_dict(self) -> dict[str, Any]:
        """Where the generator stands."""
        return {**super().state_dict(), "generator": self.generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        super().load_state_dict(state)
        self.generator.set_state(state["generator"])


def optimizer_like(optimizer: Optimizer, parameters: Sequence[Tensor], lr: float | None) -> Optimizer:
    """An optimiser of the same kind and settings for λ's own parameters, without weight decay; Adam if it takes no vectors."""
    kind = type(getattr(optimizer, "optimizer", optimizer))  # accelerate wraps it
    options = {key: value for key, value in optimizer.defaults.items() if key in inspect.signature(kind).parameters}
    options["lr"] = optimizer.param_groups[0]["lr"] if lr is None else lr
    if "weight_decay" in options:
        options["weight_decay"] = 0.0
    try:
        return kind(parameters, **options)
    except (TypeError, ValueError):
        return Adam(parameters, lr=options["lr"])
