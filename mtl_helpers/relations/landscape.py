"""Two losses over two parameters: a landscape small enough to see all of it, with a place where the losses fight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from mtl_helpers.data.batches import Batch
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.tasks import Regression

ENDS = ((-1.0, 0.0), (1.0, 0.0))  # where each loss is lowest; the Pareto set is the line between them
CENTRE, RADIUS = (0.3, 1.8), 0.9  # of the disc in which the losses fight
BUMPS = (-1.3, 0.4)  # what each loss has there: a deep pocket, a low hill


@dataclass(frozen=True)
class Height(Regression):
    """A task without labels: what its head puts out *is* its loss."""

    def losses(self, output: Tensor, target: Tensor) -> Tensor:
        """The output itself."""
        return output


_ENDS, _CENTRE, _BUMPS = np.array(ENDS), np.array(CENTRE), np.array(BUMPS)
Numbers = TypeVar("Numbers", float, np.ndarray, Tensor)
LANDSCAPE_TASKS = (Height("steep"), Height("gentle"))


def landscape_losses(x: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
    """L_steep and L_gentle at θ = (x, y): numbers, arrays or tensors.

    L_steep(θ)  = c(θ, (-1, 0)) - 1.3 q(θ)
    L_gentle(θ) = c(θ, (1, 0)) + 0.4 q(θ)

    with the bowl c(θ, m) = √(1 + ‖θ - m‖²) - 1, whose slope is never above 1, and q(θ) = max(0, 1 - ‖θ - p‖² / 0.9²)², which
    is 1 at p = (0.3, 1.8) and 0 from 0.9 on. Outside of the disc round p both bowls lead to the **Pareto set**, the line from
    (-1, 0) to (1, 0): there no step makes one loss lower but at the cost of the other. Within the disc the steep loss has a
    pocket and the gentle one a hill. The pocket is a trap: every point of the disc is worse, in both losses, than some point
    of the Pareto set. (Of the kind of the toy problem of Liu et al., NeurIPS 2021, with other equations.)

    >>> [round(loss, 3) for loss in landscape_losses(0.3, 1.8)]
    [0.135, 1.575]
    >>> landscape_losses(torch.tensor([-1.0, 1.0]), torch.tensor([0.0, 0.0]))
    (tensor([0.0000, 1.2361]), tensor([1.2361, 0.0000]))
    """
    inside = 1 - ((x - CENTRE[0]) ** 2 + (y - CENTRE[1]) ** 2) / RADIUS**2
    q = ((inside + abs(inside)) / 2) ** 2
    bowls = [((x - mx) ** 2 + (y - my) ** 2 + 1) ** 0.5 - 1 for mx, my in ENDS]
    return bowls[0] + BUMPS[0] * q, bowls[1] + BUMPS[1] * q


def landscape_gradients(theta: np.ndarray) -> np.ndarray:
    """The gradients of L_steep and L_gentle ``(2, ..., 2)`` at the points ``theta (..., 2)``.

    They say what autograd says of `landscape_losses`, without building a graph at each step.

    >>> landscape_gradients(np.array([0.0, 0.0])).round(2).tolist()
    [[0.71, 0.0], [-0.71, 0.0]]
    """
    along = (2,) + (1,) * (theta.ndim - 1)
    from_ends, from_centre = theta - _ENDS.reshape(*along, 2), theta - _CENTRE
    inside = np.maximum(1 - _squared(from_centre) / RADIUS**2, 0)
    bumps = _BUMPS.reshape(along) * (inside * (4 / RADIUS**2))
    return from_ends / np.sqrt(1 + _squared(from_ends))[..., None] - bumps[..., None] * from_centre


def _squared(vectors: np.ndarray) -> np.ndarray:
    return np.einsum("...k,...k", vectors, vectors)


def pareto_distance(theta: np.ndarray) -> np.ndarray:
    """How far the points ``theta (..., 2)`` are from the Pareto set.

    >>> pareto_distance(np.array([[0.5, 0.0], [0.0, -2.0], [4.0, 4.0]])).tolist()
    [0.0, 2.0, 5.0]
    """
    (low, _), (high, _) = ENDS
    return np.hypot(theta[..., 0] - theta[..., 0].clip(low, high), theta[..., 1])


class LandscapeModel(MultiTaskModel):
    """A model whose shared parameters are the two numbers θ, and whose losses are those of the landscape.

    The heads have no parameters: each reads its loss off the landscape at θ. So the course's loop and all its rules take it
    as they take any model; ``loader`` is one batch that says nothing.

    >>> model = LandscapeModel((1.0, 0.0))
    >>> {name: round(loss.item(), 3) for name, loss in model(model.loader[0].inputs).items()}
    {'steep': 1.236, 'gentle': 0.0}
    """

    def __init__(self, start: tuple[float, float]) -> None:
        heads = {task.name: _Head(i) for i, task in enumerate(LANDSCAPE_TASKS)}
        super().__init__(_Place(start), LANDSCAPE_TASKS, heads)
        names = [task.name for task in LANDSCAPE_TASKS]
        target, known = torch.zeros(1), torch.ones(1, dtype=torch.bool)
        self.loader = [Batch(torch.zeros(1, 1), dict.fromkeys(names, target), dict.fromkeys(names, known))]

    @property
    def place(self) -> tuple[float, float]:
        """θ as it is now."""
        return tuple(self.encoder.theta.tolist())


class _Place(nn.Module):
    """An encoder that answers with its two parameters, whatever it reads; in 64 bits, so that rounding is not seen."""

    features = 2

    def __init__(self, start: tuple[float, float]) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(start, dtype=torch.float64))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.theta.expand(len(inputs), 2)


class _Head(nn.Module):
    """Reads one loss off the landscape."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def forward(self, features: Tensor) -> Tensor:
        return landscape_losses(features[:, :1], features[:, 1:])[self.number]
