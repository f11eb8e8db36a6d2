"""Transfer as it is measured: each arm's change, seed by seed and with its interval, and the tasks' gradient cosine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.figure
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mtl_helpers.plots.changes import plot_changes

Curve = Sequence[tuple[int, float]]


class Limits:
    """How far the two axes reach: they only ever grow, by doubling, so that two pictures can be compared by eye."""

    def __init__(self, points: float = 15, cosine: float = 0.25) -> None:
        self.points, self.cosine = points, cosine


def plot_transfer(
    figure: matplotlib.figure.Figure,
    limits: Limits,
    by_seed: Mapping[str, Sequence[float]],
    changes: pd.DataFrame,
    cosines: Sequence[Curve],
    *,
    steps: int,
) -> None:
    """Draw what is known into ``figure``.

    ``by_seed`` has, for each arm, the changes of the seeds that are done; ``changes`` the mean and interval by arm, see
    `evaluation.paired_changes`; ``cosines`` a curve of (step, cosine) for each seed, drawn over 1 to ``steps``.
    """
    left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
    figure.subplots_adjust(left=0.14, right=0.965, top=0.89, bottom=0.19, wspace=0.3)
    means = changes.reindex(list(by_seed))[["change", "low", "high"]].astype(float)
    plot_changes({"accuracy on sentiment": means}, axes=[left])
    for y, dots in enumerate(by_seed.values()):
        points = 100 * np.asarray(dots, dtype=float)
        spread = y + 0.24 + 0.12 * (np.arange(len(points)) % 3 - 1)  # below the mean, and beside one another
        left.scatter(points, spread, s=16, color="#888888", alpha=0.8, linewidths=0, zorder=2)
        ends = 100 * means.iloc[y, 1:] if len(points) > 2 else []  # those of two seeds may lie anywhere: off the edge
        limits.points = _grown(limits.points, np.abs([*points, *ends]))
    left.set(xlim=(-limits.points, limits.points), xlabel="change against single, points")
    left.set_yticks(range(len(by_seed)), [name.replace(" ", "\n") for name in by_seed])
    if not any(map(len, by_seed.values())):
        says = {"transform": left.transAxes, "ha": "center", "color": "#666666", "backgroundcolor": "white"}
        left.text(0.5, 0.5, "nothing computed yet", **says)
    _draw_cosines(right, limits, cosines, steps)
    for ax in (left, right):
        ax.title.set_size(12)
        ax.xaxis.label.set_size(12)
        ax.tick_params(labelsize=10.5)


def _draw_cosines(ax: Axes, limits: Limits, cosines: Sequence[Curve], steps: int) -> None:
    for curve in cosines:
        x, y = zip(*curve, strict=True) if curve else ((), ())
        ax.plot(x, y, color="#999999", linewidth=0.8, alpha=0.8)
        limits.cosine = min(1.0, _grown(limits.cosine, np.abs(y)))
    whole = [curve for curve in cosines if curve and len(curve) == max(map(len, cosines))]
    if whole:
        mean = np.mean(whole, axis=0)
        ax.plot(mean[:, 0], mean[:, 1], color="black", linewidth=2.2)
    ax.axhline(0, color="#999999", linewidth=1, zorder=1)
    ax.set(xlim=(0, steps), ylim=(-limits.cosine, limits.cosine), xlabel="step")
    ax.set_title("gradient cosine, topic and sentiment")
    ax.spines[["top", "right"]].set_visible(False)


def _grown(limit: float, values: np.ndarray) -> float:
    """``limit``, doubled until it holds all ``values``."""
    while len(values) and max(values) > limit:
        limit *= 2
    return limit
