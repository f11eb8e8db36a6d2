"""Lesson 07: the control that is missing, the last state."""

from __future__ import annotations

from typing import Any

import torch

from mtl_helpers.claims.answers import Exercise
from mtl_helpers.claims.prediction import Prediction

_RUNS, _NEEDED = "abcde", {"a", "b"}


def _chosen(letters: Any) -> Any:
    return [float(letter in letters) for letter in _RUNS] if isinstance(letters, (set, list, tuple, str)) else letters


EXERCISES = {
    "07-1": Exercise(
        reference=_NEEDED,
        reading=_chosen,
        slips={
            "a: without it the gain may be that of fine-tuning, whatever the other tasks are.": _NEEDED - {"a"},
            "b: without it the gain may come of more text and more steps, and not of those labels.": _NEEDED - {"b"},
            "c: heads on a frozen encoder share nothing that learns; these are ten single models.": _NEEDED | {"c"},
            "d: it says what size does, and not what the other tasks do.": _NEEDED | {"d"},
            "e: it says how to mix, once it is known that the others help.": _NEEDED | {"e"},
        },
        hints=(
            "What else than the nine tasks has changed between the two numbers that are compared?",
            "Two runs: one that has all but the other tasks, and one that has all but what their labels say.",
        ),
        solution='needed = {"a", "b"}',
    ),
    "07-2": Exercise(
        reference=lambda states, lengths: torch.stack([states[0, 2], states[1, 0]]),
        cases=[(torch.arange(24.0).reshape(2, 3, 4), torch.tensor([3, 1]))],
        slips={
            "That is the last column, which may be padding.": lambda states, lengths: states[:, -1],
            "A text of length n ends at place n - 1.": lambda states, lengths: states[
                torch.arange(len(states)), lengths.clamp(max=states.shape[1] - 1)
            ],
        },
        hints=(
            "Each text has a last place of its own.",
            "Index with two tensors: the row numbers `torch.arange(len(states))`, and each text's last place.",
        ),
        given="import torch",
        solution=("def last(states, lengths):\n    return states[torch.arange(len(states)), lengths - 1]"),
    ),
}

QUIZZES = {
    "07-1": (
        "1. Two linear heads on a frozen encoder, AdamW. What does λ change?",
        {
            "which task the encoder serves": "The encoder is frozen: it serves neither.",
            "nothing between the tasks": "They share nothing that learns; each head is a model of its own.",
            "the learning rate of both heads": "Under SGD it would be one, of the task's own head. "
            "AdamW divides it out.",
        },
        "nothing between the tasks",
    ),
    "07-2": (
        "2. The frozen features are superb for topic and poor for sentiment. Which reason is left?",
        {
            "Sentiment is out of reach of any model.": "A bag of words, with all labels, gets 83 % of it.",
            "There were too few labels.": "From the same labels a bag of words gets 83 %.",
            "The heads were trained too little.": "Fitted until they converge they are as good as before.",
            "A linear head finds little of praise and blame in these features.": "Two in three, with "
            "all labels and fitted to the end. Why it is not there is another question.",
        },
        "A linear head finds little of praise and blame in these features.",
    ),
    "07-3": (
        "3. Tasks are named in the text. What has become of λ?",
        {
            "the share of examples drawn from each task": "The expected gradient is Σ pᵢ ∇Lᵢ: each share "
            "stands where λ stood.",
            "it is learnt by the model": "The shares are fixed before training, and choosing them is "
            "as hard as choosing λ.",
            "it is no longer needed": "With proportional shares the small task was not learnt in 700 steps.",
        },
        "the share of examples drawn from each task",
    ),
}

PREDICTIONS = {
    "07-a": Prediction(
        {
            "about as many": "Texts about one thing lie near each other in it already.",
            "about three in four": "Twenty labels are enough to find the topics in what it knows already.",
            "nearly all": "Not from twenty labels.",
        },
        right="about three in four",
    ),
    "07-b": Prediction(
        {
            "like a coin": "Praise earns stars: who predicts the stars knows the sentiment.",
            "halfway to a bag of words with all labels": "Stars are no distant relative here: they hold every label.",
            "like a bag of words with all labels": "In this corpus sentiment is stars over a threshold: "
            "all its labels were there.",
        },
        right="like a bag of words with all labels",
    ),
    "07-c": Prediction(
        {
            "It gets worse.": "The two tasks share nothing that learns.",
            "It gets better.": "The two tasks share nothing that learns.",
            "Nothing.": "They share nothing that learns; with a shared layer below them λ is back.",
        },
        right="Nothing.",
    ),
    "07-d": Prediction(
        {
            "3,072": "That is one of the two, A or B.",
            "6,144": "Two times 8 × 384, a 24th of the map.",
            "147,456": "That is the map itself.",
        },
        right="6,144",
    ),
    "07-e": Prediction(
        {
            "heads only: 3,080 numbers will do": "They lie below it in each seed: a linear head finds little "
            "of sentiment in these features.",
            "one LoRA for each": "Ahead in each of five seeds; as one of 32 comparisons that is not shown.",
            "a soft prompt": "Ten vectors move sentiment little in 60 steps.",
            "all 23 million numbers": "Their mean is seven points higher, and the interval holds zero.",
            "none": "One LoRA for each is ahead in each of five seeds; as one of 32 comparisons that is not shown.",
        },
        right="none",
    ),
    "07-g": Prediction(
        {
            "both stay within two points": "Sentiment does; topic is moved by what was learnt for sentiment.",
            "one loses several points, the other hardly any": "Topic pays most, on these validation reviews. The seeds "
            "apart, on test reviews, come below.",
            "both fall to guessing": "Each head still finds most of what it learnt to read.",
        },
        right="one loses several points, the other hardly any",
    ),
    "07-f": Prediction(
        {
            "each; in proportion it is best": "In proportion sentiment is one example in four, and stays a coin's toss.",
            "equal shares, and topic loses clearly": "Sentiment is learnt; topic shows no loss.",
            "equal shares, and no loss of topic shows": "In 700 steps the small task needed more than its share; topic "
            "shows no loss.",
        },
        right="equal shares, and no loss of topic shows",
    ),
    "07-h": Prediction(
        {
            "yes or no, and mostly right": "It knows yes and no from other tasks, and does not say them here.",
            "yes or no, by a coin's toss": "It does not even say yes or no.",
            "it names a topic": "The question sounds like one that it knows, and it answers that one.",
        },
        right="it names a topic",
    ),
}
