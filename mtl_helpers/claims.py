"""Statements a notebook makes, checked; feedback on exercises; quiz questions that explain every answer."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import torch
from torch import Tensor


class ClaimError(AssertionError):
    """What was measured is not what the text says."""


def check(what: str, measured: float, quoted: float, tolerance: float, unit: str = "") -> None:
    """Print the number the text quotes, if the measured one lies within ``tolerance`` of it; else raise `ClaimError`.

    A trained number differs a little between processors. Printed so, a cell reads the same on every machine, and the prose
    can not drift from the code.

    >>> check("accuracy", measured=0.8312, quoted=0.83, tolerance=0.02)
    accuracy: 0.83   (checked, within 0.02)
    """
    if not abs(measured - quoted) <= tolerance:  # a nan fails too
        raise ClaimError(
            f"{what}: measured {measured:.4g}{unit}, but the text says {quoted}{unit} within {tolerance}{unit}."
        )
    print(f"{what}: {quoted}{unit}   (checked, within {tolerance}{unit})")


def check_that(what: str, holds: bool) -> None:
    """Print a statement that holds; raise `ClaimError` if it does not.

    >>> check_that("two is more than one", 2 > 1)
    checked: two is more than one
    """
    if not holds:
        raise ClaimError(f"The text says: {what}. That did not hold here.")
    print(f"checked: {what}")


def check_answer(
    answer: Any, expected: float | Tensor, *, tolerance: float = 1e-4, slips: Mapping[str, Any] | None = None
) -> bool:
    """Say how an exercise's answer compares with the expected value: the shape or value found, and the likely slip.

    ``slips`` maps a hint to the wrong value that a likely mistake gives. Never raises: an unsolved exercise stops nothing.

    >>> check_answer(..., 2.0)
    Not yet: replace the ... by your answer.
    False
    >>> check_answer(3.0, 2.0, slips={"Did you forget the weight?": 3.0})
    Not yet: found 3, expected 2. Did you forget the weight?
    False
    >>> check_answer(torch.tensor(2.0), 2.0)
    Correct.
    True
    """
    problem = _difference(answer, expected, tolerance, slips or {})
    print(f"Not yet: {problem}" if problem else "Correct.")
    return problem is None


def check_function(
    function: Callable[..., Any],
    reference: Callable[..., Any],
    cases: Sequence[tuple],
    *,
    tolerance: float = 1e-4,
    slips: Mapping[str, Callable[..., Any]] | None = None,
) -> bool:
    """Compare an exercise's function with a reference on each case of arguments; report the first difference.

    Each function gets its own copy of the arguments: one that changes them in place, ``x.mul_(2)``, is judged by its answer.

    >>> check_function(lambda x: x + 2, lambda x: x * 2, [(2,), (3,)], slips={"Multiply, do not add.": lambda x: x + 2})
    Not yet: for (3,): found 5, expected 6. Multiply, do not add.
    False
    """
    for case in cases:
        try:
            answer = function(*_copied(case))
        except Exception as error:
            print(f"Not yet: for {case}: your code raised {type(error).__name__}: {error}")
            return False
        values = {hint: slip(*_copied(case)) for hint, slip in (slips or {}).items()}
        problem = _difference(answer, reference(*_copied(case)), tolerance, values)
        if problem:
            print(f"Not yet: {problem}" if answer is ... else f"Not yet: for {case}: {problem}")
            return False
    print("Correct.")
    return True


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


def _difference(answer: Any, expected: Any, tolerance: float, slips: Mapping[str, Any]) -> str | None:
    if answer is ... or answer is None:
        return "replace the ... by your answer."
    try:
        found = torch.as_tensor(answer, dtype=torch.float64).detach()
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return f"found {answer!r} ({type(answer).__name__}), expected a number or a tensor."
    wanted = torch.as_tensor(expected, dtype=torch.float64).detach()
    if found.shape != wanted.shape:
        return f"found shape {tuple(found.shape)}, expected {tuple(wanted.shape)}."
    if torch.allclose(found, wanted, rtol=0, atol=tolerance, equal_nan=True):
        return None
    hints = [
        hint
        for hint, value in slips.items()
        if torch.as_tensor(value).shape == found.shape
        and torch.allclose(found, torch.as_tensor(value, dtype=torch.float64), rtol=0, atol=tolerance, equal_nan=True)
    ]
    return " ".join([f"found {_short(found)}, expected {_short(wanted)}.", *hints])


def _short(value: Tensor) -> str:
    return f"{value.item():.4g}" if value.dim() == 0 else str([float(f"{x:.4g}") for x in value.reshape(-1)[:6]])


class Quiz:
    """A question with an explanation for every answer, right or wrong.

    ``options`` maps each answer to its explanation; ``right`` is the right one. Shown as radio buttons; `choose` answers
    from code.

    >>> quiz = Quiz("1 + 1?", {"2": "Yes.", "11": "That joins the digits."}, right="2")
    >>> quiz.choose("11")
    'Not quite. That joins the digits.'
    """

    def __init__(self, question: str, options: Mapping[str, str], right: str) -> None:
        if right not in options or not all(options.values()):
            raise ClaimError(
                f"Quiz {question!r}: the right answer must be an option and every option needs its explanation."
            )
        self.question, self.options, self.right = question, dict(options), right
        self._buttons = widgets.RadioButtons(options=list(options), value=None, layout={"width": "95%"})
        self._feedback = widgets.HTML(layout={"min_height": "2.2em"})
        self._buttons.observe(self._answer, names="value")
        title = widgets.HTML(f"<b>{question}</b>")
        self.box = widgets.VBox([title, self._buttons, self._feedback])

    def choose(self, option: str) -> str:
        """Answer the question and return the feedback."""
        if option not in self.options:
            raise ClaimError(f"There is no answer {option!r}; choose one of {', '.join(map(repr, self.options))}.")
        self._buttons.value = option
        return self.feedback(option)

    def feedback(self, option: str) -> str:
        """What an answer gets to hear."""
        return ("Right. " if option == self.right else "Not quite. ") + self.options[option]

    def _answer(self, change: dict) -> None:
        if change["new"] is not None:
            colour = "#00664b" if change["new"] == self.right else "#a33c00"
            self._feedback.value = f'<span style="color:{colour}">{self.feedback(change["new"])}</span>'

    def __repr__(self) -> str:
        return "\n".join([self.question, *(f"  ( ) {option}" for option in self.options)])

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return {**self.box._repr_mimebundle_(**kwargs), "text/plain": repr(self)}
