"""What a lesson states and asks: checked numbers, predictions, exercises, quizzes."""

from mtl_helpers.claims.answers import Exercise, check_answer, check_function
from mtl_helpers.claims.by_name import (
    answer_prediction,
    check_exercise,
    predict_first,
    quiz,
    show_hint,
    show_solution,
)
from mtl_helpers.claims.checks import ClaimError, check, check_that
from mtl_helpers.claims.learner import Learner
from mtl_helpers.claims.prediction import Prediction
from mtl_helpers.claims.quiz import Quiz

__all__ = [
    "ClaimError",
    "Exercise",
    "Learner",
    "Prediction",
    "Quiz",
    "answer_prediction",
    "check",
    "check_answer",
    "check_exercise",
    "check_function",
    "check_that",
    "predict_first",
    "quiz",
    "show_hint",
    "show_solution",
]
