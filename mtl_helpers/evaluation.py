"""Step 5, evaluation: each task in its own metrics, and accuracy by what makes a text hard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error
from torch.utils.data import DataLoader

from mtl_helpers.data.reviews import PHENOMENA, DataError
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.training import predict


def evaluate(model: MultiTaskModel, loader: DataLoader) -> pd.DataFrame:
    """Metrics of each task over the labelled examples of a loader: one row a task.

    Columns ``accuracy, macro_F1, MAE, n``; a metric that does not apply to the task's kind is nan. Macro-F1 is the F1 of
    each class, averaged without regard to how frequent the class is.
    """
    rows, predictions = {}, predict(model, loader)
    for task in model.tasks:
        output, target, mask = predictions[task.name]
        truth, predicted = target[mask].numpy(), task.predict(output)[mask].numpy()
        row: dict[str, float] = {"n": len(truth)}
        if len(truth) == 0:
            raise DataError(f"No example of this loader has a label for '{task.name}'; there is nothing to evaluate.")
        if task.kind == "classification":
            row["accuracy"] = accuracy_score(truth, predicted)
            row["macro_F1"] = f1_score(truth, predicted, average="macro")
        else:
            row["MAE"] = mean_absolute_error(truth, predicted)
        rows[task.name] = row
    return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=["accuracy", "macro_F1", "MAE", "n"])


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


class Interval(NamedTuple):
    """A mean over repeated runs with its confidence interval."""

    mean: float
    low: float
    high: float


def confidence_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Mean of repeated measurements with Student's t interval; for paired runs pass the *differences*, seed by seed.

    mean ± t(n - 1) s / √n, with s the standard deviation over the n runs. Raises `DataError` for fewer than two runs, or a
    value that is not finite.

    >>> confidence_interval([0.02, 0.05, 0.03, 0.04])
    Interval(mean=0.035, low=0.0144..., high=0.0555...)
    """
    array = np.asarray(values, dtype=float)
    if len(array) < 2:
        raise DataError(f"An interval needs at least two runs; found {len(array)}. Repeat with more seeds.")
    if not np.isfinite(array).all():
        raise DataError(f"A run gave no finite value: {array.tolist()}. An interval over the others would hide it.")
    half = stats.t.ppf((1 + level) / 2, len(array) - 1) * array.std(ddof=1) / math.sqrt(len(array))
    return Interval(float(array.mean()), float(array.mean() - half), float(array.mean() + half))
