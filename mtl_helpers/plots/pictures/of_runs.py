"""Runs of several seeds: two scores of each, and a run that is steered beside one that is not."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from mtl_helpers.plots.figure import Figure
from mtl_helpers.plots.styles import COLOURS, numbered_marker, numbered_style, task_markers, task_styles


def plot_seed_pairs(tables: Mapping[str, pd.DataFrame], *, title: str = "", label: str = "accuracy") -> Figure:
    """Scores of the same seed, joined by a line, thick their mean; a panel a table, whose columns are what is compared."""
    if not tables or any(table.empty for table in tables.values()):
        raise ValueError(f"There is nothing to draw: {list(tables) or 'no table'} holds no seed.")
    figure = Figure(figsize=(3.6 * len(tables) + 0.6, 3.5), layout="constrained")
    axes = figure.subplots(1, len(tables), squeeze=False, sharey=True)[0]
    for ax, (name, table) in zip(axes, tables.items(), strict=True):
        places = range(len(table.columns))
        for _, scores in table.iterrows():
            ax.plot(places, scores, "-", marker="o", color=COLOURS[0], alpha=0.35, linewidth=1, markersize=4)
        ax.plot(places, table.mean(), "-", marker="D", color="#111111", linewidth=2.4, markersize=7)
        for place, mean in zip(places, table.mean(), strict=True):
            ax.annotate(f"{mean:.2f}", (place, mean), (0, 9), textcoords="offset points", ha="center", weight="bold")
        ax.set(xticks=places, xlim=(-0.4, len(table.columns) - 0.6))
        ax.set_xticklabels(table.columns, fontsize=10)
        ax.set_title(name, fontsize=11)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel(label)
    if title:
        figure.suptitle(title, fontsize=12)
    return figure


def plot_turn(looks: pd.DataFrame, *, turn: int, task: str, turned: str, other: str) -> Figure:
    """A run in which λ is changed at step ``turn`` beside one in which it is not, over several seeds.

    On the left the score of ``task`` on validation in the arms ``turned`` and ``other``, thin a seed, thick the mean; on the
    right the pull λᵢ‖gᵢ‖ of each task in the arm ``turned``, the mean over the seeds. ``looks`` has a row a look: ``arm, seed,
    task, step, val_score, pull``.
    """
    if looks.empty:
        raise ValueError("There is nothing to draw: the table holds no look.")
    figure = Figure(figsize=(8.6, 3.5), layout="constrained")
    score, pull = figure.subplots(1, 2)
    for arm, style in ((other, {"color": "#555555", "linestyle": "--"}), (turned, task_styles([task])[task])):
        runs = looks[(looks.arm == arm) & (looks.task == task)].pivot_table(
            index="step", columns="seed", values="val_score"
        )
        score.plot(runs.index, runs, color=style["color"], alpha=0.22, linewidth=0.8)
        score.plot(runs.index, runs.mean(axis=1), label=arm, linewidth=2.4, **style)
    names = list(looks.task.unique())
    styles, markers = task_styles(names), task_markers(names)
    for name in names:
        mean = looks[(looks.arm == turned) & (looks.task == name)].groupby("step").pull.mean()
        pull.plot(mean.index, mean, marker=markers[name], markersize=4, label=name, **styles[name])
    score.set(ylabel=f"{task}: score on validation", xlabel="step")
    pull.set(yscale="log", ylabel=f"pull λ·‖g‖ in “{turned}”", xlabel="step")
    for ax in (score, pull):
        ax.axvline(turn, color="#999999", linewidth=1, linestyle=":")
        ax.legend(frameon=False, fontsize=10)
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def plot_amounts(scores: pd.DataFrame, *, marks: Mapping[str, tuple[str, float]] | None = None) -> Figure:
    """Scores by the number of labels, with their intervals: a panel a task, a line an arm.

    ``scores`` has the index (task, arm, labels), in the order in which they are drawn, and columns ``score, low, high``.
    ``marks`` are a dashed line by task, with what it says and where it lies: what needs no label of that task, say.

    >>> index = pd.MultiIndex.from_tuples([("mood", "words", "20"), ("mood", "words", "all")])
    >>> scores = pd.DataFrame({"score": [0.5, 0.8], "low": [0.4, 0.7], "high": [0.6, 0.9]}, index=index)
    >>> [label.get_text() for label in plot_amounts(scores).axes[0].get_xticklabels()]
    ['20', 'all']
    """
    if scores.empty:
        raise ValueError("There is nothing to draw: the table holds no score.")
    tasks, arms, amounts = (list(dict.fromkeys(scores.index.get_level_values(level))) for level in range(3))
    figure = Figure(figsize=(1.9 + 4.0 * len(tasks), 4.2), layout="constrained")
    axes = figure.subplots(1, len(tasks), sharey=True, squeeze=False)[0]
    for ax, task in zip(axes, tasks, strict=True):
        for number, arm in enumerate(arms):
            rows = scores.loc[task]
            if arm not in rows.index:
                continue
            rows = rows.loc[arm]
            x = [amounts.index(amount) + 0.06 * (number - (len(arms) - 1) / 2) for amount in rows.index]
            reach = [rows.score - rows.low, rows.high - rows.score]
            style = {**numbered_style(number), "marker": numbered_marker(number), "markersize": 7}
            ax.errorbar(x, rows.score, reach, capsize=2, elinewidth=1.2, linewidth=1.8, label=arm, **style)
        if task in (marks or {}):
            said, place = marks[task]
            ax.axhline(place, color="#555555", linewidth=1.4, linestyle=(0, (6, 3)), zorder=0)
            ax.annotate(said, (0.02, place), (0, 4), ("axes fraction", "data"), "offset points", color="#555555")
        ax.set(xticks=range(len(amounts)), xticklabels=amounts, xlabel="labels")
        ax.set_title(task, fontsize=12)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("accuracy")
    handles = {name: handle for ax in axes for handle, name in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles, loc="outside right center", frameon=False, fontsize=10)
    return figure
