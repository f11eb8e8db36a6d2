"""A prediction: chosen before the result is seen, answered beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ipywidgets as widgets

from mtl_helpers.claims.checks import ClaimError, Shown, marked
from mtl_helpers.claims.learner import Learner


@dataclass(frozen=True)
class Prediction:
    """The options of a prediction, each with what the result says to it, and the one that came true.

    >>> prediction = Prediction({"it falls": "By half.", "it rises": "It fell by half."}, right="it falls")
    >>> print(prediction.answer())
    The answer: (1) it falls. By half.
    >>> print(prediction.answer("it rises"))
    Your choice: (2) it rises. It fell by half.
    The answer: (1) it falls. By half.
    """

    options: Mapping[str, str]
    right: str

    def __post_init__(self) -> None:
        if self.right not in self.options or not all(self.options.values()):
            raise ClaimError(f"Prediction {list(self.options)}: one option must be right, and each needs its comment.")

    def numbered(self, option: str) -> str:
        """An option with its number: ``(1) it falls``."""
        return f"({list(self.options).index(option) + 1}) {option}"

    def answer(self, chosen: str | None = None) -> str:
        """The option that came true, and before it, what the result says to the chosen one."""
        right = self._commented(self.right)
        if chosen is None:
            return f"The answer: {right}"
        if chosen == self.right:
            return f"As you predicted: {right}"
        return f"Your choice: {self._commented(chosen)}\nThe answer: {right}"

    def _commented(self, option: str) -> str:
        said = self.numbered(option)
        return f"{said}{'' if said.endswith(('.', '?', '!')) else '.'} {self.options[option]}"

    def as_html(self, chosen: str) -> str:
        """`answer`, for the page: beside a green bar what fitted, beside a red one what did not."""
        return marked(self.answer(chosen), chosen == self.right)


class Predict(Shown):
    """Radio buttons for a prediction. Nothing is said of right or wrong; the choice is kept in ``learner``.

    >>> learner = Learner()
    >>> asked = Predict("00-a", Prediction({"up": "No.", "down": "Yes."}, "down"), learner)
    >>> asked.choose("up")
    >>> learner.chosen
    {'00-a': 'up'}
    """

    def __init__(self, name: str, prediction: Prediction, learner: Learner) -> None:
        self.name, self.prediction, self.learner = name, prediction, learner
        options = [(prediction.numbered(option), option) for option in prediction.options]
        self._buttons = widgets.RadioButtons(
            options=options, value=learner.chosen.get(name), layout={"width": "95%", "height": "auto"}
        )
        self._note = widgets.HTML()
        self._buttons.observe(lambda change: self._keep(), names="value")
        self._keep()
        self.box = widgets.VBox([self._buttons, self._note])

    def choose(self, option: str) -> None:
        """Choose from code, as a click does."""
        if option not in self.prediction.options:
            raise ClaimError(f"There is no option {option!r}; choose one of {list(self.prediction.options)}.")
        self._buttons.value = option

    def _keep(self) -> None:
        if self._buttons.value is None:
            self._note.value = "<i>Choose, or skip it and run on.</i>"
        else:
            self.learner.chosen[self.name] = self._buttons.value
            self._note.value = "<i>Kept. The answer comes with the result.</i>"

    def __repr__(self) -> str:
        lines = [f"  {self.prediction.numbered(option)}" for option in self.prediction.options]
        return "\n".join([*lines, "(Run this cell to choose.)"])
