"""Lesson 02: a shape in the head, what may be concluded, an encoder of one's own."""

from __future__ import annotations

import torch
from torch import Tensor

from mtl_helpers.claims.answers import Exercise
from mtl_helpers.claims.prediction import Prediction

_VECTORS = torch.arange(12.0).reshape(2, 3, 2)
_SOME = torch.tensor([[True, True, False], [True, False, False]])


def _mean(vectors: Tensor, mask: Tensor) -> Tensor:
    return (vectors * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)


EXERCISES = {
    "02-1": Exercise(
        reference=(16, 40, 128),
        slips={
            "Without batch_first the time comes first; here it is set.": (40, 16, 128),
            "It reads both ways: 64 numbers from each direction.": (16, 40, 64),
            "The states have a row for each word, not one for each review.": (16, 128),
        },
        hints=(
            "Three numbers: reviews, words, numbers a word.",
            "The states are one row of numbers for each word of each review. Each direction gives 64 numbers.",
        ),
        solution="shape = (16, 40, 2 * 64)",
    ),
    "02-2": Exercise(
        reference=3,
        slips={
            "The interval holds a loss of five points: that is not ruled out.": 1,
            "The interval holds 0: a loss of 1.5 points is the best guess, not a finding.": 2,
            "More seeds would narrow the interval; where it would end, nobody knows yet.": 4,
        },
        hints=(
            "Which true differences would be no surprise with these data?",
            "All those inside the interval: from −5.3 points to +2.4.",
        ),
        solution="conclusion = 3",
    ),
    "02-3": Exercise(
        reference=_mean,
        cases=[(_VECTORS, _SOME), (_VECTORS, torch.ones(2, 3, dtype=torch.bool))],
        slips={
            "Padding must not count: divide by the number of words.": lambda v, m: (
                (v * m[..., None]).sum(1) / m.shape[1]
            ),
            "Leave the padding out of the sum, too.": lambda v, m: v.mean(dim=1),
        },
        hints=(
            "Set the padding to 0, sum over time, divide by the number of *words*.",
            "`mask[..., None]` has shape `(batch, time, 1)`: times `vectors`, it sets the padding to 0. "
            "`mask.sum(dim=1, keepdim=True)` is the number of words.",
        ),
        solution=(
            "def mean_of_words(vectors, mask):\n"
            "    return (vectors * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)"
        ),
    ),
}

QUIZZES = {
    "02-1": (
        "1. Your model trains without an error, the loss falls, test accuracy is at chance. What do you try first?",
        {
            "train for longer": "It fits the wrong thing already; more steps fit the wrong thing better.",
            "change one input and see which outputs change": "That tells what the model really "
            "reads, without training.",
            "print all shapes": "Do, but a wrong batch_first gave the very same shapes as the right one.",
        },
        "change one input and see which outputs change",
    ),
    "02-2": (
        "2. The features are detached before they go into the sentiment head. What happens?",
        {
            "PyTorch stops with an error.": "The head's own parameters get a gradient, so backward() "
            "has something to do.",
            "The sentiment loss stays at ln 2.": "The head can use what the encoder learnt for "
            "topic; its loss may fall.",
            "The encoder learns for topic alone.": "No gradient of the sentiment loss passes the detach. "
            "Only a test shows it.",
        },
        "The encoder learns for topic alone.",
    ),
    "02-3": (
        "3. One shared model has half the parameters of two single ones. What follows for its training?",
        {
            "It takes half the time.": "A step does. How many steps it needs, and to what quality, is another matter.",
            "It gets as good in less time.": "To a modest accuracy, with the LSTM, yes. At their "
            "best the single ones were not beaten.",
            "Nothing yet: time and quality must be measured.": "Parameters, time and quality are "
            "three different numbers.",
        },
        "Nothing yet: time and quality must be measured.",
    ),
}

PREDICTIONS = {
    "02-a": Prediction(
        {
            "It stops with an error.": "All shapes fit, so nothing stops it.",
            "The loss does not fall.": "It falls by half, though the model sees hardly more than first words.",
            "The loss falls and the test accuracy is good.": "The loss does fall. It is not the language that is learnt.",
            "The loss falls and the test accuracy is that of a coin, or a die.": "It fits something, but not this task.",
        },
        right="The loss falls and the test accuracy is that of a coin, or a die.",
    ),
    "02-b": Prediction(
        {
            "for 1, as it should be": "Then no review would look into another.",
            "for 2 or 3": "The change travels on through the whole batch.",
            "for all 16": "The reviews of a batch look into each other.",
        },
        right="for all 16",
    ),
    "02-c": Prediction(
        {
            "(16, 27, 32) with it, (27, 16, 32) without": "The module never asks which number is the time.",
            "(16, 27, 32) both times": "Only what is read as time differs, and no shape shows it.",
            "without it there is an error": "Both orders are legal, so there is nothing to complain of.",
        },
        right="(16, 27, 32) both times",
    ),
    "02-d": Prediction(
        {
            "from all 16": "`outputs[0]` is one review, and so is `outputs[1]`.",
            "from 8, half for each task": "The first axis is the batch; an index picks one review of it.",
            "from 2": "Review 0 for topic, review 1 for sentiment.",
        },
        right="from 2",
    ),
    "02-e": Prediction(
        {
            "the LSTM": "Its interval against the CNN reaches to both sides of zero.",
            "the CNN": "The LSTM's interval against it reaches to both sides of zero.",
            "ten seeds cannot tell them apart": "And the bag of words is ahead of both.",
        },
        right="ten seeds cannot tell them apart",
    ),
    "02-i": Prediction(
        {
            "higher the mean": "No arm lies above the models that share nothing.",
            "lower the mean": "From the embedding to the layer more; that it is no chance, ten seeds do not settle.",
            "it stays the same": "The means are not the same, though ten seeds do not settle by how much.",
        },
        right="lower the mean",
    ),
    "02-f": Prediction(
        {
            "topic, encoder; the topic loss stands still": "Topic is not touched: its gradient takes its usual way.",
            "sentiment, encoder; training shows nothing": "The head still learns, so its loss can fall.",
            "sentiment, sentiment head; its loss stands still": "The head lies after the cut and gets its gradient.",
        },
        right="sentiment, encoder; training shows nothing",
    ),
    "02-g": Prediction(
        {
            "all three one half": "Half the parameters and half a step, yes. The number of steps is not halved with them.",
            "half the parameters, half a step, nearly two thirds of the time": "It takes the steps of the slower task.",
            "half the parameters, and the time of two models": "The encoder runs once for both, so a step costs half.",
        },
        right="half the parameters, half a step, nearly two thirds of the time",
    ),
    "02-h": Prediction(
        {
            "clearly better": "No row shows a gain.",
            "clearly worse": "All four means lie lower, and no interval excludes zero.",
            "a little lower, and ten seeds do not settle it": "One or two points, and all four intervals hold zero.",
        },
        right="a little lower, and ten seeds do not settle it",
    ),
}
