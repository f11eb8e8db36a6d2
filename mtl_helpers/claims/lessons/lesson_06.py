"""Lesson 06: a ceiling by hand, what a table allows one to say, a pipeline."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mtl_helpers.claims.answers import Exercise
from mtl_helpers.claims.prediction import Prediction
from mtl_helpers.driving import ACTION, COMMAND, OBSTACLE, SIGN, route_action
from mtl_helpers.randomness import seeded

_STATEMENTS, _ALLOWED = "abcdef", set("cf")


def _chosen(letters: Any) -> Any:
    return (
        [float(letter in letters) for letter in _STATEMENTS]
        if isinstance(letters, (set, list, tuple, str))
        else letters
    )


def _actions(command: Tensor, sign: Tensor, obstacle: Tensor) -> Tensor:
    said = zip(command.argmax(dim=1), sign.argmax(dim=1), obstacle.argmax(dim=1), strict=True)
    ways = [route_action(COMMAND.classes[c], SIGN.classes[s], OBSTACLE.classes[o]) for c, s, o in said]
    return torch.tensor([ACTION.classes.index(way) for way in ways])


def _unhindered(command: Tensor, sign: Tensor, obstacle: Tensor) -> Tensor:
    free = [torch.eye(len(task.classes))[:1].expand(len(command), -1) for task in (SIGN, OBSTACLE)]
    return _actions(command, *free)


def _outputs(seed: int) -> tuple[Tensor, ...]:
    return tuple(torch.randn(12, task.n_outputs, generator=seeded(seed)) for task in (COMMAND, SIGN, OBSTACLE))


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
        reference=_ALLOWED,
        reading=_chosen,
        slips={
            "a: the interval holds zero, so the action may as well lose.": _ALLOWED | {"a"},
            "b: an interval from -1 to +7 does not show that; it may well be five points.": _ALLOWED | {"b"},
            "c: the whole interval lies within two points of zero; that is what it says.": _ALLOWED - {"c"},
            "d: alone it would be clear; it is one of five: p is 0.021, by Holm three or four times that.": _ALLOWED
            | {"d"},
            "e: that it gains is clear; why, a control would have to say.": _ALLOWED | {"e"},
            "f: the interval lies far above zero, for five comparisons, too.": _ALLOWED - {"f"},
        },
        hints=(
            "Ask of each: what would the interval look like if it were false?",
            "Two questions for each statement: does its interval leave out all that would contradict it, by more than one of "
            "five intervals does by chance? And was there a run that tells the reason that it names?",
        ),
        solution='allowed = {"c", "f"}',
    ),
    "06-3": Exercise(
        reference=_actions,
        cases=[_outputs(seed=0), _outputs(seed=1)],
        slips={
            "You follow the command alone; sign and obstacle may close its way.": _unhindered,
            "Take the most probable class of each head.": lambda *outputs: _actions(*(-output for output in outputs)),
        },
        hints=(
            "Of each head take the most probable class, as a word; the rule does the rest.",
            "`command.argmax(dim=1)` are class numbers and `COMMAND.classes` their words. `route_action(...)` gives the "
            "word of an action, and `ACTION.classes.index(...)` its number.",
        ),
        given="import torch\nfrom mtl_helpers.driving import ACTION, COMMAND, OBSTACLE, SIGN, route_action",
        solution=(
            "def pipeline(command, sign, obstacle):\n"
            "    said = zip(command.argmax(dim=1), sign.argmax(dim=1), obstacle.argmax(dim=1))\n"
            "    ways = [route_action(COMMAND.classes[c], SIGN.classes[s], OBSTACLE.classes[o]) for c, s, o in said]\n"
            "    return torch.tensor([ACTION.classes.index(way) for way in ways])"
        ),
    ),
}

QUIZZES = {
    "06-1": (
        "1. Two models have the same error of the waypoints on test moments. What do you know of how they drive?",
        {
            "They complete equally many drives.": "The error is measured where the expert was; a car goes where its own "
            "errors lead it.",
            "Not enough: let them drive.": "An error that is the same on average may stand still at the line or run it.",
            "The one with fewer parameters drives better.": "Size says nothing of it.",
        },
        "Not enough: let them drive.",
    ),
    "06-2": (
        "2. A model scores 0.60 in the action. The ceilings are 0.64 by ear, 0.54 by eye (the car's place, too). What does "
        "that prove?",
        {
            "It joins eye and ear.": "Not necessarily: by ear alone 0.60 is possible.",
            "It hears at least a part of the command.": "By eye alone nothing above 0.54 is possible.",
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
            "by about 3, both": "One model has less than a third of the parameters, and takes about a third of the time "
            "of a step.",
            "by 2, both": "The five models hold four camera branches and three for sound.",
        },
        right="by about 3, both",
    ),
    "06-c": Prediction(
        {
            "the one model of five tasks": "It perceives well, and its path is the worst of the three.",
            "the model for the waypoints alone": "It drives, but it has to find out from paths alone what a sign is.",
            "three models that perceive, a map and the rule": "What follows from what they see is known, and need not be "
            "learnt; and the map says where the car is.",
        },
        right="three models that perceive, a map and the rule",
    ),
    "06-d": Prediction(
        {
            "sign and obstacle should, and they are": "They need no sound, and yet the sign gets worse in every training.",
            "sign and obstacle should, and often they are not": "The picture is the same, but the trunk always had both.",
            "none should": "Sign and obstacle are in the picture, which has not changed.",
        },
        right="sign and obstacle should, and often they are not",
    ),
    "06-e": Prediction(
        {
            "nothing: a unit is only a way to write": "The loss is squared, and λ is not told of the unit.",
            "a smaller error of the path, and more completed drives": "With 300 routes and with 4,000.",
            "more completed drives, and the action pays": "Whether the action pays ten seeds do not tell.",
        },
        right="a smaller error of the path, and more completed drives",
    ),
    "06-f": Prediction(
        {
            "with a noisy microphone; when it answers, it is right": "It abstains there, but not where it is wrong.",
            "with a noisy microphone; and when it answers, it is often wrong": "Confidence is measured on the world of the "
            "training data.",
            "on whole inputs": "There it answers in most moments.",
        },
        right="with a noisy microphone; and when it answers, it is often wrong",
    ),
}
