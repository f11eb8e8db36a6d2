"""The claims of lesson 06, driving: every run draws new drives, so each has data of its own."""

from __future__ import annotations

from mtl_helpers.claims import Claim, computed, from_runs
from mtl_helpers.claims.register import Kind
from mtl_helpers.driving import DRIVING_TASKS, bayes_ceilings
from mtl_helpers.experiments import read_result

RESAMPLED = "drives, first weights, order"
SOURCE = "driving.csv"
SHARING = {"family": "06: sharing, five tasks at three sizes", "comparisons": 15}


def claims() -> list[Claim]:
    """A row for each bold conclusion."""
    return [*ceilings(), *sharing()]


def ceilings() -> list[Claim]:
    """What is the best by ear, by eye and by both: computed from the rules of the road."""
    sentence = "by ear alone 0.637 and by eye alone 0.484 is the best there is"
    best = bayes_ceilings()
    return [
        computed(
            best[known], id=f"06-ceiling-{name}", sentence=sentence, unit="accuracy", source="driving.bayes_ceilings"
        )
        for known, name in (("command", "ear"), ("scene", "eye"))
    ]


def sharing() -> list[Claim]:
    """Each task with the others against alone."""
    gains = "the action gains 9.7 points with 300 routes"
    unclear = "with 1,000 and 4,000 routes ten seeds do not tell whether it gains"
    pays = "The waypoints pay at equal λ, at each of three sizes"
    return [
        shared_against_single("action", 300, id="06-action-300", sentence=gains, kind="higher"),
        *(
            shared_against_single("action", labels, id=f"06-action-{labels}", sentence=unclear, kind="open")
            for labels in (1000, 4000)
        ),
        *(
            shared_against_single("waypoints", labels, id=f"06-waypoints-{labels}", sentence=pays, kind="lower")
            for labels in (300, 1000, 4000)
        ),
    ]


def shared_against_single(task: str, labels: int, *, id: str, sentence: str, kind: Kind) -> Claim:
    """A task's change by sharing, in points; the single models of sign, obstacle and command always have all labels."""
    table = read_result("driving")
    rows = table[(table.world == "driving") & (table.condition == "whole") & (table.task == task)]
    own = labels if task in ("action", "waypoints") else 4000
    runs = rows[((rows.arm == "single") & (rows.labels == own)) | ((rows.arm == "shared") & (rows.labels == labels))]
    return from_runs(
        runs,
        "shared",
        "single",
        id=id,
        sentence=sentence,
        kind=kind,
        resampled=RESAMPLED,
        source=SOURCE,
        lower_is_better=not next(t for t in DRIVING_TASKS if t.name == task).higher_is_better,
        **SHARING,
    )
