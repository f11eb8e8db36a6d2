"""Each task in its own metrics, and accuracy by what makes a text hard."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from sklearn.metrics import confusion_matrix
from torch import Tensor
from torch.utils.data import DataLoader

from mtl_helpers.data.reviews import PHENOMENA
from mtl_helpers.errors import DataError
from mtl_helpers.models import MultiTaskModel, unwrapped
from mtl_helpers.tasks import Task
from mtl_helpers.training import predict


def evaluate(model: MultiTaskModel, loader: DataLoader) -> pd.DataFrame:
    """Metrics of each task over the labelled examples of a loader: one row a task, with all that its `Task.scores` gives.

    Columns ``accuracy, macro_F1, MAE``, then those of other kinds of task, then ``n``, the examples with a label. A metric
    that a task does not have is nan. A task for which no example has a label has n = 0 and no score; if that is so for all of
    them there is nothing to evaluate, and `DataError` says so.
    """
    rows: dict[str, dict[str, float]] = {}
    predictions = predict(model, loader)
    for task in unwrapped(model).tasks:
        output, target, mask = predictions[task.name]
        n = int(mask.sum())
        rows[task.name] = {**(task.measured(task.predict(output)[mask], target[mask]) if n else {}), "n": n}
    if not any(row["n"] for row in rows.values()):
        raise DataError(
            f"No example of this loader has a label for any of {sorted(rows)}; there is nothing to evaluate."
        )
    found = dict.fromkeys(name for row in rows.values() for name in row)
    columns = dict.fromkeys(["accuracy", "macro_F1", "MAE", *found])
    return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=[*(c for c in columns if c != "n"), "n"])


def accuracy_by_phenomenon(
    frame: pd.DataFrame, correct: Sequence[bool], phenomena: Sequence[str] = PHENOMENA
) -> pd.DataFrame:
    """Accuracy on the rows marked with each phenomenon, on those with none, and on all: columns ``accuracy, n``.

    ``frame`` has a column ``phenomena`` (marks joined by ``;``) and ``correct`` says of each of its rows whether the
    prediction was right.

    >>> frame = pd.DataFrame({"phenomena": ["irony", "", "irony;contrast"]})
    >>> accuracy_by_phenomenon(frame, [False, True, True], ["irony"])
           accuracy  n
    irony  0.500000  2
    none   1.000000  1
    all    0.666667  3
    """
    if len(frame) != len(correct):
        raise DataError(f"{len(frame)} rows and {len(correct)} predictions: they must belong to each other.")
    if "phenomena" not in frame:
        raise DataError(
            f"Column 'phenomena' is missing; found {', '.join(map(repr, frame.columns))}. Use read_reviews."
        )
    right = pd.Series(list(correct), index=frame.index, dtype=float)
    marks = frame.phenomena.str.split(";")
    groups = {name: marks.map(lambda row, name=name: name in row) for name in phenomena}
    groups["none"] = frame.phenomena == ""
    groups["all"] = pd.Series(True, index=frame.index)
    return pd.DataFrame(
        {name: {"accuracy": right[rows].mean(), "n": int(rows.sum())} for name, rows in groups.items()}
    ).T.astype({"n": int})


def confusion(task: Task, outputs: Tensor, targets: Tensor, mask: Tensor | None = None) -> pd.DataFrame:
    """Confusion matrix of one task: a row for each true class, a column for each predicted one, in counts.

    ``outputs (n, classes)``, ``targets (n,)`` and ``mask (n,)`` are the task's entry of `training.predict`.

    >>> import torch
    >>> from mtl_helpers.tasks import SENTIMENT
    >>> confusion(SENTIMENT, torch.tensor([[2.0, 1.0], [0.0, 1.0], [3.0, 1.0]]), torch.tensor([0, 1, 1]))
    predicted  negative  positive
    true
    negative          1         0
    positive          1         1
    """
    predicted = task.predict(outputs)
    if not task.classes or predicted.dim() != 1:
        raise DataError(
            f"Task '{task.name}' is a {type(task).__name__}, which does not choose one of several classes: nothing to "
            f"confuse. Look at its {task.metric}."
        )
    if mask is not None:
        predicted, targets = predicted[mask], targets[mask]
    if len(targets) == 0:
        raise DataError(f"No example has a label for '{task.name}'; there is nothing to count.")
    counts = confusion_matrix(targets.cpu().numpy(), predicted.cpu().numpy(), labels=range(len(task.classes)))
    return pd.DataFrame(counts, pd.Index(task.classes, name="true"), pd.Index(task.classes, name="predicted"))
