"""How far two tasks' gradients agree on the parameters they share, and what a step for one does to the others."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor

from mtl_helpers.data.batches import Batch
from mtl_helpers.models import MultiTaskModel


def task_gradients(model: MultiTaskModel, batch: Batch) -> dict[str, Tensor]:
    """Gradient of each task's loss in the shared encoder, flattened to ``(shared parameters,)``; one backward pass a task.

    Leaves ``.grad`` of every parameter as it was. A frozen encoder has no gradient: the tensors are empty.
    """
    outputs = model(batch.inputs)
    shared = [p for p in model.encoder.parameters() if p.requires_grad]
    gradients = {}
    for task in model.tasks:
        target, mask = batch.labels_of(task.name)
        if not shared:
            gradients[task.name] = torch.zeros(0)
            continue
        loss = task.loss(outputs[task.name], target, mask)
        parts = torch.autograd.grad(loss, shared, retain_graph=True, allow_unused=True)
        flat = [(torch.zeros_like(p) if g is None else g).reshape(-1) for g, p in zip(parts, shared, strict=True)]
        gradients[task.name] = torch.cat(flat)
    return gradients


def gradient_cosines(model: MultiTaskModel, batch: Batch) -> dict[tuple[str, str], float]:
    """Cosine between the tasks' gradients, for each pair: 1 one way, 0 unrelated, -1 opposed; 0 where one vanishes.

    cos = gᵢ·gⱼ / (‖gᵢ‖ ‖gⱼ‖), gᵢ the gradient of task i's unweighted loss in the shared parameters (Du et al. 2018).
    """
    gradients = task_gradients(model, batch)
    return {
        (a, b): torch.cosine_similarity(gradients[a], gradients[b], dim=0).item() for a, b in combinations(gradients, 2)
    }


def task_affinity(model: MultiTaskModel, batch: Batch, *, lr: float = 0.1) -> dict[tuple[str, str], float]:
    """How a step for one task changes the loss of another on the same batch: ``(i, j)`` is what i does for j.

    Z(i, j) = 1 - Lⱼ(θ - η gᵢ) / Lⱼ(θ), with θ the shared parameters, η = ``lr`` and gᵢ as in `task_gradients`; the heads
    stay (Fifty et al., NeurIPS 2021, equation 1). Above 0, the step for i lowers j's loss; below, it raises it; 0 where j
    has no label. All parameters and their ``.grad`` are left as they were.
    """
    gradients = task_gradients(model, batch)
    shared = [p for p in model.encoder.parameters() if p.requires_grad]
    start = [p.detach().clone() for p in shared]

    @torch.no_grad()
    def losses() -> dict[str, float]:
        outputs = model(batch.inputs)
        return {t.name: t.loss(outputs[t.name], *batch.labels_of(t.name)).item() for t in model.tasks}

    before, affinity = losses(), {}
    for i, gradient in gradients.items():
        parts = gradient.split([p.numel() for p in shared]) if shared else ()
        with torch.no_grad():
            for p, old, part in zip(shared, start, parts, strict=True):
                p.copy_(old - lr * part.view_as(p))
        after = losses()
        affinity |= {(i, j): 1 - after[j] / before[j] if before[j] else 0.0 for j in gradients}
    with torch.no_grad():
        for p, old in zip(shared, start, strict=True):
            p.copy_(old)
    return affinity
