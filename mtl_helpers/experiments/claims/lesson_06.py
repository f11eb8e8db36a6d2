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
from mtl_helpers.experiments.driving import ROUTE_LABELS

SOURCE, RESAMPLED = "driving.csv", "moments, drives, first weights, order"
SIZES = ROUTE_LABELS
MANY = max(SIZES)
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
        *of_family(drives, "06: the waypoints alone and beside the others, in the same unit", same_unit()),
        *of_family(drives, "06: failing inputs", failing()),
        *told(drives),
    ]


def ceilings() -> list[Claim]:
    """What is the best by ear and by eye: computed from the rules of the road."""
    sentence, best = "by ear alone 0.637 and from sign and obstacle alone 0.484 is the best there is", bayes_ceilings()
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
    return [*of_family(drives, "06: floor", comparisons), *waits(drives)]


def waits(drives: pd.DataFrame) -> list[Claim]:
    """Against who drives to the line and waits, which completes the drives that must stop."""
    waiting = drives.score["wait", 0, "whole", "success"]
    return [
        from_differences(
            100 * (drives.score["shared", labels, "whole", "success"] - waiting).to_numpy(),
            id=f"06-wait-{labels}",
            sentence="at each of three sizes one model completes fewer drives than a car that always waits at the line",
            kind="lower",
            unit="points",
            resampled=RESAMPLED,
            baseline="wait at the line",
            source=SOURCE,
            family="06: waiting at the line",
            comparisons=len(SIZES),
        )
        for labels in SIZES
    ]


def pipelines() -> dict[str, Comparison]:
    """The rivals: with as many routes as they need, against the one model with the same, or with all."""
    rule: Said = (
        "three models that perceive, a map and the rule of the road complete more drives than one model",
        "higher",
    )
    learnt: Said = ("a table learnt from 300 routes does, too", "higher")
    lane: Said = ("without the map the pipeline still leads one model", "higher")
    first: Said = (
        "at each of three sizes a route head on branches that were trained first drives better than one model",
        "higher",
    )
    found: dict[str, Comparison] = {
        "pipeline": ("success", ("pipeline: rule", 0, "whole"), ("shared", MANY, "whole"), rule),
        "pipeline-table": ("success", ("pipeline: table", 300, "whole"), ("shared", 300, "whole"), learnt),
        "pipeline-lane": ("success", ("pipeline: rule, seen lane", 0, "whole"), ("shared", MANY, "whole"), lane),
    }
    for labels in SIZES:
        arms = ("branches first", labels, "whole"), ("shared", labels, "whole")
        found[f"branches-{labels}"] = ("success", *arms, first)
    unit: Said = (
        "against standardised waypoints it still leads by 24 points with 300 routes and by 21 with 4,000",
        "higher",
    )
    for labels in (300, MANY):
        arms = ("branches first", labels, "whole"), ("standardised", labels, "whole")
        found[f"branches-standardised-{labels}"] = ("success", *arms, unit)
    return found


def sharing() -> dict[str, Comparison]:
    """Each task with the others against alone."""
    alone: Said = (
        "at each of three sizes the waypoints alone complete more drives than beside the other four",
        "lower",
    )
    pays: Said = ("The waypoints pay at equal λ, at each of three sizes", "lower")
    gains: Said = ("the action gains by sharing with 300 routes", "higher")
    unclear: Said = ("with 4,000 routes ten seeds do not tell whether the action gains", "open")
    read: dict[str, Said] = {
        "sign": ("of the sign ten seeds do not tell", "open"),
        "obstacle": ("the obstacle pays a little", "lower"),
        "command": ("the command stays within two points", "equal"),
    }
    found: dict[str, Comparison] = {}
    for labels in SIZES:
        arms = ("shared", labels, "whole"), ("single", labels, "whole")
        found[f"success-{labels}"] = ("success", *arms, alone)
        found[f"waypoints-{labels}"] = ("waypoints", *arms, pays)
        if labels in (300, MANY):
            found[f"action-{labels}"] = ("action", *arms, unclear if labels == MANY else gains)
    for task, said in read.items():
        found[f"{task}-{MANY}"] = (task, ("shared", MANY, "whole"), ("single", MANY, "whole"), said)
    return found


def data() -> dict[str, Comparison]:
    """Routes in every batch, and routes where the model itself went."""
    drives: Said = ("whether routes in every batch help the drives ten seeds do not tell", "open")
    error: Said = ("routes in every batch make the error of the waypoints smaller", "higher")
    unclear: Said = ("one round of DAgger is not shown to help the drives", "open")
    larger: Said = ("it makes the error on the expert's moments larger", "lower")
    every, few = ("every batch", 300, "whole"), ("shared", 300, "whole")
    dagger, same = ("DAgger", 1000, "whole"), ("shared", 1000, "whole")
    return {
        "every-batch": ("success", every, few, drives),
        "every-batch-waypoints": ("waypoints", every, few, error),
        "dagger": ("success", dagger, same, unclear),
        "dagger-waypoints": ("waypoints", dagger, same, larger),
    }


def units() -> dict[str, Comparison]:
    """Standardised waypoints against those in road widths."""
    both: Said = (
        "with 300 and with 4,000 routes standardised waypoints have a smaller error and complete more drives",
        "higher",
    )
    action: Said = ("what the action gains or pays for it ten seeds do not tell", "open")
    found: dict[str, Comparison] = {}
    for labels in (300, MANY):
        arms = ("standardised", labels, "whole"), ("shared", labels, "whole")
        for measure, said in {"success": both, "waypoints": both, "action": action}.items():
            found[f"standardised-{measure}-{labels}"] = (measure, *arms, said)
    return found


def same_unit() -> dict[str, Comparison]:
    """What is left of the price of sharing where the waypoints alone are standardised, too."""
    beside: Said = (
        "where both are standardised the waypoints alone still complete more drives, by 21 points at both sizes",
        "lower",
    )
    gains: Said = ("with 4,000 routes the waypoints alone gain by the unit, too", "higher")
    unclear: Said = ("with 300 ten seeds do not tell", "open")
    found: dict[str, Comparison] = {}
    for labels in (300, MANY):
        own = ("single, standardised", labels, "whole")
        found[f"standardised-own-{labels}"] = ("success", ("standardised", labels, "whole"), own, beside)
        found[f"own-unit-{labels}"] = (
            "success",
            own,
            ("single", labels, "whole"),
            gains if labels == MANY else unclear,
        )
    return found


def failing() -> dict[str, Comparison]:
    """Silence, darkness and fog, and training for them."""
    drop = "modality dropout"
    silent: Said = ("in silence one model reads the sign worse", "lower")
    kept: Said = ("with modality dropout the sign is read a little better in silence than with sound", "higher")
    dark: Said = ("in the dark the sign gains by modality dropout", "higher")
    fog: Said = ("thick fog makes the sign worse", "lower")
    drives: Said = ("what thick fog does to the drives ten seeds do not tell", "open")
    price: Said = ("what modality dropout costs on whole inputs ten seeds do not tell", "open")
    one, dropped = ("shared", MANY, "whole"), (drop, MANY, "whole")
    return {
        "silence-sign": ("sign", ("shared", MANY, "no microphone"), one, silent),
        "silence-dropout-sign": ("sign", (drop, MANY, "no microphone"), dropped, kept),
        "dark-dropout-sign": ("sign", (drop, MANY, "no camera"), ("shared", MANY, "no camera"), dark),
        "fog-sign": ("sign", ("shared", MANY, "thick fog"), one, fog),
        "fog-success": ("success", ("shared", MANY, "thick fog"), one, drives),
        **{f"whole-dropout-{name}": (name, dropped, one, price) for name in ("success", "sign", "action")},
    }


def told(drives: pd.DataFrame) -> list[Claim]:
    """Where the car does not do what its action head says: who is right?"""
    said, did = (drives.score["shared", MANY, "whole", name] for name in ("said right", "did right"))
    return [
        from_differences(
            100 * (said - did).to_numpy(),
            id="06-head",
            sentence="where action head and car disagree, the head is right more often than the car",
            kind="higher",
            unit="points",
            resampled=RESAMPLED,
            baseline="the car",
            source=SOURCE,
        )
    ]


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
