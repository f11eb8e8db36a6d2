"""Lesson 04: a rule of one's own, the control that is missing, one knob or two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mtl_helpers.claims.answers import AnswerError, Exercise
from mtl_helpers.claims.prediction import Prediction
from mtl_helpers.tasks import SENTIMENT, TOPIC, Task
from mtl_helpers.training import Weighting


class _Tasks(list):
    """A case's argument, in few words."""

    def __repr__(self) -> str:
        return " and ".join(task.name for task in self)


_RUN = (  # losses of five steps; None: anew
    {"topic": 2.0, "sentiment": 0.5},
    {"topic": 1.0, "sentiment": 0.4},
    {"topic": 0.5},
    {"topic": 0.5, "sentiment": 0.4},
    None,
    {"topic": 4.0, "sentiment": 0.5},
)


class _WorstFirst(Weighting):
    def reset(self) -> None:
        super().reset()
        self.first: dict[str, float] = {}

    def __init__(self, tasks: Sequence[Task], **options: Any) -> None:
        super().__init__(tasks, **options)
        self.reset()

    def weigh(self, losses: Mapping[str, Tensor], model: Any) -> dict[str, float]:
        self.first = {name: loss.item() for name, loss in losses.items()} | self.first
        return self.shared_out({name: loss.item() / self.first[name] for name, loss in losses.items()})

    def shared_out(self, left: dict[str, float]) -> dict[str, float]:
        return {name: len(left) * value / sum(left.values()) for name, value in left.items()}


class _Absolute(_WorstFirst):
    def weigh(self, losses: Mapping[str, Tensor], model: Any) -> dict[str, float]:
        return self.shared_out({name: loss.item() for name, loss in losses.items()})


class _NotShared(_WorstFirst):
    def shared_out(self, left: dict[str, float]) -> dict[str, float]:
        return left


class _BestFirst(_WorstFirst):
    def shared_out(self, left: dict[str, float]) -> dict[str, float]:
        return super().shared_out({name: 1 / value for name, value in left.items()})


class _Forgetful(_WorstFirst):
    def reset(self) -> None:
        if not hasattr(self, "first"):
            super().reset()


def _behaviour(rule: Any) -> Any:
    """λ of topic and sentiment at each step of _RUN, 0 where there is none; ... if nothing is written yet."""
    if not isinstance(rule, Weighting):
        raise AnswerError(f"found {type(rule).__name__}, where a Weighting is asked for.")
    found = []
    for step in _RUN:
        if step is None:
            rule.reset()
            continue
        try:
            weights = rule.weigh({name: torch.tensor(loss) for name, loss in step.items()}, None)
            if weights is None or weights is ...:
                return ...
            found.append([float(weights.get(name, 0.0)) for name in ("topic", "sentiment")])
        except Exception as error:
            raise AnswerError(f"with the losses {step} there was a {type(error).__name__}: {error}") from None
    return found


EXERCISES = {
    "04-1": Exercise(
        reference=_WorstFirst,
        cases=[(_Tasks([TOPIC, SENTIMENT]),)],
        reading=_behaviour,
        slips={
            "Divide each loss by the first one that its task had: a loss of 2 in another unit is not worse.": _Absolute,
            "λ are to sum to the number of tasks in `losses`: divide by their sum.": _NotShared,
            "More for the task of which more is left, not less.": _BestFirst,
            "After `reset()` the first losses are to be the new run's: forget the old ones there.": _Forgetful,
        },
        hints=(
            "Keep the first loss of each task in a dict of the rule's own; what is left is L / L(0).",
            "In `reset`, after `super().reset()`, set `self.first = {}`. In `weigh`, `self.first.setdefault(name, "
            "loss.item())` keeps the first and returns it. Then scale what is left so that it sums to `len(losses)`.",
        ),
        given="from mtl_helpers.training import Weighting",
        solution=(
            "class WorstFirst(Weighting):\n"
            "    def __init__(self, tasks, **options):\n"
            "        super().__init__(tasks, **options)\n"
            "        self.first = {}\n\n"
            "    def reset(self):\n"
            "        super().reset()\n"
            "        self.first = {}\n\n"
            "    def weigh(self, losses, model):\n"
            "        left = {name: loss.item() / self.first.setdefault(name, loss.item()) for name, loss in losses.items()}\n"
            "        return {name: len(left) * value / sum(left.values()) for name, value in left.items()}"
        ),
    ),
    "04-2": Exercise(
        reference=3.0,
        slips={
            "(1) More seeds make the interval narrower. They leave the reason for the gain as open as it is.": 1.0,
            "(2) It would be one more rule. It cannot tell what PCGrad's gain comes from.": 2.0,
            "(4) The sum of λ does nothing under AdamW, as you saw.": 4.0,
        },
        hints=(
            "What differs between the two arms, besides the rule?",
            "The loss in millimetres squared is far larger than the other two. What else would have brought it down to size?",
        ),
        solution="control = 3",
    ),
    "04-3": Exercise(
        reference=(1.0, 0.002),
        slips={
            "The decay is multiplied by the learning rate, too: η w must stay what it was.": torch.tensor([1.0, 0.01]),
            "Turn it round: smaller λ need a larger learning rate.": torch.tensor([0.04, 0.05]),
            "Then the decay grows with the learning rate; it is to stay.": torch.tensor([1.0, 0.05]),
        },
        hints=(
            "Write down the whole step: η (5 ∇L + w θ), with w the weight decay.",
            "Which η' and w' give η' (∇L + w' θ) the same value? Compare what stands before ∇L, then what stands before θ.",
        ),
        solution="lr, weight_decay = 0.2 * 5, 0.01 * 0.2 / (0.2 * 5)\nanswer = (lr, weight_decay)",
    ),
}

QUIZZES = {
    "04-1": (
        "1. You train with AdamW once more, each λ half as large from the first step. What changes in the training?",
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
            "The rule found out the unit.": "Then equal λ on standard units may do as well, at no cost. Compare with that.",
            "The regression is harder.": "Its loss is larger because of its unit; that says nothing of hard or easy.",
        },
        "The rule found out the unit.",
    ),
    "04-3": (
        "3. You train with Adam twice, with λ topic = 1 and with λ topic = 10, each from the first step. Through what "
        "does the topic task profit from the 10?",
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
            "0, and 0": "A mean over nothing is 0 / 0, in both.",
            "nan, and nan in both": "By hand, yes. PyTorch's own loss counts no row, and sends back exactly 0.",
            "nan, and nan only in the mean by hand": "0 / 0 is nan in both; but PyTorch's own loss sends back exactly 0.",
        },
        right="nan, and nan only in the mean by hand",
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
            "sentiment": "It gains little: raw stars say much of what sentiment needs.",
            "stars": "They had the encoder to themselves, and do not need more of it.",
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
    "04-k": Prediction(
        {
            "up for task 1": "Its gradient is short, and it lags: both speak for a larger w.",
            "up for task 2": "Its gradient is long already, and it is ahead.",
            "it stays at 1 and 1": "Then G would stay at 1 and 3, and the task ahead would have the larger one.",
        },
        right="up for task 1",
    ),
    "04-m": Prediction(
        {
            "seldom": "Two unrelated gradients stand nearly at a right angle, and the sign is a coin toss.",
            "at about every second step": "Unrelated gradients stand nearly at a right angle, and the sign is a coin toss.",
            "nearly always": "Then no encoder could be shared at all.",
        },
        right="at about every second step",
    ),
    "04-j": Prediction(
        {
            "both let the long one decide": "MGDA does the opposite: the shortest mix lies near the short gradient.",
            "PCGrad the long one, MGDA the short one": "PCGrad changes only what conflicts. The shortest mix lies near the "
            "short gradient.",
            "MGDA the long one, PCGrad the short one": "The other way round.",
        },
        right="PCGrad the long one, MGDA the short one",
    ),
    "04-n": Prediction(
        {
            "at about every second one, as conflicts are": "A conflict of gradients nearly at a right angle changes little: "
            "each task's own part of the step outweighs it by far.",
            "at hardly any": "Each task's own part of the step outweighs a slight conflict by far.",
            "at nearly every one": "Then no loss would fall.",
        },
        right="at hardly any",
    ),
    "04-i": Prediction(
        {
            "near equal, all three": "Two of them are. MGDA follows the lengths of one batch, and swings.",
            "near equal, and MGDA swings": "MGDA follows the lengths of one batch; the other two remember.",
            "on one digit": "They are equally hard, and the rules see it.",
        },
        right="near equal, and MGDA swings",
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
