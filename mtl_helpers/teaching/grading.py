"""What the cells of an assignment call that give the points."""

from __future__ import annotations

from typing import Any

from mtl_helpers.claims.lessons import EXERCISES


def grade(name: str, answer: Any) -> None:
    """Do nothing if the answer to exercise ``name`` is right; else raise AssertionError, for which nbgrader gives no point.

    It says what was found and the likely slip, as `check_exercise` does, and never what was expected.

    >>> grade("00-3", 2)
    >>> grade("00-3", 1)
    Traceback (most recent call last):
    AssertionError: found 1. It would differ from the first in three things again.
    """
    fault = EXERCISES[name].fault(answer)
    if fault is not None:
        raise AssertionError(" ".join([fault[0], *fault[1]]))
