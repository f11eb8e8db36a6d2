"""The tables of `make_real_data_table.py`, from its runs."""

from collections.abc import Mapping, Sequence

import pandas as pd

from mtl_helpers.evaluation import confidence_interval, delta_mtl, delta_table, paired_changes
from mtl_helpers.evaluation.delta import DELTA
from mtl_helpers.tasks import Task

SETTING = ["weights", "lr"]


def table_of(runs: pd.DataFrame, scored: Mapping[str, Sequence[Task]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table, a row a world, arm and task; and the runs of the chosen settings. ``scored`` are each world's tasks."""
    rows = long(runs)
    chosen = pd.concat([chosen_of(group, scored[world]) for world, group in rows.groupby("world", sort=False)])
    tables = [world_table(group, scored[world]) for world, group in chosen.groupby("world", sort=False)]
    return pd.concat(tables, ignore_index=True), chosen.reset_index(drop=True)


def long(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a run and scored task."""
    rows = []
    for run in runs.itertuples():
        weights = (
            "" if len(run.tasks) == 1 else " ".join(f"{t} {w:g}" for t, w in zip(run.tasks, run.weights, strict=True))
        )
        key = {"world": run.world, "arm": run.arm, "weights": weights, "lr": run.lr, "seed": run.seed}
        equal = len(set(run.weights)) == 1
        rows += [
            {**key, "equal": equal, "task": task, "val": run.val[task], "score": score, "cpu_s": run.cpu_s}
            for task, score in run.test.items()
        ]
    return pd.DataFrame(rows).round({"val": 4, "score": 4, "cpu_s": 1})


def chosen_of(rows: pd.DataFrame, tasks: Sequence[Task]) -> pd.DataFrame:
    """Of the runs of one world: for each arm those of the setting that validation chooses, over all seeds."""
    parts, single = [], {}
    for task in tasks:
        alone = rows[(rows.arm == "single") & (rows.task == task.name)]
        means = alone.groupby("lr").val.mean()
        lr = means.idxmax() if task.higher_is_better else means.idxmin()
        single[task.name] = means[lr]
        parts.append(alone[alone.lr == lr].assign(settings=len(means)))
    arms = {arm: group for arm, group in rows.groupby("arm", sort=False) if arm not in ("single", "shared")}
    shared = rows[rows.arm == "shared"]
    if len(shared):
        arms |= {"equal": shared[shared.equal]} | ({} if shared.equal.all() else {"tuned": shared})
    for arm, group in arms.items():
        means = group.pivot_table(index=SETTING, columns="task", values="val")
        best = means.apply(lambda val: delta_mtl(val.to_dict(), single, tasks), axis=1).idxmax()
        found = group[(group.weights == best[0]) & (group.lr == best[1])]
        parts.append(found.assign(arm=arm, settings=len(means)))
    return pd.concat(parts).drop(columns="equal")


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
