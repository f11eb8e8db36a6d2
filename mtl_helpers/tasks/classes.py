"""Tasks whose answer is a class; first of all one of several, classification."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor

from mtl_helpers.tasks.rows import IGNORED
from mtl_helpers.tasks.task import Task, TaskError


@dataclass(frozen=True)
class OfClasses(Task):
    """What tasks of classes share."""

    classes: tuple[Any, ...] = ()

    score_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.classes, str):
            raise TaskError(f"Task '{self.name}': classes are a list of labels; found the one text {self.classes!r}.")
        object.__setattr__(self, "classes", tuple(self.classes))
        if len(self.classes) < self._least:
            raise TaskError(
                f"Task '{self.name}': classification needs at least "
                f"{'two classes' if self._least == 2 else 'one class'}; found {self.classes!r}."
            )
        if len(set(self.classes)) != len(self.classes):
            raise TaskError(f"Task '{self.name}': a class is listed twice in {self.classes!r}.")

    _least: ClassVar[int] = 2

    @property
    def n_outputs(self) -> int:
        """One number per class."""
        return len(self.classes)

    def numbers_of(self, labels: pd.Series, positions: np.ndarray) -> np.ndarray:
        """The classes' numbers of labels, an error for one that is none."""
        try:
            found = pd.Index(self.classes, dtype=object).get_indexer(pd.Index(labels, dtype=object))
            bad = int(np.argmax(found < 0)) if (found < 0).any() else None
        except TypeError:  # a list, say, can be no class
            bad = next(i for i, label in enumerate(labels) if label.__hash__ is None)
        if bad is not None:
            known = ", ".join(map(repr, self.classes[:20])) + (", ..." if len(self.classes) > 20 else "")
            raise TaskError(
                f"Task '{self.name}': unknown label {labels.iloc[bad]!r} at position {positions[bad]}; "
                f"known are {known}. Clean the labels first (lesson 01)."
            )
        return found

    def check_numbers(self, target: Tensor, known: Tensor) -> Tensor:
        """Class numbers as whole numbers from 0 on; those not ``known`` are not looked at."""
        target = target.long() if target.dtype == torch.bool else target
        bad = known & ((target != target.round()) | (target < 0) | (target >= len(self.classes)))
        if bad.any():
            row = int(bad.reshape(len(target), -1).any(dim=1).int().argmax())
            value = target[bad][0].item()
            from_one = bool((target[known] >= 1).all()) and value == len(self.classes)
            hint = " Are they counted from 1? Then subtract 1." if from_one else " Make them with task.encode(labels)."
            raise TaskError(
                f"Task '{self.name}': row {row} holds class {value}; classes are numbered 0 to {len(self.classes) - 1}.{hint}"
            )
        return target.long()


@dataclass(frozen=True)
class Classification(OfClasses):
    """One of several classes: cross-entropy, scored by accuracy (and macro-F1).

    Parameters
    ----------
    name
        Key of the task in every ``dict`` of outputs, targets, losses and weights.
    classes
        The class labels in a fixed order; `from_labels` collects them.
    class_weights
        A weight for each class, 1 where none is given. An example of class k counts wₖ times in the loss, which is still
        divided by the *number* of labelled examples: so the losses of two batches can be added by their counts, which torch's
        ``cross_entropy(weight=...)``, divided by the sum of weights, does not allow. `balanced` makes them of training data.

    Examples
    --------
    >>> mood = Classification("sentiment", classes=("negative", "positive"))
    >>> target, mask = mood.encode(["positive", None, "negative"])
    >>> target, mask
    (tensor([1, 0, 0]), tensor([ True, False,  True]))
    >>> mood.loss(torch.zeros(3, 2), target, mask)
    tensor(0.6931)
    """

    class_weights: Mapping[Any, float] | tuple[float, ...] | None = field(default=None)

    metric: ClassVar[str] = "accuracy"

    def __post_init__(self) -> None:
        super().__post_init__()
        weights = self.class_weights
        if weights is None:
            return
        if isinstance(weights, Mapping):
            if unknown := [label for label in weights if label not in self.classes]:
                raise TaskError(
                    f"Task '{self.name}': a weight is given for {unknown[0]!r}, which is none of its classes."
                )
            weights = [weights.get(label, 1.0) for label in self.classes]
        elif isinstance(weights, str):
            raise TaskError(
                f"Task '{self.name}': class_weights={weights!r} needs training data: take task.balanced(train[{self.name!r}])."
            )
        weights = tuple(float(weight) for weight in weights)
        if len(weights) != len(self.classes) or not all(0 < weight < float("inf") for weight in weights):
            raise TaskError(
                f"Task '{self.name}': class_weights are {len(self.classes)} finite numbers above 0; found {weights}."
            )
        object.__setattr__(self, "class_weights", weights)

    @classmethod
    def from_labels(cls, name: str, labels: Iterable[Any]) -> Classification:
        """The task with the classes that occur in ``labels``, in sorted order.

        >>> Classification.from_labels("team", ["sales", None, "help", "sales"]).classes
        ('help', 'sales')
        """
        column = pd.Series(list(labels), dtype=object)
        return cls(name, tuple(sorted(set(column[column.notna() & (column != "")]), key=lambda c: (str(type(c)), c))))

    def balanced(self, labels: Iterable[Any]) -> Classification:
        """This task with class weights n / (K nₖ) of training ``labels``: each of K classes counts the same in all.

        nₖ is the number of labels of class k and n their sum (King & Zeng 2001); the mean weight of a training label is 1. A
        class that does not occur has weight 1.

        >>> Classification("rare", ("no", "yes")).balanced(["no", "no", "no", "yes"]).class_weights
        (0.666..., 2.0)
        """
        target, mask = self.encode(labels)
        counts = torch.bincount(target[mask], minlength=len(self.classes)).tolist()
        if not mask.any():
            raise TaskError(f"Task '{self.name}': there is no label to balance the classes by.")
        present = sum(count > 0 for count in counts)
        return replace(self, class_weights=tuple(sum(counts) / (present * n) if n else 1.0 for n in counts))

    def encode_known(self, labels: pd.Series, positions: np.ndarray) -> Tensor:
        """Class numbers ``(n,)``."""
        return torch.from_numpy(self.numbers_of(labels, positions).astype(np.int64))

    def check_known(self, target: Tensor, mask: Tensor) -> Tensor:
        """Class numbers ``(n,)``, from 0 on."""
        if target.dim() == 2:
            raise TaskError(
                f"Task '{self.name}': targets are class numbers of shape (n,); found shape {tuple(target.shape)}. "
                "A column for each class? Then it is target.argmax(1), or a MultiLabel task."
            )
        return self.check_numbers(target, mask)

    def losses(self, output: Tensor, target: Tensor) -> Tensor:
        """wₖ times the cross-entropy of outputs ``(n, classes)``."""
        weights = None if self.class_weights is None else output.new_tensor(self.class_weights)
        return F.cross_entropy(output, target, weight=weights, reduction="none")

    def losses_in_place(self, output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """As for every task; torch's cross-entropy leaves rows out by itself, for half the price of selecting them."""
        if type(self).losses is not Classification.losses:  # a loss of one's own
            return super().losses_in_place(output, target, mask)
        return self.losses(output, torch.where(mask, target, IGNORED))

    def predict(self, output: Tensor) -> Tensor:
        """The likeliest class, as its number ``(batch,)``."""
        return output.argmax(dim=1)

    def scores(self, predicted: Tensor, target: Tensor) -> dict[str, float]:
        """``accuracy``, and ``macro_F1``: the F1 of each class, averaged without regard to how frequent the class is."""
        truth, answers = target.cpu().numpy(), predicted.cpu().numpy()
        return {
            "accuracy": float(accuracy_score(truth, answers)),
            "macro_F1": float(f1_score(truth, answers, average="macro", zero_division=0)),
        }

    def score(self, predicted: Tensor, target: Tensor, mask: Tensor | None = None) -> float:
        """The accuracy alone, without the cost of the other scores; of a kind of one's own, what its `scores` say."""
        if type(self).scores is not Classification.scores or self.metric != Classification.metric:
            return super().score(predicted, target, mask)
        right = predicted == target
        return (right if mask is None else right[mask]).float().mean().item()  # of nothing: nan

    def condition(self, output: Tensor) -> Tensor:
        """The classes' probabilities."""
        return output.softmax(dim=1)

    def decode(self, output: Tensor) -> pd.DataFrame:
        """The likeliest class, and the probability of each.

        >>> Classification("mood", ("bad", "good")).decode(torch.tensor([[0.0, 0.0], [1.0, 3.0]])).round(2)
           mood  mood: bad  mood: good
        0   bad       0.50        0.50
        1  good       0.12        0.88
        """
        answers = pd.DataFrame({self.name: [self.classes[i] for i in self.predict(output).tolist()]})
        return answers.join(probability_columns(self, self.condition(output)))

    def linear_model(self) -> Any:
        """A linear support vector machine: here as good as a logistic regression, and faster."""
        from sklearn.svm import LinearSVC

        weights = None if self.class_weights is None else dict(enumerate(self.class_weights))
        return LinearSVC(C=0.3, random_state=0, class_weight=weights)


def probability_columns(task: Task, probabilities: Tensor) -> pd.DataFrame:
    """A column for each class, as `Task.decode` gives them."""
    names = [f"{task.name}: {label}" for label in task.classes]
    if probabilities.shape[1:] != (len(names),):
        raise TaskError(
            f"Task '{task.name}': {type(task).__name__}.condition gives {tuple(probabilities.shape[1:])} numbers an example "
            f"and there are {len(names)} classes: write a decode, which gives answers in words, of its own."
        )
    return pd.DataFrame(probabilities.detach().float().cpu().numpy(), columns=names)
