"""Arms run seed after seed on the same data, so that each is compared with the first of its own seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from mtl_helpers.evaluation.running.transfer import Arm, run_arm
from mtl_helpers.evaluation.statistics.repeats import paired_changes
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.relations import gradient_cosines
from mtl_helpers.training import Record

COSINE_EVERY = 20  # steps from one gradient cosine to the next


class PairedRuns:
    """All arms of seed 0, then all of seed 1 and so on; `run_next` adds one run.

    Parameters
    ----------
    arms
        The first is the one that the others are compared with.
    splits
        The data of a seed.
    steps
        Of a training.
    cosines_of
        The arm, of two tasks, in which their gradient cosine is measured on the batch of every 20th step.

    ``rows`` has ``arm, seed, score`` of each run; ``cosines``, by seed, the (step, cosine) so far.
    """

    def __init__(
        self, arms: Sequence[Arm], splits: Callable[[int], Any], *, steps: int, cosines_of: str | None = None
    ) -> None:
        self.arms, self.splits, self.steps, self.cosines_of = list(arms), splits, steps, cosines_of
        self.rows: list[dict[str, Any]] = []
        self.cosines: dict[int, list[tuple[int, float]]] = {}

    @property
    def seeds(self) -> int:
        """Seeds of which every arm has run."""
        return len(self.rows) // len(self.arms)

    @property
    def next(self) -> tuple[int, Arm]:
        """Seed and arm of the next run."""
        seed, place = divmod(len(self.rows), len(self.arms))
        return seed, self.arms[place]

    @property
    def changes(self) -> pd.DataFrame:
        """`paired_changes` over the whole seeds; empty with fewer than two."""
        if self.seeds < 2:
            return pd.DataFrame(columns=["score", "change", "low", "high", "seeds"])
        return paired_changes(pd.DataFrame(self.rows[: self.seeds * len(self.arms)]))

    @property
    def by_seed(self) -> dict[str, list[float]]:
        """By arm the change of each seed; an arm that has run counts before the others of its seed have."""
        first, *others = (arm.name for arm in self.arms)
        alone = {row["seed"]: row["score"] for row in self.rows if row["arm"] == first}
        return {arm: [row["score"] - alone[row["seed"]] for row in self.rows if row["arm"] == arm] for arm in others}

    def run_next(self, on_step: Callable[[int], None] = lambda step: None) -> None:
        """Train and test the next arm. ``on_step`` is called with the number of each step; to give up, raise in it."""
        seed, arm = self.next
        curve: list[tuple[int, float]] = []

        def after(model: MultiTaskModel, record: Record) -> None:
            if arm.name == self.cosines_of and record.step % COSINE_EVERY == 0:
                curve.append((record.step, *gradient_cosines(model, record.batch).values()))
                self.cosines[seed] = curve
            on_step(record.step)

        try:
            run = run_arm(arm, self.splits(seed), seed=seed, steps=self.steps, on_step=after)
        except BaseException:
            if curve:
                del self.cosines[seed]  # half a curve: it will be measured anew
            raise
        self.rows.append({"arm": arm.name, "seed": seed, "score": run.score})
