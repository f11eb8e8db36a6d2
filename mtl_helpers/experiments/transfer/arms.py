"""The arms of the transfer table beyond the usual ones: ways of sharing, controls, and what a head is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from torch import Tensor, nn

from mtl_helpers.data import MultiTaskDataset, Splits, Vocabulary, encode_reviews
from mtl_helpers.evaluation import Arm, usual_arms
from mtl_helpers.evaluation.running.transfer import NewEncoder
from mtl_helpers.models import CNNEncoder, MultiTaskModel
from mtl_helpers.relations import (
    Adapters,
    ConditionedModel,
    CrossStitch,
    MMoE,
    PipelineModel,
    SoftSharing,
    ToldHead,
)
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Classification, Task

BOTH = [SENTIMENT, TOPIC]
ON = {SENTIMENT.name: TOPIC.name}
LR = 0.01  # of all arms in the written world
CHANCE = Classification("chance", classes=("heads", "tails"))  # labels drawn by a coin


def by_task(new_encoder: NewEncoder, tasks: Sequence[Task], kind: Callable) -> MultiTaskModel:
    """A model with an encoder for each task."""
    return kind({task.name: new_encoder() for task in tasks}, tasks)


def on_top(new_encoder: NewEncoder, tasks: Sequence[Task], kind: Callable) -> MultiTaskModel:
    """A model on one encoder."""
    return kind(new_encoder(), tasks)


def control_of(arm: Arm) -> Arm:
    """The same model on the same batches, the loss of the helping tasks off: what it gains, their labels did not bring."""
    return replace(arm, name=f"{arm.name}, control", weights={task.name: 0 for task in arm.tasks[1:]})


# Is it the sharing or the joint training that costs? One of the two is taken away at a time.


def pipeline(new_encoder: NewEncoder, tasks: Sequence[Task], first: MultiTaskModel) -> MultiTaskModel:
    """A model that is told what a trained one says of the topic: nothing is shared, and topic was learnt before."""
    return PipelineModel(new_encoder(), *tasks, first, TOPIC.name)


def topic_first(new_encoder: NewEncoder, tasks: Sequence[Task], first: MultiTaskModel) -> MultiTaskModel:
    """The conditioned model on one encoder, with encoder and topic head as they are after topic alone."""
    model = ConditionedModel(new_encoder(), tasks, ON)
    model.encoder.load_state_dict(first.encoder.state_dict())
    model.heads[TOPIC.name].load_state_dict(first.heads[TOPIC.name].state_dict())
    return model


TOPIC_ALONE = Arm("topic alone", [TOPIC], lr=LR)
JOINT_ENCODERS = Arm("two encoders, jointly", BOTH, partial(by_task, kind=partial(ConditionedModel, on=ON)), lr=LR)


def after_topic(first: MultiTaskModel) -> list[Arm]:
    """The two arms that begin with a trained topic model."""
    return [
        Arm("pipeline", [SENTIMENT], partial(pipeline, first=first), lr=LR),
        Arm("topic first", BOTH, partial(topic_first, first=first), lr=LR),
    ]


# Does it take a product? Each head gets the shared features; the told ones get the probabilities of the topic, too.


def with_mlp_head(new_encoder: NewEncoder, tasks: Sequence[Task]) -> MultiTaskModel:
    """Hard sharing, with a hidden layer in the head of the task in question."""
    encoder, (main, *others) = new_encoder(), tasks
    width = encoder.features
    heads: dict[str, nn.Module] = {task.name: nn.Linear(width, task.n_outputs) for task in others}
    heads[main.name] = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, main.n_outputs))
    return MultiTaskModel(encoder, tasks, heads)


HEADS = [
    Arm("MLP head", BOTH, with_mlp_head, lr=LR),
    Arm("told, linear head", BOTH, partial(on_top, kind=partial(ConditionedModel, on=ON, head=ToldHead)), lr=LR),
    Arm(
        "told, MLP head",
        BOTH,
        partial(on_top, kind=partial(ConditionedModel, on=ON, head=partial(ToldHead, hidden=96))),
        lr=LR,
    ),
]


class ToldEncoder(nn.Module):
    """A CNN on texts that begin with the name of their topic; it reads only what comes behind."""

    def __init__(self, vocabulary: Vocabulary, filters: int) -> None:
        super().__init__()
        self.words = CNNEncoder(len(vocabulary), filters=filters)
        self.features = self.words.features
        self.topics = vocabulary.encode(TOPIC.classes)[0][:, 0]

    def forward(self, tokens: Tensor) -> Tensor:
        """``(batch, features)``."""
        return self.words(tokens[:, 1:])


class TrueTopic(nn.Module):
    """A topic model that is always right and sure: it reads the name with which the text begins."""

    def __init__(self, topics: Tensor) -> None:
        super().__init__()
        self.tasks = (TOPIC,)
        self.register_buffer("topics", topics)

    def forward(self, tokens: Tensor) -> dict[str, Tensor]:
        """Logits ``(batch, 6)``."""
        return {TOPIC.name: 50.0 * (tokens[:, :1] == self.topics)}


def oracle(new_encoder: Callable[[], ToldEncoder], tasks: Sequence[Task]) -> MultiTaskModel:
    """The conditioned head, told the true topic: no way of learning the topic can beat it, but by chance."""
    encoder = new_encoder()
    return PipelineModel(encoder, *tasks, TrueTopic(encoder.topics), TOPIC.name)


def told_topic(splits: Splits, tasks: Sequence[Task]) -> tuple[NewEncoder, list[MultiTaskDataset]]:
    """For `run_arm`: the texts with the name of their topic before them."""
    parts = [frame.assign(text=frame.topic + " " + frame.text) for frame in splits]
    vocabulary = Vocabulary.from_texts(parts[0].text)
    return partial(ToldEncoder, vocabulary, 32), [encode_reviews(part, vocabulary, tasks) for part in parts]


ORACLE = Arm("true topic", [SENTIMENT], oracle, lr=LR)

# Other ways of sharing.

SOFT = Arm("soft sharing", BOTH, partial(by_task, kind=partial(SoftSharing, strength=0.01)), lr=LR)
STITCH = Arm("cross-stitch", BOTH, partial(by_task, kind=CrossStitch), lr=LR)
EXPERTS = Arm("MMoE", BOTH, partial(on_top, kind=MMoE), lr=LR)
ADAPTERS = Arm("adapters", BOTH, partial(on_top, kind=Adapters), lr=LR)
OTHER_WAYS = [SOFT, STITCH, EXPERTS, ADAPTERS]
USUAL = usual_arms(SENTIMENT, TOPIC, lr=LR)
# Sentiment's loss trains the topic head, so that it may say whatever sentiment needs; it sees no topic label.
FREE = partial(ConditionedModel, on=ON, detach=False)
FREE_CONTROL = Arm("control, free", BOTH, partial(on_top, kind=FREE), {"topic": 0}, lr=LR)
# Plain sharing with another task than topic.
STARS_BESIDE = Arm("stars beside", [SENTIMENT, STARS], lr=LR)
COIN_BESIDE = Arm("coin beside", [SENTIMENT, CHANCE], lr=LR)
