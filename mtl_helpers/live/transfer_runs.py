"""What the transfer demo computes: the arms of one setting of the controlled reviews, seed after seed."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any, NamedTuple

import pandas as pd

from mtl_helpers.evaluation import controlled_splits, paired_changes, run_arm, usual_arms
from mtl_helpers.live.background import DemoError
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.relations import gradient_cosines
from mtl_helpers.tasks import SENTIMENT, TOPIC
from mtl_helpers.training import Record

RELATEDNESS = (0, 0.25, 0.5, 0.75, 1)
STEPS = {100: 150, 300: 250, 1000: 500, 3000: 600}  # of training, by number of reviews: enough to learn, and quick
FILTERS = (3, 8, 32)
ARMS = tuple(arm.name for arm in usual_arms(SENTIMENT, TOPIC))
COSINE_EVERY = 20  # steps from one gradient cosine to the next


class Setting(NamedTuple):
    """What is chosen: relatedness ρ, reviews to learn from, filters of the encoder."""

    relatedness: float
    n: int
    filters: int

    def __str__(self) -> str:
        return f"ρ {self.relatedness:g}, {self.n:,} reviews, {self.filters} filters"


def checked(relatedness: Any, n: Any, filters: Any) -> Setting:
    """The setting of those values; raises `DemoError` for one that no slider has."""
    found = []
    choices = {"relatedness": (relatedness, RELATEDNESS), "n": (n, tuple(STEPS)), "filters": (filters, FILTERS)}
    for name, (value, known) in choices.items():
        if isinstance(value, bool) or not isinstance(value, numbers.Real) or value not in known:
            raise DemoError(f"{name} must be one of {', '.join(f'{v:g}' for v in known)}; found {value!r}.")
        found.append(known[known.index(value)])
    return Setting(*found)


class TransferRuns:
    """The runs of one setting so far: all arms of seed 0, then all of seed 1 and so on; `run_next` adds one.

    ``rows`` has ``arm, seed, score`` of each run; ``cosines``, by seed, the (step, cosine) of topic and sentiment in the
    shared encoder of plain sharing, on the batch of every 20th step.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.rows: list[dict[str, Any]] = []
        self.cosines: dict[int, list[tuple[int, float]]] = {}

    @property
    def seeds(self) -> int:
        """Seeds of which every arm has run."""
        return len(self.rows) // len(ARMS)

    @property
    def next(self) -> tuple[int, str]:
        """Seed and arm of the next run."""
        seed, place = divmod(len(self.rows), len(ARMS))
        return seed, ARMS[place]

    @property
    def changes(self) -> pd.DataFrame:
        """`evaluation.paired_changes` over the whole seeds; empty with fewer than two."""
        if self.seeds < 2:
            return pd.DataFrame(columns=["score", "change", "low", "high", "seeds"])
        return paired_changes(pd.DataFrame(self.rows[: self.seeds * len(ARMS)]))

    @property
    def by_seed(self) -> dict[str, list[float]]:
        """By arm the change of each seed; an arm that has run counts before the others of its seed have."""
        rows = list(self.rows)
        alone = {row["seed"]: row["score"] for row in rows if row["arm"] == ARMS[0]}
        return {arm: [row["score"] - alone[row["seed"]] for row in rows if row["arm"] == arm] for arm in ARMS[1:]}

    @property
    def curves(self) -> list[list[tuple[int, float]]]:
        """The cosines of each seed; that of a run under way is as long as it has come."""
        return [list(curve) for curve in list(self.cosines.values())]

    def run_next(self, on_step: Callable[[int], None]) -> None:
        """Train and test the next arm. ``on_step`` is called with the number of each step; to give up, raise in it."""
        (seed, name), (relatedness, n, filters) = self.next, self.setting
        arm = next(arm for arm in usual_arms(SENTIMENT, TOPIC, filters=filters) if arm.name == name)
        curve: list[tuple[int, float]] = []

        def after(model: MultiTaskModel, record: Record) -> None:
            if name == "plain sharing" and record.step % COSINE_EVERY == 0:
                curve.append((record.step, *gradient_cosines(model, record.batch).values()))
                self.cosines[seed] = curve
            on_step(record.step)

        try:
            splits = controlled_splits(n, seed, relatedness=relatedness)
            run = run_arm(arm, splits, seed=seed, steps=STEPS[n], on_step=after)
        except BaseException:
            if curve:
                del self.cosines[seed]  # half a curve: it will be measured anew
            raise
        self.rows.append({"arm": name, "seed": seed, "score": run.score})
