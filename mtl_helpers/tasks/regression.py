"""Tasks whose answer is a number, or several."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from mtl_helpers.arguments import whole_number
from mtl_helpers.tasks.task import Task, TaskError

Numbers = float | tuple[float, ...]


@dataclass(frozen=True)
class Regression(Task):
    """One number, or several: squared error, scored by the mean absolute error in the label's own unit.

    Parameters
    ----------
    name
        Key of the task in every ``dict`` of outputs, targets, losses and weights.
    size
        How many numbers a label is: 1, or more for a label such as the points of a path.
    centre, scale
        The head learns (label - centre) / scale: in training the loss is in units of ``scale``, while predictions, targets
        and scores stay in the label's own unit. With 0 and 1, the default, the loss is in the label's unit squared, and a task
        in dollars drowns one in stars (lesson 04). `standardised` takes both from training data: mean and standard deviation.

    Examples
    --------
    >>> price = Regression("price").standardised([9_000, 11_000])
    >>> price.centre, price.scale
    (10000.0, 1000.0)
    >>> target, mask = price.encode([12_000])
    >>> price.loss(torch.tensor([1.5]), target), price.predict(torch.tensor([1.5]))  # half a standard deviation too low
    (tensor(0.2500), tensor([11500.]))
    """

    size: int = 1
    centre: Numbers = 0.0
    scale: Numbers = 1.0

    metric: ClassVar[str] = "MAE"
    higher_is_better: ClassVar[bool] = False
    noise_factor: ClassVar[float] = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(
            self, "size", whole_number(f"Task '{self.name}': size, the numbers in a label,", self.size, TaskError)
        )
        for what in ("centre", "scale"):
            given = getattr(self, what)
            several = isinstance(given, Iterable)
            values = tuple(float(one) for one in given) if several else (float(given),)
            if several and len(values) != self.size:
                raise TaskError(f"Task '{self.name}': {what} has {len(values)} numbers and a label {self.size}.")
            if not all(math.isfinite(one) and (what == "centre" or one > 0) for one in values):
                bound = " above 0" if what == "scale" else ""
                raise TaskError(f"Task '{self.name}': {what} must be finite{bound}; found {given!r}.")
            object.__setattr__(self, what, values if several and self.size > 1 else values[0])

    def standardised(self, labels: Iterable[Any]) -> Regression:
        """This task with mean and standard deviation of training ``labels`` as centre and scale, number by number."""
        target, mask = self.encode(labels)
        values = target[mask].double().reshape(-1, self.size)
        if len(values) < 2:
            raise TaskError(
                f"Task '{self.name}': {len(values)} labels are too few to standardise by; give at least two."
            )
        centre, scale = values.mean(dim=0), values.std(dim=0, correction=0)
        if (still := scale <= 1e-9 * centre.abs()).any():
            which = f" (number {int(still.int().argmax())} of {self.size})" if self.size > 1 else ""
            raise TaskError(f"Task '{self.name}': all labels are the same{which}; there is nothing to learn.")
        return replace(self, centre=tuple(centre.tolist()), scale=tuple(scale.tolist()))

    @property
    def n_outputs(self) -> int:
        """As many numbers as a label has."""
        return self.size

    @property
    def label_shape(self) -> tuple[int, ...]:
        """``()``, or ``(size,)`` for several numbers."""
        return () if self.size == 1 else (self.size,)

    def from_head(self, output: Tensor) -> Tensor:
        """``(batch,)`` for one number."""
        return output.squeeze(-1) if self.size == 1 else output

    def encode_known(self, labels: pd.Series, positions: np.ndarray) -> Tensor:
        """The numbers, ``(n,)`` or ``(n, size)``."""
        if self.size > 1:
            labels, positions = self._flat(labels, positions), np.repeat(positions, self.size)
        values = pd.to_numeric(labels, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        with np.errstate(over="ignore"):
            values = values.astype(np.float32)  # in which a number beyond 3e38 is infinite
        if (bad := ~np.isfinite(values)).any():
            first = int(np.argmax(bad))
            raise TaskError(
                f"Task '{self.name}': label {labels.iloc[first]!r} at position {positions[first]} is not a finite number; "
                "correct it, or give None if it is missing."
            )
        return torch.from_numpy(values).reshape(-1, *self.label_shape)

    def _flat(self, labels: pd.Series, positions: np.ndarray) -> pd.Series:
        rows = [list(one) if isinstance(one, Iterable) and not isinstance(one, str) else [one] for one in labels]
        for label, row, position in zip(labels, rows, positions, strict=True):
            if len(row) != self.size:
                raise TaskError(
                    f"Task '{self.name}': a label is {self.size} numbers; found {label!r} at position {position}."
                )
        return pd.Series([one for row in rows for one in row], dtype=object)

    def check_known(self, target: Tensor, mask: Tensor) -> Tensor:
        """float32, ``(n,)`` or ``(n, size)``."""
        if target.shape[1:] != self.label_shape:
            expected = "(n,)" if self.size == 1 else f"(n, {self.size})"
            raise TaskError(f"Task '{self.name}': targets have shape {expected}; found {tuple(target.shape)}.")
        return target.float()

    def losses(self, output: Tensor, target: Tensor) -> Tensor:
        """((label - centre) / scale - output)², its mean over the numbers of a label."""
        if (self.centre, self.scale) != (0.0, 1.0):
            target = (target - target.new_tensor(self.centre)) / target.new_tensor(self.scale)
        return F.mse_loss(output, target, reduction="none").reshape(len(target), self.size).mean(dim=1)

    def predict(self, output: Tensor) -> Tensor:
        """The numbers in the label's own unit, shaped as the output."""
        if (self.centre, self.scale) == (0.0, 1.0):
            return output
        return output * output.new_tensor(self.scale) + output.new_tensor(self.centre)

    def scores(self, predicted: Tensor, target: Tensor) -> dict[str, float]:
        """``MAE`` in the label's own unit."""
        return {"MAE": (predicted - target).abs().mean().item()}

    def skill(self, predicted: Tensor, target: Tensor, mask: Tensor | None = None) -> float:
        """1 - MAE / MAE of always answering the labels' median: 1 is perfect, 0 knows nothing (Koenker & Machado 1999)."""
        if mask is not None:
            predicted, target = predicted[mask], target[mask]
        if not len(target):
            return math.nan
        spread = (target - target.median(dim=0)[0]).abs().mean()
        error = (predicted - target).abs().mean()
        return (1 - error / spread).item() if spread > 0 else math.nan

    def decode(self, output: Tensor) -> pd.DataFrame:
        """The number, or a list of them, in the label's own unit."""
        return pd.DataFrame({self.name: self.predict(output).detach().float().cpu().tolist()})

    def linear_model(self) -> Any:
        """A ridge regression."""
        from sklearn.linear_model import Ridge

        return Ridge()
