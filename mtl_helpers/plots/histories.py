"""What happened over the steps of a training: losses, scores, λ, gradient cosines."""

from __future__ import annotations

import pandas as pd

from mtl_helpers.plots.figure import Figure
from mtl_helpers.plots.styles import task_markers, task_styles


def smooth(values: pd.Series, window: int = 20) -> pd.Series:
    """Running mean over the last ``window`` values; the first ones over those there are."""
    return values.rolling(window, min_periods=1).mean()


def plot_history(history: pd.DataFrame, *, title: str = "", window: int = 20) -> Figure:
    """Draw a history (see `training.as_history`): loss by task, below it the score on validation, below it the λ.

    A step at which a task had no label (loss nan) is left out of its curve.
    """
    if history.empty:
        raise ValueError("There is nothing to draw: the history holds no step. Train first.")
    names = list(history.task.unique())
    styles, markers = task_styles(names), task_markers(names)
    validated = history.val_score.notna().any()
    heights = [3, 2, 1] if validated else [3, 1]
    figure = Figure(figsize=(7.5, 1.1 * sum(heights) + 0.8), layout="constrained")
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    for name in names:
        rows = history[history.task == name]
        labelled = rows[rows.loss.notna()]
        axes[0].plot(labelled.step, smooth(labelled.loss, window), label=name, **styles[name])
        axes[-1].plot(rows.step, rows.weight, drawstyle="steps-post", **styles[name])
        if validated:
            seen = rows[rows.val_score.notna()]
            axes[1].plot(seen.step, seen.val_score, marker=markers[name], markersize=3.5, **styles[name])
    axes[0].set(ylabel=f"training loss\n(mean of {window} steps)", title=title, ylim=(0, None))
    axes[0].legend(frameon=False)
    axes[-1].set(ylabel="λ", xlabel="step", ylim=(0, history.weight.max() * 1.2 or 1))
    if validated:
        axes[1].set_ylabel("validation\nscore")
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure


def plot_pull(history: pd.DataFrame, *, title: str = "", window: int = 20) -> Figure:
    """λ, pull and loss of each task over the steps, below one another in one frame.

    ``history`` is that of a lab: as `training.as_history`, and ``pull``, λᵢ‖gᵢ‖ at the shared parameters, where it was
    measured.
    """
    if history.empty or "pull" not in history or history.pull.isna().all():
        raise ValueError("There is no pull to draw: give a lab's history, of a run with a validation in it.")
    names = list(history.task.unique())
    styles, markers = task_styles(names), task_markers(names)
    figure = Figure(figsize=(7.5, 5.6), layout="constrained")
    weights, pulls, losses = figure.subplots(3, 1, sharex=True, height_ratios=[1, 1.3, 1.6])
    for name in names:
        rows = history[history.task == name]
        measured, labelled = rows[rows.pull.notna()], rows[rows.loss.notna()]
        weights.plot(rows.step, rows.weight, drawstyle="steps-post", linewidth=2, **styles[name])
        pulls.plot(
            measured.step, measured.pull, marker=markers[name], markersize=5, linewidth=2, label=name, **styles[name]
        )
        losses.plot(labelled.step, smooth(labelled.loss, window), linewidth=2, **styles[name])
    for ax, label in (
        (weights, "λ"),
        (pulls, "pull\nλ · length of gradient"),
        (losses, f"loss\n(mean of {window} steps)"),
    ):
        ax.set(ylabel=label, ylim=(0, None))
        ax.spines[["top", "right"]].set_visible(False)
    weights.set_ylim(0, 1.15 * history.weight.max())
    weights.set_title(title, fontsize=11)
    pulls.legend(frameon=False, loc="upper left")
    losses.set_xlabel("step")
    return figure


def plot_weights(histories: dict[str, pd.DataFrame], task: str, *, window: int = 15) -> Figure:
    """λ of one task over the steps under different rules (`training.RULES`): pale as it was, drawn out its running mean."""
    figure = Figure(figsize=(1.45 * len(histories) + 0.6, 2.2), layout="constrained")
    axes = figure.subplots(1, len(histories), sharey=True, squeeze=False)[0]
    style = task_styles([task])[task]
    for ax, (name, history) in zip(axes, histories.items(), strict=True):
        rows = history[history.task == task]
        if rows.empty:
            raise ValueError(f"The history of '{name}' has no task '{task}'; it has {sorted(history.task.unique())}.")
        ax.plot(rows.step, rows.weight, color=style["color"], alpha=0.3, linewidth=0.8)
        ax.plot(rows.step, smooth(rows.weight, window), **style)
        ax.set_title(name, fontsize=9)
        ax.tick_params(labelsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel(f"λ of {task}")
    figure.supxlabel("step", fontsize=9)
    return figure


def plot_cosines(cosines: pd.DataFrame, *, title: str = "", window: int = 8) -> Figure:
    """Gradient cosines over training: index step, a column for each other task; thin as measured, thick their running mean."""
    if cosines.empty:
        raise ValueError("There is nothing to draw: the table holds no cosine.")
    figure = Figure(figsize=(7.5, 2.9), layout="constrained")
    ax = figure.subplots()
    for name, style in task_styles(cosines.columns).items():
        ax.plot(cosines.index, cosines[name], color=style["color"], linewidth=0.7, alpha=0.35)
        ax.plot(cosines.index, smooth(cosines[name], window), label=name, linewidth=2, **style)
    ax.axhline(0, color="#444444", linewidth=1)
    ax.set(xlabel="step", ylabel="gradient cosine\nwith sentiment", title=title)
    ax.legend(frameon=False, ncols=2)
    ax.spines[["top", "right"]].set_visible(False)
    return figure
