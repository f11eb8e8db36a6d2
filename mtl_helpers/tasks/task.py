"""What every task has: a name, labels that become targets, a loss, predictions and scores. The kinds of task build on it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from mtl_helpers.arguments import as_tensor
from mtl_helpers.tasks.rows import below_one_another, finite_rows, rows_without_nan


class TaskError(ValueError):
    """A task was described, or its labels were given, in a way that cannot be right."""


@dataclass(frozen=True)
class Task:
    """One task Tᵢ of a multi-task model: the interface that all kinds of task share.

    The kinds that ship are `Classification`, `MultiLabel`, `Regression` and `Tagging`. Everything else in the course asks a
    task what it needs and never which kind it is, so a kind of your own is a subclass with what differs: its head's width
    (`n_outputs`), its `losses`, one number an example, `predict`, `scores`; how labels are read (`encode_known`,
    `check_known`) and told (`decode`) is as in the kind that it builds on.

    >>> import torch.nn.functional as F
    >>> from mtl_helpers.tasks import Regression
    >>> class Count(Regression):
    ...     '''How many of something: Poisson loss, scored by the mean relative error.'''
    ...     metric = "relative error"
    ...     def losses(self, output, target):
    ...         return F.poisson_nll_loss(output, target, reduction="none")
    ...     def predict(self, output):
    ...         return output.exp()
    ...     def scores(self, predicted, target):
    ...         return {self.metric: ((predicted - target).abs() / target.clamp(min=1)).mean().item()}
    >>> likes = Count("likes")
    >>> target, mask = likes.encode([3, None, 0])
    >>> likes.loss(torch.zeros(3), target, mask)
    tensor(1.)
    >>> likes.score(likes.predict(torch.zeros(3)), target, mask)
    0.83...
    """

    name: str

    metric: ClassVar[str] = "score"
    """The score that stands for the task where there is room for one; a key of `scores`."""
    higher_is_better: ClassVar[bool] = True
    score_range: ClassVar[tuple[float, float] | None] = None
    """Smallest and largest score, or None if the score is in a unit of its own."""
    noise_factor: ClassVar[float] = 1.0
    """c in c e^(-s) L + s/2 of uncertainty weighting (Kendall et al. 2018): 1 for a softmax, 1/2 for a squared error."""
    per_word: ClassVar[bool] = False
    """Whether the head reads the features of every word, ``(batch, time, features)``, and not those of the text."""

    def __post_init__(self) -> None:
        if type(self) is Task:
            raise TaskError(
                f"A Task is one of its kinds: Classification({self.name!r}, classes=...), MultiLabel, Regression or Tagging."
            )
        if not isinstance(self.name, str) or not self.name.isidentifier() or self.name.startswith("_"):
            raise TaskError(f"A task's name must be a plain word such as 'topic'; found {self.name!r}.")
        if hasattr(nn.ModuleDict(), self.name):
            raise TaskError(
                f"A task can not be called '{self.name}': torch's ModuleDict, which holds the heads, uses that name itself. "
                f"Choose another, such as '{self.name}_task'."
            )

    @property
    def classes(self) -> tuple[Any, ...]:
        """The class labels in a fixed order; none for a task of numbers."""
        return ()

    @property
    def n_outputs(self) -> int:
        """Numbers the task's head puts out for one example (or word)."""
        raise self._lacks("n_outputs")

    @property
    def label_shape(self) -> tuple[int, ...]:
        """Shape of one example's target; ``()`` for a class or a number."""
        return ()

    def from_head(self, output: Tensor) -> Tensor:
        """What the head gave, ``(batch, n_outputs)``, in the shape that `loss` and `predict` take."""
        return output

    def encode(self, labels: Iterable[Any]) -> tuple[Tensor, Tensor]:
        """Turn labels into ``(target, mask)``, of shapes ``(n, *label_shape)`` and ``(n,)``.

        A missing label (``None``, ``nan``, ``""``) gets the target 0 and mask ``False``: its example has no part in the
        task's loss or score. Raises `TaskError`, naming task and position, for a label that cannot be one.
        """
        labels = labels.tolist() if isinstance(labels, Tensor) else labels
        column = labels if isinstance(labels, pd.Series) else pd.Series(list(labels), dtype=object)
        empty = np.fromiter((label.__class__ is str and not label for label in column), bool, len(column))
        known = ~(column.isna().to_numpy(dtype=bool) | empty)
        target = self.encode_known(column[known], np.flatnonzero(known))
        mask = torch.from_numpy(known)
        if known.all():
            return target, mask
        full = target.new_zeros(len(column), *target.shape[1:])
        full[mask] = target
        return full, mask

    def encode_known(self, labels: pd.Series, positions: np.ndarray) -> Tensor:
        """The targets of labels none of which is missing; ``positions`` are theirs, for the error."""
        raise self._lacks("encode_known")

    def check(self, target: Any, mask: Any = None) -> tuple[Tensor, Tensor]:
        """Targets and mask as `loss` takes them, from tensors, arrays or series of any number type.

        Raises `TaskError`, naming task and row, for a labelled row whose target cannot be one. Where there is no mask, a
        nan is a missing label (an infinite number is a mistake). Whatever lies under the mask becomes 0.
        """
        target = self._as_tensor(target)
        if target.dim() == len(self.label_shape) + 2 and target.shape[-1] == 1:  # a column, as a table gives it
            target = target.squeeze(-1)
        mask = rows_without_nan(target) if mask is None else as_mask(self.name, mask, len(target))
        if (bad := mask & ~finite_rows(target)).any():
            row = int(bad.int().argmax())
            raise TaskError(
                f"Task '{self.name}': row {row} is marked as labelled, and its target is {target[row].tolist()!r}. "
                "Correct it, or set its mask to False."
            )
        empty = (~mask).reshape(-1, *[1] * (target.dim() - 1))
        return self.check_known(target.masked_fill(empty, 0), mask), mask

    def check_known(self, target: Tensor, mask: Tensor) -> Tensor:
        """The targets in their type and shape; those under the mask are 0 and are not looked at."""
        raise self._lacks("check_known")

    def check_words(self, target: Tensor, mask: Tensor, lengths: Tensor) -> None:
        """Raise `TaskError` if a task with a label a word has another number of them than the text has words."""

    def losses(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss of each labelled example, ``(n,)``."""
        raise self._lacks("losses")

    def loss(self, output: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """Mean of `losses` over the labelled examples of a batch, a scalar; nan if there is none.

        ``target`` is ``(batch, *label_shape)`` and ``mask (batch,)``, true where there is a label. Those rows are selected
        before anything is computed, so what lies under the mask has no say, be it nan, and its output gets no gradient.
        """
        self.check_output(output, target)
        n = size = target.shape[0]
        if mask is None or (n := int(mask.count_nonzero())) == size:
            return self._each(output, target).mean()  # of nothing: nan
        return self.losses_in_place(output, target, mask).sum() / n if n else output.new_tensor(math.nan)

    def losses_in_place(self, output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """The `losses` of labelled rows, each at its place, else 0: summed, they equal (l * mask).sum() to the last bit."""
        rows = mask.nonzero().squeeze(1)
        each = self._each(output.index_select(0, rows), target.index_select(0, rows))
        return each.new_zeros(len(target)).index_copy(0, rows, each)

    def _each(self, output: Tensor, target: Tensor) -> Tensor:
        each = self.losses(output, target)
        if each.shape != (target.shape[0],):
            raise TaskError(
                f"Task '{self.name}': its losses must be one number an example, shape ({len(target)},); found "
                f"{tuple(each.shape)}. (torch's losses give that with reduction='none'.)"
            )
        return each

    def check_output(self, output: Tensor, target: Tensor) -> None:
        """Raise `TaskError` unless the head's output has the shape that the task needs, see `from_head`."""
        expected = (target.shape[0], *((self.n_outputs,) if self.classes else self.label_shape))
        if output.shape != expected:  # a kind of one's own may have several numbers for a label
            expected = tuple(self.from_head(output.new_empty(len(target), self.n_outputs)).shape)
        if output.shape != expected:
            raise TaskError(
                f"Task '{self.name}': the head gave shape {tuple(output.shape)}, expected {expected} for {len(target)} "
                "examples. Does the head match the task? (A model of your own hands on task.from_head(head(features)).)"
            )

    def predict(self, output: Tensor) -> Tensor:
        """Turn outputs into predictions, in the form of the targets."""
        raise self._lacks("predict")

    def scores(self, predicted: Tensor, target: Tensor) -> dict[str, float]:
        """Every metric of the task, over labelled examples."""
        raise self._lacks("scores")

    def measured(self, predicted: Tensor, target: Tensor) -> dict[str, float]:
        """`scores` as plain numbers; raises `TaskError` if the task's ``metric`` is not among them."""
        found = self.scores(predicted, target)
        if not isinstance(found, Mapping) or self.metric not in found:
            raise TaskError(
                f"Task '{self.name}': its scores must be a dict with its metric, {self.metric!r}; found {found!r:.80}."
            )
        return {name: float(value) for name, value in found.items()}

    def score(self, predicted: Tensor, target: Tensor, mask: Tensor | None = None) -> float:
        """The task's `metric` over the labelled examples; ``nan`` if there is none."""
        if mask is not None:
            predicted, target = predicted[mask], target[mask]
        return self.measured(predicted, target)[self.metric] if len(target) else math.nan

    def skill(self, predicted: Tensor, target: Tensor, mask: Tensor | None = None) -> float:
        """A score without a unit, 1 if all is right and higher if better, so that different tasks can be averaged."""
        return self.score(predicted, target, mask)

    def condition(self, output: Tensor) -> Tensor:
        """What another head may be told of this one's output, ``(batch, n_outputs)``."""
        return output.reshape(len(output), self.n_outputs)

    def decode(self, output: Tensor) -> pd.DataFrame:
        """Answers in words: a row an example, in the label's own terms, with probabilities where there are any."""
        raise self._lacks("decode")

    def linear_model(self) -> Any:
        """An untrained scikit-learn model for this task, for the baseline of word counts."""
        raise TaskError(f"Task '{self.name}': there is no linear model of word counts for a {type(self).__name__}.")

    def join(self, parts: Sequence[Tensor]) -> Tensor:
        """Outputs or targets of several batches below one another, see `below_one_another`."""
        return below_one_another(parts)

    def to_dict(self) -> dict[str, Any]:
        """The task as plain values that JSON can write; `from_dict` reads them."""
        return {"kind": type(self).__name__, **dataclasses.asdict(self)}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Task:
        """The task that `to_dict` wrote. A kind of one's own must have been defined, or imported, before.

        >>> from mtl_helpers.tasks import SENTIMENT
        >>> Task.from_dict(SENTIMENT.to_dict()) == SENTIMENT
        True
        """
        kinds, values = {kind.__name__: kind for kind in _subclasses(Task)}, dict(values)
        kind = values.pop("kind", None)
        if kind not in kinds:
            raise TaskError(
                f"There is no kind of task {kind!r}; there are {', '.join(kinds)}. Import the module that defines it first."
            )
        return kinds[kind](**values)

    def _lacks(self, what: str) -> NotImplementedError:
        return NotImplementedError(
            f"Task '{self.name}': {type(self).__name__} does not say its {what}; help(Task) shows a kind of one's own."
        )

    def _as_tensor(self, target: Any) -> Tensor:
        try:
            return as_tensor(target).detach()
        except (TypeError, ValueError) as problem:
            raise TaskError(
                f"Task '{self.name}': the targets are no numbers ({problem}). Make them with task.encode(labels)."
            ) from None


def as_mask(name: str, mask: Any, rows: int) -> Tensor:
    """A task's mask as booleans ``(rows,)``; raises `TaskError` for a shape or a value that a mask cannot have."""
    try:
        mask = as_tensor(mask).detach()
    except (TypeError, ValueError) as problem:
        raise TaskError(f"Task '{name}': a mask is True or False ({problem}).") from None
    mask = mask.squeeze(1) if mask.shape == (rows, 1) else mask
    if mask.shape != (rows,):
        raise TaskError(f"Task '{name}': the mask has shape {tuple(mask.shape)}, expected ({rows},).")
    if (odd := (mask != 0) & (mask != 1)).any():
        row = int(odd.int().argmax())
        raise TaskError(f"Task '{name}': a mask is True or False; row {row} is {mask[row].item()!r}.")
    return mask.bool()


def _subclasses(kind: type[Task]) -> list[type[Task]]:
    return [one for direct in kind.__subclasses__() for one in (direct, *_subclasses(direct))]


def check_tasks(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Return ``tasks`` as a tuple; raise `TaskError` if there is none, one is no `Task`, or two share a name.

    >>> from mtl_helpers.tasks import STARS
    >>> check_tasks([STARS])[0].metric
    'MAE'
    """
    if isinstance(tasks, Task):
        raise TaskError(f"Expected a list of tasks; found the single task '{tasks.name}'. Write [{tasks.name}].")
    tasks = tuple(tasks)
    if not tasks:
        raise TaskError("A multi-task model needs at least one task; found none.")
    for task in tasks:
        if not isinstance(task, Task):
            raise TaskError(f"Expected a Task; found {task!r} ({type(task).__name__}).")
    names = [task.name for task in tasks]
    if len(set(names)) != len(names):
        raise TaskError(f"Two tasks share a name in {names}; outputs and losses are keyed by it.")
    return tasks
