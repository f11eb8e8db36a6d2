"""Tasks whose answer is any number of classes at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor

from mtl_helpers.tasks.classes import OfClasses, probability_columns
from mtl_helpers.tasks.task import TaskError


@dataclass(frozen=True)
class MultiLabel(OfClasses):
    """Any number of classes at once, none too: binary cross-entropy, its mean over the classes, scored by micro-F1.

    A label is a list (or set) of classes, or a text in which ``;``, ``,`` or ``|``, or Chinese ``；``, ``，`` or ``、``, is
    between them. An empty list says that none applies; None says that nobody knows.

    >>> task = MultiLabel("about", classes=("price", "taste", "service"))
    >>> task.encode(["price;taste", [], None])
    (tensor([[1., 1., 0.],
            [0., 0., 0.],
            [0., 0., 0.]]), tensor([ True,  True, False]))
    """

    metric: ClassVar[str] = "micro_F1"
    _least: ClassVar[int] = 1

    @classmethod
    def from_labels(cls, name: str, labels: Iterable[Any]) -> MultiLabel:
        """The task with the classes that occur in ``labels``, in sorted order.

        >>> MultiLabel.from_labels("about", ["taste;price", None, ["price"]]).classes
        ('price', 'taste')
        """
        column = pd.Series(list(labels), dtype=object)
        return cls(name, tuple(sorted({one for label in column[column.notna()] for one in _split(label)})))

    @property
    def label_shape(self) -> tuple[int, ...]:
        """A number a class."""
        return (len(self.classes),)

    def encode_known(self, labels: pd.Series, positions: np.ndarray) -> Tensor:
        """1 for each class that applies, ``(n, classes)``."""
        sets = [[label] if label in self.classes else _split(label) for label in labels]
        target = torch.zeros(len(sets), len(self.classes))
        rows = np.repeat(np.arange(len(sets)), [len(each) for each in sets])
        flat = pd.Series([one for each in sets for one in each], dtype=object)
        if len(flat):
            target[torch.from_numpy(rows), torch.from_numpy(self.numbers_of(flat, positions[rows]))] = 1.0
        return target

    def check_known(self, target: Tensor, mask: Tensor) -> Tensor:
        """0 or 1 for each class, ``(n, classes)``."""
        if target.shape[1:] != self.label_shape:
            raise TaskError(
                f"Task '{self.name}': targets have shape (n, {len(self.classes)}), a column a class; "
                f"found {tuple(target.shape)}."
            )
        if (bad := ((target != 0) & (target != 1)).any(dim=1)).any():
            row = int(bad.int().argmax())
            raise TaskError(f"Task '{self.name}': a class applies (1) or not (0); row {row} is {target[row].tolist()}.")
        return target.float()

    def losses(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over the classes of the binary cross-entropy of outputs ``(n, classes)``."""
        return F.binary_cross_entropy_with_logits(output, target, reduction="none").mean(dim=1)

    def predict(self, output: Tensor) -> Tensor:
        """1 for each class with a probability above one half, ``(batch, classes)``."""
        return (output > 0).float()

    def scores(self, predicted: Tensor, target: Tensor) -> dict[str, float]:
        """``micro_F1`` over all answers, ``macro_F1`` over classes, ``exact``: the share with all classes right."""
        truth, answers = target.cpu().numpy(), predicted.cpu().numpy()
        return {
            "micro_F1": float(f1_score(truth, answers, average="micro", zero_division=0)),
            "macro_F1": float(f1_score(truth, answers, average="macro", zero_division=0)),
            "exact": float(accuracy_score(truth, answers)),
        }

    def condition(self, output: Tensor) -> Tensor:
        """The classes' probabilities, which need not sum to 1."""
        return output.sigmoid()

    def decode(self, output: Tensor) -> pd.DataFrame:
        """The classes that apply, with ``;`` between them, and the probability of each."""
        applies = self.predict(output).bool().tolist()
        texts = [";".join(str(c) for c, one in zip(self.classes, row, strict=True) if one) for row in applies]
        return pd.DataFrame({self.name: texts}).join(probability_columns(self, self.condition(output)))

    def linear_model(self) -> Any:
        """A linear support vector machine a class."""
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.svm import LinearSVC

        return OneVsRestClassifier(LinearSVC(C=0.3, random_state=0))


BETWEEN = "[;,|；，、]"  # the marks between the classes of one text


def _split(label: Any) -> list[Any]:
    if isinstance(label, str):
        return [part for part in (one.strip() for one in re.split(BETWEEN, label)) if part]
    return list(label) if isinstance(label, Iterable) else [label]
