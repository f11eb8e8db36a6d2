"""What a lesson states and asks: checked numbers, the register of claims, predictions, exercises, quizzes."""

from mtl_helpers.claims.answers import Exercise, check_answer, check_function
from mtl_helpers.claims.by_name import (
    answer_prediction,
    check_exercise,
    predict_first,
    quiz,
    show_hint,
    show_progress,
    show_solution,
)
from mtl_helpers.claims.checks import ClaimError, check, check_that
from mtl_helpers.claims.learner import Learner
from mtl_helpers.claims.measured import computed, from_differences, from_runs
from mtl_helpers.claims.prediction import Prediction
from mtl_helpers.claims.quiz import Quiz
from mtl_helpers.claims.register import Claim, claim, judged, read_claims

__all__ = [
    "Claim",
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
    "claim",
    "computed",
    "from_differences",
    "from_runs",
    "judged",
    "predict_first",
    "quiz",
    "read_claims",
    "show_hint",
    "show_progress",
    "show_solution",
]
