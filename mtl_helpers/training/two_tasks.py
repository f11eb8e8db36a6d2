"""Rules for two tasks written out, and the paths they take over two parameters, hundreds of steps within milliseconds.

The loop takes 0.15 to 4 ms for such a step, nearly all of it to build a graph of a handful of numbers and to ask a library.
That is too slow to draw paths anew while somebody drags their start. A test holds both against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from mtl_helpers.arguments import number, whole_number
from mtl_helpers.training.task_weights import TrainingError

Weights = tuple[np.ndarray | float, np.ndarray | float]
Gradients = Callable[[np.ndarray], np.ndarray]


def equal(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> Weights:
    """The plain sum: λ = 1 for both."""
    return 1.0, 1.0


def mgda(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> Weights:
    """The shortest α g₁ + (1 - α) g₂ with α from 0 to 1 (Désidéri 2012)."""
    alpha = np.minimum(np.maximum((c - b) / np.maximum(a + c - 2 * b, 1e-300), 0), 1)
    return alpha, 1 - alpha


def pcgrad(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> Weights:
    """Each gradient without what runs against the other; their sum (Yu et al. 2020)."""
    against = np.minimum(b, 0)
    return 1 - against / np.maximum(a, 1e-300), 1 - against / np.maximum(c, 1e-300)


def imtl_g(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> Weights:
    """The step that has the same angle with both (Liu et al. 2021): λᵢ ∝ 1 / ‖gᵢ‖."""
    return np.sqrt(c), np.sqrt(a)


def aligned_mtl(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> Weights:
    """The gradients made orthogonal and equally long (Senushkin et al. 2023): λ ∝ G^(-1/2) (1, 1)."""
    s = np.sqrt(np.maximum(a * c - b * b, 0))
    return c + s - b, a + s - b


# From a = g₁·g₁, b = g₁·g₂, c = g₂·g₂ to λ up to a factor. For two tasks UPGrad is half of PCGrad, so here the same.
TWO_TASK_RULES: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], Weights]] = {
    "sum": equal,
    "MGDA": mgda,
    "PCGrad": pcgrad,
    "UPGrad": pcgrad,
    "IMTL-G": imtl_g,
    "Aligned-MTL": aligned_mtl,
}


def two_task_weights(gradients: np.ndarray, methods: Iterable[str]) -> np.ndarray:
    """λ ``(2, methods, ...)`` that methods give two gradients ``(2, methods, ..., 2)``; scaled to the sum 2.

    Of a gradient that is 0 λ is 0, and if both are, both λ are 1: as `GradientWeighting` has it.

    >>> two_task_weights(np.array([[[1.0, 0.0]], [[-2.0, 1.0]]]), ["PCGrad"]).round(3).tolist()
    [[1.364], [0.636]]
    """
    (a, b), (_, c) = np.einsum("i...k,j...k->ij...", gradients, gradients)
    weights = np.empty((2, *a.shape))
    all_there = a.all() and c.all()
    for i, name in enumerate(methods):
        weights[0, i], weights[1, i] = TWO_TASK_RULES[name](a[i], b[i], c[i])
        if not all_there and name != "sum":
            present = np.stack([a[i] > 0, c[i] > 0])
            weights[:, i] = np.where(present.all(axis=0), weights[:, i], present | ~present.any(axis=0))
    return weights * (2 / (weights[0] + weights[1]))


def two_task_paths(
    gradients: Gradients,
    starts: np.ndarray | tuple[float, float],
    methods: Iterable[str] = tuple(TWO_TASK_RULES),
    *,
    optimizer: str = "SGD",
    rate: float = 0.05,
    steps: int = 200,
    weights: tuple[float, float] | None = None,
) -> dict[str, np.ndarray]:
    """The places ``(steps + 1, ..., 2)`` that each method comes by from ``starts (..., 2)``: the same that the loop takes.

    ``gradients`` gives those of both losses ``(2, ..., 2)`` at points ``(..., 2)``, as `landscape_gradients` does.
    ``optimizer`` is "SGD", plain, or "Adam" as torch has it. λ of all methods are scaled to the sum 2, so that they compare
    at one ``rate``; but ``weights``, λ₁ and λ₂ of the plain sum, are taken as they are.

    >>> def bowls(theta):  # two losses ½‖θ - m‖², m = (0, 0) and (2, 0)
    ...     return np.stack([theta, theta - np.array([2.0, 0.0])])
    >>> paths = two_task_paths(bowls, (0.0, 4.0), ["sum", "MGDA"], rate=0.2)
    >>> {name: path[-1].round(3).tolist() for name, path in paths.items()}
    {'sum': [1.0, 0.0], 'MGDA': [0.0, 0.0]}
    """
    methods = list(methods)
    if unknown := [name for name in methods if name not in TWO_TASK_RULES]:
        raise TrainingError(
            f"There is no method {unknown[0]!r} here; there are {', '.join(map(repr, TWO_TASK_RULES))}."
        )
    if optimizer not in ("SGD", "Adam"):
        raise TrainingError(f"The optimizer is 'SGD' or 'Adam'; found {optimizer!r}.")
    rate = number("rate, the learning rate,", rate, TrainingError, above=0)
    steps = whole_number("steps", steps, TrainingError)
    start = np.asarray(starts, dtype=float)
    theta = np.repeat(start[None], len(methods), axis=0)
    places = np.empty((steps + 1, *theta.shape))
    places[0] = theta
    mean, square = np.zeros_like(theta), np.zeros_like(theta)
    given = [i for i, name in enumerate(methods) if name == "sum" and weights is not None]
    for step in range(1, steps + 1):
        g = gradients(theta)
        own = two_task_weights(g, methods)
        for i in given:
            own[:, i] = np.reshape(weights, (2,) + (1,) * (start.ndim - 1))
        d = np.einsum("i...,i...k->...k", own, g)
        if optimizer == "Adam":
            mean, square = 0.9 * mean + 0.1 * d, 0.999 * square + 0.001 * d * d
            d = mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        theta = theta - rate * d
        places[step] = theta
    return {name: places[:, i] for i, name in enumerate(methods)}
