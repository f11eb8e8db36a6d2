"""Rules that choose λ from how fast the losses fall: DWA from epoch to epoch, FAMO from step to step."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam

from mtl_helpers.arguments import number
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.tasks import Task
from mtl_helpers.training.rules.by_losses import SMALLEST
from mtl_helpers.training.rules.weighting import Weighting, refuse_below_zero
from mtl_helpers.training.task_weights import Losses, TrainingError


class DWA(Weighting):
    """Dynamic weight average (Liu, Johns and Davison, CVPR 2019): more for the task whose loss falls more slowly.

    λᵢ(t) = T softmaxᵢ(rᵢ / temperature), rᵢ = L̄ᵢ(t-1) / L̄ᵢ(t-2), with L̄ᵢ(t) the mean of the unweighted loss over the batches
    of epoch t that have a label of the task, and T the number of tasks. λ changes from epoch to epoch only; until two are
    over it stays where it started, at 1. An epoch without one label of a task counts as if its loss had stood still.

    >>> from mtl_helpers.tasks import SENTIMENT, STARS
    >>> rule = DWA([SENTIMENT, STARS])
    >>> for sentiment in (1.0, 0.5, 0.4):  # epochs of one batch each: only sentiment learns
    ...     weights = rule.weigh({"sentiment": torch.tensor(sentiment), "stars": torch.tensor(8.0)}, None)
    ...     rule.after_epoch()
    >>> weights
    {'sentiment': 0.87..., 'stars': 1.12...}
    """

    def __init__(self, tasks: Sequence[Task], *, temperature: float = 2.0, total: float | None = None) -> None:
        super().__init__(tasks, total=total)
        self.temperature = number("The temperature of DWA", temperature, TrainingError, above=0)
        self.reset()

    def reset(self) -> None:
        """No epoch is over."""
        super().reset()
        self._start = self.weights
        self._new_run()

    def _new_run(self) -> None:
        self._means: list[Tensor] = []  # of the last two epochs
        self._sums, self._counts = torch.zeros(len(self.names)), torch.zeros(len(self.names))

    def weigh(self, losses: Mapping[str, Tensor], model: MultiTaskModel) -> dict[str, float]:
        """λ of this epoch, of every task; the losses are kept for the next ones'."""
        seen = [self.names.index(name) for name in losses]
        self._sums[seen] += torch.stack([loss.detach().float().cpu() for loss in losses.values()])
        self._counts[seen] += 1
        if len(self._means) < 2:
            return dict(self._start)
        older, newer = self._means
        rates = (newer / older).nan_to_num(nan=1.0, posinf=1e4)  # of two losses of 0: it stands still
        weights = len(self.names) * (rates / self.temperature).softmax(dim=0)
        return dict(zip(self.names, weights.tolist(), strict=True))

    def after_epoch(self) -> None:
        """The epoch's mean losses are complete."""
        if not self._counts.any():
            return
        before = self._means[-1] if self._means else torch.full_like(self._sums, math.nan)
        self._means = [*self._means, torch.where(self._counts > 0, self._sums / self._counts, before)][-2:]
        self._sums, self._counts = torch.zeros_like(self._sums), torch.zeros_like(self._counts)

    def start_from(self, weights: Mapping[str, float]) -> bool:
        """λ stays there until two epochs are over from now."""
        self._weights = self._start = self.given(weights)
        self._new_run()
        return True

    def state_dict(self) -> dict[str, Any]:
        """Where λ started, and the mean losses of the epochs."""
        own = {"start": dict(self._start), "means": list(self._means), "sums": self._sums, "counts": self._counts}
        return {**super().state_dict(), **copy.deepcopy(own)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        super().load_state_dict(state)
        self._start, self._means = dict(state["start"]), list(state["means"])
        self._sums, self._counts = state["sums"].clone(), state["counts"].clone()


class FAMO(Weighting):
    """Fast adaptive multitask optimization (Liu et al., NeurIPS 2023): let all log-losses fall at one rate.

    λᵢ = c zᵢ/(Lᵢ + floor), with z = softmax(w) and c = 1 / Σⱼ zⱼ/(Lⱼ + floor), so that λ sums to 1. After the step it looks at
    the same batch again, with the same dropout, and descends Σᵢ zᵢ δᵢ in w, δᵢ = log(Lᵢ + floor) before - after the step: zᵢ
    falls for the task that has just gained most. ``lr`` and ``weight_decay`` are of the Adam that moves w. The second look
    costs a forward pass. A task without a label in the batch has no part in c, and its w rests.

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
        super().__init__(tasks, total=total)
        self.floor = number("The floor of FAMO", floor, TrainingError, at_least=0)
        self.lr = number("The learning rate of FAMO", lr, TrainingError, at_least=0)
        self.weight_decay = number("The weight decay of FAMO", weight_decay, TrainingError, at_least=0)
        self._given_total = self.total
        self.reset()

    def reset(self) -> None:
        """w = 0."""
        super().reset()
        self.total = self._given_total
        self._begin_at(torch.zeros(len(self.names)))

    def _begin_at(self, w: Tensor) -> None:
        self.w = w.requires_grad_()
        self._adam = Adam([self.w], lr=self.lr, weight_decay=self.weight_decay)
        self._start: Tensor | None = None  # λ to take over, once the losses are known
        self._before: dict[str, Tensor] = {}

    def weigh(self, losses: Mapping[str, Tensor], model: MultiTaskModel) -> dict[str, float]:
        """λᵢ = c zᵢ/(Lᵢ + floor), of the tasks in ``losses``."""
        rows = [self.names.index(name) for name in losses]
        shifted = self._shifted(losses)
        if (shifted <= 0).any():
            refuse_below_zero(self, {name: loss.item() for name, loss in losses.items()})
        if self._start is not None:
            known = shifted.mean().expand(len(self.names)).clone()  # of a task without a label, a guess
            known[rows] = shifted
            with torch.no_grad():
                self.w.copy_((self._start * known).log())
            self._start = None
        z = self.w.detach().softmax(dim=0)[rows]
        weights = z / (z / shifted).sum() / shifted
        self._before = dict(zip(losses, shifted, strict=True))
        return dict(zip(losses, weights.tolist(), strict=True))

    def _shifted(self, losses: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([loss.detach().float().cpu() for loss in losses.values()]) + self.floor + 1e-8

    def after_step(self, model: MultiTaskModel, again: Callable[[], Losses]) -> None:
        """The second look at the batch."""
        if not self._before:
            return
        rows = [self.names.index(name) for name in self._before]
        after = self._shifted(again())
        if not (after.isfinite() & (after > 0)).all():
            return
        delta = torch.zeros(len(self.names))
        delta[rows] = torch.stack(list(self._before.values())).log() - after.log()
        start = self.w.detach().clone()
        (self.w.grad,) = torch.autograd.grad(self.w.softmax(dim=0), self.w, grad_outputs=delta)
        self._adam.step()
        resting = [i for i in range(len(self.names)) if i not in rows]
        with torch.no_grad():
            self.w[resting] = start[resting]
        self._before = {}

    def start_from(self, weights: Mapping[str, float]) -> bool:
        """zᵢ ~ λᵢ (Lᵢ + floor), by the losses of the next batch; and λ keeps its sum, unless ``total`` is set."""
        given = {name: max(value, SMALLEST) for name, value in self.given(weights).items()}
        if self.total is None:
            self.total = sum(given.values())
        self._weights = given
        self._begin_at(torch.zeros(len(self.names)))
        self._start = torch.tensor(list(given.values()))
        return True

    def state_dict(self) -> dict[str, Any]:
        """w, its Adam, and what is still to be taken over."""
        own = {"w": self.w.detach(), "adam": self._adam.state_dict(), "start": self._start}
        return {**super().state_dict(), **copy.deepcopy(own)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        super().load_state_dict(state)
        self._begin_at(state["w"].clone())
        self._adam.load_state_dict(state["adam"])
        self._start = state["start"]
