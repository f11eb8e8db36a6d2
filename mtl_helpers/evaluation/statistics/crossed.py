"""The error of a mean over two things that both were drawn: runs, and the test rows that each run was asked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mtl_helpers.errors import DataError

DRAWS = 4000


class CrossedError(NamedTuple):
    """Standard error of a mean, and the degrees of freedom of its t."""

    error: float
    freedom: float


def crossed_error(values: np.ndarray, *, seed: int = 0) -> CrossedError:
    """Standard error of the mean of ``values (runs, rows)``, where every run is asked the same rows.

    Other seeds would have given other runs, and another writer other rows. So both are drawn with replacement, 4,000 times,
    each independently of the other, and the mean of what they cross in is taken anew: the two-way, or pigeonhole, bootstrap
    (Owen 2007, Annals of Applied Statistics 1). Its error is on the safe side: where runs and rows interact, it is a little
    too large. The degrees of freedom are those of Satterthwaite (1946): few where the runs vary most, many where the rows do.
    Raises `DataError` for fewer than two runs or rows, or a value that is not finite.

    >>> same = np.tile([1.0, 0.0, 0.0, 1.0], (5, 1))  # runs that answer alike: only the rows vary
    >>> abs(crossed_error(same).error - 0.5 / 4**0.5) < 0.01, round(crossed_error(same).freedom)
    (True, 3)
    """
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or min(values.shape) < 2:
        raise DataError(
            f"values has a row a run and a column a test row, at least two of each; found shape {values.shape}."
        )
    if not np.isfinite(values).all():
        raise DataError("A value is not finite: a mean over the others would hide it.")
    random = np.random.default_rng(seed)
    runs, rows = (random.multinomial(n, np.full(n, 1 / n), size=DRAWS) / n for n in values.shape)
    error = ((runs @ values) * rows).sum(axis=1).std()
    parts = [(values.mean(axis=1 - axis).var(ddof=1) / n, n - 1) for axis, n in enumerate(values.shape)]
    spread = sum(part**2 / freedom for part, freedom in parts)
    freedom = sum(part for part, _ in parts) ** 2 / spread if spread else min(values.shape) - 1
    return CrossedError(float(error), float(freedom))
