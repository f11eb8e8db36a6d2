"""Repeated runs: a mean with its interval, and changes that are paired seed by seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from mtl_helpers.errors import DataError

RESAMPLES = 9999


class Interval(NamedTuple):
    """A mean over repeated runs with its confidence interval."""

    mean: float
    low: float
    high: float


def confidence_interval(
    values: Sequence[float],
    level: float = 0.95,
    *,
    method: Literal["t", "bootstrap"] = "t",
    shared_rows: float = 0.0,
    seed: int = 0,
) -> Interval:
    """Mean of repeated measurements with its interval; for paired runs pass the *differences*, seed by seed.

    ``"t"``: mean ± t(n - 1) s / √n, with s the standard deviation over the n runs (Student 1908). ``"bootstrap"``: the middle
    95 % of the means of 9,999 samples drawn from the n runs with replacement (Efron 1979), drawn by ``seed``; it assumes no
    bell curve, but of few runs it makes too little: on normal data 95 % turn out to be 84 % with 5 runs, 91 % with 10,
    93 % with 20. State which you use. Raises `DataError` for fewer than two runs, or a value that is not finite.

    Runs that re-split *one* corpus are no new data: their training and test rows overlap, and more of them do not make the
    interval as small as it pretends. ``shared_rows`` is then n_test / n_train (rows tested on, rows to learn from), and
    ``"t"`` becomes the **corrected resampled t**: 1 / n + n_test / n_train in place of 1 / n, so that the interval stays wide
    however often the corpus is split (Nadeau & Bengio 2003, Machine Learning 52). With ``shared_rows=0`` every run has data
    of its own.

    >>> confidence_interval([0.02, 0.05, 0.03, 0.04])
    Interval(mean=0.035, low=0.0144..., high=0.0555...)
    >>> confidence_interval([0.02, 0.05, 0.03, 0.04], method="bootstrap")
    Interval(mean=0.035, low=0.025, high=0.045...)
    >>> confidence_interval([0.02, 0.05, 0.03, 0.04], shared_rows=0.25)  # of 5 rows one is tested on, again and again
    Interval(mean=0.035, low=0.0059..., high=0.0640...)
    """
    array = np.asarray(values, dtype=float)
    if len(array) < 2:
        raise DataError(f"An interval needs at least two runs; found {len(array)}. Repeat with more seeds.")
    if not np.isfinite(array).all():
        raise DataError(f"A run gave no finite value: {array.tolist()}. An interval over the others would hide it.")
    if not 0 < level < 1:
        raise DataError(f"level is a share between 0 and 1, such as 0.95; found {level!r}.")
    if method == "bootstrap":
        if shared_rows:
            raise DataError("There is no correction of the bootstrap for shared rows; take method='t'.")
        means = np.random.default_rng(seed).choice(array, size=(RESAMPLES, len(array))).mean(axis=1)
        low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
        return Interval(float(array.mean()), float(low), float(high))
    if method != "t":
        raise DataError(f"method must be 't' or 'bootstrap'; found {method!r}.")
    half = stats.t.ppf((1 + level) / 2, len(array) - 1) * standard_error(array.std(ddof=1), len(array), shared_rows)
    return Interval(float(array.mean()), float(array.mean() - half), float(array.mean() + half))


def standard_error(sd: float, runs: int, shared_rows: float = 0.0) -> float:
    """Of the mean of so many runs that vary by ``sd``: sd √(1 / runs + shared_rows); see `confidence_interval`.

    >>> round(standard_error(0.3, 9), 3), round(standard_error(0.3, 9, shared_rows=1 / 9), 3)
    (0.1, 0.141)
    """
    if not (math.isfinite(shared_rows) and shared_rows >= 0):
        raise DataError(f"shared_rows is n_test / n_train, 0 or more; found {shared_rows!r}.")
    return float(sd) * math.sqrt(1 / runs + shared_rows)


def paired_scores(runs: pd.DataFrame, against: str = "single") -> pd.DataFrame:
    """The scores of one task as a table, a row a seed and a column an arm; refused unless every arm has every seed once.

    >>> runs = pd.DataFrame({"arm": ["single", "shared"] * 2, "seed": [0, 0, 1, 1], "score": [0.8, 0.9, 0.7, 0.8]})
    >>> paired_scores(runs)
    arm   single  shared
    seed
    0        0.8     0.9
    1        0.7     0.8
    """
    if absent := {"arm", "seed", "score"} - set(runs):
        raise DataError(f"The runs have no column {sorted(absent)}; found {list(runs)}.")
    twice = runs[runs.duplicated(["arm", "seed"])]
    if len(twice):
        arm, seed = twice[["arm", "seed"]].iloc[0]
        raise DataError(f"Arm '{arm}' has two runs of seed {seed}: pass the runs of one world and task at a time.")
    scores = runs.pivot_table(index="seed", columns="arm", values="score", dropna=False)[list(runs.arm.unique())]
    if against not in scores:
        raise DataError(f"There is no arm '{against}' to compare with; arms are {list(scores)}.")
    if scores.isna().any(axis=None):
        arm = scores.columns[scores.isna().any()][0]
        raise DataError(
            f"Arm '{arm}' lacks a score for seed {scores.index[scores[arm].isna()][0]}: runs must be paired."
        )
    return scores


def paired_changes(
    runs: pd.DataFrame,
    against: str = "single",
    *,
    method: Literal["t", "bootstrap"] = "t",
    shared_rows: float = 0.0,
) -> pd.DataFrame:
    """How much each arm changes the score of ``against``, seed by seed: one row an arm, in order of appearance.

    ``runs`` has a row a run: ``arm``, ``seed``, ``score``. Columns ``score`` (mean of the arm), ``change`` with its 95 %
    interval ``low`` to ``high`` and ``seeds``; ``method`` and ``shared_rows`` as in `confidence_interval`.

    >>> runs = pd.DataFrame({"arm": ["single", "shared"] * 2, "seed": [0, 0, 1, 1], "score": [0.8, 0.9, 0.7, 0.8]})
    >>> paired_changes(runs).round(2)
            score  change  low  high  seeds
    single   0.75     0.0  0.0   0.0      2
    shared   0.85     0.1  0.1   0.1      2
    """
    scores = paired_scores(runs, against)
    rows = {}
    for arm in scores:
        change = confidence_interval(scores[arm] - scores[against], method=method, shared_rows=shared_rows)
        rows[arm] = {"score": scores[arm].mean(), "change": change.mean, "low": change.low, "high": change.high}
    return pd.DataFrame.from_dict(rows, orient="index").assign(seeds=len(scores))
