"""The claims of lesson 06, driving: every seed draws new drives, so each run has data of its own.

A family is what one question of the lesson compares: an arm with another over all five tasks.
"""

from __future__ import annotations

import pandas as pd

from mtl_helpers.claims import Claim, computed, from_differences
from mtl_helpers.claims.register import Kind
from mtl_helpers.driving import DRIVING_TASKS, bayes_ceilings
from mtl_helpers.experiments import read_result
from mtl_helpers.experiments.driving import ROUTE_LABELS

SOURCE, RESAMPLED = "driving.csv", "drives, first weights, order"
READ = ("sign", "obstacle", "command")  # the tasks that have all labels at every size
POINT = 1.0  # less than a point, 0.01 of accuracy, does not matter here: the margin of every "equal"
UNIT = {task.name: "points" if task.higher_is_better else "% of the error" for task in DRIVING_TASKS}
Runs = tuple[str, int, str]  # arm, labels, condition of the test drives


def claims() -> list[Claim]:
    """A row for each bold conclusion."""
    drives = read_result("driving")
    drives = drives[drives.world == "driving"].set_index(["arm", "labels", "condition", "task", "seed"]).sort_index()
    return [*ceilings(), *size(drives), *sharing(drives), *pipeline(drives), *weights(drives), *failing(drives)]


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
    numbers = drives.parameters.xs(("whole", 4000, 0), level=("condition", "labels", "seed"))
    share = numbers["shared"].iloc[0] / numbers["single"].sum()
    sentence = "One model has less than a third of the parameters of five"
    return [computed(share, id="06-size", sentence=sentence, unit="of the parameters", source=SOURCE)]


def sharing(drives: pd.DataFrame) -> list[Claim]:
    """Each task with the others against alone, at three sizes."""
    gains: tuple[str, Kind] = ("the action gains 9.7 points with 300 routes", "higher")
    unclear: tuple[str, Kind] = ("with 1,000 and 4,000 routes ten seeds do not tell whether the action gains", "open")
    pays: tuple[str, Kind] = ("The waypoints pay at equal λ, at each of three sizes", "lower")
    stay: tuple[str, Kind] = ("Sign, obstacle and command stay within a point of their single models", "equal")
    said = {(task, labels): stay for task in READ for labels in ROUTE_LABELS}
    for labels in ROUTE_LABELS:
        said |= {("action", labels): gains if labels == 300 else unclear, ("waypoints", labels): pays}
    return [
        compared(
            drives,
            task,
            ("shared", labels, "whole"),
            ("single", 4000 if task in READ else labels, "whole"),
            id=f"06-{task}-{labels}",
            said=sentence,
            family="06: shared against single, three sizes",
            comparisons=len(said),
        )
        for (task, labels), sentence in said.items()
    ]


def pipeline(drives: pd.DataFrame) -> list[Claim]:
    """Three single models and the rule of the road: wrong at most as often as one of the three is."""
    wrong = sum(1 - drives.score["single", 4000, "whole", task] for task in READ)
    return [
        from_differences(
            100 * (1 - wrong - drives.score["shared", 300, "whole", "action"]).to_numpy(),
            id="06-pipeline",
            sentence="three single models and the rule of the road are right more often, without one route label",
            kind="higher",
            unit="points",
            resampled=RESAMPLED,
            baseline="shared, 300 routes",
            source=SOURCE,
        )
    ]


def weights(drives: pd.DataFrame) -> list[Claim]:
    """What λ does with 300 routes, against equal λ."""
    route: tuple[str, Kind] = ("λ = 3 for the route takes 2.8 points from the action", "lower")
    own: tuple[str, Kind] = ("λ = 5 takes 15 % off the error of the waypoints", "higher")
    said = {("route x 3", "action"): route, ("waypoints x 5", "waypoints"): own}
    return [
        compared(
            drives,
            task,
            (arm, 300, "whole"),
            ("shared", 300, "whole"),
            id=f"06-{arm.replace(' x ', '-')}",
            said=sentence,
            family=f"06: {arm} against equal λ",
            comparisons=len(DRIVING_TASKS),
        )
        for (arm, task), sentence in said.items()
    ]


def failing(drives: pd.DataFrame) -> list[Claim]:
    """Silence, and training for it."""
    shared, drop = "shared", "modality dropout"
    half = "in silence the sign lost nine points or more in five of ten trainings"
    kept: tuple[str, Kind] = ("with modality dropout sign and obstacle stay within a point in silence", "equal")
    price: tuple[str, Kind] = ("on whole inputs sign, obstacle, command and action stay within a point", "equal")
    unclear: tuple[str, Kind] = ("what the sign loses in silence on average ten seeds do not tell", "open")
    gains: tuple[str, Kind] = ("with modality dropout the waypoints gain in silence", "higher")
    said: dict[str, tuple[tuple[str, str], tuple[str, str], dict[str, tuple[str, Kind]]]] = {
        "silence": ((shared, "no microphone"), (shared, "whole"), {"sign": unclear}),
        "silence-dropout": ((drop, "no microphone"), (drop, "whole"), {"sign": kept, "obstacle": kept}),
        "silence-gain": ((drop, "no microphone"), (shared, "no microphone"), {"waypoints": gains}),
        "whole-dropout": ((drop, "whole"), (shared, "whole"), {task: price for task in (*READ, "action")}),
    }
    silent = drives.score[shared, 4000, "no microphone", "sign"] - drives.score[shared, 4000, "whole", "sign"]
    lost = float((silent.round(4) <= -0.09).sum())
    rows = [computed(lost, id="06-silence-seeds", sentence=half, unit="of 10 trainings", source=SOURCE)]
    for name, ((arm, condition), (other, before), tasks) in said.items():
        rows += [
            compared(
                drives,
                task,
                (arm, 4000, condition),
                (other, 4000, before),
                id=f"06-{name}-{task}",
                said=sentence,
                family=f"06: {arm}, {condition}, against {other}, {before}",
                comparisons=len(DRIVING_TASKS),
            )
            for task, sentence in tasks.items()
        ]
    return rows


def compared(
    drives: pd.DataFrame,
    task: str,
    arm: Runs,
    against: Runs,
    *,
    id: str,
    said: tuple[str, Kind],
    family: str,
    comparisons: int,
) -> Claim:
    """One task of an arm against another by seed, plus is better: in points, or an error in per cent of the other's."""
    scores, others = drives.score[(*arm, task)], drives.score[(*against, task)]
    change = 100 * (scores - others) if UNIT[task] == "points" else 100 * (others - scores) / others
    sentence, kind = said
    margin = {"margin": POINT} if kind == "equal" else {}
    return from_differences(
        change.to_numpy(),
        id=id,
        sentence=sentence,
        kind=kind,
        unit=UNIT[task],
        resampled=RESAMPLED,
        baseline=against[0] if arm[2] == against[2] == "whole" else f"{against[0]}, {against[2]}",
        source=SOURCE,
        family=family,
        comparisons=comparisons,
        **margin,
    )
