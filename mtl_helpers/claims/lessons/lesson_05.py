"""Lesson 05: a test without a bell curve, Δ_MTL with an error in it, how large a test, what a table shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

from mtl_helpers.claims.answers import Exercise
from mtl_helpers.claims.prediction import Prediction


def _share(differences: Sequence[float], as_far: Callable[[float, float], bool]) -> float:
    """Of all ways to choose the signs, the share whose sum is ``as_far`` as the measured one."""
    sums = [
        sum(sign * x for sign, x in zip(signs, differences, strict=True))
        for signs in product((1, -1), repeat=len(differences))
    ]
    return sum(as_far(found, sum(differences)) for found in sums) / len(sums)


_N = 1.96**2 * 0.85 * 0.15 / 0.01**2

EXERCISES = {
    "05-1": Exercise(
        reference=lambda differences: _share(differences, lambda found, own: abs(found) >= abs(own) - 1e-12),
        cases=[([2.0, 1.0, 3.0],), ([1.0, -2.0, 4.0, 3.0],), ([-1.0, -1.0, -1.0, -1.0, -1.0],), ([0.5, -0.5],)],
        slips={
            "That is one side only; as far below zero counts, too.": lambda differences: _share(
                differences, lambda found, own: found >= own - 1e-12
            ),
            "The measured signs are one of the ways, and count: at least as far.": lambda differences: _share(
                differences, lambda found, own: abs(found) > abs(own) + 1e-12
            ),
        },
        hints=(
            "`product((1, -1), repeat=n)` gives every choice of n signs. What do you compare for each?",
            "For each choice: the absolute value of the sum of sign times difference, against that of the plain sum.",
        ),
        solution=(
            "from itertools import product\n\n\n"
            "def sign_flip_p(differences):\n"
            "    own, far, ways = abs(sum(differences)), 0, 0\n"
            "    for signs in product((1, -1), repeat=len(differences)):\n"
            "        ways += 1\n"
            "        far += abs(sum(s * x for s, x in zip(signs, differences))) >= own - 1e-12\n"
            "    return far / ways"
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
    "05-4": Exercise(
        reference=3,
        slips={
            "Two halves, both wrong: one clear interval among twelve comes by luck about every second time (Holm), and five "
            "re-splits of one corpus make Student's t too narrow. And an interval that holds zero is no equality.": 1,
            "Right about the others. But count the comparisons: of twelve 95 % intervals one misses zero by luck about every "
            "second time, and re-splits of one corpus make Student's t too narrow.": 2,
            "Not shown is not shown to be nothing: for that one needs the power to have seen it, or a test of equivalence.": 4,
        },
        hints=(
            "How many comparisons were made? What does each seed draw anew?",
            "Ask twice: is the one gain shown? Is it shown that the others are none? (And the rules ran at a learning "
            "rate that was tuned for their opponent.)",
        ),
        solution="answer = 3",
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
            "far less than in the small model, within a wide range": "There is nearly room for both tasks: from 0.3 to 0.7 it "
            "moves 3 to 6 points, in the small model 13 to 16.",
            "the same as in the small one": "There each point of one task was paid for with the other.",
            "it decides which task is learnt": "At the very ends, yes, where the encoder hardly serves the other.",
        },
        "far less than in the small model, within a wide range",
    ),
}

PREDICTIONS = {
    "05-a": Prediction(
        {
            "with negation": "The interval of its distance from the plain ones reaches zero.",
            "with irony": "It looks so, but only 27 reviews are ironic: that number has a standard error of 9 points.",
            "where another topic is named": "In this one model some 20 points below the plain ones, as the ironic ones are.",
            "which of them is hardest cannot be told": "Irony and another topic's name lie some 20 points below the plain "
            "ones; 27 and 59 reviews cannot tell them apart.",
        },
        right="which of them is hardest cannot be told",
    ),
    "05-b": Prediction(
        {
            "fewer than 10": "A small change of the mean hides a larger one below it.",
            "about one in seven": "About 50 of the 360, to both sides.",
            "one in two": "Both are right about most reviews.",
        },
        right="about one in seven",
    ),
    "05-c": Prediction(
        {
            "too sure of itself": "By some 7 points.",
            "too modest": "It says 0.87 and is right eight times in ten.",
            "just right": "It says 0.87 and is right eight times in ten.",
        },
        right="too sure of itself",
    ),
    "05-d": Prediction(
        {
            "by the same, whatever the number": "There is nothing fixed about it: it is the best of many noisy numbers.",
            "never downwards; by how much, one set of data hardly tells": "2.2 points on reviews among 57, 0.3 on digits.",
            "by 10 points among 57": "So far the noise of a test of this size does not reach.",
        },
        right="never downwards; by how much, one set of data hardly tells",
    ),
    "05-e": Prediction(
        {
            "It trades one digit for the other.": "No run is best in both.",
            "There is a λ that is best for both.": "No run is best in both: there is not room enough.",
        },
        right="It trades one digit for the other.",
    ),
    "05-h": Prediction(
        {
            "at 0.75": "In the mean, mistakes cost more there; ten seeds do not show it.",
            "above 0.75": "Still steeper. The point lies towards the middle.",
            "below 0.75, nearer to the middle": "In the mean of ten seeds, in both worlds, whichever task is the costly "
            "one; shown in one case of four.",
        },
        right="below 0.75, nearer to the middle",
    ),
    "05-f": Prediction(
        {
            "a rule that uses gradients, and clearly": "None of their intervals lies above zero.",
            "a rule that uses losses, and clearly": "None of their intervals lies above zero.",
            "none is shown to be better than a tuned static λ": "Neither on digits nor on reviews.",
        },
        right="none is shown to be better than a tuned static λ",
    ),
    "05-g": Prediction(
        {
            "all four": "That a second task helps pictures is not shown.",
            "a and b, and c with a plainer opponent": "Words hold; no task gains by sharing, and Amazon's topic pays 2 %; "
            "with few labels stars help on IMDB, and made into labels they do at least as well in the mean, with one task.",
            "c and d": "That a second task helps pictures is not shown, and words are hard to beat here, too.",
            "only c": "It holds on IMDB; and words are hard to beat here, too.",
        },
        right="a and b, and c with a plainer opponent",
    ),
}
