"""Δ_MTL: what multi-task learning gained over single tasks, as one number that never stands without its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import pandas as pd

from mtl_helpers.errors import DataError
from mtl_helpers.evaluation.statistics.repeats import confidence_interval, paired_scores
from mtl_helpers.tasks import Task, check_tasks

DELTA = "Δ_MTL"


def delta_mtl(scores: Mapping[str, float], single: Mapping[str, float], tasks: Sequence[Task]) -> float:
    """Δ_MTL of one run in per cent: the relative change against single-task models, averaged over the tasks.

    Δ = (100 / T) Σᵢ sᵢ (Mᵢ - Sᵢ) / Sᵢ with T tasks, Mᵢ the multi-task score, Sᵢ the score of the *tuned* single-task model,
    and sᵢ = +1 where higher is better and -1 where lower is (Maninis, Radosavovic & Kokkinos, CVPR 2019). An
    average hides its losers: see `delta_table`.

    >>> from mtl_helpers.tasks import STARS, TOPIC
    >>> round(delta_mtl({"topic": 0.84, "stars": 0.9}, {"topic": 0.80, "stars": 1.0}, [TOPIC, STARS]), 2)  # of +5 and +10 %
    7.5
    """
    return sum(_relative(task, scores, single) for task in check_tasks(tasks)) / len(tasks)


def delta_table(
    runs: pd.DataFrame,
    tasks: Sequence[Task],
    *,
    against: str = "single",
    method: Literal["t", "bootstrap"] = "t",
    shared_rows: float = 0.0,
) -> pd.DataFrame:
    """Δ_MTL of each arm with its interval over paired seeds, and above it the row of each task it is the mean of.

    ``runs`` has a row a run and task: ``arm``, ``task``, ``seed``, ``score``. Index ``(arm, task)``; columns ``score`` (mean,
    in the task's own metric), ``change`` with ``low`` and ``high`` (per cent of the single-task score of the *same seed*,
    plus is better, ``method`` and ``shared_rows`` as in `confidence_interval`), and ``seeds``. The arm ``against`` is left
    out: its changes are all zero.

    >>> from mtl_helpers.tasks import STARS, TOPIC
    >>> runs = pd.DataFrame({
    ...     "arm": ["single"] * 4 + ["shared"] * 4, "task": ["topic", "topic", "stars", "stars"] * 2, "seed": [0, 1] * 4,
    ...     "score": [0.8, 0.8, 1.0, 1.0, 0.84, 0.84, 1.02, 1.03]})
    >>> print(delta_table(runs, [TOPIC, STARS]).round(1).to_string())  # the mean hides what stars lost
                 score  change  low  high  seeds
    arm    task
    shared topic    0.8     5.0  5.0   5.0      2
           stars    1.0    -2.5 -8.9   3.9      2
           Δ_MTL    NaN     1.2 -1.9   4.4      2
    """
    if absent := {"arm", "task", "seed", "score"} - set(runs):
        raise DataError(f"The runs have no column {sorted(absent)}; found {list(runs)}.")
    tasks = check_tasks(tasks)
    scores = {}
    for task in tasks:
        rows = runs[runs.task == task.name]
        if rows.empty:
            raise DataError(f"There is no run of task '{task.name}'; there are {sorted(set(runs.task))}.")
        scores[task.name] = paired_scores(rows, against)
    arms = {name: list(table) for name, table in scores.items()}
    seeds = {name: list(table.index) for name, table in scores.items()}
    for what, found in (("arms", arms), ("seeds", seeds)):
        if any(sorted(found[task.name]) != sorted(found[tasks[0].name]) for task in tasks):
            raise DataError(
                f"Each task needs the same {what}, or Δ_MTL would average over different runs; found {found}."
            )
    parts = []
    for arm in arms[tasks[0].name]:
        if arm == against:
            continue
        changes = pd.DataFrame(
            {
                task.name: [
                    _relative(task, {task.name: score}, {task.name: single})
                    for score, single in zip(scores[task.name][arm], scores[task.name][against], strict=True)
                ]
                for task in tasks
            }
        )
        means = {task.name: scores[task.name][arm].mean() for task in tasks}
        for name, change in {**changes, DELTA: changes.mean(axis=1)}.items():
            interval = confidence_interval(change, method=method, shared_rows=shared_rows)
            parts.append((arm, name, means.get(name, float("nan")), *interval, len(change)))
    if not parts:
        raise DataError(f"There is no arm but '{against}': nothing to compare with it.")
    columns = ["arm", "task", "score", "change", "low", "high", "seeds"]
    return pd.DataFrame(parts, columns=columns).set_index(["arm", "task"])


def _relative(task: Task, scores: Mapping[str, float], single: Mapping[str, float]) -> float:
    """Change of one task in per cent of its single-task score, plus is better."""
    for what, values in (("multi-task", scores), ("single-task", single)):
        if task.name not in values:
            raise DataError(f"Task '{task.name}' has no {what} score; there are scores for {sorted(values)}.")
    before = single[task.name]
    if not before > 0:
        raise DataError(
            f"Task '{task.name}': the single-task score is {before:g}; a relative change needs one above 0. "
            "Report the absolute change instead (paired_changes)."
        )
    return 100 * (1 if task.higher_is_better else -1) * (scores[task.name] - before) / before
