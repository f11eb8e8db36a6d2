"""Step 3, task relations: how far two tasks' gradients agree on the parameters they share."""

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
