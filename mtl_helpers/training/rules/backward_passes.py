"""Backward passes of the rules that see gradients: in the parameters or the shared features, and what goes to .grad."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Literal

import torch
from torch import Tensor, nn

from mtl_helpers.models import MultiTaskModel, shared_parameters
from mtl_helpers.training.rules.weighting import Weighting
from mtl_helpers.training.task_weights import TrainingError

Gradients = dict[str, list[Tensor | None]]
On = Literal["parameters", "features"]


def shared_and_others(model: MultiTaskModel) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The trainable parameters that the tasks share, and all others that are trained."""
    shared = shared_parameters(model)
    ids = {id(p) for p in shared}
    return shared, [p for p in model.parameters() if p.requires_grad and id(p) not in ids]


def gradients_of(losses: Mapping[str, Tensor], parameters: Sequence[Tensor]) -> Gradients:
    """By task the gradient of its loss in each parameter, None where it has none; one backward pass a task."""
    gradients, last = {}, len(losses) - 1
    for i, (name, loss) in enumerate(losses.items()):
        if loss.requires_grad and parameters:
            found = torch.autograd.grad(loss, parameters, retain_graph=i < last, allow_unused=True)
        else:
            found = [None] * len(parameters)
        gradients[name] = list(found)
    return gradients


def features_of(losses: Mapping[str, Tensor], model: MultiTaskModel, rule: Weighting) -> Tensor:
    """The one tensor that the heads of all tasks read; raises `TrainingError` if there is no such one."""
    by_task = getattr(losses, "features", None) or {}
    if len({id(features) for features in by_task.values()}) != 1:
        raise TrainingError(
            f"{rule.kind} with on='features' needs tasks that all read the same features, as in a MultiTaskModel, and a step "
            f"of one batch. Here {type(model).__name__} gives each task features of its own, or hands none on, or the step is "
            "of several batches (accumulate). Take on='parameters'."
        )
    return next(iter(by_task.values()))


def gradients_at(features: Tensor, losses: Mapping[str, Tensor]) -> Gradients:
    """By task the gradient of its loss in the features; the encoder is not entered.

    Asked for together with the heads' parameters it would take 20 times as long: autograd then looks through the whole graph.
    """
    return gradients_of(losses, [features])


def through_encoder(features: Tensor, gradient: Tensor, shared: Sequence[nn.Parameter]) -> None:
    """The one backward pass from the features on: sets ``.grad`` of the parameters that made them."""
    for p in shared:
        p.grad = None
    torch.autograd.backward(features, gradient.view_as(features).to(features.dtype), inputs=list(shared))


def put_gradient(total: Tensor | int, parameters: Sequence[nn.Parameter]) -> None:
    """Set ``.grad`` of these parameters alone to the gradient of ``total``, None where it has none, and keep the graph."""
    for p in parameters:
        p.grad = None
    if parameters and isinstance(total, Tensor) and total.requires_grad:
        torch.autograd.backward(total, inputs=list(parameters), retain_graph=True)


def checked_place(on: On) -> On:
    """Where a rule looks at gradients; raises `TrainingError` if it is neither place."""
    if on not in ("parameters", "features"):
        raise TrainingError(f"on says where gradients are looked at: 'parameters' or 'features'; found {on!r}.")
    return on


def put_sum(parameters: Sequence[nn.Parameter], gradients: Gradients, weights: Mapping[str, float]) -> None:
    """Set each parameter's ``.grad`` to Σᵢ λᵢ gᵢ; to None where no task has a gradient."""
    for j, parameter in enumerate(parameters):
        parts = [weights[name] * each[j] for name, each in gradients.items() if each[j] is not None]
        parameter.grad = laid_out_as(parameter, sum(parts[1:], start=parts[0])) if parts else None


def laid_out_as(parameter: nn.Parameter, gradient: Tensor) -> Tensor:
    """The gradient with type and strides of its parameter, as ``backward`` leaves it: torch's fused optimizers assume them."""
    if gradient.stride() == parameter.stride() and gradient.dtype == parameter.dtype:
        return gradient
    return torch.empty_like(parameter).copy_(gradient)


def jacobian(gradients: Gradients, parameters: Sequence[Tensor]) -> Tensor:
    """The tasks' gradients as rows ``(tasks, numbers)`` of at least 32 bits, 0 where there is none."""
    dtype = reduce(torch.promote_types, (p.dtype for p in parameters), torch.float32)
    rows = parameters[0].new_empty(len(gradients), sum(p.numel() for p in parameters), dtype=dtype)
    for row, each in zip(rows, gradients.values(), strict=True):  # each number is copied once: an LSTM has a million
        parts = [torch.zeros_like(p) if g is None else g for g, p in zip(each, parameters, strict=True)]
        torch.cat([part.detach().reshape(-1) for part in parts], out=row)
    return rows


def add_gradient_of(penalty: Tensor | None) -> None:
    """Add the gradient of the model's own penalty, if it has one, to every ``.grad``."""
    if penalty is not None and penalty.requires_grad:
        penalty.backward()


def in_full_precision(model: MultiTaskModel) -> torch.autocast:
    """Autocast switched off: products of gradients need their 32 bits."""
    return torch.autocast(next(model.parameters()).device.type, enabled=False)
