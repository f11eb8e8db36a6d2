"""Lesson 08: the reading of a row by the rule, what a table lets one conclude."""

from __future__ import annotations

from mtl_helpers.claims.answers import Exercise
from mtl_helpers.claims.prediction import Prediction

FOR, AGAINST, UNCLEAR = 1, -1, 0


def _read(low: float, high: float, p_holm: float, least: float) -> int:
    found = p_holm < 0.05
    if found and low > least:
        return FOR
    return AGAINST if (found and high < 0) or (least > 0 and high < least) else UNCLEAR


def _without_holm(low: float, high: float, p_holm: float, least: float) -> int:
    return _read(low, high, 0.0, least) if low > 0 or high < 0 else _read(low, high, 1.0, least)


def _by_the_middle(low: float, high: float, p_holm: float, least: float) -> int:
    middle = (low + high) / 2
    return FOR if p_holm < 0.05 and middle > least else AGAINST if p_holm < 0.05 and middle < 0 else UNCLEAR


def _silent_is_against(low: float, high: float, p_holm: float, least: float) -> int:
    return _read(low, high, p_holm, least) or AGAINST


EXERCISES = {
    "08-1": Exercise(
        reference=_read,
        cases=[
            (1.0, 5.0, 0.01, 0.0),
            (0.2, 4.0, 0.20, 0.0),
            (-4.0, 5.0, 0.90, 0.0),
            (-6.0, -1.0, 0.003, 0.0),
            (1.0, 5.0, 0.01, 2.0),
            (0.3, 1.5, 0.01, 2.0),
        ],
        slips={
            "The interval leaves out 0, but it is one comparison of many: p after Holm decides.": _without_holm,
            "The middle is beyond the threshold, but the interval reaches below it: an effect that counts is not "
            "certain yet.": _by_the_middle,
            "A wide interval over 0 is no evidence against: the runs do not tell.": _silent_is_against,
        },
        hints=(
            "Three questions, in this order: is p after Holm below 0.05 and the whole interval above the threshold? Is the "
            "interval below 0, with that p? Is it below a threshold that is not 0?",
            "`found = p_holm < 0.05`; for: `found and low > least`; against: `found and high < 0`, or `least > 0` and "
            "`high < least`.",
        ),
        solution=(
            "def read(low, high, p_holm, least):\n"
            "    found = p_holm < 0.05\n"
            "    if found and low > least:\n"
            "        return 1\n"
            "    if (found and high < 0) or (least > 0 and high < least):\n"
            "        return -1\n"
            "    return 0"
        ),
    ),
    "08-2": Exercise(
        reference=(1, 3, 4),
        reading=sorted,
        slips={
            "A larger batch is a setting, and no control: both arms had the same.": [1, 2, 3, 4],
            "One seed each: the difference may be the luck of the first weights.": [1, 4],
            "Whoever chooses among 27 models by the test score reports the luck of the best.": [1, 3],
            "27 models tried against one: the single-task model must be tuned as often.": [3, 4],
            "Three things are missing, and the batch size is none of them.": [2],
        },
        hints=(
            "For each line: if it were done, could the difference vanish?",
            "What differs between the two arms beside sharing? And by what were the 27 models compared?",
        ),
        solution="missing = [1, 3, 4]",
    ),
}

QUIZZES = {
    "08-1": (
        "1. A row says: not shown, 80 % power to see 5.2 points. What may be said of a gain of 2 points?",
        {
            "It is not there.": "The runs would have missed it most of the time.",
            "It may be there or not: these runs could not have seen it.": "Only 5.2 points or more were likely to be found. "
            "Whoever wants to know about 2 points needs more seeds, or more data.",
            "It is there, but small.": "Nothing speaks for it more than against it.",
        },
        "It may be there or not: these runs could not have seen it.",
    ),
    "08-2": (
        "2. You read the results on the sealed reviews, change λ, and test on them again. What are they now?",
        {
            "a test set, since no model was trained on them": "You have chosen by them, and a choice learns, too.",
            "a validation set": "They have helped to choose. An honest number needs texts that nobody has looked at.",
            "training data": "No parameter was fitted to them; but they are spent for testing.",
        },
        "a validation set",
    ),
    "08-3": (
        "3. The threshold for an effect goes up, and a claim turns from *holds* to *does not hold*. What has changed?",
        {
            "the measurement": "Each interval is what it was.",
            "what one is willing to call a gain": "The rule compares the same intervals with another number. So say the "
            "number before you look.",
            "the number of comparisons": "Holm's correction does not know the threshold.",
        },
        "what one is willing to call a gain",
    ),
}

PREDICTIONS = {
    "08-a": Prediction(
        {
            "more than half": "Most hold under a condition, or are not shown.",
            "between a tenth and a third": "Most others hold under a condition, or are not shown.",
            "less than a tenth": "A few are counted or clear enough.",
        },
        right="between a tenth and a third",
    ),
}
