"""Runs of several seeds: two scores of each, and a run that is steered beside one that is not."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from mtl_helpers.plots.figure import Figure
from mtl_helpers.plots.styles import COLOURS, task_markers, task_styles


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
