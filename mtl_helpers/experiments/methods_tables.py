"""The tables of lesson 05, from the runs of `experiments.methods`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from mtl_helpers.datasets import LEFT, RIGHT
from mtl_helpers.evaluation import confidence_interval, delta_table, paired_changes, pareto_front
from mtl_helpers.tasks import SENTIMENT, TOPIC, Task

TASKS = {"digits": (LEFT, RIGHT), "reviews": (TOPIC, SENTIMENT)}
DELTA = "Δ_MTL"
WORLD = ["world", "model"]
SETTING = ["arm", "share", "lr"]
DIGITS = dict.fromkeys(["val", "test", "val_loss", "test_loss"], 4) | {"seconds": 2, "steps_per_s": 0}


def tables_of(runs: pd.DataFrame, found: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """All tables by name, from the rows of all arms and of all searches. Rounded first: so a reader finds the same."""
    runs = runs.sort_values([*WORLD, "seed", "lr"], ascending=[True, False, True, True], kind="stable")
    runs = runs.round(DIGITS).reset_index(drop=True)
    small = runs[runs.model == "small"]
    searched = small[small.world.isin(found.world) & small.seed.isin(found.seed)]
    found = pd.concat([pd.DataFrame(grid_rows(searched)), found], ignore_index=True).round(DIGITS)
    return {
        "methods_runs": runs,
        "methods": by_world(runs, methods_of),
        "choices": by_world(small, choices_of),
        "lucky": by_world(small, lucky),
        "search_runs": found,
        "search": search_table(found, runs),
    }


def best_by(runs: pd.DataFrame, score: str = "val") -> pd.Series:
    """Of the runs of some arms of one world: setting by its mean over tasks and seeds, the best one first."""
    return runs.groupby(SETTING, dropna=False)[score].mean().sort_values(ascending=False, kind="stable")


def at(runs: pd.DataFrame, setting: Sequence) -> pd.DataFrame:
    """The runs of one setting (arm, share, learning rate)."""
    arm, share, lr = setting
    return runs[(runs.arm == arm) & (runs.lr == lr) & (runs.share.isna() if np.isnan(share) else runs.share == share)]


def candidates(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """By the name an arm has in the table: the runs among which its setting is chosen."""
    by_hand = runs[runs.arm == "static"]
    found = {"equal": by_hand[by_hand.share == 0.5], "tuned static": by_hand}
    return found | {arm: rows for arm, rows in runs.groupby("arm", sort=False) if arm not in ("single", "static")}


def chosen_singles(runs: pd.DataFrame) -> pd.DataFrame:
    """The single-task runs, each task at its own best learning rate on validation."""
    singles = runs[runs.arm == "single"]
    return pd.concat(at(rows, best_by(rows).index[0]) for _, rows in singles.groupby("task", sort=False))


def methods_of(runs: pd.DataFrame) -> pd.DataFrame:
    """The table of one world and model: a row an arm and task."""
    tasks = TASKS[runs.world.iloc[0]]
    parts, sets = [chosen_singles(runs)], {}
    for name, rows in candidates(runs).items():
        sets[name] = (*best_by(rows).index[0][1:], len(rows.groupby(SETTING, dropna=False)))
        parts.append(at(rows, best_by(rows).index[0]).assign(arm=name))
    chosen = pd.concat(parts).rename(columns={"test": "score"})
    delta = delta_table(chosen, tasks)
    costs, rows = cost_of(runs), []
    for (arm, task), group in chosen.groupby(["arm", "task"], sort=False):
        changes = paired_changes(chosen[chosen.task == task]).loc[arm]
        interval = confidence_interval(group.score)
        share, lr, count = sets.get(arm, (np.nan, group.lr.iloc[0], len(runs[runs.arm == "single"].lr.unique())))
        row = {"arm": arm, "task": task, "share": share, "lr": lr, "runs": count, "val": group.val.mean()}
        row |= {"score": interval.mean, "±": interval.mean - interval.low, "change": changes.change}
        row |= {
            "change ±": changes.change - changes.low,
            "seeds": len(group),
            "seconds": group.seconds.mean(),
            "cost": costs.get(arm),
        }
        rows.append(row)
        last = task == tasks[-1].name
        if last and arm != "single":
            rows.append(
                {"arm": arm, "task": DELTA, **{k: row[k] for k in ("share", "lr", "runs", "seeds", "seconds", "cost")}}
            )
    table = pd.DataFrame(rows)
    table.loc[table.arm == "single", "seconds"] = table.seconds[table.arm == "single"].sum()
    for i, (arm, task) in table[["arm", "task"]].iterrows():
        if arm != "single":
            table.loc[i, ["percent", "low", "high"]] = delta.loc[arm, task][["change", "low", "high"]].to_list()
            for other, name in (("to_equal", "equal"), ("to_static", "tuned static")):
                table.loc[i, [other, f"{other}_low", f"{other}_high"]] = difference(chosen, tasks, arm, name)[task]
    return table


def cost_of(runs: pd.DataFrame) -> dict[str, float]:
    """By arm: seconds over those of equal λ with the same seed and learning rate, the median over both.

    Both ran within the same minute: so what else a machine does shows less than in the seconds themselves.
    """
    one = runs[runs.task == runs.task.iloc[0]].set_index(["lr", "seed"])
    equal = one.seconds[(one.arm == "static") & (one.share == 0.5)]
    ratios = {arm: group.seconds / equal for arm, group in one[~one.arm.isin(["single", "static"])].groupby("arm")}
    return {"equal": 1.0, "tuned static": 1.0} | {arm: ratio.median() for arm, ratio in ratios.items()}


def names(tasks: Sequence[Task]) -> list[str]:
    """Of the tasks."""
    return [task.name for task in tasks]


def percents(chosen: pd.DataFrame, tasks: Sequence[Task], arm: str) -> pd.DataFrame:
    """Change of an arm in per cent of the single-task score: a row a seed, a column a task, and their mean."""
    wide = chosen[chosen.arm.isin(["single", arm])].pivot_table(index="seed", columns=["arm", "task"], values="score")
    change = 100 * (wide[arm] / wide["single"] - 1)[names(tasks)]
    return change.assign(**{DELTA: change.mean(axis=1)})


def difference(chosen: pd.DataFrame, tasks: Sequence[Task], arm: str, other: str) -> dict[str, list[float]]:
    """By task, and for Δ_MTL: how much more, or less, an arm changes than another does, seed by seed, with its interval."""
    apart = percents(chosen, tasks, arm) - percents(chosen, tasks, other)
    return {name: list(confidence_interval(apart[name])) for name in apart}


def choices_of(runs: pd.DataFrame) -> pd.DataFrame:
    """What a score gains if each seed chooses its setting by its own test score: a row a kind of choice."""
    shared, rows = runs[runs.arm != "single"], []
    kinds = {
        "learning rate of equal λ": candidates(runs)["equal"],
        "λ and learning rate": shared[shared.arm == "static"],
    }
    for what, group in (kinds | {"any arm": shared}).items():
        means = group.groupby(["seed", *SETTING], dropna=False)[["val", "test"]].mean()
        by = {score: means.loc[means.groupby("seed")[score].idxmax()].reset_index() for score in ("val", "test")}
        gain = confidence_interval(by["test"].test - by["val"].test)
        rows.append(
            {
                "choice": what,
                "of": len(means) // group.seed.nunique(),
                "val_of_chosen": by["val"].val.mean(),
                "by_val": by["val"].test.mean(),
                "by_test": by["test"].test.mean(),
                **dict(zip(("gain", "low", "high"), gain, strict=True)),
            }
        )
    return pd.DataFrame(rows)


def grid_rows(runs: pd.DataFrame) -> list[dict]:
    """The grid search is among the runs: each seed's choice by its own validation."""
    by_hand, rows = runs[runs.arm == "static"], []
    for (name, seed), group in by_hand.groupby(["world", "seed"], sort=False):
        val = best_by(group)
        setting = val.index[0]
        first = TASKS[name][0].name
        row = {"world": name, "search": "grid", "seed": seed, "runs": len(val), "share": setting[1], "lr": setting[2]}
        row["seconds"] = group.seconds[group.task == first].sum()
        row["front"] = int(pareto_front(group.pivot_table(index=SETTING[1:], columns="task", values="val")).sum())
        found = at(group, setting).itertuples()
        rows += [row | {"val": val.iloc[0], "task": run.task, "test": run.test} for run in found]
    return rows


def search_table(found: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """A row a search: its cost, what it chose (median, lowest, highest), scores, and Δ_MTL against tuned single tasks."""
    rows = []
    for (name, kind), group in found.groupby(["world", "search"], sort=False):
        singles = chosen_singles(runs[(runs.world == name) & (runs.model == "small")])
        pair = pd.concat([singles[singles.seed.isin(group.seed)], group.assign(arm="search")])
        delta = delta_table(pair.assign(score=pair.test), TASKS[name]).loc["search"]
        chosen = group.drop_duplicates("seed")
        test = confidence_interval(group.groupby("seed").test.mean())
        row = {"world": name, "search": kind, "runs": chosen.runs.iloc[0], "seconds": chosen.seconds.mean()}
        row |= {
            f"{k}{s}": f(chosen[k])
            for k in ("share", "lr")
            for s, f in (("", np.median), ("_low", min), ("_high", max))
        }
        row |= {"front": chosen.front.mean(), "val": chosen.val.mean(), "test": test.mean, "±": test.mean - test.low}
        row |= {task: delta.score[task] for task in names(TASKS[name])}
        row |= dict(zip(("delta", "low", "high"), delta.loc[DELTA, ["change", "low", "high"]], strict=True))
        rows.append(row | {"seeds": len(chosen)})
    return pd.DataFrame(rows)


def lucky(runs: pd.DataFrame) -> pd.DataFrame:
    """One seed proves nothing: Δ_MTL of equal λ at the chosen learning rates, on the mean, and in the luckiest seed."""
    equal = candidates(runs)["equal"]
    chosen = pd.concat([chosen_singles(runs), at(equal, best_by(equal).index[0]).assign(arm="equal")])
    delta = percents(chosen.rename(columns={"test": "score"}), TASKS[runs.world.iloc[0]], "equal")[DELTA]
    mean, low, high = confidence_interval(delta)
    row = {
        "mean": mean,
        "low": low,
        "high": high,
        "best_seed": delta.max(),
        "worst_seed": delta.min(),
        "sd": delta.std(),
    }
    return pd.DataFrame([row | {"seeds": len(delta)}])


def by_world(runs: pd.DataFrame, table: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    """The tables of all worlds and models, one under the other."""
    parts = []
    for (world, model), group in runs.groupby(WORLD, sort=False):
        found = table(group)
        found.insert(0, "model", model)
        found.insert(0, "world", world)
        parts.append(found)
    return pd.concat(parts, ignore_index=True)
