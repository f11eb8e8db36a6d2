"""What to say of one more run beside a Pareto front: beyond it, on it, or dominated; and whether that is more than luck."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd
import torch

from mtl_helpers.live.background import DemoError
from mtl_helpers.live.lambda_lab import LambdaLab
from mtl_helpers.live.pareto_runs import NAMES, ParetoRuns


class Verdict(NamedTuple):
    """What is to say of one more run beside a front.

    ``place`` is ``"beyond the front"``, ``"on the front"`` or ``"dominated"``; ``by`` are the λ of the front's models
    that dominate it, or that it dominates. ``margin`` is how far it would have to fall, or rise, in both tasks for another
    verdict; ``noise`` what two runs that differ in nothing but their seed differ by, at most, 19 times in 20 (nan if
    it was not measured).
    """

    place: str
    by: tuple[float, ...]
    margin: float
    noise: float

    @property
    def clear(self) -> bool:
        """Whether the margin is more than luck."""
        return self.margin > self.noise

    def __str__(self) -> str:
        which = f"λ left = {', '.join(f'{share:g}' for share in self.by)}"
        said = {
            "beyond the front": f"beyond the front: it dominates {which}",
            "on the front": "on the front: no model there beats it in both tasks, and it beats none in both",
            "dominated": f"dominated by {which}",
        }[self.place]
        if math.isnan(self.noise):
            return f"{said}. How far seeds scatter was not measured yet, so this may be luck."
        luck = "more than luck makes" if self.clear else "no more than luck makes, it could be the other way round"
        return f"{said}, by {self.margin:.3f}: {luck} (two seeds of one model differ by up to {self.noise:.3f})."


def judge(own: Mapping[str, float], front: pd.DataFrame, scatter: float) -> Verdict:
    """Place a run with the scores ``own`` beside the models of ``front`` (see `ParetoRuns.front`).

    >>> front = pd.DataFrame({"λ left": [0.1, 0.9], "left": [0.5, 0.8], "right": [0.8, 0.5], "front": [True, True]})
    >>> verdict = judge({"left": 0.83, "right": 0.52}, front, scatter=0.02)
    >>> verdict.place, verdict.by, round(verdict.margin, 3), verdict.clear
    ('beyond the front', (0.9,), 0.03, False)
    >>> str(judge({"left": 0.4, "right": 0.7}, front, scatter=math.nan))
    'dominated by λ left = 0.1. How far seeds scatter was not measured yet, so this may be luck.'
    """
    best = front[front.front]
    ahead = pd.DataFrame({name: own[name] - best[name] for name in NAMES})
    noise = 1.96 * math.sqrt(2) * scatter
    losing = _dominates(-ahead)
    if losing.any():
        return Verdict("dominated", tuple(best["λ left"][losing]), float((-ahead).min(axis=1).max()), noise)
    winning, margin = _dominates(ahead), float(ahead.max(axis=1).min())
    place = "beyond the front" if winning.any() else "on the front"
    return Verdict(place, tuple(best["λ left"][winning]), margin, noise)


def _dominates(ahead: pd.DataFrame) -> pd.Series:
    return (ahead >= 0).all(axis=1) & (ahead > 0).any(axis=1)


def dominated_by(front: pd.DataFrame, share: float) -> Sequence[float]:
    """The λ whose models are better than that of ``share`` in one task and no worse in the other."""
    row = front[front["λ left"] == share].iloc[0]
    return [float(x) for x in front["λ left"][_dominates(pd.DataFrame({n: front[n] - row[n] for n in NAMES}))]]


def scores_of(run: Mapping[str, float] | LambdaLab, runs: ParetoRuns) -> dict[str, float]:
    """The scores of a lab's run or of a mapping; refused if they can not be compared with the demo's."""
    if isinstance(run, LambdaLab):
        loader = run.recorded.val_loader
        pictures = None if loader is None else loader.dataset.inputs
        if not isinstance(pictures, torch.Tensor) or not torch.equal(pictures, runs.splits.val.inputs):
            raise DemoError("The lab must validate on the pictures of this demo, those of two_digits(seed=0).val.")
        run = run.scores
        if not run:
            raise DemoError("The lab has no validation score yet: train in it first.")
    if not isinstance(run, Mapping) or (absent := [name for name in NAMES if name not in run]):
        missing = f"no score for '{absent[0]}' in {dict(run)}" if isinstance(run, Mapping) else repr(run)
        raise DemoError(f"A run is placed by its accuracy in {' and '.join(NAMES)}; found {missing}.")
    for name in NAMES:
        score = run[name]
        if isinstance(score, bool) or not isinstance(score, numbers.Real) or not 0 <= score <= 1 or math.isnan(score):
            raise DemoError(f"The accuracy of '{name}' must lie from 0 to 1; found {score!r}.")
    return {name: float(run[name]) for name in NAMES}
