"""The losses of a step, again after it, and over several batches as if they were one: a look, or a second backward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from mtl_helpers.data.batches import Batch
from mtl_helpers.randomness import RandomState, buffers_kept, look, random_state
from mtl_helpers.training.task_weights import Losses


class StepLosses:
    """The losses of one step after the other, each of one batch or of several that count as one.

    ``forward`` gives the losses of a batch. The numbers that it drew in a step are remembered until the next one, so that it
    can be called again and sees the very same dropout.
    """

    def __init__(self, model: nn.Module, forward: Callable[[Batch], Losses]) -> None:
        self.model, self.forward = model, forward
        self.batches: Sequence[Batch] = ()
        self.states: list[RandomState] = []

    def first(self, batches: Sequence[Batch]) -> Losses:
        """The losses of a new step, with gradients.

        Of several batches no graph is kept: whatever is asked of the losses, ``backward`` or a task's own gradient, takes
        one batch after the other once more. It costs a forward pass, and the memory of one batch, whatever the rule.
        """
        self.batches, self.states = batches, []
        if len(batches) == 1:
            return self._next(batches[0])
        with torch.no_grad():
            losses = together([self._next(batch) for batch in batches])
        if losses:
            parameters = [p for p in self.model.parameters() if p.requires_grad]
            values = _Later.apply(self, losses.counts, list(losses), torch.stack(list(losses.values())), *parameters)
            losses.update(zip(list(losses), values.unbind(), strict=True))
        return losses

    def _next(self, batch: Batch) -> Losses:
        self.states.append(random_state())
        return self.forward(batch)

    def again(self) -> Losses:
        """The losses of the same batches now: a look, without gradient."""
        with torch.no_grad():
            parts = []
            for i, batch in enumerate(self.batches):
                with self._as_in_the_step(i):
                    parts.append(self.forward(batch))
            return together(parts)

    def gradients(self, slopes: dict[str, float], parameters: Sequence[Tensor]) -> list[Tensor | None]:
        """Gradient of the sum of slope · label share · loss over the batches in each parameter; None where there is none."""
        sums: list[Tensor | None] = [None] * len(parameters)
        for i in range(len(self.batches)):
            with torch.enable_grad(), self._as_in_the_step(i):
                part = self.forward(self.batches[i])
                terms = [slopes[name] * part.counts[name] * loss for name, loss in part.items() if slopes.get(name)]
                if not terms:
                    continue
                found = torch.autograd.grad(sum(terms), parameters, allow_unused=True)
            sums = [
                old if new is None else new if old is None else old + new for old, new in zip(sums, found, strict=True)
            ]
        return sums

    def _as_in_the_step(self, i: int) -> AbstractContextManager:
        """A `look`; without watching for draws, which has its price, if the step is known to have drawn nothing."""
        before = self.states[i]
        after = self.states[i + 1] if i + 1 < len(self.states) else random_state()
        drew = "cuda" in before or not torch.equal(before["cpu"], after["cpu"])
        return look(self.model, before) if drew else buffers_kept(self.model)


def together(parts: Sequence[Losses]) -> Losses:
    """The mean losses over several batches: each counts by how many of the labels are in it.

    >>> a, b = Losses(stars=torch.tensor(1.0)), Losses(stars=torch.tensor(5.0), topic=torch.tensor(2.0))
    >>> a.counts, b.counts = {"stars": 3, "topic": 0}, {"stars": 1, "topic": 4}
    >>> together([a, b])
    {'stars': tensor(2.), 'topic': tensor(2.)}
    """
    if len(parts) == 1:
        return parts[0]
    joined = Losses()
    joined.counts = {name: sum(part.counts[name] for part in parts) for name in parts[0].counts}
    for name, count in joined.counts.items():
        if count:
            joined[name] = sum(part[name] * (part.counts[name] / count) for part in parts if name in part)
    return joined


class _Later(torch.autograd.Function):
    """Losses that are known, whose gradients are computed when they are asked for."""

    @staticmethod
    def forward(
        ctx: Any, step: StepLosses, counts: dict, names: list[str], losses: Tensor, *parameters: Tensor
    ) -> Tensor:
        """The losses ``(tasks,)`` as they are."""
        ctx.step, ctx.counts, ctx.names, ctx.parameters = step, counts, names, parameters
        return losses.clone()

    @staticmethod
    def backward(ctx: Any, slopes: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients in the parameters, for the slope of the total in each loss."""
        each = {name: slope / ctx.counts[name] for name, slope in zip(ctx.names, slopes.tolist(), strict=True)}
        return None, None, None, None, *ctx.step.gradients(each, ctx.parameters)
