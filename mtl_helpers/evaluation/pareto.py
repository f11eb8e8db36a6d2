"""The Pareto front: the models that no other model beats in every task, the area they cover, and one more run beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from mtl_helpers.errors import DataError

Points = pd.DataFrame | np.ndarray | Sequence[Sequence[float]]


def pareto_front(points: Points, higher_is_better: Sequence[bool] | None = None) -> np.ndarray:
    """Which points ``(n, tasks)`` lie on the Pareto front: a mask ``(n,)``, in the order of the points.

    A point is dominated if another is at least as good in every task and better in one; the front is what is left. Points
    that are equal dominate neither the other, so both stay. ``higher_is_better`` says it of each column (a `Task` knows:
    ``task.higher_is_better``); by default higher is better in all.

    >>> pareto_front([[0.9, 0.5], [0.7, 0.7], [0.6, 0.7], [0.5, 0.8], [0.7, 0.7]])
    array([ True,  True, False,  True,  True])
    >>> pareto_front([[0.9, 310], [0.8, 300], [0.7, 305]], higher_is_better=[True, False])  # accuracy, and an error
    array([ True,  True, False])
    """
    array = _points(points, higher_is_better)
    at_least = (array[:, None] >= array[None]).all(axis=2)  # (i, j): point i is nowhere worse than point j
    better = (array[:, None] > array[None]).any(axis=2)
    return ~(at_least & better).any(axis=0)


def hypervolume(points: Points, reference: Sequence[float], higher_is_better: Sequence[bool] | None = None) -> float:
    """Area that the front of ``points (n, 2)`` covers above a ``reference`` point: one number for a whole front.

    The area of the union of the rectangles from ``reference`` to each point (Zitzler & Thiele 1999); a point that is not
    better than the reference in both tasks adds nothing. Choose the reference beforehand, for instance the score of
    guessing, and the same for all fronts compared: the number has no meaning without it. ``higher_is_better`` as in
    `pareto_front`.

    >>> hypervolume([[2, 1], [1, 3], [1, 1]], reference=[0, 0])  # 2 x 1 and, above it, 1 x 2
    4.0
    """
    array, corner = _points(points, higher_is_better), np.asarray(reference, dtype=float)
    if array.shape[1] != 2 or corner.shape != (2,):
        raise DataError(
            f"hypervolume takes two tasks and a reference of two numbers; found points of shape {array.shape} "
            f"and a reference of shape {corner.shape}."
        )
    if not np.isfinite(corner).all():
        raise DataError(f"The reference must be two finite numbers; found {corner.tolist()}.")
    sides = np.clip(array - corner * _signs(2, higher_is_better), 0, None)
    sides = sides[np.argsort(-sides[:, 0], kind="stable")]
    heights = np.maximum.accumulate(sides[:, 1])
    widths = sides[:, 0] - np.append(sides[1:, 0], 0)
    return float((widths * heights).sum())


class Verdict(NamedTuple):
    """What is to say of one more run beside a front.

    ``place`` is ``"beyond the front"``, ``"on the front"`` or ``"dominated"``; ``by`` are the front's models that dominate
    it, or that it dominates, and ``what`` they are called by. ``margin`` is how far the run would have to fall, or rise, in
    every task for another verdict; ``noise`` what two runs that differ in nothing but their seed differ by, at most, 19
    times in 20 (nan if it was not measured).
    """

    place: str
    by: tuple
    margin: float
    noise: float
    what: str = "model"

    @property
    def clear(self) -> bool:
        """Whether the margin is more than luck."""
        return self.margin > self.noise

    def __str__(self) -> str:
        which = f"{self.what} = {', '.join(f'{name:g}' if isinstance(name, float) else str(name) for name in self.by)}"
        said = {
            "beyond the front": f"beyond the front: it dominates {which}",
            "on the front": "on the front: no model there beats it in both tasks, and it beats none in both",
            "dominated": f"dominated by {which}",
        }[self.place]
        if math.isnan(self.noise):
            return f"{said}. How far seeds scatter was not measured yet, so this may be luck."
        luck = "more than luck makes" if self.clear else "no more than luck makes, it could be the other way round"
        return f"{said}, by {self.margin:.3f}: {luck} (two seeds of one model differ by up to {self.noise:.3f})."


def judge(own: Mapping[str, float], models: pd.DataFrame, scatter: float = math.nan) -> Verdict:
    """Place a run with the scores ``own`` (higher is better) beside ``models``: a row a model, a column a task.

    The index names the models. ``scatter`` is the standard deviation of a score over seeds.

    >>> models = pd.DataFrame({"left": [0.5, 0.8], "right": [0.8, 0.5]}, index=pd.Index([0.1, 0.9], name="λ left"))
    >>> verdict = judge({"left": 0.83, "right": 0.52}, models, scatter=0.02)
    >>> verdict.place, verdict.by, round(verdict.margin, 3), verdict.clear
    ('beyond the front', (0.9,), 0.03, False)
    >>> str(judge({"left": 0.4, "right": 0.7}, models))
    'dominated by λ left = 0.1. How far seeds scatter was not measured yet, so this may be luck.'
    """
    best = models.loc[pareto_front(models[list(own)]), list(own)]
    ahead = pd.Series(own) - best
    noise, what = 1.96 * math.sqrt(2) * scatter, models.index.name or "model"
    if (losing := _dominates(-ahead)).any():
        return Verdict("dominated", tuple(best.index[losing]), float((-ahead).min(axis=1).max()), noise, what)
    winning, margin = _dominates(ahead), float(ahead.max(axis=1).min())
    place = "beyond the front" if winning.any() else "on the front"
    return Verdict(place, tuple(best.index[winning]), margin, noise, what)


def dominated_by(models: pd.DataFrame, name: object) -> list:
    """The names of the ``models`` that are better than the one called ``name`` in one task and no worse in any other.

    >>> dominated_by(pd.DataFrame({"left": [0.9, 0.5], "right": [0.8, 0.8]}, index=["a", "b"]), "b")
    ['a']
    """
    return models.index[_dominates(models - models.loc[name])].tolist()


def _dominates(ahead: pd.DataFrame) -> pd.Series:
    return (ahead >= 0).all(axis=1) & (ahead > 0).any(axis=1)


def _points(points: Points, higher_is_better: Sequence[bool] | None) -> np.ndarray:
    """The points as an array in which higher is better in every column."""
    array = np.asarray(points, dtype=float)
    if array.ndim != 2 or 0 in array.shape:
        raise DataError(f"Points are a table with a row a model and a column a task; found shape {array.shape}.")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise DataError(
            f"Point {row} is {array[row].tolist()}: a score that is no finite number can not be compared. "
            "Of a search's table take the runs without an error: table[table.error == '']."
        )
    return array * _signs(array.shape[1], higher_is_better)


def _signs(tasks: int, higher_is_better: Sequence[bool] | None) -> np.ndarray:
    better = [True] * tasks if higher_is_better is None else list(higher_is_better)
    if len(better) != tasks:
        raise DataError(f"higher_is_better says it of each task: {tasks} values; found {len(better)}.")
    return np.where(better, 1.0, -1.0)
