"""Lesson 09: rows that leak through a split, and what a table of results allows one to say."""

from __future__ import annotations

import torch
from torch import Tensor

from mtl_helpers.claims.answers import Exercise
from mtl_helpers.claims.prediction import Prediction


def _leaked(train: Tensor, test: Tensor) -> Tensor:
    return torch.isin(test, train).sum()


def _customers(train: Tensor, test: Tensor) -> Tensor:
    return torch.isin(test.unique(), train).sum()


def _train_rows(train: Tensor, test: Tensor) -> Tensor:
    return torch.isin(train, test).sum()


EXERCISES = {
    "09-1": Exercise(
        reference=_leaked,
        cases=[
            (torch.tensor([1, 1, 2, 3, 3]), torch.tensor([3, 4, 3, 2, 5, 3])),
            (torch.tensor([7, 8]), torch.tensor([9, 10, 10])),
        ],
        slips={
            "You count customers; count rows: each of them is tested.": _customers,
            "You count the rows of train; the test is what can not be trusted.": _train_rows,
        },
        hints=(
            "For each row of the test: does its customer stand in train, too?",
            "`torch.isin(a, b)` says of each number in a whether it is in b; the sum of a mask counts.",
        ),
        given="import torch",
        solution="def leaked(train, test):\n    return torch.isin(test, train).sum()",
    ),
    "09-2": Exercise(
        reference=14,
        slips={
            "Sentence 2: 'not shown' is no equality. The interval has room for seven points.": 124,
            "Sentence 3: the splits re-use these 300 tickets. Of next year's nothing was measured.": 134,
            "Sentence 4: the design had the power for it, from six points on.": 1,
            "Sentence 5: the interval has zero in it.": 145,
        },
        hints=(
            "Ask of each sentence: which interval is it about, is zero in it, and what did the runs resample?",
            "Two of the five may be said. Zero inside an interval forbids 'helps', and it forbids 'does not matter', too, "
            "unless an effect that matters would have been seen.",
        ),
        solution="may_be_said = 14",
    ),
}

QUIZZES = {
    "09-1": (
        "1. The look at your table says '! refund: tells complaint almost alone'. A refund follows a complaint. What now?",
        {
            "Keep it: more information is better.": "When the model is used there is no refund yet. The score would be of "
            "a task that nobody has.",
            "Leave it out of FEATURES.": "It is known only after the label, so no model may read it.",
            "Keep it if the score on the test is good.": "With a leak the test is good and says nothing.",
        },
        "Leave it out of FEATURES.",
    ),
    "09-2": (
        "2. The linear model scores as high as every network, within the intervals. What do you hand in?",
        {
            "the linear model": "It is the plainest, and nothing was shown to beat it. The networks stand beside "
            "it in the report.",
            "the shared model, as the course is about it": "A result is no advertisement. Sharing has to show that it helps.",
            "the arm with the highest mean": "The highest of several means is high by luck, too. Choose by what was shown.",
        },
        "the linear model",
    ),
    "09-3": (
        "3. With GROUPS = 'supplier' the error of the price grows. Which score do you report for goods of new suppliers?",
        {
            "the one without groups, it is better": "There a supplier's goods stand in train and test. A new one's do not.",
            "the one with groups": "Its test has suppliers that were never seen, as the new ones will not have been.",
            "the mean of both": "They answer two questions. A mean answers neither.",
        },
        "the one with groups",
    ),
}

PREDICTIONS = {
    "09-a": Prediction(
        {
            "It hardly changes: there are five other columns.": "The net price alone says all of it.",
            "It falls by about half.": "It falls far more: price is net price times 1.19.",
            "It falls to nearly nothing.": "Price is net price times 1.19. What looks like a triumph is a leak.",
        },
        right="It falls to nearly nothing.",
    ),
}
