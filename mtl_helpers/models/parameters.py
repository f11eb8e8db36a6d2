"""How many numbers a model learns, and where: counted in this one place."""

from __future__ import annotations

from torch import nn

from mtl_helpers.models.multi_task import MultiTaskModel


def trainable_numbers(module: nn.Module) -> int:
    """The trainable numbers of a module; a tensor that is used twice counts once."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def parameters_by_part(model: nn.Module) -> dict[str, int]:
    """Trainable numbers of each part of a model, by the part's name; parts without any are left out.

    >>> from mtl_helpers.models import CNNEncoder
    >>> from mtl_helpers.tasks import SENTIMENT, STARS
    >>> parameters_by_part(MultiTaskModel(CNNEncoder(100, filters=4), [SENTIMENT, STARS]))
    {'encoder': 4492, 'heads': 39}
    """
    sizes = {name: trainable_numbers(part) for name, part in model.named_children()}
    sizes |= {name: own.numel() for name, own in model.named_parameters(recurse=False) if own.requires_grad}
    return {name: size for name, size in sizes.items() if size}


def count_parameters(model: MultiTaskModel) -> dict[str, int]:
    """Trainable numbers by part: the shared encoder, each task's head, and what else there is, such as MMoE's experts.

    >>> from mtl_helpers.models import CNNEncoder
    >>> from mtl_helpers.tasks import SENTIMENT
    >>> count_parameters(MultiTaskModel(CNNEncoder(100, filters=4), [SENTIMENT]))
    {'encoder': 4492, 'sentiment head': 26}
    """
    parts = parameters_by_part(model)
    heads = {f"{name} head": trainable_numbers(head) for name, head in model.heads.items()}
    others = {name: size for name, size in parts.items() if name not in ("encoder", "heads")}
    return {"encoder": parts.get("encoder", 0), **heads, **others}
