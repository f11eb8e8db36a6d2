"""Is an exercise's answer right, and if not, what was found? The expected value is never told."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

NOT_BEGUN = "replace the ... by your answer."


class AnswerError(Exception):
    """What is wrong with an answer, in words for the learner."""


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """What an exercise takes for right, and what it says to what is not.

    Without ``cases`` the answer is a number or a tensor, and so is ``reference``, or a function of nothing that works it
    out. With ``cases`` the answer is a function, compared with the function ``reference`` on each tuple of arguments; each
    gets its own copy. ``slips`` maps a hint to the wrong value, or function, of a likely mistake. ``reading`` turns an
    answer that is no tensor, such as a dict, into one, and ``...`` if nothing is written yet; it may raise `AnswerError`.
    ``solution`` is code, and ``given`` the code it builds on.

    >>> double = Exercise(reference=lambda x: x * 2, cases=[(2,), (3,)], slips={"Do not add.": lambda x: x + 2})
    >>> double.fault(lambda x: x + 2)
    ('for (3,): found 5.', ['Do not add.'])
    >>> double.fault(lambda x: x + x) is None
    True
    >>> Exercise(reference=1.6).fault((1, 6))
    ('found (1, 6), two numbers. Write 1.6 with a point.', [])
    """

    reference: Any
    cases: Sequence[tuple] = ()
    slips: Mapping[str, Any] = field(default_factory=dict)
    tolerance: float = 1e-4
    reading: Callable[[Any], Any] = lambda answer: answer
    hints: tuple[str, str] = ("", "")
    solution: str = ""
    given: str = ""

    def fault(self, answer: Any) -> tuple[str, list[str]] | None:
        """What is wrong, and the slips that would explain it; None if all is right. Raises nothing."""
        if not self.cases:
            return self._compare(answer, _worked_out(self.reference), self.slips)
        if answer is ...:
            return NOT_BEGUN, []
        for case in self.cases:
            try:
                found = answer(*_copied(case))
            except Exception as error:
                return f"for {case}: your code raised {type(error).__name__}: {error}", []
            if found is ... or found is None:
                return NOT_BEGUN, []
            slips = {hint: slip(*_copied(case)) for hint, slip in self.slips.items()}
            fault = self._compare(found, self.reference(*_copied(case)), slips)
            if fault:
                return fault if fault[0] == NOT_BEGUN else (f"for {case}: {fault[0]}", fault[1])
        return None

    def _compare(self, answer: Any, expected: Any, slips: Mapping[str, Any]) -> tuple[str, list[str]] | None:
        if answer is ... or answer is None:
            return NOT_BEGUN, []
        wanted = _tensor(self.reading(expected))
        try:
            if (read := self.reading(answer)) is ...:
                return NOT_BEGUN, []
            found = _tensor(read)
        except AnswerError as error:
            return str(error), []
        except Exception:  # a learner's object may raise whatever it likes
            kind = "a number" if wanted.dim() == 0 else "a tensor"
            return f"found {answer!r} ({type(answer).__name__}), where {kind} is asked for.", []
        if self._same(found, wanted):
            return None
        named = [hint for hint, slip in slips.items() if self._same(found, _tensor(self.reading(_worked_out(slip))))]
        return _said(answer, found, wanted), named

    def _same(self, one: Tensor, other: Tensor) -> bool:
        return one.shape == other.shape and torch.allclose(one, other, rtol=0, atol=self.tolerance, equal_nan=True)


def check_answer(
    answer: Any, expected: float | Tensor, *, tolerance: float = 1e-4, slips: Mapping[str, Any] | None = None
) -> bool:
    """Say whether an answer is the expected value; if not, what was found and the likely slip. Raises nothing.

    >>> check_answer(3.0, 2.0, slips={"Did you forget the weight?": 3.0})
    Not yet: found 3. Did you forget the weight?
    False
    """
    return _reported(Exercise(reference=expected, tolerance=tolerance, slips=slips or {}), answer)


def check_function(
    function: Callable[..., Any],
    reference: Callable[..., Any],
    cases: Sequence[tuple],
    *,
    tolerance: float = 1e-4,
    slips: Mapping[str, Callable[..., Any]] | None = None,
) -> bool:
    """Compare a function with a reference on each case of arguments; report the first difference. Raises nothing.

    >>> check_function(lambda x: x + 2, lambda x: x * 2, [(2,), (3,)], slips={"Multiply, do not add.": lambda x: x + 2})
    Not yet: for (3,): found 5. Multiply, do not add.
    False
    """
    return _reported(Exercise(reference=reference, cases=cases, tolerance=tolerance, slips=slips or {}), function)


def _reported(exercise: Exercise, answer: Any) -> bool:
    fault = exercise.fault(answer)
    print("Not yet: " + " ".join([fault[0], *fault[1]]) if fault else "Correct.")
    return fault is None


def _tensor(value: Any) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float64).detach()


def _worked_out(value: Any) -> Any:
    return value() if callable(value) else value


def _said(answer: Any, found: Tensor, wanted: Tensor) -> str:
    if found.shape == wanted.shape:
        return f"found {_short(found)}."
    if isinstance(answer, tuple) and wanted.dim() == 0 and len(answer) == 2:
        return f"found {answer!r}, two numbers. Write {answer[0]}.{answer[1]} with a point."
    if isinstance(answer, (tuple, list)) and found.dim() == 1:
        return f"found {answer!r}, so {len(answer)} in number."
    return f"found shape {tuple(found.shape)}" + (", where one number is asked for." if wanted.dim() == 0 else ".")


def _short(value: Tensor) -> str:
    return f"{value.item():.4g}" if value.dim() == 0 else str([float(f"{x:.4g}") for x in value.reshape(-1)[:6]])


def _copied(case: tuple) -> tuple:
    """Arguments that nobody else holds. A tensor computed from parameters, which deepcopy refuses, is cloned."""
    return copy.deepcopy(case, {id(x): x.clone() for x in _tensors(case) if not x.is_leaf})


def _tensors(part: Any) -> Iterator[Tensor]:
    """The tensors in lists, tuples and dicts, however deep."""
    if isinstance(part, Tensor):
        yield part
    elif isinstance(part, (Mapping, list, tuple)):
        for inner in part.values() if isinstance(part, Mapping) else part:
            yield from _tensors(inner)
