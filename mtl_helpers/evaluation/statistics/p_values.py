"""p values of paired comparisons, of one or of a whole family, and of a claim that there is no difference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from mtl_helpers.errors import DataError
from mtl_helpers.evaluation.statistics.repeats import confidence_interval, standard_error


def p_value(differences: Sequence[float], *, shared_rows: float = 0.0) -> float:
    """Two-sided p of a paired comparison: how often a mean this far from 0 comes about if the truth is 0.

    Student's t test on the differences, seed by seed; with ``shared_rows`` corrected as in `confidence_interval`. It is below
    0.05 exactly if the 95 % interval leaves out 0. Differences that are all the same number give 0, all zero 1.

    >>> round(p_value([0.02, 0.05, 0.03, 0.04]), 4), round(p_value([0.02, 0.05, 0.03, 0.04], shared_rows=0.25), 4)
    (0.0123, 0.0313)
    """
    mean, error, runs = _moments(differences, shared_rows)
    return p_from_t(mean, error, runs)


def equivalence_p(differences: Sequence[float], margin: float, *, shared_rows: float = 0.0) -> float:
    """p of "no difference that matters": how often it would look so if the truth were ``margin`` away from 0, or more.

    Two one-sided t tests (TOST, Schuirmann 1987): the larger p of the two. It is below 0.05 exactly if the **90 %** interval
    lies inside ±margin. The margin is chosen before, by what would matter; a p above 0.05 of the usual test shows no equality.

    >>> round(equivalence_p([0.02, -0.01, 0.0, 0.01], margin=0.03), 3)
    0.015
    """
    if not margin > 0:
        raise DataError(f"margin is the largest difference that does not matter, above 0; found {margin!r}.")
    mean, error, runs = _moments(differences, shared_rows)
    return equivalence_p_from_t(mean, error, runs, margin)


def holm(p_values: Sequence[float], comparisons: int | None = None) -> np.ndarray:
    """The p values of a family of comparisons, adjusted so that one false find in the family is as rare as in one test.

    The smallest is multiplied by m, the next by m - 1 and so on; none may be smaller than one before it, or above 1 (Holm
    1979, Scandinavian Journal of Statistics 6). In the order given. ``comparisons`` is m, where more were made than are listed
    here; the result is then at least what all of them together would give.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    >>> holm([0.01], comparisons=5).tolist()
    [0.05]
    """
    p = np.asarray(p_values, dtype=float)
    m = len(p) if comparisons is None else comparisons
    if m < len(p):
        raise DataError(f"There are {len(p)} p values, so at least as many comparisons; found comparisons={m}.")
    if not ((p >= 0) & (p <= 1)).all():
        raise DataError(f"A p value lies between 0 and 1; found {p.tolist()}.")
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate((m - np.arange(len(p))) * p[order]), 1)
    return adjusted


def p_from_t(difference: float, error: float, runs: int) -> float:
    """Two-sided p of a difference with its standard error from so many runs.

    >>> round(p_from_t(2.776, 1, 5), 3)
    0.05
    """
    if error == 0:
        return float(difference == 0)
    return float(2 * stats.t.sf(abs(difference) / error, runs - 1))


def equivalence_p_from_t(difference: float, error: float, runs: int, margin: float) -> float:
    """p of `equivalence_p` from a difference with its standard error.

    >>> round(equivalence_p_from_t(0, 1, 5, margin=2.132), 3)
    0.05
    """
    if error == 0:
        return float(abs(difference) >= margin)
    return float(stats.t.sf((margin - abs(difference)) / error, runs - 1))


def _moments(differences: Sequence[float], shared_rows: float) -> tuple[float, float, int]:
    """Mean, its standard error and the number of runs; refuses what `confidence_interval` refuses."""
    mean = confidence_interval(differences).mean
    array = np.asarray(differences, dtype=float)
    return mean, standard_error(array.std(ddof=1), len(array), shared_rows), len(array)
