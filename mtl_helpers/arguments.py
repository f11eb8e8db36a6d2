"""What an argument must be: checked in one place, so that numpy's numbers are taken, and True for 1 is not."""

from __future__ import annotations

import math
import numbers
from typing import Any

from mtl_helpers.errors import DataError


def whole_number(what: str, value: Any, error: type[Exception] = DataError, *, at_least: float = 1) -> int:
    """``value`` as an int; raises ``error``, calling it ``what``, unless it is a whole number of at least ``at_least``
    (-inf: any).

    >>> whole_number("batch_size", 32)
    32
    >>> whole_number("batch_size", 0)
    Traceback (most recent call last):
    mtl_helpers.errors.DataError: batch_size must be a whole number of at least 1; found 0.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < at_least:
        least = f" of at least {at_least}" if at_least > -math.inf else ""
        raise error(f"{what} must be a whole number{least}; found {value!r}.")
    return int(value)


def number(
    what: str,
    value: Any,
    error: type[Exception] = DataError,
    *,
    at_least: float = -math.inf,
    at_most: float = math.inf,
    above: float = -math.inf,
) -> float:
    """``value`` as a float; raises ``error``, calling it ``what``, unless it is finite and within the bounds given.

    >>> number("drop", 0.25, at_least=0, at_most=1)
    0.25
    >>> number("temperature", 0, above=0)
    Traceback (most recent call last):
    mtl_helpers.errors.DataError: temperature must be a finite number above 0; found 0.
    """
    real = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    if real and at_least <= value <= at_most and value > above:
        return float(value)
    if at_least > -math.inf and at_most < math.inf:
        bounds = f" from {at_least:g} to {at_most:g}"
    else:
        limits = ((at_least, " of at least"), (above, " above"), (at_most, " of at most"))
        bounds = "".join(f"{words} {limit:g}" for limit, words in limits if math.isfinite(limit))
    raise error(f"{what} must be a finite number{bounds}; found {value!r}.")
