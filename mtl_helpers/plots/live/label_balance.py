"""Labels by class, and what a baseline makes of them: what the choice of cleaning and split does to both."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.figure
import pandas as pd
from matplotlib.axes import Axes

from mtl_helpers.evaluation import confidence_interval
from mtl_helpers.plots.styles import task_markers, task_styles
from mtl_helpers.tasks import Task


def plot_labels(
    figure: matplotlib.figure.Figure,
    frame: pd.DataFrame,
    results: pd.DataFrame,
    tasks: Sequence[Task],
    scores: Sequence[str],
) -> None:
    """Two panels: rows of ``frame`` by class, and the mean and interval of each task's ``scores`` in ``results``.

    ``results`` has a row a split and task; with fewer than two splits the right panel says that nothing is measured yet.
    """
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
    _draw_balance(left, frame, tasks)
    _draw_scores(right, results, tasks, scores)
    for ax in figure.axes:
        ax.spines[["top", "right"]].set_visible(False)


def _draw_balance(ax: Axes, frame: pd.DataFrame, tasks: Sequence[Task]) -> None:
    styles, names, place = task_styles([task.name for task in tasks]), [], 0.0
    for task in tasks:
        for label in (*task.classes, None):
            count = int((frame[task.name] == label).sum() if label else frame[task.name].isna().sum())
            style = {"color": styles[task.name]["color"]} if label else {"color": "#cccccc", "hatch": "///"}
            ax.bar(place, count, edgecolor="white", **style)
            ax.annotate(f"{count:,}", (place, count), ha="center", va="bottom", fontsize=7)
            names.append((place, label or "missing"))
            place += 1
        place += 0.7
    ax.set_xticks(*zip(*names, strict=True), rotation=40, ha="right", fontsize=8)
    ax.set_ylim(0, max(1750, ax.get_ylim()[1]))  # as a rule the same, so that two choices can be compared by eye
    ax.set_ylabel("rows")
    ax.set_title(f"labels by class: {', then '.join(task.name for task in tasks)}", fontsize=10)


def _draw_scores(ax: Axes, results: pd.DataFrame, tasks: Sequence[Task], scores: Sequence[str]) -> None:
    names = [task.name for task in tasks]
    styles, markers = task_styles(names), task_markers(names)
    splits = results.seed.nunique()
    for number, task in enumerate(tasks):
        for x, score in enumerate(scores):
            values = results[results.task == task.name][score].astype(float)
            if len(values) > 1:
                mean, low, _ = confidence_interval(values)
                ax.errorbar(
                    x + 0.2 * number - 0.1,
                    mean,
                    mean - low,
                    marker=markers[task.name],
                    capsize=3,
                    color=styles[task.name]["color"],
                    label=task.name if x == 0 else None,
                )
    if splits > 1:
        ax.legend(frameon=False, fontsize=8, loc="lower left")
    else:
        ax.text(0.5, 0.5, "not measured yet", transform=ax.transAxes, ha="center", color="#777777")
    ax.set(ylim=(0.6, 1), xlim=(-0.5, len(scores) - 0.5), ylabel="accuracy")
    ax.set_xticks(range(len(scores)), [score.replace("_", "\n") for score in scores], fontsize=8)
    ax.set_title(f"bag of words, {splits} splits" if splits > 1 else "bag of words", fontsize=10)
