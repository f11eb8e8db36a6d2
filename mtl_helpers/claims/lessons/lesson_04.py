"""Lesson 04: losses that survive a batch without labels, the formula for any tasks, one knob or two."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mtl_helpers.claims.answers import Exercise
from mtl_helpers.claims.prediction import Prediction
from mtl_helpers.training import weighted_sum

_VALUES = {"topic": torch.tensor([1.0, 5.0, 3.0]), "sentiment": torch.tensor([2.0, 0.5, 1.0])}
_SOME, _NONE = torch.tensor([True, False, True]), torch.zeros(3, dtype=torch.bool)


def _known(losses: dict[str, Tensor], masks: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: (losses[name] * mask).sum() / mask.sum() for name, mask in masks.items() if mask.any()}


def _over_all_texts(losses: dict[str, Tensor], masks: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: (losses[name] * masks[name]).mean() for name in losses if masks[name].any()}


def _topic_and_sentiment(losses: Any) -> Any:
    """The two losses in order, -1 for one that was left out."""
    return [float(losses.get(name, -1)) for name in ("topic", "sentiment")] if isinstance(losses, dict) else losses


EXERCISES = {
    "04-1": Exercise(
        reference=_known,
        cases=[
            (_VALUES, {"topic": _SOME, "sentiment": ~_SOME}),
            (_VALUES, {"topic": _SOME, "sentiment": _NONE}),
        ],
        reading=_topic_and_sentiment,
        slips={
            "Divide by the number of labels, not of texts.": _over_all_texts,
            "A task without a label has no loss, not a loss of 0.": lambda x, m: {"sentiment": 0, **_known(x, m)},
        },
        hints=(
            "Take the mean over the texts that have a label, and no mean where there is none.",
            "`per_text[name] * masks[name]` sets the unlabelled ones to 0. Divide the sum by the *number of labels*, and let "
            "a dict comprehension ask `if mask.any()`.",
        ),
        solution=(
            "def known_losses(per_text, masks):\n"
            "    return {name: (per_text[name] * mask).sum() / mask.sum() for name, mask in masks.items() if mask.any()}"
        ),
    ),
    "04-2": Exercise(
        reference=weighted_sum,
        cases=[({"topic": 1.5, "sentiment": 0.6, "stars": 2.0}, {"stars": 0.1, "topic": 1.0, "sentiment": 3.0})],
        slips={
            "Match by task name, not by position.": lambda x, w: sum(
                a * b for a, b in zip(x.values(), w.values(), strict=True)
            ),
            "Each loss is multiplied by its λ first.": lambda x, w: sum(x.values()),
        },
        hints=(
            "A product for each task, and their sum.",
            "`for name, loss in losses.items()` gives you the name; look up `weights[name]`.",
        ),
        solution=(
            "def total_loss(losses, weights):\n    return sum(weights[name] * loss for name, loss in losses.items())"
        ),
    ),
    "04-3": Exercise(
        reference=1.0,
        slips={"Turn it round: smaller λ need a larger learning rate.": 0.04},
        hints=(
            "Under SGD a common factor of all λ is a learning rate.",
            "The step is η ∇(5 L). Which η' gives η' ∇L the same value?",
        ),
        solution="lr = 0.2 * 5",
    ),
}

QUIZZES = {
    "04-1": (
        "1. AdamW, and you halve every λ. What happens to the training?",
        {
            "It goes at half speed.": "That would be SGD. Adam divides by the gradient's own size, "
            "and the half cancels.",
            "Nothing to speak of.": "A common factor of all λ cancels in Adam's fraction, up to ε.",
            "The smaller loss wins.": "The ratio of the λ is as before, so neither task gains on the other.",
        },
        "Nothing to speak of.",
    ),
    "04-2": (
        "2. A paper adds a regression in millimetres to two classifications, and its rule beats equal λ. First suspicion?",
        {
            "The rule is better.": "Perhaps. But equal λ with a loss in millimetres squared is a straw man.",
            "The rule found out the unit.": "Then λ = 1 / first loss may do as well, at no cost. Compare with that.",
            "The regression is harder.": "Its loss is larger because of its unit; that says nothing of hard or easy.",
        },
        "The rule found out the unit.",
    ),
    "04-3": (
        "3. With Adam you raise λ topic from 1 to 10. Through what does the topic task profit?",
        {
            "through its head, which learns ten times faster": "Adam cancels the factor there: the "
            "head sees no other loss.",
            "through the shared encoder": "Only there are the tasks' gradients added before Adam divides.",
            "through both": "With SGD, yes. With Adam the head's step does not depend on its own λ.",
        },
        "through the shared encoder",
    ),
}

PREDICTIONS = {
    "04-a": Prediction(
        {
            "into all": "The topic loss does not depend on the sentiment head.",
            "into the encoder and the topic head": "The sentiment head never hears of it.",
            "into the topic head": "What the head reads comes from the encoder, so the gradient goes on there.",
        },
        right="into the encoder and the topic head",
    ),
    "04-b": Prediction(
        {
            "0, so we are safe": "A mean over nothing is 0 / 0.",
            "nan, and safe with λ = 0": "Zero times nan is still nan.",
            "nan, and not safe with λ = 0": "Zero times nan is still nan.",
        },
        right="nan, and not safe with λ = 0",
    ),
    "04-c": Prediction(
        {
            "No, only the ratio of the λ counts.": "That holds for Adam, as you will see. SGD takes the gradient as it is.",
            "Yes, as if the learning rate were 10 times larger.": "η ∇(10 L) = (10 η) ∇L.",
            "Yes, and nothing simple can be said of it.": "It can: to five digits it is a 10 times larger learning rate.",
        },
        right="Yes, as if the learning rate were 10 times larger.",
    ),
    "04-d": Prediction(
        {
            "10 times larger": "Above the fraction, yes. Below it as well.",
            "nearly the same": "The 10 stands above and below the fraction; only ε is left.",
            "10 times smaller": "The root of a mean square grows by 10, not by 100.",
        },
        right="nearly the same",
    ),
    "04-e": Prediction(
        {
            "under SGD only": "There λ is the learning rate of its own head. Adam divides it out.",
            "under Adam only": "The other way round.",
            "under both": "Adam divides each parameter's gradient by its own size, and the head has no other loss.",
            "under neither": "Under SGD a larger λ is a larger step of its own head.",
        },
        right="under SGD only",
    ),
    "04-f": Prediction(
        {
            "smaller than both": "About 0 stars against 1 to 5, squared: that is 11.",
            "about alike, loss and gradient": "Its unit is stars squared; nobody made it alike.",
            "several times larger, and its gradient by far the largest": "11 against 1.8 and 0.7, and more than 30 times "
            "topic's gradient.",
        },
        right="several times larger, and its gradient by far the largest",
    ),
    "04-g": Prediction(
        {
            "topic": "It was shouted down, and needs the encoder most.",
            "sentiment": "It changes by less than 4 points.",
            "stars": "They had the encoder to themselves; they hardly lose by it.",
        },
        right="topic",
    ),
    "04-h": Prediction(
        {
            "42; sentiment gains and topic pays less": "300 of 2,148 texts. At τ = 5 sentiment comes three times as often.",
            "42; topic pays more than sentiment gains": "Topic has texts enough, and loses a few points only.",
            "150; τ changes nothing": "That is uniform sampling, τ = ∞.",
        },
        right="42; sentiment gains and topic pays less",
    ),
    "04-i": Prediction(
        {
            "near equal, most of the time": "Most do. MGDA sees one batch at a time and swings; random does so by design.",
            "on one digit first, then on the other": "No rule finds a reason for that here.",
            "on one digit": "They are equally hard, and the rules see it.",
        },
        right="near equal, most of the time",
    ),
    "04-j": Prediction(
        {
            "all let the long one decide": "Two bring both to one length, and MGDA prefers the short one.",
            "PCGrad and UPGrad the long one, MGDA the short one": "The first two mend conflicts only. The shortest mix lies "
            "near the short gradient.",
            "MGDA the long one, PCGrad and UPGrad the short one": "The other way round.",
        },
        right="PCGrad and UPGrad the long one, MGDA the short one",
    ),
    "04-k": Prediction(
        {
            "up for task 1": "Its gradient is short, and it lags: both speak for a larger w.",
            "up for task 2": "Its gradient is long already, and it is ahead.",
            "it stays at 1 and 1": "Then G would stay at 1 and 3, and the task ahead would have the larger one.",
        },
        right="up for task 1",
    ),
    "04-l": Prediction(
        {
            "nobody: all arrive": "The pocket lies close to the way, and the steep loss pulls hard.",
            "the plain sum under SGD alone": "It lets the gentle loss rise; the rules let none. Adam takes another way.",
            "the plain sum, under SGD and under Adam": "Adam divides by a gradient's own size, and goes another way.",
            "all of them: it is a trap": "MGDA, PCGrad and UPGrad never let a loss rise, and this pocket is the other's hill.",
        },
        right="the plain sum under SGD alone",
    ),
}
