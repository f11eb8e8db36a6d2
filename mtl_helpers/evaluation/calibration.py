"""Calibration: of the answers a model gives with 80 % confidence, are 80 % right?"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from torch import Tensor

from mtl_helpers.arguments import whole_number
from mtl_helpers.errors import DataError


def calibration(outputs: Tensor, targets: Tensor, mask: Tensor | None = None, *, bins: int = 10) -> pd.DataFrame:
    """A table of confidence and accuracy: a row a bin of equal width, with ``low, high, confidence, accuracy, n``.

    ``outputs (n, classes)`` are a head's outputs before the softmax, ``targets (n,)`` class numbers, ``mask (n,)`` says which
    are labelled: one task's entry of `training.predict`. Confidence is the softmax probability of the class predicted; a bin
    holds low < confidence ≤ high. Empty bins are left in, with nan. (scikit-learn's ``calibration_curve`` gives the same two
    columns, without the counts that the error below is weighted by.)

    >>> import torch
    >>> outputs = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7]]).log()
    >>> calibration(outputs, torch.tensor([0, 1, 1]), bins=4).round(2)
        low  high  confidence  accuracy  n
    0  0.00  0.25         NaN       NaN  0
    1  0.25  0.50         NaN       NaN  0
    2  0.50  0.75         0.7       1.0  1
    3  0.75  1.00         0.9       0.5  2
    """
    bins = whole_number("bins", bins)
    if outputs.dim() != 2 or targets.shape != outputs.shape[:1]:
        raise DataError(
            f"Calibration needs outputs (n, classes) and targets (n,); found {tuple(outputs.shape)} and "
            f"{tuple(targets.shape)}. A regression has no confidence."
        )
    if mask is not None:
        outputs, targets = outputs[mask], targets[mask]
    if len(targets) == 0:
        raise DataError("No example has a label; there is nothing to compare confidence with.")
    confidence, predicted = outputs.detach().double().softmax(dim=1).max(dim=1)
    edges = np.linspace(0, 1, bins + 1)
    number = np.searchsorted(edges[1:-1], confidence.cpu().numpy())
    rows = pd.DataFrame(
        {"confidence": confidence.cpu().numpy(), "accuracy": (predicted == targets).double().cpu().numpy()}
    )
    table = rows.groupby(number).mean().reindex(range(bins))
    table.insert(0, "low", edges[:-1])
    table.insert(1, "high", edges[1:])
    return table.assign(n=np.bincount(number, minlength=bins))


def expected_calibration_error(table: pd.DataFrame) -> float:
    """ECE = Σ_b (n_b / n) abs(accuracy_b - confidence_b) over the bins b of `calibration` (Guo et al., ICML 2017).

    0 is perfect. It depends on the number of bins, and with few examples a bin it is above 0 by chance alone.

    >>> import torch
    >>> outputs = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7]]).log()
    >>> round(expected_calibration_error(calibration(outputs, torch.tensor([0, 1, 1]))), 3)  # (.3 + 2 x .4) / 3
    0.367
    """
    if absent := {"confidence", "accuracy", "n"} - set(table):
        raise DataError(
            f"The table has no column {sorted(absent)}; found {list(table)}. Pass what calibration() gives."
        )
    gaps = (table.accuracy - table.confidence).abs().fillna(0)
    return float((gaps * table.n).sum() / table.n.sum())


def fit_temperature(outputs: Tensor, targets: Tensor, mask: Tensor | None = None) -> float:
    """The T > 0 with which softmax(outputs / T) has the smallest cross-entropy: temperature scaling (Guo et al., ICML 2017).

    Fit it on *validation*, divide later outputs by it. T > 1 makes a model less sure; the answers stay the same, since the
    largest output stays the largest. Arguments as in `calibration`.

    >>> import torch
    >>> outputs = 10 * torch.tensor([[1.0, 0.0]]).repeat(4, 1)  # says 0.9999 each time, and is right three times in four
    >>> round(fit_temperature(outputs, torch.tensor([0, 0, 0, 1])), 2)
    9.1
    """
    if mask is not None:
        outputs, targets = outputs[mask], targets[mask]
    if len(targets) == 0:
        raise DataError("No example has a label; there is nothing to fit a temperature to.")
    outputs = outputs.detach().double()
    found = minimize_scalar(
        lambda log: F.cross_entropy(outputs / math.exp(log), targets).item(), bounds=(-4, 4), method="bounded"
    )
    return math.exp(found.x)
