"""What an argument must be: checked in one place, so that numpy's numbers and arrays are taken, and True for 1 is not."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

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


def as_tensor(values: Any) -> Tensor:
    """Numbers, however numpy, pandas, a list or torch hold them, as a tensor that torch can compute with.

    A gap (None, pd.NA) becomes nan. The memory is shared where it can be; what torch or a model cannot compute with (unsigned
    numbers of more than 8 bits, half and long floats, the bytes of another machine, a reversed view) is copied. Raises
    TypeError or ValueError, saying what was found, for what holds no real numbers.

    >>> as_tensor(pd.Series([True, None, False], dtype="boolean"))
    tensor([1., nan, 0.], dtype=torch.float64)
    """
    if isinstance(values, Tensor):
        if values.is_complex():
            raise TypeError(f"found {values.dtype}")
        return values.long() if values.dtype in (torch.uint16, torch.uint32, torch.uint64) else values
    array = np.asarray(values)
    if array.dtype == object:  # as a column with a gap comes from a table
        array = np.where(pd.isna(array), np.nan, array).astype(float)
    kind, bits = array.dtype.kind, 8 * array.dtype.itemsize
    if kind not in "biuf":
        raise TypeError(f"found {'texts' if kind in 'US' else array.dtype}")
    if kind == "u" and bits > 8:
        array = array.astype(np.int64)
    elif kind == "f" and bits not in (32, 64):
        array = array.astype(np.float32 if bits < 32 else np.float64)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    plain = array.flags.writeable and all(stride >= 0 for stride in array.strides)  # else torch warns, or refuses
    return torch.from_numpy(array if plain else array.copy())
