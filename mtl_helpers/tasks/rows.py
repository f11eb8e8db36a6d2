"""Rows of targets and outputs: which are finite, and how those of several batches come below one another."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

NO_LABEL = -100  # what torch's own losses ignore
IGNORED = torch.tensor(
    NO_LABEL, device="cpu"
)  # the same for `torch.where`, which would make a tensor of it at each step


def to_width(values: Tensor, width: int) -> Tensor:
    """Words, in the second dimension, cut after ``width``, or filled up to it: outputs with 0, class numbers with -100."""
    if values.shape[1] >= width:
        return values[:, :width]
    fill = 0.0 if values.is_floating_point() else NO_LABEL
    return torch.cat([values, values.new_full((len(values), width - values.shape[1], *values.shape[2:]), fill)], dim=1)


def below_one_another(parts: Sequence[Tensor]) -> Tensor:
    """The rows of all parts; where they hold words, as many as the longest has, see `to_width`."""
    parts = list(parts)
    if parts[0].dim() > 1 and len({part.shape[1] for part in parts}) > 1:
        parts = [to_width(part, max(part.shape[1] for part in parts)) for part in parts]
    return torch.cat(parts)


def finite_rows(values: Tensor) -> Tensor:
    """Which rows of ``(n, ...)`` hold finite numbers only, ``(n,)``."""
    return values.isfinite().reshape(len(values), math.prod(values.shape[1:])).all(dim=1)


def rows_without_nan(values: Tensor) -> Tensor:
    """Which rows of ``(n, ...)`` hold no nan, ``(n,)``: those with a label, where no mask says so."""
    return ~values.isnan().reshape(len(values), math.prod(values.shape[1:])).any(dim=1)
