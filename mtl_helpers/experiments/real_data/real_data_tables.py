"""The tables of `experiments.real_data`, from its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from mtl_helpers.evaluation import confidence_interval, delta_mtl, delta_table, paired_changes
from mtl_helpers.evaluation.statistics.delta import DELTA
from mtl_helpers.experiments.methods.methods_tables import summary
from mtl_helpers.tasks import Task

PILOTS = 2  # seeds whose validation chooses the settings
SETTING = ["weights", "lr"]
# Rows to test on over rows to learn from, for the corrected t: the seeds split the same Amazon reviews anew. Of IMDB they draw
# 40 % of the training and 20 % of the test reviews, which the correction takes for more overlap than there is. Of CIFAR-10
# they draw 500 of 9,000 pictures, hardly any twice, and are tested on the same ones: plain t, for these test pictures.
SHARED_ROWS = {"domains": 1178 / 5496, "imdb": 2000 / 4000, "cifar": 0.0}


def weights_of(config: Mapping) -> str:
    """Tasks with their λ, in words."""
    return " ".join(f"{task} {weight:g}" for task, weight in zip(config["tasks"], config["weights"], strict=True))


def chosen_runs(runs: pd.DataFrame, scored: Mapping[str, Sequence[Task]]) -> pd.DataFrame:
    """A row a run and task of ``scored``; ``chosen`` where the pilots' validation chose that setting of the arm."""
    rows = long(runs)
    found = [chosen_of(group, scored[world]) for world, group in rows.groupby("world", sort=False)]
    keys = ["world", "arm", "task", "seed", *SETTING]
    return pd.concat(found).sort_values(keys, kind="stable", ignore_index=True)


def table_of(rows: pd.DataFrame, scored: Mapping[str, Sequence[Task]]) -> pd.DataFrame:
    """A row a world, arm and task, from the rows of `chosen_runs`, the worlds in the order of ``scored``."""
    tables = [world_table(rows[rows.world == world], tasks) for world, tasks in scored.items()]
    return pd.concat(tables, ignore_index=True).astype({"settings": "Int64"})  # Δ_MTL has none


def long(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a run and scored task; ``kind`` is the arm of the run."""
    rows = []
    for run in runs.to_dict("records"):
        key = {name: run[name] for name in ("world", "seed", "lr", "cpu_s", "n_train", "n_test")}
        key |= {"kind": run["arm"], "weights": weights_of(run), "equal": len(set(run["weights"])) == 1}
        rows += [{**key, "task": task, "val": run["val"][task], "score": score} for task, score in run["test"].items()]
    return pd.DataFrame(rows).round({"val": 4, "score": 4, "cpu_s": 1})


def chosen_of(rows: pd.DataFrame, tasks: Sequence[Task]) -> pd.DataFrame:
    """The runs of one world by arm, ``equal`` λ being one of those among which ``tuned`` λ is chosen."""
    parts, single = [], {}
    for task in tasks:
        alone = rows[(rows.kind == "single") & (rows.task == task.name)]
        means = alone[alone.seed < PILOTS].groupby("lr").val.mean()
        lr = means.idxmax() if task.higher_is_better else means.idxmin()
        single[task.name] = means[lr]
        parts.append(alone.assign(arm="single", chosen=alone.lr == lr))
    arms = {kind: group for kind, group in rows.groupby("kind", sort=False) if kind not in ("single", "shared")}
    shared = rows[rows.kind == "shared"]
    if len(shared):
        arms |= {"equal": shared[shared.equal]} | ({} if shared.equal.all() else {"tuned": shared})
    for arm, group in arms.items():
        if arm == "TF-IDF":  # chooses for itself
            parts.append(group.assign(arm=arm, chosen=True))
            continue
        means = group[group.seed < PILOTS].pivot_table(index=SETTING, columns="task", values="val")
        weights, lr = means.apply(lambda val: delta_mtl(val.to_dict(), single, tasks), axis=1).idxmax()
        parts.append(group.assign(arm=arm, chosen=(group.weights == weights) & (group.lr == lr)))
    return pd.concat(parts).drop(columns="equal")


def world_table(rows: pd.DataFrame, tasks: Sequence[Task]) -> pd.DataFrame:
    """One world: each arm and task with its change against the tuned single-task model of the same seed."""
    chosen = rows[rows.chosen]
    shared = SHARED_ROWS[chosen.world.iloc[0].partition(",")[0]]
    delta, table = delta_table(chosen, tasks, shared_rows=shared), []
    arms = ["single", *sorted(set(chosen.arm) - {"single"})]
    for arm in arms:
        for task in tasks:
            group = chosen[(chosen.arm == arm) & (chosen.task == task.name)]
            tried = rows[(rows.arm == arm) & (rows.task == task.name)]
            score = confidence_interval(group.score, shared_rows=shared)
            row = {"world": group.world.iloc[0], "arm": arm, "task": task.name, "metric": task.metric}
            row |= {name: group[name].iloc[0] for name in SETTING}
            row |= {"settings": len(tried[SETTING].drop_duplicates()), "val": group.val.mean()}
            row |= {"score": score.mean, "±": score.mean - score.low}
            changes = paired_changes(chosen[chosen.task == task.name], shared_rows=shared).loc[arm]
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


def compared(
    runs: pd.DataFrame, world: str, arms: Sequence[str], tasks: Sequence[Task], against: str = "single"
) -> pd.DataFrame:
    """Change of some arms in per cent of the score of ``against``, plus is better: a `summary` for each arm and task.

    ``runs`` are those of the file.
    """
    chosen, rows = runs[runs.chosen & (runs.world == world)], {}
    for arm in arms:
        for task in tasks:
            wide = chosen[chosen.task == task.name].pivot_table(index="seed", columns="arm", values="score")
            change = (100 if task.higher_is_better else -100) * (wide[arm] / wide[against] - 1)
            rows[f"{arm}: {task.name}"] = summary(change, SHARED_ROWS[world.partition(",")[0]])
    return pd.DataFrame.from_dict(rows, orient="index")
