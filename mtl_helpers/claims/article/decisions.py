"""The decision chart of lesson 08: what to ask of a task of your own, what to do, and the rows that say so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Branch:
    """A question; what to do if the answer is yes; the rows of the register behind it; how thin the evidence is, if it is."""

    question: str
    advice: str
    rows: tuple[str, ...]
    thin: str = ""


DECISIONS: tuple[Branch, ...] = (
    Branch(
        "Few labels, and a near relative with many?",
        "Turn its labels into yours, if you can. If not, train both in one model, with a control whose other loss is off.",
        (
            "08-stars-sentiment",
            "08-stars-control-sentiment",
            "03-labels-single-on-the-stars-stars-on-2000",
            "05-real-labels-imdb",
        ),
        thin="one pair of tasks, of which one follows from the other",
    ),
    Branch(
        "Few labels, and no relative?",
        "Put a head on a frozen pre-trained encoder, if its training fits your task.",
        ("08-frozen-20-topic", "08-frozen-20-sentiment", "08-frozen-sentiment"),
        thin="two tasks, and it fits one of them",
    ),
    Branch(
        "All labels there, and only accuracy counts?",
        "Begin with a bag of words and a model for each task; share if validation says so.",
        ("08-words-topic", "08-words-sentiment", "08-shared-topic", "08-shared-sentiment"),
        thin="small networks on short texts",
    ),
    Branch(
        "One device, or several answers to each input?",
        "Share: fewer parameters, and one pass for all tasks.",
        ("02-parameters-CNN", "02-step-CNN"),
    ),
    Branch(
        "Does one task lose by the others?",
        "Standard units first, then more λ for it (the others pay), or a larger encoder. Look at each task.",
        (
            "06-waypoints-300",
            "06-waypoints-4000",
            "05-raw-units",
            "06-standardised-waypoints-300",
            "05-size-reviews",
            "04-importance-sentiment",
            "04-importance-topic",
        ),
    ),
    Branch(
        "Which λ, and does one mistake cost more?",
        "Name the price of a mistake, begin with equal λ, try a few by validation.",
        ("08-tuned-topic", "08-tuned-sentiment", "08-uncertainty-topic", "05-price-reviews-0.25"),
        thin="not shown is no equality; gains below 5 to 7 points could be missed",
    ),
)
