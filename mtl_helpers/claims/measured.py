"""Rows of the register from what was measured: paired runs, a number a run, or a computation without chance."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from mtl_helpers.claims.checks import ClaimError
from mtl_helpers.claims.register import LEVEL, Claim, Kind
from mtl_helpers.evaluation import confidence_interval, paired_scores, smallest_effect
from mtl_helpers.evaluation.statistics.crossed import crossed_error
from mtl_helpers.evaluation.statistics.p_values import equivalence_p_from_t, p_from_t
from mtl_helpers.evaluation.statistics.repeats import standard_error


def from_differences(
    values: Sequence[float] | np.ndarray,
    *,
    id: str,
    sentence: str,
    kind: Kind,
    unit: str,
    resampled: str,
    baseline: str,
    source: str,
    control: str = "",
    floor: float = 0.0,
    margin: float = math.nan,
    shared_rows: float = 0.0,
    family: str = "",
    comparisons: int = 1,
) -> Claim:
    """A row from a number a run: paired differences, or scores that are held against a ``floor``. For the fields see `Claim`.

    Of ``values (runs, rows)``, where every run is asked the same test rows, error and degrees of freedom are those of
    `crossed_error`, over runs and rows. Of ``values (runs,)`` they are those of the t; ``shared_rows`` is n_test / n_train
    where runs re-split one corpus, 0 where each has data of its own (see
    `evaluation.confidence_interval`). Without a ``family`` the claim stands alone.

    >>> row = from_differences([4.1, 3.2, 5.0, 4.4], id="00-gain", sentence="It gains.", kind="higher", unit="points",
    ...     resampled="data, first weights", baseline="single", source="runs.csv")
    >>> round(row.estimate, 2), round(row.low, 2), round(row.high, 2), round(row.p, 4), round(row.smallest_effect, 2)
    (4.18, 2.98, 5.37, 0.0016, 1.6)
    >>> right = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]])
    >>> row = from_differences(100 * (right - right[:, ::-1]), id="08-gain", sentence="It gains.", kind="higher",
    ...     unit="points", resampled="reviews, split, first weights", baseline="single", source="sealed.csv")
    >>> row.estimate, row.low < 0 < row.high, row.seeds, row.method
    (0.0, True, 3, 'two-way bootstrap')
    """
    values = np.asarray(values, dtype=float)
    if values.ndim == 2:
        error, freedom = crossed_error(values)
        mean, half = float(values.mean()), float(stats.t.ppf(0.975, freedom)) * error
        low, high, method = mean - half, mean + half, "two-way bootstrap"
    else:
        mean, low, high = confidence_interval(values, shared_rows=shared_rows)
        error, freedom = standard_error(np.std(values, ddof=1), len(values), shared_rows), len(values) - 1
        method = "corrected t" if shared_rows else "t"
    return Claim(
        id=id,
        sentence=sentence,
        kind=kind,
        unit=unit,
        estimate=mean,
        low=low,
        high=high,
        method=method,
        resampled=resampled,
        baseline=baseline,
        control=control,
        floor=floor,
        margin=margin,
        seeds=len(values),
        family=family or id,
        comparisons=comparisons,
        smallest_effect=smallest_effect(error * math.sqrt(freedom + 1), freedom + 1, level=1 - LEVEL / comparisons),
        p=_p(kind, mean - floor, error, freedom + 1, margin),
        source=source,
    )


def from_runs(
    runs: pd.DataFrame,
    arm: str,
    against: str,
    *,
    id: str,
    sentence: str,
    kind: Kind,
    resampled: str,
    source: str,
    unit: str = "points",
    scale: float = 100.0,
    lower_is_better: bool = False,
    baseline: str = "",
    control: str = "",
    margin: float = math.nan,
    shared_rows: float = 0.0,
    family: str = "",
    comparisons: int = 1,
) -> Claim:
    """A row from a table of runs of one task, as `evaluation.paired_changes` takes it: ``arm`` minus ``against``, by seed.

    Times ``scale``, and turned round where ``lower_is_better``, so that plus is always better. For the fields see `Claim`;
    ``baseline`` is ``against`` unless it has a better name.

    >>> runs = pd.DataFrame({"arm": ["single", "shared"] * 3, "seed": [0, 0, 1, 1, 2, 2],
    ...     "score": [0.80, 0.84, 0.70, 0.73, 0.75, 0.80]})
    >>> row = from_runs(runs, "shared", "single", id="00-gain", sentence="It gains.", kind="higher", resampled="data",
    ...     source="runs.csv", family="both tasks", comparisons=2)
    >>> round(row.estimate, 1), row.seeds, row.baseline
    (4.0, 3, 'single')
    """
    scores = paired_scores(runs[runs.arm.isin([arm, against])], against)
    if arm not in scores:
        raise ClaimError(f"Claim {id}: there is no arm '{arm}'; arms are {sorted(set(runs.arm))}.")
    return from_differences(
        (-scale if lower_is_better else scale) * (scores[arm] - scores[against]).to_numpy(),
        id=id,
        sentence=sentence,
        kind=kind,
        unit=unit,
        resampled=resampled,
        baseline=baseline or against,
        source=source,
        control=control,
        margin=margin,
        shared_rows=shared_rows,
        family=family,
        comparisons=comparisons,
    )


def computed(
    value: float, *, id: str, sentence: str, unit: str, source: str, baseline: str = "", floor: float = 0.0
) -> Claim:
    """A row for what is counted or computed without chance: parameters, a Bayes ceiling, an identity.

    >>> computed(0.637, id="06-ear", sentence="By ear 0.637.", unit="accuracy", source="driving.bayes_ceilings").high
    0.637
    """
    nothing = math.nan
    return Claim(
        id=id,
        sentence=sentence,
        kind="computed",
        unit=unit,
        estimate=value,
        low=value,
        high=value,
        method="none",
        resampled="nothing",
        baseline=baseline,
        control="",
        floor=floor,
        margin=nothing,
        seeds=0,
        family=id,
        comparisons=1,
        smallest_effect=nothing,
        p=nothing,
        source=source,
    )


def _p(kind: Kind, difference: float, error: float, runs: float, margin: float) -> float:
    if kind != "equal":
        return p_from_t(difference, error, runs)
    if not margin > 0:
        raise ClaimError(
            f"Whoever says 'equal' names the largest difference that does not matter; found margin={margin!r}."
        )
    return equivalence_p_from_t(difference, error, runs, margin)
