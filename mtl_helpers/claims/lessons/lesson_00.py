"""Lesson 00: the formula written, equal weighted losses at the start, the run that is missing."""

from __future__ import annotations

import math

from mtl_helpers.claims.answers import Exercise
from mtl_helpers.claims.prediction import Prediction


def _total(losses: dict[str, float], weights: dict[str, float]) -> float:
    return sum(weights[name] * loss for name, loss in losses.items())


EXERCISES = {
    "00-1": Exercise(
        reference=_total,
        cases=[
            ({"topic": 1.2, "sentiment": 0.5}, {"sentiment": 2.0, "topic": 0.5}),
            ({"topic": 1.5, "sentiment": 0.4, "stars": 2.0}, {"topic": 1.0, "sentiment": 3.0, "stars": 0.1}),
        ],
        slips={
            "That is the plain sum; each loss is multiplied by its λ first.": lambda losses, weights: sum(
                losses.values()
            ),
            "Each loss goes with the λ of its own name, not of its place.": lambda losses, weights: sum(
                loss * weight for loss, weight in zip(losses.values(), weights.values(), strict=True)
            ),
            "It is a sum and no mean: do not divide.": lambda losses, weights: (
                _total(losses, weights) / sum(weights.values())
            ),
        },
        hints=(
            "Multiply first, add afterwards.",
            "Go through the names: `for name in losses`. Each loss is multiplied by `weights[name]`.",
        ),
        solution="def total(losses, weights):\n    return sum(weights[name] * losses[name] for name in losses)",
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
    "00-3": Exercise(
        reference=2,
        slips={
            "It would differ from the first in three things again.": 1,
            "λ, seed and steps would still change together.": 3,
            "Both losses fall with more steps; what λ did, they do not say.": 4,
        },
        hints=(
            "How many things differ between the two runs?",
            "Three: λ, the seed, the steps. A comparison may differ in one, and one seed may be luck.",
        ),
        solution="run_needed = 2",
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
            "The model unlearns it on purpose.": "Its loss may drift up, as sentiment goes on moving the shared encoder. "
            "But nothing aims at that: the task is ignored, not punished.",
            "Nothing trains it any more.": "Its gradient is multiplied by 0, in its head and in the encoder.",
            "It learns more slowly.": "That is what a small λ does. Zero switches the task off.",
        },
        "Nothing trains it any more.",
    ),
    "00-3": (
        "3. Task A has loss 0.9 and task B has loss 0.6. Which one is learnt better?",
        {
            "B, its loss is smaller": "Only if both start at the same height. With 2 classes 0.6 is close to guessing.",
            "A, its loss is larger": "Within a task a larger loss is never better learnt.",
            "One cannot tell from this": "With 20 classes 0.9 would be far below ln 20, with 2 "
            "classes 0.6 is nearly ln 2.",
        },
        "One cannot tell from this",
    ),
}

PREDICTIONS = {
    "00-a": Prediction(
        {
            "Both fall, more slowly.": "Sentiment kept its own λ, and falls as before.",
            "Sentiment falls and topic stays where it is.": "The encoder hardly feels the topic task any more.",
            "Topic rises.": "A small λ ignores a task; it does not punish it.",
        },
        right="Sentiment falls and topic stays where it is.",
    ),
    "00-b": Prediction(
        {
            "It falls: so many steps are too many.": "It stays within a point or two of where it was.",
            "It stays about where it was.": "So many steps by themselves do little harm here.",
            "It goes on rising.": "The training loss nears 0, and there is little left to learn from.",
        },
        right="It stays about where it was.",
    ),
    "00-c": Prediction(
        {
            "the same for both: it knows nothing of either": "Among 6 classes there is more not to know than among 2.",
            "ln 6 for topic, ln 2 for sentiment": "The cross-entropy of equal probabilities is ln(number of classes).",
            "6 for topic, 2 for sentiment": "It is the logarithm of the number of classes, not the number itself.",
        },
        right="ln 6 for topic, ln 2 for sentiment",
    ),
}
