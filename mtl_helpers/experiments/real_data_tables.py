"""The tables of `experiments.real_data`, from its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from mtl_helpers.evaluation import confidence_interval, delta_mtl, delta_table, paired_changes
from mtl_helpers.evaluation.statistics.delta import DELTA
from mtl_helpers.tasks import Task

SETTING = ["weights", "lr"]


def chosen_runs(runs: pd.DataFrame, scored: Mapping[str, Sequence[Task]]) -> pd.DataFrame:
    """A row a run and task of ``scored``; ``chosen`` where the seed's own validation chose that setting of the arm."""
    rows = long(runs)
    found = [chosen_of(group, scored[world]) for (world, _), group in rows.groupby(["world", "seed"], sort=False)]
    return pd.concat(found, ignore_index=True).sort_values(["world", "arm", "task", "seed", *SETTING], kind="stable")


def table_of(rows: pd.DataFrame, scored: Mapping[str, Sequence[Task]]) -> pd.DataFrame:
    """A row a world, arm and task, from the rows of `chosen_runs`, the worlds in the order of ``scored``."""
    tables = [world_table(rows[rows.world == world], tasks) for world, tasks in scored.items()]
    return pd.concat(tables, ignore_index=True).astype({"settings": "Int64", "agree": "Int64"})  # Δ_MTL has none


def long(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a run and scored task."""
    rows = []
    for run in runs.to_dict("records"):
        weights = " ".join(f"{t} {w:g}" for t, w in zip(run["tasks"], run["weights"], strict=True))
        key = {name: run[name] for name in ("world", "arm", "seed", "lr", "cpu_s", "n_train", "n_test")}
        key |= {"weights": weights, "equal": len(set(run["weights"])) == 1}
        rows += [{**key, "task": task, "val": run["val"][task], "score": score} for task, score in run["test"].items()]
    return pd.DataFrame(rows).round({"val": 4, "score": 4, "cpu_s": 1})


def chosen_of(rows: pd.DataFrame, tasks: Sequence[Task]) -> pd.DataFrame:
    """The runs of one world and seed by arm, ``equal`` λ being one of those among which ``tuned`` λ is chosen."""
    parts, single = [], {}
    for task in tasks:
        alone = rows[(rows.arm == "single") & (rows.task == task.name)]
        best = alone.val.idxmax() if task.higher_is_better else alone.val.idxmin()
        single[task.name] = alone.val[best]
        parts.append(alone.assign(chosen=alone.index == best))
    arms = {arm: group for arm, group in rows.groupby("arm", sort=False) if arm not in ("single", "shared")}
    shared = rows[rows.arm == "shared"]
    if len(shared):
        arms |= {"equal": shared[shared.equal]} | ({} if shared.equal.all() else {"tuned": shared})
    for arm, group in arms.items():
        if arm == "TF-IDF":  # nothing to choose
            parts.append(group.assign(chosen=True))
            continue
        means = group.pivot_table(index=SETTING, columns="task", values="val")
        weights, lr = means.apply(lambda val: delta_mtl(val.to_dict(), single, tasks), axis=1).idxmax()
        parts.append(group.assign(arm=arm, chosen=(group.weights == weights) & (group.lr == lr)))
    return pd.concat(parts).drop(columns="equal")


def world_table(rows: pd.DataFrame, tasks: Sequence[Task]) -> pd.DataFrame:
    """One world: each arm and task with its change against the tuned single-task model of the same seed."""
    chosen = rows[rows.chosen]
    delta, table = delta_table(chosen, tasks), []
    arms = ["single", *sorted(set(chosen.arm) - {"single"})]
    for arm in arms:
        for task in tasks:
            group = chosen[(chosen.arm == arm) & (chosen.task == task.name)]
            tried = rows[(rows.arm == arm) & (rows.task == task.name)]
            votes, score = group[SETTING].value_counts(), confidence_interval(group.score)
            row = {"world": group.world.iloc[0], "arm": arm, "task": task.name, "metric": task.metric}
            row |= dict(zip(SETTING, votes.index[0], strict=True)) | {"agree": votes.iloc[0]}
            row |= {"settings": len(tried[SETTING].drop_duplicates()), "val": group.val.mean()}
            row |= {"score": score.mean, "±": score.mean - score.low}
            changes = paired_changes(chosen[chosen.task == task.name]).loc[arm]
            row |= {name: changes[name] for name in ("change", "low", "high")}
            table.append(row | percent(delta, arm, task.name) | {"seeds": len(group), "cpu_s": group.cpu_s.mean()})
        if len(tasks) > 1 and arm != "single":
            world = group.world.iloc[0]
            table.append({"world": world, "arm": arm, "task": DELTA, **percent(delta, arm, DELTA), "seeds": len(group)})
    return pd.DataFrame(table)


def percent(delta: pd.DataFrame, arm: str, task: str) -> dict[str, float]:
    """The relative change, plus is better; an arm's own is none."""
    if arm == "single":
        return {}
    found = delta.loc[(arm, task)]
    return {"percent": found.change, "percent_low": found.low, "percent_high": found.high}
