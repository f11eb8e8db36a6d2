"""A lesson's exercises, quizzes and predictions, called by name: ``check_exercise("03-1", mix)``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from mtl_helpers.claims.answers import NOT_BEGUN
from mtl_helpers.claims.checks import ClaimError, say
from mtl_helpers.claims.learner import HERE, Learner
from mtl_helpers.claims.lessons import EXERCISES, PREDICTIONS, QUIZZES
from mtl_helpers.claims.prediction import Predict
from mtl_helpers.claims.progress import as_html, as_text
from mtl_helpers.claims.quiz import Quiz

Item = TypeVar("Item")


def check_exercise(name: str, answer: Any, *, learner: Learner = HERE) -> None:
    """Say whether the answer to exercise ``name`` is right; if not, what was found, and a hint.

    The second different wrong answer gets a stronger hint. The expected value is never told; `show_solution` prints the
    solution. Raises nothing over an answer, so that an unsolved exercise stops nothing.

    >>> check_exercise("00-1", ...)
    Not yet: replace the ... by your answer.
    >>> check_exercise("00-1", lambda losses, weights: sum(losses.values()), learner=Learner())
    Not yet: for ({'topic': 1.2, 'sentiment': 0.5}, {'sentiment': 2.0, 'topic': 0.5}): found 1.7.
    That is the plain sum; each loss is multiplied by its λ first.
    >>> check_exercise("00-1", lambda losses, weights: sum(weights[name] * losses[name] for name in losses))
    Correct.
    """
    exercise = _find("exercise", EXERCISES, name)
    fault = exercise.fault(answer)
    if fault is None:
        print(f"Correct.\n{learner.solves('exercise', name)}".rstrip())
        return
    found, slips = fault
    if found == NOT_BEGUN:
        print(f"Not yet: {found}")
        return
    if learner.tries(name, answer) == 1:
        said = slips or [exercise.hints[0]]
    else:
        said = [*slips, exercise.hints[1], f'(Had enough? show_solution("{name}") prints a solution.)']
    print(f"Not yet: {found}", *said, sep="\n")


def show_hint(name: str) -> None:
    """Print the first hint to an exercise, for whoever does not know how to begin.

    >>> show_hint("00-1")
    Multiply first, add afterwards.
    """
    print(_find("exercise", EXERCISES, name).hints[0])


def show_solution(name: str) -> None:
    """Print a solution of an exercise.

    >>> show_solution("00-1")
    def total(losses, weights):
        return sum(weights[name] * losses[name] for name in losses)
    """
    print(_find("exercise", EXERCISES, name).solution)


def quiz(name: str, *, learner: Learner = HERE) -> Quiz:
    """The quiz of that name, as radio buttons; every option has its explanation.

    >>> quiz("00-1").choose("all of them")
    'Not quite. The encoder yes; but the sentiment loss does not depend on the topic head.'
    """
    return Quiz(*_find("quiz", QUIZZES, name), solved=lambda: learner.solves("quiz", name))


def predict_first(name: str, *, learner: Learner = HERE) -> Predict:
    """The options of the prediction of that name; `answer_prediction` answers it beside the result.

    >>> predict_first("00-a")
      (1) Both fall, more slowly.
      (2) Sentiment falls and topic stays where it is.
      (3) Topic rises.
    (Run this cell to choose.)
    """
    return Predict(name, _find("prediction", PREDICTIONS, name), learner)


def answer_prediction(name: str, holds: bool = True, *, learner: Learner = HERE) -> None:
    """Say which option came true, and on the page what that says to the one the learner chose.

    ``holds`` is what was measured of it here: false raises `ClaimError`. The printed text is the same whatever was chosen.

    >>> answer_prediction("00-b")
    The answer: (2) It stays about where it was. So many steps by themselves do little harm here.
    """
    prediction, chosen = _find("prediction", PREDICTIONS, name), learner.chosen.get(name)
    if not holds:
        raise ClaimError(f"Prediction {name}: the text says {prediction.right!r}. That did not hold here.")
    say(prediction.answer(), None if chosen is None else prediction.as_html(chosen))


def show_progress(*, learner: Learner = HERE) -> None:
    """Show which exercises and questions are solved, and what comes next.

    The printed text, which a notebook stores, is the same for everybody; a page shows the learner's own table in its place.

    >>> show_progress()
    10 lessons ask ... exercises and ... questions. Run this cell to see which of them you have solved.
    """
    say(as_text(), None if learner.progress is None else as_html(learner.progress))


def _find(what: str, items: Mapping[str, Item], name: str) -> Item:
    if name not in items:
        there = [key for key in items if key[:2] == str(name)[:2]] or list(items)
        raise ClaimError(f"There is no {what} {name!r}. There are {', '.join(there)}.")
    return items[name]
