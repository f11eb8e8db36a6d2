"""One model that sees, listens and steers, its parts alone, and a pipeline, in the open and in the closed loop.

data/results/driving.csv has a row a run, condition and measure. A seed draws 4,000 moments of drives to learn from,
500 to validate on and 1,000 to test on, 40 drives to drive, the first weights and the order of the batches, the same for all
arms. All moments have labels for command, and, before the decision, for sign and obstacle; 300, 1,000 or 4,000 of them have a
route: waypoints, and before the decision an action. Every model takes 500 steps of AdamW and ends with the weights of its best
validation, by the mean skill of its tasks.

Arms. *shared*: five tasks; where few moments have routes, half of its batches are drawn from those. *standardised*: the same,
the waypoints in units of their own mean and deviation. *every batch*: half of each batch has routes. *modality dropout*: 30 %
of the examples lose one of the two inputs. *DAgger*: with 300 routes a shared model drives, 700 moments of its drives are
labelled by the expert and added, and a new one learns: one round of Ross, Gordon and Bagnell (AISTATS 2011), with as many
routes as *shared* with 1,000. *single*: one task, from the examples that have its label; that of the waypoints drives, also
*standardised*. *pipeline*: single models of command, sign and obstacle, the known *rule* or a *table* learnt from the drives
with routes, and the way of the action on the map; *rule, seen lane*: without a map, from a single model of the place on the
road. *branches first*: a route head on the frozen trunks of those four. *still*, *straight*, *wait* (always, at the line) and
*expert*: floors and ceiling.

Measures: the test scores of the tasks (*median path* is a floor of the waypoints), `agreement` of action head and waypoints,
and what `driven_by_model` reports of 40 drives, ``success`` also of the halves in better and worse weather. Models with all
routes are tested and driven with failing inputs, too. Condition ``validation`` is what the single models reached there: the
demo of lesson 06 compares with it. ``seconds`` is the processor time of training. A minute and a half a seed on two cores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch

from mtl_helpers.data import MultiTaskDataset, make_loader
from mtl_helpers.driving import (
    COMMAND,
    DRIVING_TASKS,
    OBSTACLE,
    SIGN,
    WAYPOINTS,
    Simulator,
    drive_rows,
    encode_drives,
    episode_rows,
    expert,
    keep_route_labels,
    stand_still,
    steers,
    straight_on,
    wait_at_the_line,
)
from mtl_helpers.experiments import Config, Experiment
from mtl_helpers.experiments.driving.learning import (
    DROP,
    LR,
    ROUTE_LABELS,
    SIZES,
    STEPS,
    drives,
    in_every_batch,
    new_loader,
    new_model,
    standardised,
    trained,
)
from mtl_helpers.experiments.driving.on_the_way import (
    EPISODES,
    MEASURES,
    agreement,
    driven_by,
    driven_by_model,
    failing,
    means,
    new_simulator,
)
from mtl_helpers.experiments.driving.pipelines import (
    LANE,
    Pipeline,
    lane_data,
    learnt_rule,
    route_head,
    steered_by_head,
)
from mtl_helpers.models import MultiTaskModel, count_parameters
from mtl_helpers.training import validate

__all__ = [
    "DROP",
    "EPISODES",
    "EXPERIMENT",
    "LANE",
    "LR",
    "MEASURES",
    "ROUTE_LABELS",
    "STEPS",
    "Pipeline",
    "failing",
    "new_loader",
    "new_model",
    "new_simulator",
    "trained",
]
FEW, MANY = min(ROUTE_LABELS), max(ROUTE_LABELS)
ADDED = 700  # moments that DAgger adds
DRIVEN_IN = ("no microphone", "no camera", "thick fog")
Scores = dict[str, dict[str, float]]  # by condition and measure


def run(config: Config) -> dict[str, Any]:
    """One model, tested and driven; or the pipelines of a seed, or its floors and ceiling."""
    if config["arm"] == "pipelines":
        return {"rows": pipelines(config["seed"])}
    if config["arm"] == "without a model":
        return {"rows": without_a_model(config["seed"])}
    return {"rows": learnt(**config)}


def learnt(arm: str, seed: int, labels: int, task: str = "") -> list[dict[str, Any]]:
    """Train a model of an arm and test it; drive with it if it has waypoints."""
    splits, tests = drives(seed)
    train = keep_route_labels(splits.train, labels)
    tasks = [one for one in DRIVING_TASKS if task in ("", one.name)]
    if "standardised" in arm:
        tasks = standardised(train, tasks)
    if arm == "DAgger":
        train = aggregated(train, splits.val, seed)
    loader = new_loader(train, tasks, seed)
    if arm == "every batch":
        loader = in_every_batch(train, seed, batches=STEPS)
    drop = DROP if arm == "modality dropout" else 0.0
    model, seconds = trained(tasks, loader, splits.val, seed, drop=drop)
    scores = tested(
        model, tests if arm in ("shared", "modality dropout") and labels == MANY else {"whole": splits.test}
    )
    if arm == "single":
        scores["validation"] = validate(model, make_loader(splits.val, 250))[1]
    if task in ("", WAYPOINTS.name):
        for condition in [name for name in ("whole", *DRIVEN_IN) if name in scores]:
            scores[condition] |= driven_by_model(model, seed, condition)
    if not task:
        rows = drive_rows(sum(SIZES.values()), seed=seed)[-SIZES["n_test"] :]
        scores["whole"]["agreement"] = agreement(model, splits.test, rows)
    size = {"parameters": sum(count_parameters(model).values()), "seconds": round(seconds, 1)}
    routes = labels + (ADDED if arm == "DAgger" else 0)
    return rows_of_run(scores, arm=arm, labels=routes, seed=seed, **size)


def tested(model: MultiTaskModel, tests: Mapping[str, MultiTaskDataset]) -> Scores:
    """Scores of each task by condition."""
    return {name: validate(model, make_loader(test, 250))[1] for name, test in tests.items()}


def aggregated(train: MultiTaskDataset, val: MultiTaskDataset, seed: int) -> MultiTaskDataset:
    """The moments to learn from, and those that a shared model came to that learnt from them, with the expert's waypoints."""
    model, _ = trained(DRIVING_TASKS, new_loader(train, DRIVING_TASKS, seed), val, seed)
    simulator, policy = Simulator(episode_rows(EPISODES, seed=20_000 + seed)), steers(model)
    seen = []
    while not simulator.done.all():
        seen.append(simulator.moments()[~simulator.done])
        simulator.step(policy(simulator.observe()))
    met = pd.concat(seen).sample(ADDED, random_state=seed)
    return below(train, encode_drives(met))


def below(*parts: MultiTaskDataset) -> MultiTaskDataset:
    """Data sets below one another."""

    def joined(name: str) -> dict[str, Any]:
        columns = [getattr(part, name) for part in parts]
        return {key: torch.cat([column[key] for column in columns]) for key in columns[0]}

    return MultiTaskDataset(joined("inputs"), joined("targets"), joined("masks"))


def pipelines(seed: int) -> list[dict[str, Any]]:
    """The single models that perceive, and what is built on them."""
    splits, _ = drives(seed)
    rows = drive_rows(sum(SIZES.values()), seed=seed)
    cuts = [rows[: SIZES["n_train"]], rows[SIZES["n_train"] : -SIZES["n_test"]], rows[-SIZES["n_test"] :]]
    models, found = {}, []
    for task in (COMMAND, SIGN, OBSTACLE):
        models[task.name], seconds = trained([task], new_loader(splits.train, [task], seed), splits.val, seed)
        scores = tested(models[task.name], {"whole": splits.test, "validation": splits.val})
        found += _single(scores, models[task.name], seed, seconds)
    seen = [lane_data(part, cut) for part, cut in zip(splits, cuts, strict=True)]
    lane = LANE.standardised(seen[0].targets["lane"][seen[0].masks["lane"]].tolist())
    models["lane"], seconds = trained([lane], new_loader(seen[0], [lane], seed), seen[1], seed)
    found += _single(tested(models["lane"], {"whole": seen[2]}), models["lane"], seed, seconds)

    def add(arm: str, labels: int, scores: dict[str, float]) -> None:
        found.extend(rows_of_run({"whole": scores}, arm=arm, labels=labels, seed=seed))

    for arm, labels, rule, by in (
        ("pipeline: rule", 0, None, None),
        ("pipeline: rule, seen lane", 0, None, models["lane"]),
        *(("pipeline: table", labels, learnt_rule(cuts[0][:labels]), None) for labels in (FEW, 1000)),
    ):
        simulator = new_simulator(seed)
        policy = Pipeline(simulator, models, *([rule] if rule else []), lane=by)
        while not simulator.done.all():
            simulator.step(policy(simulator.observe()))
        add(arm, labels, means(simulator.report()))
    for labels in ROUTE_LABELS:
        train = keep_route_labels(splits.train, labels)
        task = standardised(train)[-1]
        head = route_head(models, train, splits.val, task, seed)
        policy = steered_by_head(models, head)
        points = policy(splits.test.inputs)
        error = (points - splits.test.targets[WAYPOINTS.name]).abs().mean().item()
        add("branches first", labels, {WAYPOINTS.name: error} | driven_by(policy, seed))
    return found


def _single(scores: Scores, model: MultiTaskModel, seed: int, seconds: float) -> list[dict[str, Any]]:
    size = {"parameters": sum(count_parameters(model).values()), "seconds": round(seconds, 1)}
    return rows_of_run(scores, arm="single", labels=MANY, seed=seed, **size)


def without_a_model(seed: int) -> list[dict[str, Any]]:
    """Floors and ceiling in the closed loop, and the floor of the waypoints in the open one."""
    splits, _ = drives(seed)
    found = []
    for arm, policy in (("still", stand_still), ("straight", straight_on)):
        found += rows_of_run({"whole": driven_by(policy, seed)}, arm=arm, labels=0, seed=seed)
    for arm, knowing in (("wait", wait_at_the_line), ("expert", expert)):
        simulator = new_simulator(seed)
        while not simulator.done.all():
            simulator.step(knowing(simulator))
        found += rows_of_run({"whole": means(simulator.report())}, arm=arm, labels=0, seed=seed)
    target = splits.test.targets[WAYPOINTS.name]
    median = (target - splits.train.targets[WAYPOINTS.name].quantile(0.5, dim=0)).abs().mean().item()
    return found + rows_of_run({"whole": {WAYPOINTS.name: median}}, arm="median path", labels=0, seed=seed)


def rows_of_run(
    scores: Scores, *, arm: str, labels: int, seed: int, parameters: int = 0, seconds: float = math.nan
) -> list[dict[str, Any]]:
    """A row a condition and measure."""
    kept, size = {"arm": arm, "labels": labels, "seed": seed}, {"parameters": parameters, "seconds": seconds}
    return [
        {**kept, "condition": condition, "measure": measure, "score": score, **size}
        for condition, by_measure in scores.items()
        for measure, score in by_measure.items()
    ]


def configs(seeds: int) -> list[Config]:
    """All runs; those of one seed behind one another, so that a worker makes its drives once."""
    found = []
    for seed in range(seeds):
        found += [{"arm": arm, "seed": seed} for arm in ("without a model", "pipelines")]
        for labels in ROUTE_LABELS:
            rest = {"seed": seed, "labels": labels}
            found += [{**rest, "arm": "single", "task": "waypoints"}, {**rest, "arm": "shared"}]
            if labels in (FEW, MANY):
                found += [{**rest, "arm": "single", "task": "action"}, {**rest, "arm": "standardised"}]
                found.append({**rest, "arm": "single, standardised", "task": "waypoints"})
            if labels == FEW:
                found += [{**rest, "arm": arm} for arm in ("every batch", "DAgger")]
            if labels == MANY:
                found.append({**rest, "arm": "modality dropout"})
    return found


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A row a run, condition and measure."""
    table = pd.DataFrame([row for rows in runs.rows for row in rows])
    return {"driving": table.replace({np.nan: None}).dropna(subset=["score"])}


EXPERIMENT = Experiment(configs, run, tables, seeds=10)
