"""Lesson 03: a head that scales and shifts, a cosine that never breaks, the run that is missing."""

from __future__ import annotations

import torch
from torch import Tensor

from mtl_helpers.claims.answers import Exercise
from mtl_helpers.claims.prediction import Prediction


def _cosine(one: Tensor, other: Tensor) -> Tensor | float:
    return torch.cosine_similarity(one, other, dim=0) if one.norm() * other.norm() > 1e-12 else float("nan")


def _film(h: Tensor, p: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    return (1 + p @ scale) * h + p @ shift


_GENERATOR = torch.Generator().manual_seed(0)
_FILM = [
    (torch.randn(5, 4, generator=_GENERATOR), torch.eye(3)[[0, 2, 1, 1, 0]], torch.zeros(3, 4), torch.zeros(3, 4)),
    tuple(torch.randn(*shape, generator=_GENERATOR) for shape in ((5, 4), (5, 3), (3, 4), (3, 4))),
]
_A, _B, _ZERO = torch.tensor([3.0, 4.0]), torch.tensor([4.0, -3.0]), torch.zeros(2)

EXERCISES = {
    "03-1": Exercise(
        reference=_film,
        cases=_FILM,
        slips={
            "Tables of zeros must leave the features as they are: where is the 1?": lambda h, p, scale, shift: (
                (p @ scale) * h + p @ shift
            ),
            "Each review has its own mixture of the rows: p decides, and yours takes the mean of all.": (
                lambda h, p, scale, shift: (1 + scale.mean(dim=0)) * h + shift.mean(dim=0)
            ),
        },
        hints=(
            "What shape has p @ scale? One row a review, one number a feature: that is what h is scaled by.",
            "A matrix product `@` for what p mixes, and `*` for number by number; do not forget the 1.",
        ),
        solution="def film(h, p, scale, shift):\n    return (1 + p @ scale) * h + p @ shift",
    ),
    "03-2": Exercise(
        reference=_cosine,
        cases=[(_A, 2 * _A), (_A, _B), (_A, -_A), (_A, _ZERO), (_A, 1e-14 * _B)],
        slips={
            "Divide by both norms.": lambda x, y: x @ y,
            "0 says that they are unrelated; here nobody knows.": lambda x, y: torch.cosine_similarity(x, y, dim=0),
        },
        hints=(
            "What does the division do when a gradient has length zero?",
            "Compute `one.norm() * other.norm()` first, and ask whether it is large enough to divide by. "
            '`float("nan")` is no number.',
        ),
        solution=(
            "def cosine_of(one, other):\n"
            "    lengths = one.norm() * other.norm()\n"
            '    return one @ other / lengths if lengths > 1e-12 else float("nan")'
        ),
    ),
    "03-3": Exercise(
        reference=2,
        slips={
            "That rules out size. It changes neither the labels nor the steps.": 1,
            "The ten seeds show that *something* helps. More of them do not tell what.": 3,
            "It says how hard the task is, not where a gain comes from.": 4,
        },
        hints=(
            "The sentence speaks of the labels. What else differs between the two models of the report?",
            "Gate, size and steps differ, too. Look for the run in which *only* the labels are taken away.",
        ),
        solution="missing = 2",
    ),
}

QUIZZES = {
    "03-1": (
        "1. A conditioned head gains 19 points. Which control shows that the topic labels did it?",
        {
            "the same model, λ of topic at 0, and sentiment's gradient let through to the topic head": "Same parameters, "
            "and a topic head that is trained, only not on topics: the gain is gone.",
            "the same model, λ of topic at 0, and the condition detached as before": "Then nothing trains the topic head "
            "at all. Not only the labels are missing.",
            "a single-task model with more filters": "That would rule out size, and say nothing of the labels.",
        },
        "the same model, λ of topic at 0, and sentiment's gradient let through to the topic head",
    ),
    "03-2": (
        "2. A pipeline beats the conditioned model by 7 points; two encoders trained jointly beat it by 6; a shared encoder "
        "with topic first by none. What costs the points?",
        {
            "training the two tasks jointly": "Two encoders are trained jointly, too, and are nearly as good as the pipeline.",
            "sharing one encoder of this size": "Both arms that share it stay behind, whatever is learnt first. "
            "(A shared one twice as large was not run.)",
            "the topic head's mistakes": "It makes as many in all these arms: about one review in ten.",
        },
        "sharing one encoder of this size",
    ),
    "03-3": (
        "3. The gradients of two tasks have a cosine near 0. What follows?",
        {
            "The tasks do not disturb each other.": "It does not say so. At ρ = 0 topic's was near zero, too, and the model "
            "conditioned on topic was 2 points lower; whether the task or its head cost them, those runs do not tell.",
            "They cannot help each other.": "Topic's was near zero in the conditioned model, in which it brings 19 points.",
            "Nothing yet: train both and measure, with a control.": "Even a large one promises "
            "nothing: stars at ρ = 1.",
        },
        "Nothing yet: train both and measure, with a control.",
    ),
}

PREDICTIONS = {
    "03-a": Prediction(
        {
            "one time in two": "Each adjective has one sign in four topics of six: guess that one.",
            "two times in three": "Each adjective has one sign in four topics of six.",
            "nearly always": "It takes the topic for that.",
        },
        right="two times in three",
    ),
    "03-b": Prediction(
        {
            "−10": "It does not harm here.",
            "0, or a few points at best": "The relation is strong, but with 1,000 reviews plain sharing finds none of it "
            "that shows.",
            "+10": "That is what one would hope for in a world made for it.",
            "+30": "That is all that topic has to give; plain sharing finds hardly any of it.",
        },
        right="0, or a few points at best",
    ),
    "03-c": Prediction(
        {
            "a few points, and the control as many": "The head makes a large difference, and only with topic labels.",
            "far more than 10 points, the control nothing": "It is what the topic labels teach, through a head that can "
            "use it.",
            "far more than 10 points, the control half of it": "Without topic labels nothing is left of it.",
        },
        right="far more than 10 points, the control nothing",
    ),
    "03-d": Prediction(
        {
            "topic first": "It is no better than the conditioned model with 1,000 reviews: it shares the encoder, too.",
            "two encoders, jointly": "Sharing an encoder of this size costs; training jointly hardly does.",
            "neither: it takes both, as in the pipeline": "Two encoders trained jointly come close to the pipeline.",
        },
        right="two encoders, jointly",
    ),
    "03-f": Prediction(
        {
            "stars as a second task": "They bring nothing that the labels read off them do not bring.",
            "sentiment read off the stars, one task": "In this world the two come out alike.",
            "both alike": "What the stars bring is more labels for the same task.",
        },
        right="both alike",
    ),
    "03-g": Prediction(
        {
            "only stars": "Topic's is near zero even in the model that gains most from it.",
            "stars, and topic with the conditioned head": "Topic's is near zero there, too. The help comes through the "
            "condition, not through the direction of the gradients.",
            "all but the coin": "Topic's is as near to zero as the coin's.",
        },
        right="only stars",
    ),
    "03-h": Prediction(
        {
            "stars help few sentiment labels, and topic helps sentiment": "The first holds; for the second nothing is shown.",
            "only that stars help few sentiment labels": "For topic no help is shown, not even on the reviews marked for it.",
            "only that topic helps sentiment": "The other way round.",
            "none": "Stars on many reviews still help few sentiment labels.",
        },
        right="only that stars help few sentiment labels",
    ),
    "03-e": Prediction(
        {
            "all about as much as one model": "Two of them have an encoder a task.",
            "soft sharing and cross-stitch as two, the others nearer to one": "They have an encoder a task. "
            "MMoE has the most parameters, but not the most time.",
            "all about as much as two models": "A conditioned head and adapters add little to one encoder.",
        },
        right="soft sharing and cross-stitch as two, the others nearer to one",
    ),
}
