"""Lesson 00: the formula by hand, an equal say at the start."""

from __future__ import annotations

import math

from mtl_helpers.claims.answers import Exercise
from mtl_helpers.claims.prediction import Prediction

EXERCISES = {
    "00-1": Exercise(
        reference=1.6,
        slips={
            "That is the plain sum; each loss is multiplied by its λ first.": 1.7,
            "Each loss goes with its own λ; yours are exchanged.": 0.5 * 0.5 + 2 * 1.2,
        },
        hints=(
            "Multiply first, add afterwards.",
            "λ topic times the topic loss, plus λ sentiment times the sentiment loss.",
        ),
        solution="total = 0.5 * 1.2 + 2 * 0.5",
    ),
    "00-2": Exercise(
        reference=math.log(6) / math.log(2),
        tolerance=0.01,
        slips={"Turn it round: the smaller loss needs the larger weight.": math.log(2) / math.log(6)},
        hints=(
            "At step 1 a loss is the logarithm of its number of classes.",
            "You want λ · ln 2 = 1 · ln 6. Solve for λ.",
        ),
        given="import math",
        solution="weight = math.log(6) / math.log(2)",
    ),
}

QUIZZES = {
    "00-1": (
        "1. Which parameters do both tasks train?",
        {
            "those of the encoder": "It is shared, so the gradients of both losses arrive there.",
            "those of both heads": "A head belongs to one task. The other task's loss does not depend on it at all.",
            "all of them": "The encoder yes; but the sentiment loss does not depend on the topic head.",
        },
        "those of the encoder",
    ),
    "00-2": (
        "2. You set λ topic to 0. What happens to the topic task?",
        {
            "The model unlearns it on purpose.": "Nothing pushes the topic loss up. It is ignored, not punished.",
            "Nothing trains it any more.": "Its gradient is multiplied by 0, in its head and in the encoder.",
            "It learns more slowly.": "That is what a small λ does. Zero switches the task off.",
        },
        "Nothing trains it any more.",
    ),
    "00-3": (
        "3. Task A has loss 0.9 and task B has loss 0.6. Which one is learnt better?",
        {
            "B, its loss is smaller": "Only if the units are the same. With 2 classes 0.6 is close to guessing.",
            "A, its loss is larger": "A larger loss never means better learnt, in whatever unit.",
            "One can not tell from this": "With 20 classes 0.9 would be far below ln 20, with 2 "
            "classes 0.6 is nearly ln 2.",
        },
        "One can not tell from this",
    ),
}

PREDICTIONS = {
    "00-a": Prediction(
        {
            "Both fall, more slowly.": "Sentiment kept its own λ, and falls as before.",
            "Sentiment falls and topic stays where it is.": "The encoder hardly feels the topic task any more.",
            "Topic rises.": "Nothing pushes it up: a small λ ignores a task, it does not punish it.",
        },
        right="Sentiment falls and topic stays where it is.",
    ),
    "00-b": Prediction(
        {
            "the same for both: it knows nothing of either": "Among 6 classes there is more not to know than among 2.",
            "ln 6 for topic, ln 2 for sentiment": "The cross-entropy of equal probabilities is ln(number of classes).",
            "6 for topic, 2 for sentiment": "It is the logarithm of the number of classes, not the number itself.",
        },
        right="ln 6 for topic, ln 2 for sentiment",
    ),
}
