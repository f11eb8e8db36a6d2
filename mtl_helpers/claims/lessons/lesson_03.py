"""Lesson 03: cross-stitch's mixing, a cosine that never breaks, the price of sharing."""

from __future__ import annotations

import pandas as pd
import torch
from torch import Tensor

from mtl_helpers.claims.answers import Exercise
from mtl_helpers.claims.prediction import Prediction
from mtl_helpers.data import data_file


def _points(better: str, worse: str) -> float:
    """Points of accuracy between two arms of the controlled world, ρ = 1 and 1,000 reviews."""
    table = pd.read_csv(data_file("results/transfer.csv"), comment="#")
    rows = table[(table.world == "controlled") & (table.task == "sentiment") & (table.rho == 1) & (table.n == 1000)]
    score = rows.set_index("arm").score
    return 100 * (score[better] - score[worse])


def _cosine(one: Tensor, other: Tensor) -> Tensor | float:
    return torch.cosine_similarity(one, other, dim=0) if one.norm() * other.norm() > 1e-12 else float("nan")


_A, _B, _ZERO = torch.tensor([3.0, 4.0]), torch.tensor([4.0, -3.0]), torch.zeros(2)

EXERCISES = {
    "03-1": Exercise(
        reference=lambda unit, features: torch.einsum("ts,sbf->tbf", unit, features),
        cases=[(torch.tensor([[0.9, 0.1], [0.3, 0.7]]), torch.arange(12.0).reshape(2, 3, 2))],
        slips={
            "Row t of the unit belongs to task t: yours uses its column.": lambda u, f: torch.einsum(
                "st,sbf->tbf", u, f
            ),
            "Each task mixes *all* features; yours only scales its own.": lambda u, f: u.diagonal()[:, None, None] * f,
        },
        hints=(
            "The unit is a matrix: it multiplies the features along their first axis, the tasks.",
            '`torch.einsum("ts,sbf->tbf", ...)` does it. Or flatten the features to `(tasks, -1)`, multiply, and shape them '
            "back.",
        ),
        solution=("def mix(unit, features):\n    return (unit @ features.flatten(1)).view_as(features)"),
    ),
    "03-2": Exercise(
        reference=_cosine,
        cases=[(_A, 2 * _A), (_A, _B), (_A, -_A), (_A, _ZERO), (_A, 1e-10 * _ZERO)],
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
        reference=lambda: _points("pipeline", "conditioned"),
        tolerance=0.06,
        slips={
            "That is the gain over the single model; compare with the multi-task one.": lambda: _points(
                "pipeline", "single"
            ),
            "The other way round: what does sharing cost?": lambda: _points("conditioned", "pipeline"),
            "In points, please: a point is a hundredth.": lambda: _points("pipeline", "conditioned") / 100,
        },
        hints=(
            "Which arm shares an encoder, and which one does the same without?",
            "Both arms, `pipeline` and `conditioned`, have a `score`, between 0 and 1. A point is a hundredth.",
        ),
        given="import pandas as pd\nfrom mtl_helpers.data import data_file\n"
        'table = pd.read_csv(data_file("results/transfer.csv"), comment="#")\n'
        'table = table[table.task == "sentiment"]\n'
        "world = lambda name, rho, n: table[(table.world == name) & (table.rho == rho) & (table.n == n)]"
        '.set_index("arm")',
        solution=(
            'score = world("controlled", 1, 1000).score\ncost = 100 * (score["pipeline"] - score["conditioned"])'
        ),
    ),
}

QUIZZES = {
    "03-1": (
        "1. A conditioned head gains 24 points. Which control shows that the topic labels did it?",
        {
            "the same model with λ of topic at 0": "Same parameters, same head, no topic labels: the gain is gone.",
            "a single-task model with more filters": "That would rule out size, and say nothing of the labels.",
            "the bag of words": "It says how hard the task is, not where a gain comes from.",
        },
        "the same model with λ of topic at 0",
    ),
    "03-2": (
        "2. The pipeline of two models beats the multi-task model. When would you still share?",
        {
            "Never: the numbers are clear.": "They are about accuracy. Parameters and time are halved, "
            "and may matter more.",
            "When one model must do, and the points are worth less than the price of two.": "The trade is now known.",
            "When there are only 300 reviews.": "There sharing was worst: 5 to 8 points lost at ρ = 0, "
            "and no gain at ρ = 1.",
        },
        "When one model must do, and the points are worth less than the price of two.",
    ),
    "03-3": (
        "3. The gradients of two tasks have a cosine near 0. What follows?",
        {
            "The tasks do not disturb each other.": "The coin's cosine was near zero as well, and it harmed.",
            "They can not help each other.": "Topic's was near zero at ρ = 1, where topic is all that sentiment lacks.",
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
            "0, or a few points at best": "The relation is strong, and plain sharing has no place for it.",
            "+10": "That is what one would hope for in a world made for it.",
            "+30": "That is all that topic has to give; plain sharing finds hardly any of it.",
        },
        right="0, or a few points at best",
    ),
    "03-c": Prediction(
        {
            "a few points, and the control as many": "The head makes a large difference, and only with topic labels.",
            "far more than 10 points, the control nothing": "It is what the topic labels teach, not the parameters.",
            "far more than 10 points, the control half of it": "Without topic labels nothing is left of it.",
        },
        right="far more than 10 points, the control nothing",
    ),
    "03-d": Prediction(
        {
            "worse": "It has the relation too, and an encoder for each task.",
            "as good": "It has twice the encoders, and they show.",
            "better": "The relation helps; the shared encoder costs.",
        },
        right="better",
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
    "03-f": Prediction(
        {
            "the coin; and it harms the small model more": "Stars change far more than the coin.",
            "stars; and the coin clearly harms the small model more": "It looks so. The interval of the difference holds 0.",
            "stars; that the small model suffers more is not shown": "The interval of the difference holds zero.",
        },
        right="stars; that the small model suffers more is not shown",
    ),
    "03-g": Prediction(
        {
            "stars have the largest cosine, and help always": "The cosine is as large at ρ = 1, and there they do not help.",
            "stars have the largest cosine, and help at ρ = 0 only": "Alike is not the same as helpful.",
            "topic has the largest cosine, and helps at ρ = 1": "Its cosine is near zero, related or not.",
        },
        right="stars have the largest cosine, and help at ρ = 0 only",
    ),
    "03-h": Prediction(
        {
            "stars help few sentiment labels, and topic helps sentiment": "The first holds; for the second nothing is shown.",
            "only that stars help few sentiment labels": "What topic gives in the written world is rare in these reviews.",
            "only that topic helps sentiment": "The other way round.",
            "none": "Stars on many reviews still help few sentiment labels.",
        },
        right="only that stars help few sentiment labels",
    ),
}
