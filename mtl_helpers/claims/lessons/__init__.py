"""What the lessons ask, a file a lesson: ``03-1`` is the first exercise, or quiz, of lesson 03, ``03-a`` a prediction.

Answers stand here and not in the notebooks, so that nobody who opens a cell reads them by accident.
"""

from __future__ import annotations

from mtl_helpers.claims.answers import Exercise
from mtl_helpers.claims.lessons import (
    lesson_00,
    lesson_01,
    lesson_02,
    lesson_03,
    lesson_04,
    lesson_05,
    lesson_06,
    lesson_07,
    lesson_08,
    lesson_09,
)
from mtl_helpers.claims.prediction import Prediction

_LESSONS = (
    lesson_00,
    lesson_01,
    lesson_02,
    lesson_03,
    lesson_04,
    lesson_05,
    lesson_06,
    lesson_07,
    lesson_08,
    lesson_09,
)

TITLES = {
    "00": "Start here",
    "01": "Data",
    "02": "Model",
    "03": "Relations",
    "04": "Training",
    "05": "Evaluation",
    "06": "Driving",
    "07": "Large models",
    "08": "Claims",
    "09": "Your data",
}
EXERCISES: dict[str, Exercise] = {name: item for lesson in _LESSONS for name, item in lesson.EXERCISES.items()}
QUIZZES: dict[str, tuple[str, dict[str, str], str]] = {
    name: item for lesson in _LESSONS for name, item in lesson.QUIZZES.items()
}
PREDICTIONS: dict[str, Prediction] = {name: item for lesson in _LESSONS for name, item in lesson.PREDICTIONS.items()}
