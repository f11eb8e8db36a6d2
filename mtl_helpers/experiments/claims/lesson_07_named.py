"""The claims of lesson 07 about the task named before an encoder's text: which reviews are near under which name."""

from __future__ import annotations

import math

from mtl_helpers.claims import Claim, from_differences
from mtl_helpers.claims.register import Kind
from mtl_helpers.experiments import read_result
from mtl_helpers.experiments.adapters.merge import SHARED_ROWS
from mtl_helpers.experiments.adapters.named_tasks import ARMS, NAMES

COMPARISONS = 7
PLAIN, TUNED = ARMS
NONE, TOPIC, SENTIMENT = NAMES


def claims() -> list[Claim]:
    """With the LoRA one name against the other, and against the encoder as downloaded; there each name against none."""
    moved = 'under "sentiment:" 27 points more of the five nearest share the sentiment than under "topic:"'
    kept = "that fewer of them share the topic is not shown"
    heard = 'the LoRA lifts that share under "sentiment:" by 25 points'
    deaf = "as downloaded, neither name changes either share by 5 points"
    return [
        compared("name-sentiment", moved, SENTIMENT, (TUNED, SENTIMENT), (TUNED, TOPIC)),
        compared("name-topic", kept, TOPIC, (TUNED, SENTIMENT), (TUNED, TOPIC), kind="open"),
        compared("name-LoRA", heard, SENTIMENT, (TUNED, SENTIMENT), (PLAIN, SENTIMENT)),
        *(
            compared(f"frozen-{name}-{task}", deaf, task, (PLAIN, name), (PLAIN, NONE), kind="equal", margin=5)
            for name in (TOPIC, SENTIMENT)
            for task in (TOPIC, SENTIMENT)
        ),
    ]


def compared(
    id: str,
    sentence: str,
    task: str,
    of: tuple[str, str],
    against: tuple[str, str],
    *,
    kind: Kind = "higher",
    margin: float = math.nan,
) -> Claim:
    """How many points more of the five nearest have a review's label in a task; ``of`` and ``against`` are arm and name."""
    runs = read_result("named_tasks")
    runs = (
        runs[(runs.measure == "neighbours") & (runs.task == task)].set_index(["arm", "name", "seed"]).score.sort_index()
    )
    return from_differences(
        (100 * (runs[of] - runs[against])).to_numpy(),
        id=f"07-{id}",
        sentence=sentence,
        kind=kind,
        unit="points",
        resampled="split, first weights, order",
        baseline=", ".join(against),
        source="named_tasks.csv",
        margin=margin,
        shared_rows=SHARED_ROWS,
        family="07: shares of neighbours by name and encoder",
        comparisons=COMPARISONS,
    )
