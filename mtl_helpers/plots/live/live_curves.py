"""The λ lab's curves as a picture, for where no live page is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from mtl_helpers.plots.figure import Figure
from mtl_helpers.plots.styles import task_markers, task_styles
from mtl_helpers.tasks import Task

_GREYS = ["#444444", "#999999", "#777777", "#bbbbbb"]

Table = Mapping[str, Sequence[float]]


def plot_run(
    tasks: Sequence[Task],
    tables: Mapping[str, Table],
    *,
    marks: Sequence[tuple[int, str]] = (),
    ghosts: Sequence[Mapping[str, Any]] = (),
) -> Figure:
    """Draw loss, validation score, λ and, if ``tables`` has it, gradient cosine of a run.

    ``tables`` by panel: a column ``x`` of steps, and one for each curve; ``marks`` are steps with a name, ``ghosts`` runs to
    compare with, pale, each with ``tables`` of its own.
    """
    figure = Figure(figsize=(8.2, 4.5), dpi=92, layout="constrained")
    (loss, score), (weight, cosine) = figure.subplots(2, 2, sharex=True, height_ratios=[1.8, 1])
    units = [task for task in tasks if not task.score_range]
    unit = None if not units else score if len(units) == len(tasks) else score.twinx()
    styles, markers = task_styles(task.name for task in tasks), task_markers(task.name for task in tasks)
    for ax, title in [(loss, "training loss, unweighted"), (score, "score on validation"), (weight, "λ")]:
        ax.set_title(title, fontsize=10)
    for run, look in [*((ghost["tables"], {"alpha": 0.3, "linewidth": 1}) for ghost in ghosts), (tables, {})]:
        for task in tasks:
            name, style = task.name, {**styles[task.name], **look}
            _curve(loss, run["loss"], name, label=name, **style)
            marked = {**style, "marker": markers[name], "markersize": 3, "label": f"{name} ({task.metric})"}
            _curve(score if task.score_range else unit, run["score"], name, **marked)
            if not look:
                _curve(weight, run["weight"], f"each {name}", color=style["color"], alpha=0.35, linewidth=0.7)
            _curve(weight, run["weight"], name, drawstyle="steps-post", **style)
        for number, pair in enumerate([key for key in run.get("cosine", ()) if key != "x"]):
            _curve(cosine, run["cosine"], pair, color=_GREYS[number % 4], marker=".", **{"label": pair, **look})
    for step, name in marks:
        for ax in (loss, score, weight):
            ax.axvline(step, color="#bbbbbb", linewidth=0.8, zorder=0.5)
        weight.annotate(name, (step, 1), xycoords=("data", "axes fraction"), va="top", fontsize=7.5, color="#555555")
    score.set_ylim(0, 1.02)
    loss.set_ylim(0, None)
    for ax in {score, unit} - {None}:
        own = [task for task in tasks if (task.score_range is not None) == (ax is score) or unit is score]
        ax.set_ylabel(", ".join(sorted({task.metric for task in own})))
        if ax is unit:
            ax.set_ylim(0, None)
    weight.set_yscale("symlog", linthresh=0.1, linscale=0.3)
    weight.set_xlabel("step")
    cosine.set(xlabel="step", ylim=(-1.05, 1.05))
    cosine.set_title("gradient cosine", fontsize=10)
    cosine.axhline(0, color="#dddddd", linewidth=0.8)
    if len(tables.get("cosine", {})) < 2:
        cosine.set_axis_off()
    for ax in figure.axes:
        ax.spines["top"].set_visible(False)
        ax.spines["right"].set_visible(ax is unit and ax is not score)
        ax.tick_params(labelsize=8)
    for ax in (loss, score, unit, cosine):
        if ax is not None and ax.get_legend_handles_labels()[0] and tables["loss"]["x"]:
            handles, labels = ax.get_legend_handles_labels()
            first = dict(zip(reversed(labels), reversed(handles), strict=True))  # of ghosts and run, the run
            ax.legend(first.values(), first.keys(), frameon=False, fontsize=8, ncols=1 + (len(first) > 5))
    return figure


def _curve(ax: Axes, table: Table, key: str, **style: Any) -> None:
    if any(value == value for value in table[key]):  # not only nan
        ax.plot(table["x"], table[key], **({"linewidth": 1.6} | style))
