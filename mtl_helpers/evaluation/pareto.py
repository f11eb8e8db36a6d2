"""The Pareto front: the models that no other model beats in every task, and the area they cover."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mtl_helpers.errors import DataError


def pareto_front(points: pd.DataFrame | np.ndarray | Sequence[Sequence[float]]) -> np.ndarray:
    """Which points ``(n, tasks)`` lie on the Pareto front: a mask ``(n,)``, in the order of the points.

    A point is dominated if another is at least as good in every task and better in one; the front is what is left. Higher is
    better in every column: turn the sign of an error (``-frame.stars``) first. Points that are equal dominate neither the
    other, so both stay.

    >>> pareto_front([[0.9, 0.5], [0.7, 0.7], [0.6, 0.7], [0.5, 0.8], [0.7, 0.7]])
    array([ True,  True, False,  True,  True])
    """
    array = _points(points)
    at_least = (array[:, None] >= array[None]).all(axis=2)  # (i, j): point i is nowhere worse than point j
    better = (array[:, None] > array[None]).any(axis=2)
    return ~(at_least & better).any(axis=0)


def hypervolume(points: pd.DataFrame | np.ndarray | Sequence[Sequence[float]], reference: Sequence[float]) -> float:
    """Area that the front of ``points (n, 2)`` covers above a ``reference`` point: one number for a whole front.

    The area of the union of the rectangles from ``reference`` to each point (Zitzler & Thiele 1999); a point that is not above
    the reference in both tasks adds nothing. Choose the reference beforehand, for instance the score of guessing, and the
    same for all fronts compared: the number has no meaning without it.

    >>> hypervolume([[2, 1], [1, 3], [1, 1]], reference=[0, 0])  # 2 x 1 and, above it, 1 x 2
    4.0
    """
    array, corner = _points(points), np.asarray(reference, dtype=float)
    if array.shape[1] != 2 or corner.shape != (2,):
        raise DataError(
            f"hypervolume takes two tasks and a reference of two numbers; found points of shape {array.shape} "
            f"and a reference of shape {corner.shape}."
        )
    if not np.isfinite(corner).all():
        raise DataError(f"The reference must be two finite numbers; found {corner.tolist()}.")
    sides = np.clip(array - corner, 0, None)
    sides = sides[np.argsort(-sides[:, 0], kind="stable")]
    heights = np.maximum.accumulate(sides[:, 1])
    widths = sides[:, 0] - np.append(sides[1:, 0], 0)
    return float((widths * heights).sum())


def _points(points: pd.DataFrame | np.ndarray | Sequence[Sequence[float]]) -> np.ndarray:
    array = np.asarray(points, dtype=float)
    if array.ndim != 2 or 0 in array.shape:
        raise DataError(f"Points are a table with a row a model and a column a task; found shape {array.shape}.")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise DataError(f"Point {row} is {array[row].tolist()}: a score that is no finite number can not be compared.")
    return array
