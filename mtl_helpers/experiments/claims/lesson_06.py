"""The claims of lesson 06, driving: every seed draws new moments and new drives, so each run has data of its own.

A family is what one question of the lesson compares.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from mtl_helpers.claims import Claim, computed, from_differences
from mtl_helpers.claims.register import Kind
from mtl_helpers.driving import bayes_ceilings
from mtl_helpers.experiments import read_result

SOURCE, RESAMPLED = "driving.csv", "moments, drives, first weights, order"
MANY = 4000
POINT = 2.0  # points of accuracy: less does not matter here, the margin of every "equal"
ERRORS = ("waypoints",)  # measures of which less is better: told in per cent of the other's error
Runs = tuple[str, int, str]  # arm, labels, condition
Said = tuple[str, Kind]  # a sentence of the lesson, and what it says
Comparison = tuple[str, Runs, Runs, Said]  # measure, an arm, what it is held against


def claims() -> list[Claim]:
    """A row for each bold conclusion."""
    table = read_result("driving")
    drives = table.set_index(["arm", "labels", "condition", "measure", "seed"]).sort_index()
    return [
        *ceilings(),
        *size(drives),
        *floors(drives),
        *of_family(drives, "06: pipelines and branches against one model", pipelines()),
        *of_family(drives, "06: one model against models of their own", sharing()),
        *of_family(drives, "06: other routes to learn from, few routes", data()),
        *of_family(drives, "06: units and weights of the waypoints", units()),
        *of_family(drives, "06: failing inputs", failing()),
        *told(drives),
    ]


def ceilings() -> list[Claim]:
    """What is the best by ear and by eye: computed from the rules of the road."""
    sentence, best = "by ear alone 0.637 and by eye alone 0.484 is the best there is", bayes_ceilings()
    names = {"command": "ear", "scene": "eye"}
    return [
        computed(best[known], id=f"06-best-{name}", sentence=sentence, unit="accuracy", source="driving.bayes_ceilings")
        for known, name in names.items()
    ]


def size(drives: pd.DataFrame) -> list[Claim]:
    """Parameters of one model and of five."""
    numbers = drives.parameters.xs(("whole", MANY, 0), level=("condition", "labels", "seed"))
    tasks = ["sign", "obstacle", "command", "action", "waypoints"]
    share = numbers["shared"].iloc[0] / numbers["single"][tasks].sum()
    sentence = "One model has less than a third of the parameters of five"
    return [computed(share, id="06-size", sentence=sentence, unit="of the parameters", source=SOURCE)]


def floors(drives: pd.DataFrame) -> list[Claim]:
    """The one model against a car that drives straight on."""
    said: Said = ("one model of five tasks completes more drives than a car that drives straight on", "higher")
    comparisons = {"floor": ("success", ("shared", MANY, "whole"), ("straight", 0, "whole"), said)}
    return of_family(drives, "06: floor", comparisons)


def pipelines() -> dict[str, Comparison]:
    """The rivals: with as many routes as they need, against the one model with the same, or with all."""
    rule: Said = ("three models that perceive, a map and the rule of the road complete more drives", "higher")
    learnt: Said = ("a table learnt from 300 routes does, too", "higher")
    first: Said = (
        "with 300 and with 1,000 routes a route head on branches that were trained first drives better",
        "higher",
    )
    many: Said = ("with all 4,000 routes five seeds do not tell", "open")
    lane: Said = ("without a map the lead of the pipeline is not shown", "open")
    return {
        "pipeline": ("success", ("pipeline: rule", 0, "whole"), ("shared", MANY, "whole"), rule),
        "pipeline-table": ("success", ("pipeline: table", 300, "whole"), ("shared", 300, "whole"), learnt),
        "pipeline-lane": ("success", ("pipeline: rule, seen lane", 0, "whole"), ("shared", MANY, "whole"), lane),
        **{
            f"branches-{labels}": (
                "success",
                ("branches first", labels, "whole"),
                ("shared", labels, "whole"),
                many if labels == MANY else first,
            )
            for labels in (300, 1000, MANY)
        },
    }


def sharing() -> dict[str, Comparison]:
    """Each task with the others against alone."""
    alone: Said = (
        "with 300 and with 1,000 routes the waypoints alone complete more drives than beside the other four",
        "lower",
    )
    unclear: Said = ("with 4,000 routes it is open which of the two drives better", "open")
    pays: Said = ("The waypoints pay at equal λ, at each of three sizes", "lower")
    gains: Said = ("the action gains by sharing with 300 routes", "higher")
    stay: Said = ("with 4,000 it is open whether it gains", "open")
    read: Said = ("Sign, obstacle and command ...", "open")
    found: dict[str, Comparison] = {}
    for labels in (300, 1000, MANY):
        one, own = ("shared", labels, "whole"), ("single", labels, "whole")
        found[f"success-{labels}"] = ("success", one, own, unclear if labels == MANY else alone)
        found[f"waypoints-{labels}"] = ("waypoints", one, own, pays)
    for labels, said in ((300, gains), (MANY, stay)):
        found[f"action-{labels}"] = ("action", ("shared", labels, "whole"), ("single", labels, "whole"), said)
    for task in ("sign", "obstacle", "command"):
        found[f"{task}-{MANY}"] = (task, ("shared", MANY, "whole"), ("single", MANY, "whole"), read)
    return found


def data() -> dict[str, Comparison]:
    """Routes in every batch, and routes where the model itself went."""
    every: Said = ("every batch ...", "open")
    dagger: Said = ("one round of DAgger ...", "open")
    return {
        "every-batch": ("success", ("every batch", 300, "whole"), ("shared", 300, "whole"), every),
        "every-batch-waypoints": ("waypoints", ("every batch", 300, "whole"), ("shared", 300, "whole"), every),
        "dagger": ("success", ("DAgger", 1000, "whole"), ("shared", 1000, "whole"), dagger),
        "dagger-waypoints": ("waypoints", ("DAgger", 1000, "whole"), ("shared", 1000, "whole"), dagger),
    }


def units() -> dict[str, Comparison]:
    """Standardised waypoints, and a larger λ, against equal λ in road widths."""
    found: dict[str, Comparison] = {}
    for labels in (300, MANY):
        for measure in ("success", "waypoints", "action"):
            found[f"standardised-{measure}-{labels}"] = (
                measure,
                ("standardised", labels, "whole"),
                ("shared", labels, "whole"),
                ("std", "open"),
            )
    return found


def failing() -> dict[str, Comparison]:
    """Silence and darkness, and training for them."""
    drop = "modality dropout"
    return {
        "silence-sign": ("sign", ("shared", MANY, "no microphone"), ("shared", MANY, "whole"), ("sil", "open")),
        "silence-dropout-sign": ("sign", (drop, MANY, "no microphone"), (drop, MANY, "whole"), ("sil", "open")),
        "dark-dropout-sign": ("sign", (drop, MANY, "no camera"), ("shared", MANY, "no camera"), ("dark", "open")),
        "fog-success": ("success", ("shared", MANY, "thick fog"), ("shared", MANY, "whole"), ("fog", "open")),
        "whole-dropout-success": ("success", (drop, MANY, "whole"), ("shared", MANY, "whole"), ("price", "open")),
        "whole-dropout-sign": ("sign", (drop, MANY, "whole"), ("shared", MANY, "whole"), ("price", "open")),
        "whole-dropout-action": ("action", (drop, MANY, "whole"), ("shared", MANY, "whole"), ("price", "open")),
    }


def told(drives: pd.DataFrame) -> list[Claim]:
    """Whether the car does what its action head says."""
    return []


def of_family(drives: pd.DataFrame, family: str, comparisons: Mapping[str, Comparison]) -> list[Claim]:
    """A row a comparison, plus is better: in points, or an error in per cent of the other's."""
    rows = []
    for name, (measure, arm, other, (sentence, kind)) in comparisons.items():
        scores, others = (drives.score[(*which, measure)] for which in (arm, other))
        change = 100 * (others - scores) / others if measure in ERRORS else 100 * (scores - others)
        rows.append(
            from_differences(
                change.to_numpy(),
                id=f"06-{name}",
                sentence=sentence,
                kind=kind,
                unit="% of the error" if measure in ERRORS else "points",
                resampled=RESAMPLED,
                baseline=other[0] if arm[2] == other[2] == "whole" else f"{other[0]}, {other[2]}",
                source=SOURCE,
                family=family,
                comparisons=len(comparisons),
                **({"margin": POINT} if kind == "equal" else {}),
            )
        )
    return rows
