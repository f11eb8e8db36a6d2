"""The tables of lesson 05, from the runs of `experiments.methods` and `experiments.methods_fair`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from mtl_helpers.datasets import LEFT, RIGHT
from mtl_helpers.evaluation import (
    confidence_interval,
    holm,
    p_value,
    paired_changes,
    pareto_front,
    smallest_effect,
)
from mtl_helpers.evaluation.statistics.delta import DELTA
from mtl_helpers.experiments import read_result
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC

TASKS = {"digits": (LEFT, RIGHT), "reviews": (TOPIC, SENTIMENT), "stars": (TOPIC, STARS)}
# Every seed splits the same 1,797 digits or 2,640 reviews anew: rows to test on over rows to learn from, for the corrected t.
SHARED_ROWS = {"digits": 450 / 1077, "reviews": 396 / 1848, "stars": 396 / 1848}
ALONE = ("single", "half the steps")  # arms with a model a task
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
    table = by_world(runs, methods_of)
    rules = (table.model == "small") & (table.task == DELTA) & ~table.arm.isin(["equal", "tuned static"])
    table.loc[rules, "p_holm"] = holm(table.p[rules])  # one family: each rule in each world against tuned static λ
    return {
        "methods_runs": runs,
        "methods": table,
        "choices": by_world(small, choices_of),
        "lucky": by_world(small, lucky),
        "search_runs": found,
        "search": search_table(found, runs),
    }


# A seed's choice


def read_chosen(
    world: str, model: str = "small", *, opponents: bool = False, table: str = "methods_runs"
) -> pd.DataFrame:
    """`chosen_runs` of a file; with ``opponents``, those of `experiments.methods_fair` too, for their seeds alone."""
    fair = read_result("methods_fair_runs")
    found = [read_result(table), fair] if opponents else [read_result(table)]
    runs = pd.concat(found, ignore_index=True)
    runs = runs[(runs.world == world) & (runs.model == model)]
    return chosen_runs(runs[runs.seed.isin(fair.seed)] if opponents else runs)


def candidates(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """By the name an arm has in the table: the runs among which its setting is chosen."""
    by_hand = runs[runs.arm == "static"]
    found = {"equal": by_hand[by_hand.share == 0.5], "tuned static": by_hand}
    return found | {arm: rows for arm, rows in runs.groupby("arm", sort=False) if arm not in (*ALONE, "static")}


def chosen_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Of one world and model: for each arm and seed the runs of the setting that the seed's own validation chooses.

    For a model a task alone, that is the learning rate with the best validation score; for a model of all tasks, λ and
    learning rate with the highest Δ_MTL of validation scores against the seed's chosen single-task models. ``score`` is the
    test score; ``settings`` are those that were tried.
    """
    tasks, parts = TASKS[runs.world.iloc[0]], []
    sign = runs.task.map({task.name: 1 if task.higher_is_better else -1 for task in tasks})
    runs = runs.assign(worth=sign * runs.val, share=runs.share.fillna(-1.0))
    for arm in ALONE:
        for _, rows in runs[runs.arm == arm].groupby("task", sort=False):
            parts.append(best_of(rows, arm))
    single = pd.concat(parts).query("arm == 'single'").set_index(["seed", "task"]).val
    runs["worth"] /= single.loc[list(zip(runs.seed, runs.task, strict=True))].to_numpy()
    parts += [best_of(rows, arm) for arm, rows in candidates(runs).items()]
    chosen = pd.concat(parts).drop(columns="worth").rename(columns={"test": "score"})
    return chosen.assign(share=chosen.share.where(chosen.share >= 0))


def best_of(runs: pd.DataFrame, name: str) -> pd.DataFrame:
    """The runs of one arm that its seeds choose, under that name."""
    worth = runs.groupby(["seed", *SETTING]).worth.mean().sort_values(ascending=False, kind="stable")
    chosen = worth.reset_index().drop_duplicates("seed")[["seed", *SETTING]]
    tried = len(runs[SETTING].drop_duplicates())
    return runs.merge(chosen, on=["seed", *SETTING]).sort_values("seed", kind="stable").assign(arm=name, settings=tried)


# Changes


def percents(chosen: pd.DataFrame, arm: str, single: str = "single") -> pd.DataFrame:
    """Change of an arm in per cent of the single-task score, plus is better: a row a seed, a column a task, and Δ_MTL."""
    tasks = TASKS[chosen.world.iloc[0]]
    wide = chosen[chosen.arm.isin([single, arm])].pivot_table(index="seed", columns=["arm", "task"], values="score")
    change = 100 * (wide[arm] / wide[single] - 1)[[task.name for task in tasks]].dropna()
    change *= [1 if task.higher_is_better else -1 for task in tasks]
    return change.assign(**{DELTA: change.mean(axis=1)})


def difference(chosen: pd.DataFrame, arm: str, other: str | None = None, what: str = DELTA) -> pd.Series:
    """By seed, in percentage points: how much more of ``what``, a task or Δ_MTL, an arm has than another, or than alone."""
    change = percents(chosen, arm)[what]
    return change if other is None else (change - percents(chosen, other)[what]).dropna()


def summary(values: pd.Series, shared: float) -> dict[str, object]:
    """Mean, 95 % interval, p, the smallest effect that so many seeds see at 80 % power, and the values themselves.

    ``shared`` is n_test / n_train where the seeds split one data set, see `evaluation.confidence_interval`.
    """
    change, low, high = confidence_interval(values, shared_rows=shared)
    sees = smallest_effect(values.std(), len(values), shared_rows=shared)
    p = p_value(values, shared_rows=shared)
    return {"change": change, "low": low, "high": high, "p": p, "sees": sees, "each": values.tolist()}


def compared(
    chosen: pd.DataFrame, arms: Sequence[str], other: str | None = None, whats: Sequence[str] = (DELTA,)
) -> pd.DataFrame:
    """`summary` of several arms, a row an arm (with the task, if there are several ``whats``)."""
    shared, several = SHARED_ROWS[chosen.world.iloc[0]], len(whats) > 1
    rows = {
        f"{arm}: {what}" if several else arm: summary(difference(chosen, arm, other, what), shared)
        for arm in arms
        for what in whats
    }
    return pd.DataFrame.from_dict(rows, orient="index")


# The tables


def methods_of(runs: pd.DataFrame) -> pd.DataFrame:
    """The table of one world and model: a row an arm and task."""
    world, tasks, chosen = runs.world.iloc[0], TASKS[runs.world.iloc[0]], chosen_runs(runs)
    shared, costs, rows = SHARED_ROWS[world], cost_of(runs), []
    for arm in chosen.arm.unique():
        of = chosen[chosen.arm == arm]
        for task in [*(task.name for task in tasks), DELTA]:
            group = of if task == DELTA else of[of.task == task]
            votes = group.drop_duplicates("seed")[["share", "lr"]].value_counts(dropna=False)
            (share, lr), agree = votes.index[0], votes.iloc[0]
            row = {
                "arm": arm,
                "task": task,
                "share": share,
                "lr": lr,
                "agree": agree,
                "settings": group.settings.iloc[0],
            }
            if task != DELTA:
                score = confidence_interval(group.score, shared_rows=shared)
                change = paired_changes(chosen[chosen.task == task], shared_rows=shared).loc[arm]
                row |= {"val": group.val.mean(), "score": score.mean, "±": score.mean - score.low}
                row |= {"change": change.change, "change ±": change.change - change.low}
            row |= {"seeds": group.seed.nunique(), "seconds": group.seconds.mean(), "cost": costs.get(arm)}
            if arm == "single":
                row["seconds"] = of.groupby("task").seconds.mean().sum()
                if task == DELTA:
                    continue
            else:
                for name, other in (("", None), ("to_equal_", "equal"), ("to_static_", "tuned static")):
                    found = summary(difference(chosen, arm, other, task), shared)
                    row |= (
                        {f"{name}{key}": found[key] for key in ("change", "low", "high")}
                        if name
                        else {"percent": found["change"], "low": found["low"], "high": found["high"]}
                    )
                row |= {"p": found["p"], "sees": found["sees"]}
            rows.append(row)
    return pd.DataFrame(rows).rename(columns={"to_equal_change": "to_equal", "to_static_change": "to_static"})


def cost_of(runs: pd.DataFrame) -> dict[str, float]:
    """By arm: seconds over those of equal λ with the same seed and learning rate, the median over both.

    Both ran within the same minute: so what else a machine does shows less than in the seconds themselves.
    """
    one = runs[runs.task == runs.task.iloc[0]].set_index(["lr", "seed"])
    equal = one.seconds[(one.arm == "static") & (one.share == 0.5)]
    ratios = {arm: group.seconds / equal for arm, group in one[~one.arm.isin(["single", "static"])].groupby("arm")}
    return {"equal": 1.0, "tuned static": 1.0} | {arm: ratio.median() for arm, ratio in ratios.items()}


def choices_of(runs: pd.DataFrame) -> pd.DataFrame:
    """What a score gains if each seed chooses its setting by its own test score: a row a kind of choice."""
    world, shared, rows = runs.world.iloc[0], runs[runs.arm != "single"], []
    kinds = {
        "learning rate of equal λ": candidates(runs)["equal"],
        "λ and learning rate": shared[shared.arm == "static"],
    }
    for what, group in (kinds | {"any arm": shared}).items():
        means = group.groupby(["seed", *SETTING], dropna=False)[["val", "test"]].mean()
        by = {score: means.loc[means.groupby("seed")[score].idxmax()].reset_index() for score in ("val", "test")}
        gain = by["test"].test - by["val"].test
        interval = confidence_interval(gain, shared_rows=SHARED_ROWS[world])
        row = {"choice": what, "of": len(means) // group.seed.nunique(), "val_of_chosen": by["val"].val.mean()}
        row |= {"by_val": by["val"].test.mean(), "by_test": by["test"].test.mean()}
        rows.append(row | dict(zip(("gain", "low", "high"), interval, strict=True)))
    return pd.DataFrame(rows)


def grid_rows(runs: pd.DataFrame) -> list[dict]:
    """The grid search is among the runs: each seed's choice by its own validation, the mean of both tasks as in the others."""
    by_hand, rows = runs[runs.arm == "static"], []
    for (name, seed), group in by_hand.groupby(["world", "seed"], sort=False):
        val = group.groupby(SETTING)["val"].mean().sort_values(ascending=False, kind="stable")
        _, share, lr = val.index[0]
        row = {"world": name, "search": "grid", "seed": seed, "runs": len(val), "share": share, "lr": lr}
        row["seconds"] = group.seconds[group.task == TASKS[name][0].name].sum()
        row["front"] = int(pareto_front(group.pivot_table(index=SETTING[1:], columns="task", values="val")).sum())
        found = group[(group.share == share) & (group.lr == lr)].itertuples()
        rows += [row | {"val": val.iloc[0], "task": run.task, "test": run.test} for run in found]
    return rows


def search_table(found: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """A row a search: its cost, what it chose (median, lowest, highest), scores, Δ_MTL against tuned single tasks and grid."""
    rows = []
    for name, of in found.groupby("world", sort=False):
        singles = chosen_runs(runs[(runs.world == name) & (runs.model == "small")]).query("arm == 'single'")
        pair = pd.concat([singles, of.assign(arm=of.search, score=of.test)])
        for kind, group in of.groupby("search", sort=False):
            chosen = group.drop_duplicates("seed")
            row = {"world": name, "search": kind, "runs": chosen.runs.iloc[0], "seconds": chosen.seconds.mean()}
            row |= {
                f"{key}{ending}": f(chosen[key])
                for key in ("share", "lr")
                for ending, f in (("", np.median), ("_low", min), ("_high", max))
            }
            row |= {"front": chosen.front.mean(), "val": chosen.val.mean(), "test": group.test.mean()}
            row |= group.groupby("task").test.mean()[[task.name for task in TASKS[name]]].to_dict()
            row |= short(summary(difference(pair, kind), SHARED_ROWS[name]), "delta", "low", "high")
            if kind != "grid":
                found = summary(difference(pair, kind, "grid"), SHARED_ROWS[name])
                row |= short(found, "to_grid", "to_grid_low", "to_grid_high") | {"sees": found["sees"]}
            rows.append(row | {"seeds": len(chosen)})
    return pd.DataFrame(rows)


def short(found: dict[str, object], *columns: str) -> dict[str, object]:
    """Mean and interval of a `summary` under these names."""
    return dict(zip(columns, (found[key] for key in ("change", "low", "high")), strict=True))


def lucky(runs: pd.DataFrame) -> pd.DataFrame:
    """One seed proves nothing: Δ_MTL of equal λ at the chosen learning rates, on the mean, and in the luckiest seed."""
    delta = difference(chosen_runs(runs), "equal")
    row = short(summary(delta, SHARED_ROWS[runs.world.iloc[0]]), "mean", "low", "high")
    row |= {"best_seed": delta.max(), "worst_seed": delta.min(), "sd": delta.std(), "seeds": len(delta)}
    return pd.DataFrame([row])


def by_world(runs: pd.DataFrame, table: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    """The tables of all worlds and models, one under the other."""
    parts = []
    for (world, model), group in runs.groupby(WORLD, sort=False):
        found = table(group)
        found.insert(0, "model", model)
        found.insert(0, "world", world)
        parts.append(found)
    return pd.concat(parts, ignore_index=True)
