"""Matplotlib figures of the course, and its palette: a task has one colour and one line style everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart by colour-blind readers; the line style tells them apart without colour.
_BLUE, _ORANGE, _GREEN, _PINK, _SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
_DASHES: list[Any] = ["-", (0, (5, 1.5)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (7, 1, 1, 1, 1, 1))]
_STYLES = [
    {"color": colour, "linestyle": dash}
    for colour, dash in zip([_BLUE, _ORANGE, _GREEN, _PINK, _SKY], _DASHES, strict=True)
]
_KNOWN = {"topic": 0, "sentiment": 1, "stars": 2}


def task_styles(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour and line style by task; the course's own tasks look the same in every figure.

    >>> task_styles(["sentiment"])["sentiment"]["color"]
    '#D55E00'
    """
    names = list(names)
    free = [i for i in range(len(_STYLES)) if i not in {_KNOWN[n] for n in names if n in _KNOWN}]
    styles = {}
    for name in names:
        number = _KNOWN[name] if name in _KNOWN else (free.pop(0) if free else 0)
        styles[name] = dict(_STYLES[number])
    return styles


def smooth(values: pd.Series, window: int = 20) -> pd.Series:
    """Running mean over the last ``window`` values; the first ones over those there are."""
    return values.rolling(window, min_periods=1).mean()


def plot_history(history: pd.DataFrame, *, title: str = "", window: int = 20) -> Figure:
    """Draw a history (see `training.as_history`): loss by task, below it the score on validation, below it the λ."""
    if history.empty:
        raise ValueError("There is nothing to draw: the history holds no step. Train first.")
    names = list(history.task.unique())
    styles = task_styles(names)
    validated = history.val_score.notna().any()
    heights = [3, 2, 1] if validated else [3, 1]
    figure, axes = plt.subplots(
        len(heights),
        1,
        figsize=(7.5, 1.1 * sum(heights) + 0.8),
        sharex=True,
        height_ratios=heights,
        layout="constrained",
    )
    for name in names:
        rows = history[history.task == name]
        axes[0].plot(rows.step, smooth(rows.loss, window), label=name, **styles[name])
        axes[-1].plot(rows.step, rows.weight, drawstyle="steps-post", **styles[name])
        if validated:
            seen = rows[rows.val_score.notna()]
            axes[1].plot(seen.step, seen.val_score, marker="o", markersize=3, **styles[name])
    axes[0].set(ylabel=f"training loss\n(mean of {window} steps)", title=title, ylim=(0, None))
    axes[0].legend(frameon=False)
    axes[-1].set(ylabel="λ", xlabel="step", ylim=(0, history.weight.max() * 1.2 or 1))
    if validated:
        axes[1].set_ylabel("validation\nscore")
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    plt.close(figure)  # the notebook shows the returned figure; without this it would show it twice
    return figure
