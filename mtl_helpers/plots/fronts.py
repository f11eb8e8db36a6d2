"""Models by their scores: the Pareto front of two tasks, which classes are taken for which, and how sure the answers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from mtl_helpers.evaluation.pareto import pareto_front
from mtl_helpers.plots.figure import Figure
from mtl_helpers.plots.styles import ON_COLOUR, numbered_marker, numbered_style
from mtl_helpers.tasks import Task

MOST_FRONTS = 5
_SHARE = LinearSegmentedColormap.from_list("share", ["#08519c00", "#08519c"])  # of nothing, the page is seen
Scores = Mapping[str, float]


def plot_front(
    runs: pd.DataFrame | Mapping[str, pd.DataFrame],
    tasks: tuple[str | Task, str | Task],
    *,
    own: Scores | Sequence[Scores] | None = None,
    single: Scores | None = None,
    title: str = "",
    ax: Axes | None = None,
    chosen: str | None = None,
) -> Figure:
    """Draw runs by their scores in two tasks: the Pareto front joined, what it dominates pale; return the figure.

    ``runs`` has a row a run and a column for each of the two ``tasks``; or several such frames by name, each with its front,
    colour and marker, those that are not ``chosen`` faint. A task given by its name alone is one in which higher is better;
    a `Task` says so itself, and the axis of an error runs backwards, so that the better run is always to the upper right.
    Of a search's table the rows with an ``error`` are left out. The stairs bound the area that a front dominates
    (`evaluation.hypervolume`). ``own`` are runs of one's own, the last of them a large star; ``single`` are the scores of
    single-task models, drawn as lines: to their upper right, sharing has cost neither task anything. Drawn into ``ax`` if it
    is given.
    """
    frames = {name: _finished(frame) for name, frame in (runs if isinstance(runs, Mapping) else {"": runs}).items()}
    if not 1 <= len(frames) <= MOST_FRONTS:
        raise ValueError(f"A figure can tell 1 to {MOST_FRONTS} sets of runs apart; found {len(frames)}.")
    x, y = names = [task if isinstance(task, str) else task.name for task in tasks]
    own = [own] if isinstance(own, Mapping) else own or []
    for scores in (*frames.values(), *own):
        if absent := [name for name in names if name not in scores]:
            raise ValueError(f"There is no score for '{absent[0]}'; found {list(scores)}.")
    if ax is None:
        ax = Figure(figsize=(5.4, 4.6), layout="constrained").subplots()
    upwards = [isinstance(task, str) or task.higher_is_better for task in tasks]
    several = len(frames) > 1
    for number, (name, frame) in enumerate(frames.items()):
        # Where there are several, they have other colours than the two tasks.
        style, marker = numbered_style(number + 2 * several), numbered_marker(number)
        _draw_one(ax, frame[names], upwards, style, marker, name, strong=chosen in (None, name))
    for name, line, label in ((x, ax.axvline, "single task"), (y, ax.axhline, None)):
        if single is not None and name in single:
            line(single[name], color="#666666", linewidth=1, linestyle=":", label=label)
    for scores in own:
        last = scores is own[-1]
        looks = {"s": 170, "label": "your run", "zorder": 6} if last else {"s": 90, "alpha": 0.35, "zorder": 5}
        ax.scatter(scores[x], scores[y], color="black", marker="*", edgecolor="white", **looks)
    (x_says, y_says), (x_up, y_up) = map(_axis_label, tasks), upwards
    ax.set(xlabel=x_says, ylabel=y_says, title=title)
    ax.xaxis.set_inverted(not x_up)
    ax.yaxis.set_inverted(not y_up)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False, fontsize=9, loc="lower left")  # a front bends away from that corner
    ax.spines[["top", "right"]].set_visible(False)
    return ax.figure


def _finished(runs: pd.DataFrame) -> pd.DataFrame:
    return runs[~runs["error"].astype(bool)] if "error" in runs else runs


def _draw_one(
    ax: Axes, frame: pd.DataFrame, upwards: Sequence[bool], style: dict, marker: str, name: str, *, strong: bool
) -> None:
    x, y = frame.columns
    best = pareto_front(frame, upwards) if len(frame) else np.zeros(0, bool)
    front = frame[best].sort_values([x, y], ascending=[upwards[0], not upwards[1]])
    faint, looks = 1 if strong else 0.5, {"color": style["color"], "marker": marker}
    ax.scatter(frame[x][~best], frame[y][~best], 30, alpha=0.25 * faint, linewidth=0, **looks)
    ax.plot(front[x], front[y], **style, drawstyle="steps-pre", linewidth=1.2, alpha=0.7 * faint)
    label = f"{name} front".strip() if len(frame) else None
    ax.scatter(front[x], front[y], 42, alpha=None if strong else faint, label=label, zorder=3, **looks)


def _axis_label(task: str | Task) -> str:
    if isinstance(task, str):
        return f"{task}: score"
    return f"{task.name}: {task.metric}{'' if task.higher_is_better else ' (less is better)'}"


def plot_growing_front(
    runs: pd.DataFrame, tasks: tuple[str | Task, str | Task], *, after: Sequence[int], name: str = "runs"
) -> Figure:
    """The front of the first runs, of more, of all: a panel for each number in ``after``, on the same axes.

    ``runs`` and ``tasks`` as in `plot_front`, in the order in which they were trained; a ring marks the newest run of a panel.
    """
    if not after or not all(1 <= count <= len(runs) for count in after):
        raise ValueError(f"after counts runs, from 1 to {len(runs)}; found {list(after)}.")
    names = [task if isinstance(task, str) else task.name for task in tasks]
    figure = Figure(figsize=(2.75 * len(after), 2.9), layout="constrained")
    panels = figure.subplots(1, len(after), sharex=True, sharey=True, squeeze=False)[0]
    for ax, count in zip(panels, after, strict=True):
        shown = _finished(runs).iloc[:count]
        plot_front(shown, tasks, ax=ax, title=f"{count} of {len(runs)} {name}")
        x, y = shown[names].iloc[-1]
        ax.scatter(x, y, 150, facecolor="none", edgecolor="#D55E00", linewidth=1.6, zorder=4)
        ax.get_legend().remove()
        ax.label_outer()
    return figure


def draw_reliability(tables: Mapping[str, pd.DataFrame], *, title: str = "") -> Figure:
    """A reliability diagram for each table of `evaluation.calibration`: accuracy over confidence, a dot a bin.

    The more answers a bin has, the larger is its dot.
    On the dashed diagonal a model is right as often as it says; below it, it is too sure of itself.
    """
    if not tables:
        raise ValueError("There is no table of calibration to draw.")
    figure = Figure(figsize=(3.1 * len(tables) + 0.4, 3.3), layout="constrained")
    panels = figure.subplots(1, len(tables), sharex=True, sharey=True, squeeze=False)[0]
    for number, (ax, (name, table)) in enumerate(zip(panels, tables.items(), strict=True)):
        style, full = numbered_style(number), table[table.n > 0]
        least = min(
            0.5, *(tables[key].confidence.min() for key in tables), *(tables[key].accuracy.min() for key in tables)
        )
        ax.plot([0, 1], [0, 1], color="#808080", linestyle="--", linewidth=1)
        ax.vlines(full.confidence, full.accuracy, full.confidence, color=style["color"], alpha=0.35, linewidth=3)
        ax.plot(full.confidence, full.accuracy, **style, linewidth=1.4)
        sizes = 20 + 160 * full.n / full.n.sum()
        ax.scatter(
            full.confidence, full.accuracy, sizes, color=style["color"], marker=numbered_marker(number), zorder=3
        )
        ax.set(xlabel="confidence", xlim=(least - 0.04, 1.02), ylim=(least - 0.04, 1.02))
        ax.set_title(name, fontsize=10)
        ax.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("accuracy")
    figure.suptitle(title, fontsize=11)
    return figure


def draw_confusion(
    tables: Mapping[str, pd.DataFrame], *, title: str = "", axes: Sequence[Axes] | None = None
) -> Figure:
    """Draw a confusion matrix for each task (`evaluation.confusion`): counts, coloured by the share of the true class.

    Into ``axes``, one a table, if they are given.
    """
    if not tables:
        raise ValueError("There is no confusion matrix to draw.")
    if axes is None:
        sizes = [max(len(table), 4) for table in tables.values()]
        width = min(1.6 + 0.48 * sum(sizes) + 0.9 * len(sizes), 13)
        figure = Figure(figsize=(width, 1.5 + 0.4 * max(sizes)), layout="constrained")
        axes = figure.subplots(1, len(tables), width_ratios=sizes, squeeze=False)[0]
        figure.suptitle(title, fontsize=11)
    for ax, (name, table) in zip(axes, tables.items(), strict=True):
        counts, turned = table.to_numpy(), max(map(len, map(str, table.columns))) > 1
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        ax.imshow(share, cmap=_SHARE, vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            ink = ON_COLOUR if share[row, column] > 0.75 else "black" if count else "#b0b0b080"
            ax.text(column, row, count, ha="center", va="center", color=ink, fontsize=8)
        ax.set(xlabel="predicted", ylabel="true", title=name)
        turn = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if turned else {}
        ax.set_xticks(range(table.shape[1]), table.columns, fontsize=8, **turn)
        ax.set_yticks(range(len(table)), table.index, fontsize=8)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    return axes[0].figure
