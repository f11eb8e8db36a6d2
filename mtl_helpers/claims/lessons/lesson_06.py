"""Lesson 06: a ceiling by hand, lose an input, answer or abstain."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mtl_helpers.claims.answers import Exercise
from mtl_helpers.claims.prediction import Prediction

_INPUTS = {"camera": torch.ones(2, 3), "microphone": torch.ones(2, 2)}


def _in_one_row(inputs: Any) -> Any:
    return torch.cat([inputs[name].flatten() for name in _INPUTS]) if isinstance(inputs, dict) else inputs


def _lose(inputs: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key: torch.zeros_like(part) if key == name else part for key, part in inputs.items()}


def _served(confidence: Tensor, right: Tensor, threshold: float) -> Tensor:
    sure = confidence >= threshold
    return torch.stack([sure.float().mean(), right[sure].float().mean()])


def _accuracy_of_all(confidence: Tensor, right: Tensor, threshold: float) -> Tensor:
    return torch.stack([(confidence >= threshold).float().mean(), right.float().mean()])


def _abstaining(confidence: Tensor, right: Tensor, threshold: float) -> Tensor:
    return torch.stack([(confidence < threshold).float().mean(), right[confidence >= threshold].float().mean()])


_CONFIDENCE, _RIGHT = torch.tensor([0.99, 0.95, 0.91, 0.6, 0.5]), torch.tensor([True, True, False, True, False])

EXERCISES = {
    "06-1": Exercise(
        reference=0.86,
        slips={
            "That is how often the sign is up; without it 'left' is still the better guess.": 0.3,
            "Add both cases: with the sign and without.": 0.7 * 0.8,
        },
        hints=(
            "Two cases: the sign is up, or it is not. What is the best guess in each?",
            "For each thing that can be seen, the best guess is the most frequent action. Weight what each guess gets right "
            "by how often the thing is seen.",
        ),
        solution="ceiling = 0.3 * 1 + 0.7 * 0.8",
    ),
    "06-2": Exercise(
        reference=_lose,
        cases=[(_INPUTS, "camera"), (_INPUTS, "microphone")],
        reading=_in_one_row,
        slips={
            "Only the input of that name is missing.": lambda inputs, name: {k: 0 * part for k, part in inputs.items()},
            "Nothing is missing yet.": lambda inputs, name: inputs,
        },
        hints=(
            "A new dict, in which one entry is replaced by zeros of its own shape.",
            "`inputs | {name: ...}` is a new dict in which one entry is replaced. `torch.zeros_like` has the right shape.",
        ),
        given="import torch",
        solution=("def lose(inputs, name):\n    return inputs | {name: torch.zeros_like(inputs[name])}"),
    ),
    "06-3": Exercise(
        reference=_served,
        cases=[(_CONFIDENCE, _RIGHT, 0.9), (_CONFIDENCE, _RIGHT, 0.55)],
        slips={
            "The accuracy is that of the answers given, not of all.": _accuracy_of_all,
            "You count those that abstain.": _abstaining,
        },
        hints=(
            "First find out which examples get an answer.",
            "`sure = confidence >= threshold` is a mask: its mean is the share, and `right[sure]` are the answers given. "
            "`torch.stack` makes one tensor of two.",
        ),
        given="import torch",
        solution=(
            "def coverage_and_accuracy(confidence, right, threshold):\n"
            "    sure = confidence >= threshold\n"
            "    return torch.stack([sure.float().mean(), right[sure].float().mean()])"
        ),
    ),
}

QUIZZES = {
    "06-1": (
        "1. The action gains most where few drives have a route. What is a likely reason?",
        {
            "Sign and command labels teach the branches what a route needs.": "Likely; which label "
            "helps was not measured.",
            "The shared model is larger.": "It has about as many parameters as the single action model.",
            "It trains for more steps.": "All models take the same number of steps.",
        },
        "Sign and command labels teach the branches what a route needs.",
    ),
    "06-2": (
        "2. A model scores 0.60 in the action. The ceilings are 0.64 by ear, 0.48 by eye. What does that prove?",
        {
            "It joins eye and ear.": "Not necessarily: by ear alone 0.60 is possible.",
            "It hears at least a part of the command.": "By eye alone nothing above 0.48 is possible.",
            "Nothing.": "It is above the ceiling of the scene, so it must have heard something.",
        },
        "It hears at least a part of the command.",
    ),
    "06-3": (
        "3. The microphone fails. Why may the sign, which needs no sound, get worse too?",
        {
            "Its head was trained on a trunk that always had both.": "What it never saw in training it does not know.",
            "The camera branch hears the command.": "It has no connection to the microphone at all.",
            "Its λ was too small.": "No λ shows the trunk a silent drive.",
        },
        "Its head was trained on a trunk that always had both.",
    ),
}

PREDICTIONS = {
    "06-a": Prediction(
        {
            "one time in four, either way": "The actions are not equally frequent, and scene and command each say something.",
            "about half by eye, about two thirds by ear": "And always with both.",
            "nearly always by ear": "A sign or an obstacle changes what the command asks for.",
        },
        right="about half by eye, about two thirds by ear",
    ),
    "06-b": Prediction(
        {
            "by a factor of 5, both": "Sign, obstacle and command need one branch each: less than five times.",
            "by more than 3, both": "One model has less than a third of the parameters, and of the time of a step.",
            "by 2, both": "The five models hold four camera branches and three for sound.",
        },
        right="by more than 3, both",
    ),
    "06-c": Prediction(
        {
            "all gain": "Three have labels enough of their own, and the waypoints lose.",
            "the action gains, the waypoints lose, the others stay": "With few routes; a mean of five would have hidden both.",
            "action and waypoints gain, the others stay": "The action does. The waypoints pay in every row.",
            "all lose a little": "The action gains, where routes are few.",
        },
        right="the action gains, the waypoints lose, the others stay",
    ),
    "06-d": Prediction(
        {
            "the whole route gets better with route × 3": "The action loses points, and no gain of the waypoints shows.",
            "route × 3 helps neither, waypoints × 5 the waypoints": "With 300 routes it was the weight that hurt them.",
            "λ changes nothing here": "The waypoints come back with a larger λ of their own.",
        },
        right="route × 3 helps neither, waypoints × 5 the waypoints",
    ),
    "06-e": Prediction(
        {
            "sign and obstacle should, and they are": "They need no sound, and yet in half of the runs the sign gets worse.",
            "sign and obstacle should, and the sign is not": "The picture is the same, but the trunk always had both.",
            "none should": "Sign and obstacle are in the picture, which has not changed.",
        },
        right="sign and obstacle should, and the sign is not",
    ),
    "06-f": Prediction(
        {
            "with a noisy microphone; when it answers, it is right": "It abstains there, but not where it is wrong.",
            "with a noisy microphone; and when it answers, it is often wrong": "Confidence is measured on the world of the "
            "training data.",
            "on whole inputs": "There it answers in four of five drives.",
        },
        right="with a noisy microphone; and when it answers, it is often wrong",
    ),
}
