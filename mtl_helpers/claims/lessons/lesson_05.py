"""Lesson 05: dominated, Δ_MTL with an error in it, how large a test."""

from __future__ import annotations

from mtl_helpers.claims.answers import Exercise
from mtl_helpers.claims.prediction import Prediction


def _nowhere_worse(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return all(x >= y for x, y in zip(a, b, strict=True))


_N = 1.96**2 * 0.85 * 0.15 / 0.01**2

EXERCISES = {
    "05-1": Exercise(
        reference=lambda a, b: _nowhere_worse(a, b) and tuple(a) != tuple(b),
        cases=[((0.9, 0.5), (0.8, 0.5)), ((0.9, 0.5), (0.9, 0.5)), ((0.9, 0.4), (0.8, 0.5)), ((0.7, 0.4), (0.8, 0.5))],
        slips={
            "A run does not dominate its equal.": _nowhere_worse,
            "It must not be worse in any task.": lambda a, b: any(x > y for x, y in zip(a, b, strict=True)),
        },
        hints=(
            "Two things must hold: one in every task, one in at least one.",
            "In every task at least as good, and in one better. `zip(a, b)` pairs the scores; `all(...)` and `any(...)` do "
            "the rest.",
        ),
        solution=(
            "def dominates(a, b):\n"
            "    pairs = list(zip(a, b, strict=True))\n"
            "    return all(x >= y for x, y in pairs) and any(x > y for x, y in pairs)"
        ),
    ),
    "05-2": Exercise(
        reference=7.5,
        tolerance=0.01,
        slips={
            "A smaller error is better: turn the sign of the stars.": -2.5,
            "The mean of the two, not their sum.": 15,
            "In per cent, please.": 0.075,
        },
        hints=(
            "Which of the two changes is a gain?",
            "Each task's change in per cent of its single-task score; an error that falls is a gain. Then their mean.",
        ),
        solution="delta = 100 * ((0.84 - 0.80) / 0.80 + (1.0 - 0.9) / 1.0) / 2",
    ),
    "05-3": Exercise(
        reference=_N,
        tolerance=0.01 * _N,
        slips={
            "That is one standard error; the interval is 1.96 of them to each side.": _N / 1.96**2,
        },
        hints=("Begin with the standard error of an accuracy.", "1.96 · √(p(1 − p) / n) = 0.01. Solve for n."),
        solution="n = 0.85 * 0.15 * (1.96 / 0.01) ** 2",
    ),
}

QUIZZES = {
    "05-1": (
        "1. A table shows Δ_MTL +2 % for a method, without more. What do you ask for first?",
        {
            "the rows of each task, and an interval": "The mean may hide a task that lost, and one "
            "seed may have made it.",
            "a larger model": "First find out whether there is a gain at all.",
            "more decimals": "They would be decimals of noise.",
        },
        "the rows of each task, and an interval",
    ),
    "05-2": (
        "2. What is the fair opponent of a new rule for λ?",
        {
            "equal λ at the learning rate of the paper": "Equal is not tuned, and the learning rate may "
            "suit the rule alone.",
            "a static λ, tuned on validation, at its own learning rate": "With the same budget of runs, "
            "if it is to be fair.",
            "random λ": "A rule that does not beat it has shown nothing; beating it is not much.",
        },
        "a static λ, tuned on validation, at its own learning rate",
    ),
    "05-3": (
        "3. Small model: a front. Large model: a corner. What does λ do in the corner?",
        {
            "hardly anything, within a wide range": "There is room for both tasks; λ matters only at the ends.",
            "the same as in the small one": "There each point of one task was paid for with the other.",
            "it decides which task is learnt": "At the very ends, yes, where one head is hardly trained.",
        },
        "hardly anything, within a wide range",
    ),
}

PREDICTIONS = {
    "05-a": Prediction(
        {
            "with negation": "It is harder than the plain ones. That it is the hardest, so few reviews do not show.",
            "with irony": "Only 27 reviews are ironic: that number is off by 9 points as easily as not.",
            "where another topic is named": "Harder than the plain ones; that it is the hardest is not shown.",
            "with any of them; which is hardest can not be told": "All are harder than the plain ones, by 10 points and more.",
        },
        right="with any of them; which is hardest can not be told",
    ),
    "05-b": Prediction(
        {
            "fewer than 10": "A small change of the mean hides a larger one below it.",
            "about one in nine": "About 40, as often for the better as for the worse.",
            "one in three": "Both are right about most reviews.",
        },
        right="about one in nine",
    ),
    "05-c": Prediction(
        {
            "too sure of itself": "By some 7 points, as most networks are.",
            "too modest": "It says 0.9 and is right eight times in ten.",
            "just right": "It says 0.9 and is right eight times in ten.",
        },
        right="too sure of itself",
    ),
    "05-d": Prediction(
        {
            "by the same, whatever the number": "The best of many noisy numbers is high because there are many.",
            "hardly among 3, by a point or more among 57": "More choice, more luck to choose from.",
            "by 10 points among 57": "So far the noise of a test of this size does not reach.",
        },
        right="hardly among 3, by a point or more among 57",
    ),
    "05-e": Prediction(
        {
            "It trades one digit for the other.": "No run is best in both.",
            "There is a λ that is best for both.": "No run is best in both: there is not room enough.",
        },
        right="It trades one digit for the other.",
    ),
    "05-f": Prediction(
        {
            "a rule that uses gradients, and clearly": "None of their intervals lies above zero.",
            "a rule that uses losses, and clearly": "None of their intervals lies above zero.",
            "none is clearly better than a tuned static λ": "Neither on digits nor on reviews.",
        },
        right="none is clearly better than a tuned static λ",
    ),
    "05-g": Prediction(
        {
            "all four": "Pictures gained nothing from a second task.",
            "a and b, and c in part": "Stars help 100 labels clearly on IMDB; on Amazon in three seeds of five.",
            "c and d": "The third holds on IMDB; pictures gained nothing from a second task.",
            "only c": "It holds on IMDB, and words are hard to beat here, too.",
        },
        right="a and b, and c in part",
    ),
}
