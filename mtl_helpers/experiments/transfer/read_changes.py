"""The transfer table as lesson 03 and its claims read it: one world's arms, their changes, and the change of each seed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mtl_helpers.evaluation import paired_changes, paired_scores
from mtl_helpers.experiments import read_result
from mtl_helpers.experiments.transfer import CURVE, STEPS


def world_runs(world: str, rho: float | None = None, n: int | None = None, *, task: str = "sentiment") -> pd.DataFrame:
    """The runs of one world: a row an arm and seed, as in ``transfer_runs.csv``."""
    runs = read_result("transfer_runs")
    rows = runs[(runs.world == world) & (runs.task == task)]
    return rows if rho is None else rows[(rows.rho == rho) & (rows.n == n)]


def shared_rows(rows: pd.DataFrame) -> float:
    """Rows tested on over rows to learn from where the runs re-split one corpus, else 0; see `confidence_interval`."""
    return float(np.nan_to_num(rows.n_test.mean() / rows.n.mean()))


def changes_in(
    world: str,
    rho: float | None = None,
    n: int | None = None,
    *,
    task: str = "sentiment",
    against: str = "single",
    arms: list[str] | None = None,
) -> pd.DataFrame:
    """The changes of a world's arms against one of them, as `plots.plot_changes` draws them: a row an arm.

    Columns ``score``, ``helper`` (the score of the task beside), ``change, low, high`` with their 95 % interval, ``seeds``,
    and ``each``: the change of each seed. On the corpus the interval is the corrected resampled t.

    >>> changes_in("controlled", 1, 1000, arms=["conditioned"]).change.item() > 0.05
    True
    """
    rows = world_runs(world, rho, n, task=task)
    found = paired_changes(rows, against, shared_rows=shared_rows(rows))
    scores = paired_scores(rows, against)
    found["helper"] = rows.groupby("arm").helper.mean()
    found["each"] = [(scores[arm] - scores[against]).tolist() for arm in found.index]
    return found if arms is None else found.loc[arms]


def in_points(rows: pd.DataFrame) -> pd.DataFrame:
    """`changes_in` to be read: accuracy, the change with its 95 % interval in points, and the seeds.

    >>> in_points(pd.DataFrame({"score": [0.65], "change": [0.03], "low": [0.018], "high": [0.043], "seeds": [10]})).iloc[0, 1]
    '+3.0 [+1.8, +4.3]'
    """
    change = [f"{100 * r.change:+.1f} [{100 * r.low:+.1f}, {100 * r.high:+.1f}]" for r in rows.itertuples()]
    return pd.DataFrame(
        {"accuracy": rows.score.map("{:.3f}".format), "change in points": change, "seeds": rows.seeds}, index=rows.index
    )


def curves_in(world: str, rho: float, n: int, arms: list[str]) -> pd.DataFrame:
    """Mean accuracy after so many steps, as `plots.plot_learning` draws it: a row a step, a column an arm."""
    rows = world_runs(world, rho, n)
    table = (
        rows.rename(columns={"score": f"at_{STEPS}"}).groupby("arm")[[f"at_{step}" for step in (*CURVE, STEPS)]].mean()
    )
    return table.loc[arms].rename(columns=lambda name: int(name.removeprefix("at_"))).T
