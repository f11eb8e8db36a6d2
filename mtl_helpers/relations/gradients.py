"""How far two tasks' gradients agree on the parameters they share, and what a step for one does to the others.

All of these are looks: parameters, ``.grad``, BatchNorm's statistics and random numbers are afterwards as they were. In
training mode dropout is at work; given the ``random_state`` of a record, it is that of the record's step.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import combinations, product

import torch
from torch import Tensor

from mtl_helpers.data.batches import Batch
from mtl_helpers.models import MultiTaskModel, shared_parameters, unwrapped
from mtl_helpers.randomness import RandomState, buffers_kept, drawn_again, look, random_state


def task_gradients(model: MultiTaskModel, batch: Batch, state: RandomState | None = None) -> dict[str, Tensor]:
    """Gradient of each task's loss in what the tasks share, ``(shared parameters,)``; one backward pass a task.

    What is shared, ``model.shared_parameters()`` says: if it is nothing, as in a frozen encoder, the tensors are empty. A task
    without a label in the batch has no loss, so no gradient, and is left out.
    """
    shared, gradients = shared_parameters(model), {}
    with buffers_kept(model):
        with drawn_again(state):
            losses = _losses(model, batch)
        for name, loss in losses.items():
            if not shared:
                gradients[name] = torch.zeros(0)
                continue
            parts = torch.autograd.grad(loss, shared, retain_graph=True, allow_unused=True)
            flat = [(torch.zeros_like(p) if g is None else g).reshape(-1) for g, p in zip(parts, shared, strict=True)]
            gradients[name] = torch.cat(flat)
    return gradients


def gradient_cosines(
    model: MultiTaskModel, batch: Batch, state: RandomState | None = None
) -> dict[tuple[str, str], float]:
    """Cosine between the tasks' gradients, for each pair: 1 one way, 0 unrelated, -1 opposed.

    cos = gᵢ·gⱼ / (‖gᵢ‖ ‖gⱼ‖), gᵢ the gradient of task i's unweighted loss in the shared parameters (Du et al. 2018). It is nan
    where a task has no label in the batch, or a gradient vanishes, or nothing is shared: then there is no angle.
    """
    return cosines_between(task_gradients(model, batch, state), [task.name for task in unwrapped(model).tasks])


def cosines_between(gradients: Mapping[str, Tensor], names: Iterable[str]) -> dict[tuple[str, str], float]:
    """The cosine of each pair of ``names``, of gradients such as `task_gradients` gives; nan where there is no angle.

    >>> cosines_between({"topic": torch.tensor([1.0, 0.0]), "mood": torch.tensor([0.0, 2.0])}, ["topic", "mood"])
    {('topic', 'mood'): 0.0}
    """
    return {
        (a, b): _cosine(gradients[a], gradients[b]) if a in gradients and b in gradients else math.nan
        for a, b in combinations(names, 2)
    }


def _cosine(one: Tensor, other: Tensor) -> float:
    if not (one.any() and other.any()):
        return math.nan
    return torch.cosine_similarity(one, other, dim=0).item()


def task_affinity(
    model: MultiTaskModel, batch: Batch, *, lr: float = 0.1, state: RandomState | None = None
) -> dict[tuple[str, str], float]:
    """How a step for one task changes the loss of another on the same batch: ``(i, j)`` is what i does for j.

    Z(i, j) = 1 - Lⱼ(θ - η gᵢ) / Lⱼ(θ), with θ the shared parameters, η = ``lr`` and gᵢ as in `task_gradients`; the heads
    stay (Fifty et al., NeurIPS 2021, equation 1). Above 0, the step for i lowers j's loss; below, it raises it; nan where one
    of the two has no label, or j's loss is 0. Before and after the step the dropout is the same.
    """
    state = random_state() if state is None else state
    gradients, shared = task_gradients(model, batch, state), shared_parameters(model)
    start = [p.detach().clone() for p in shared]

    @torch.no_grad()
    def losses() -> dict[str, float]:
        with look(model, state):
            return {name: loss.item() for name, loss in _losses(model, batch).items()}

    before = losses()
    affinity = {(i, j): math.nan for i, j in product([task.name for task in unwrapped(model).tasks], repeat=2)}
    try:
        for i, gradient in gradients.items():
            parts = gradient.split([p.numel() for p in shared]) if shared else ()
            with torch.no_grad():
                for p, old, part in zip(shared, start, parts, strict=True):
                    p.copy_(old - lr * part.view_as(p))
            affinity |= {(i, j): 1 - after / before[j] for j, after in losses().items() if before[j]}
    finally:
        with torch.no_grad():
            for p, old in zip(shared, start, strict=True):
                p.copy_(old)
    return affinity


def _losses(model: MultiTaskModel, batch: Batch) -> dict[str, Tensor]:
    """The loss of each task that has a label in the batch."""
    batch = batch.to(next(model.parameters()).device)
    outputs = model(batch.inputs)
    labels = {task: batch.labels_of(task.name) for task in unwrapped(model).tasks}
    return {task.name: task.loss(outputs[task.name], *pair) for task, pair in labels.items() if pair[1].any()}
