"""A question whose every answer is explained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

import ipywidgets as widgets

from mtl_helpers.claims.checks import ClaimError, Shown, marked


class Quiz(Shown):
    """A question with an explanation for every answer, right or wrong.

    ``options`` maps each answer to its explanation; ``right`` is the right one. Shown as radio buttons; `choose` answers
    from code. ``solved`` is called after the right answer; what it returns is said, too.

    >>> quiz = Quiz("1 + 1?", {"2": "Yes.", "11": "That joins the digits."}, right="2")
    >>> quiz.choose("11")
    'Not quite. That joins the digits.'
    """

    def __init__(
        self, question: str, options: Mapping[str, str], right: str, solved: Callable[[], str] = lambda: ""
    ) -> None:
        if right not in options or not all(options.values()):
            raise ClaimError(
                f"Quiz {question!r}: the right answer must be an option and every option needs its explanation."
            )
        self.question, self.options, self.right, self._solved = question, dict(options), right, solved
        self._buttons = widgets.RadioButtons(options=list(options), value=None, layout={"width": "95%"})
        self._feedback = widgets.HTML(layout={"min_height": "2.2em"})
        self._buttons.observe(self._answer, names="value")
        title = widgets.HTML(f"<b>{escape(question)}</b>")
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
        if (chosen := change["new"]) is None:
            return
        said = f"\n{self._solved()}" if chosen == self.right else ""
        self._feedback.value = marked((self.feedback(chosen) + said).rstrip(), chosen == self.right)

    def __repr__(self) -> str:
        return "\n".join([self.question, *(f"  - {option}" for option in self.options), "(Run this cell to answer.)"])
