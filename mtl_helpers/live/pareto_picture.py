"""What the Pareto explorer draws and writes: the front with its models, and the chosen one's confusion matrices."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtl_helpers.live.pareto_runs import NAMES, SHARES, SIZES, Found, Key, ParetoRuns
from mtl_helpers.live.pareto_verdict import dominated_by, judge
from mtl_helpers.plots import task_styles

# Other colours than the tasks have; marker and dashes tell them apart without colour.
_LOOKS = {"small": ("#009E73", "o", "-"), "large": ("#CC79A7", "s", "--")}
_MORE = 0.05  # by how much an axis grows


class ParetoPicture:
    """Draws PNGs whose axes only ever grow, so that two pictures can be compared by eye."""

    def __init__(self, low: float = 0.6) -> None:
        self.low = dict.fromkeys(NAMES, low)

    def draw(self, runs: ParetoRuns, size: str, share: float, own: Sequence[Mapping[str, float]]) -> bytes:
        """PNG of the models in ``runs``; ``size`` and ``share`` are what is chosen, ``own`` the learner's runs."""
        figure = Figure(figsize=(9.6, 3.7), dpi=100)
        left, *right = figure.subplots(1, 3, width_ratios=[1.25, 1, 1])
        figure.subplots_adjust(left=0.065, right=0.995, top=0.9, bottom=0.14, wspace=0.2)
        self._draw_front(left, runs, size, share, own)
        chosen = runs.found.get(Key(size, share))
        for ax, name in zip(right, NAMES, strict=True):
            _draw_confusion(ax, name, None if chosen is None else chosen.confusion[name])
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()

    def _draw_front(
        self, ax: Axes, runs: ParetoRuns, size: str, share: float, own: Sequence[Mapping[str, float]]
    ) -> None:
        fronts = {name: runs.front(name) for name in SIZES}
        cloud, alone = runs.seeds(size, share), runs.alone(size)
        x, y = NAMES
        for name, frame in fronts.items():
            colour, marker, dashes = _LOOKS[name]
            weight = 1.0 if name == size else 0.5
            pale, front = frame[~frame.front], frame[frame.front].sort_values([x, y], ascending=[True, False])
            ax.scatter(pale[x], pale[y], 34, color=colour, marker=marker, alpha=0.3 * weight, linewidth=0)
            ax.plot(front[x], front[y], color=colour, ls=dashes, drawstyle="steps-pre", lw=1.2, alpha=0.7 * weight)
            if len(frame):
                ax.scatter(front[x], front[y], 40, color=colour, marker=marker, alpha=weight, label=f"{name} model")
            if name == size:
                _name_some(ax, frame, share, colour)
                _draw_chosen(ax, frame[frame["λ left"] == share], cloud, colour)
        for name, line in ((x, ax.axvline), (y, ax.axhline)):
            if name in alone:
                line(alone[name], color="#666666", lw=1, ls=":", label="single task" if name == x else None)
        for i, scores in enumerate(own):
            last = i == len(own) - 1
            style = {"label": "your run", "zorder": 6} if last else {"alpha": 0.35}
            ax.scatter(scores[x], scores[y], 170 if last else 90, color="black", marker="*", edgecolor="white", **style)
        self._grow([*fronts.values(), cloud, pd.DataFrame(list(own), columns=[x, y])])
        ax.set(xlim=(self.low[x], 1), ylim=(self.low[y], 1))
        ax.set_xlabel("left digit: accuracy", fontsize=10)
        ax.set_ylabel("right digit: accuracy", fontsize=10)
        ax.set_title("validation, a point a model", fontsize=10)
        ax.tick_params(labelsize=9)
        ax.spines[["top", "right"]].set_visible(False)
        if ax.get_legend_handles_labels()[0]:
            where = "best" if own else "lower left"  # a front bends away from that corner, a run may lie there
            ax.legend(frameon=False, fontsize=9, loc=where)
        else:
            _say(ax, "nothing trained yet")

    def _grow(self, frames: Sequence[pd.DataFrame]) -> None:
        for name in NAMES:
            least = min((frame[name].min() for frame in frames if len(frame)), default=1.0)
            while self.low[name] > 0 and least < self.low[name] + _MORE / 2:
                self.low[name] = round(max(0.0, self.low[name] - _MORE), 2)


def _name_some(ax: Axes, frame: pd.DataFrame, share: float, colour: str) -> None:
    """Say λ at both ends of the sweep, and of the chosen model."""
    for _, row in frame[frame["λ left"].isin([SHARES[0], SHARES[-1], share])].iterrows():
        where, below = (row[NAMES[0]], row[NAMES[1]]), -19 if row["λ left"] == share else -14
        style = {"fontsize": 8.5, "color": colour, "ha": "center"}
        ax.annotate(f"λ {row['λ left']:g}", where, (0, below), textcoords="offset points", **style)


def _draw_chosen(ax: Axes, row: pd.DataFrame, cloud: pd.DataFrame, colour: str) -> None:
    """A ring around the chosen model; its other seeds as dots, and their mean ± one standard deviation as a cross."""
    x, y = NAMES
    ax.scatter(row[x], row[y], 190, facecolor="none", edgecolor="black", linewidth=1.8, zorder=5)
    others = cloud.drop(index=0, errors="ignore")
    ax.scatter(others[x], others[y], 11, color=colour, edgecolor="black", linewidth=0.5, zorder=4)
    if len(cloud) > 2:
        mean, sd = cloud.mean(), cloud.std()
        ax.errorbar(
            mean[x], mean[y], sd[y], sd[x], color="black", lw=1.3, capsize=2.5, zorder=4, label="± 1 sd of seeds"
        )


def _draw_confusion(ax: Axes, name: str, table: pd.DataFrame | None) -> None:
    """Counts, coloured by the share of the true digit; an empty cell is a mistake that was never made."""
    counts = np.zeros((10, 10), int) if table is None else table.to_numpy()
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            ink = "white" if share[row, column] > 0.6 else "black"
            ax.text(column, row, count, ha="center", va="center", color=ink, fontsize=7)
    ax.set_title(f"{name} digit", fontsize=10, color=task_styles(NAMES)[name]["color"])
    ax.set_xlabel("predicted", fontsize=9, labelpad=2)
    ax.set_ylabel("true", fontsize=9, labelpad=1)
    ax.set_xticks(range(10), range(10), fontsize=8)
    ax.set_yticks(range(10), range(10), fontsize=8)
    ax.tick_params(length=0)
    ax.spines[:].set_color("#cccccc")
    if table is None:
        _say(ax, "not trained yet")


def _say(ax: Axes, text: str) -> None:
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", color="#666666")


def scores_table(chosen: Found | None, cloud: pd.DataFrame, alone: Mapping[str, float]) -> str:
    """HTML: for each task the chosen model's accuracy and loss, the seeds' mean ± sd, and the single-task accuracy."""
    rows = ""
    for name in NAMES:
        cells = ["–"] * 4
        if chosen is not None:
            cells[:2] = f"<b>{chosen.scores[name]:.3f}</b>", f"{chosen.losses[name]:.3f}"
        if len(cloud) > 2:
            cells[2] = f"{cloud[name].mean():.3f} ± {cloud[name].std():.3f}"
        if name in alone:
            cells[3] = f"{alone[name]:.3f}"
        rows += f'<tr><td style="text-align:left">{name}</td>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
    heads = "".join(
        f"<th>{head}</th>"
        for head in ("accuracy", "loss", f"{len(cloud) if len(cloud) > 2 else 'other'} seeds, ± sd", "single task")
    )
    return (
        '<table style="border-spacing:1.2em 0; margin-left:-1.2em; text-align:right">'
        f'<tr><th style="text-align:left">task</th>{heads}</tr>{rows}</table>'
    )


def readout(runs: ParetoRuns, size: str, share: float, own: Sequence[Mapping[str, float]]) -> str:
    """HTML: the chosen model in numbers, whether it is on the front, and what is to say of the learner's last run."""
    front, chosen, scatter = runs.front(size), runs.found.get(Key(size, share)), runs.scatter(size)
    said = [f"<b>{size} model, λ left {share:g}, right {1 - share:.1g}</b>: {len(front)} of {len(SHARES)} λ trained"]
    table = scores_table(chosen, runs.seeds(size, share), runs.alone(size))
    if chosen is not None:
        beaten = dominated_by(front, share)
        luck = "" if math.isnan(scatter) else f"; another seed alone moves a score by ± {scatter:.3f} (1 sd)"
        said.append(f"{f'dominated by λ left = {_listed(beaten)}' if beaten else 'on the front'}{luck}")
    if own and len(front):
        scores = ", ".join(f"{name} {own[-1][name]:.3f}" for name in NAMES)
        tries = f" This was try {len(own)}: the best of several is in part luck." if len(own) > 1 else ""
        said.append(f"<b>your run</b> ({scores}) is {judge(own[-1], front, scatter)}{tries}")
    return f'<div style="line-height:1.5">{said[0]}{table}{"<br>".join(said[1:])}</div>'


def _listed(shares: Sequence[float]) -> str:
    return ", ".join(f"{share:g}" for share in shares)
