"""The tables of `experiments.real_data`, from its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from mtl_helpers.evaluation import confidence_interval, delta_mtl, delta_table, paired_changes
from mtl_helpers.evaluation.statistics.delta import DELTA
from mtl_helpers.tasks import Task

PILOTS = 1  # seeds whose validation chooses the settings
SETTING = ["world", "kind", "weights", "lr"]


def setting_of(config: Mapping) -> tuple[str, str, str, float]:
    """What tells a run's setting from another: world, kind of model, tasks with their λ, learning rate."""
    weights = " ".join(f"{t} {w:g}" for t, w in zip(config["tasks"], config["weights"], strict=True))
    return config["world"], config["arm"], weights, config["lr"]


def chosen_runs(runs: pd.DataFrame, scored: Mapping[str, Sequence[Task]]) -> pd.DataFrame:
    """The runs of the settings that the pilot seed's validation chooses, a row a run and task of ``scored``, by world."""
    rows = long(runs)
    return pd.concat([chosen_of(group, scored[world]) for world, group in rows.groupby("world", sort=False)])


def table_of(chosen: pd.DataFrame, scored: Mapping[str, Sequence[Task]]) -> pd.DataFrame:
    """A row a world, arm and task."""
    tables = [world_table(group, scored[world]) for world, group in chosen.groupby("world", sort=False)]
    return pd.concat(tables, ignore_index=True).astype({"settings": "Int64"})  # Δ_MTL has none


def long(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a run and scored task."""
    rows = []
    for run in runs.to_dict("records"):
        key = dict(zip(SETTING, setting_of(run), strict=True)) | {"seed": run["seed"]}
        key |= {"equal": len(set(run["weights"])) == 1, "cpu_s": run["cpu_s"]}
        rows += [{**key, "task": task, "val": run["val"][task], "score": score} for task, score in run["test"].items()]
    return pd.DataFrame(rows).round({"val": 4, "score": 4, "cpu_s": 1})


def chosen_of(rows: pd.DataFrame, tasks: Sequence[Task]) -> pd.DataFrame:
    """Of the runs of one world: by arm those of the chosen setting, for a single task at its own best learning rate."""
    parts, single = [], {}
    for task in tasks:
        alone = rows[(rows.kind == "single") & (rows.task == task.name)]
        means = pilot(alone).groupby("lr").val.mean()
        lr = means.idxmax() if task.higher_is_better else means.idxmin()
        single[task.name] = means[lr]
        parts.append(alone[alone.lr == lr].assign(arm="single", settings=len(means)))
    arms = {
        kind: group for kind, group in rows.groupby("kind", sort=False) if kind not in ("single", "shared", "TF-IDF")
    }
    shared = rows[rows.kind == "shared"]
    if len(shared):
        arms |= {"shared": shared} if shared.equal.all() else {"equal": shared[shared.equal], "tuned": shared}
    for arm, group in arms.items():
        means = pilot(group).pivot_table(index=["weights", "lr"], columns="task", values="val")
        weights, lr = means.apply(lambda val: delta_mtl(val.to_dict(), single, tasks), axis=1).idxmax()
        parts.append(group[(group.weights == weights) & (group.lr == lr)].assign(arm=arm, settings=len(means)))
    parts.append(rows[rows.kind == "TF-IDF"].assign(arm="TF-IDF", settings=1))
    return pd.concat(parts).drop(columns="equal")


def pilot(rows: pd.DataFrame) -> pd.DataFrame:
    """The runs that choose; the others know only what was chosen."""
    return rows[rows.seed < PILOTS]


def world_table(chosen: pd.DataFrame, tasks: Sequence[Task]) -> pd.DataFrame:
    """One world: each arm and task with its change against the tuned single-task model of the same seed."""
    delta, rows = delta_table(chosen, tasks), []
    for arm in chosen.arm.unique():
        for task in tasks:
            group = chosen[(chosen.arm == arm) & (chosen.task == task.name)]
            first, score = group.iloc[0], confidence_interval(group.score)
            row = {"world": first.world, "arm": arm, "task": task.name, "metric": task.metric}
            row |= {"weights": first.weights, "lr": first.lr, "settings": first.settings, "val": group.val.mean()}
            row |= {"score": score.mean, "±": score.mean - score.low}
            changes = paired_changes(chosen[chosen.task == task.name]).loc[arm]
            row |= {name: changes[name] for name in ("change", "low", "high")}
            rows.append(row | percent(delta, arm, task.name) | {"seeds": len(group), "cpu_s": group.cpu_s.mean()})
        if len(tasks) > 1 and arm != "single":
            rows.append(
                {"world": first.world, "arm": arm, "task": DELTA, **percent(delta, arm, DELTA), "seeds": len(group)}
            )
    return pd.DataFrame(rows)


def percent(delta: pd.DataFrame, arm: str, task: str) -> dict[str, float]:
    """The relative change, plus is better; an arm's own is none."""
    if arm == "single":
        return {}
    found = delta.loc[(arm, task)]
    return {"percent": found.change, "percent_low": found.low, "percent_high": found.high}
