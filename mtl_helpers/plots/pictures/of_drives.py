"""Drives: what a camera sees in some moments, and where cars went on the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mtl_helpers.driving import RATE, Simulator, log_mel, render
from mtl_helpers.driving.road import HALF, SIDE, place_on_road
from mtl_helpers.driving.scene import OBSTACLE_AT, SIGN_AT, obstacle_places
from mtl_helpers.plots.figure import Figure
from mtl_helpers.plots.styles import COLOURS, numbered_marker, numbered_style

_ROAD, _GRASS = "#bdbdbd", "#dfe8d5"


def plot_moments(rows: pd.DataFrame) -> Figure:
    """What the camera sees in each moment, above for a human eye and below as a model gets it; what is right, over it.

    >>> from mtl_helpers.driving import drive_rows
    >>> len(plot_moments(drive_rows(3, seed=0)).axes)
    6
    """
    figure = Figure(figsize=(1.75 * len(rows), 4.1), layout="constrained")
    axes = figure.subplots(2, len(rows), squeeze=False)
    for line, size in zip(axes, (128, 32), strict=True):
        for ax, picture in zip(line, render(rows, size=size), strict=True):
            ax.imshow(picture.transpose(1, 2, 0), interpolation="nearest")
            ax.set(xticks=[], yticks=[])
    for ax, row in zip(axes[0], rows.itertuples(), strict=True):
        ax.set_title(f"“{row.command}”\nsign: {row.sign}\nobstacle: {row.obstacle}\n→ {row.action}", fontsize=10)
    axes[0, 0].set_ylabel("for us", fontsize=10)
    axes[1, 0].set_ylabel("32 × 32", fontsize=10)
    return figure


def plot_words(words: Mapping[str, np.ndarray]) -> Figure:
    """The log-mel spectrogram of each clip ``(time,)``, by its word: time to the right, frequency upwards.

    >>> plot_words({"hum": np.sin(np.arange(4000) / 2.0)}).axes[0].get_title()
    'hum'
    """
    figure = Figure(figsize=(1.85 * len(words), 2.5), layout="constrained")
    axes = figure.subplots(1, len(words), squeeze=False, sharey=True)[0]
    for ax, (word, clip) in zip(axes, words.items(), strict=True):
        ax.imshow(log_mel(clip[None], RATE)[0], origin="lower", aspect="auto", cmap="magma", vmin=0, vmax=1)
        ax.set_title(word, fontsize=11)
        ax.set(xticks=[0, 12, 24], xticklabels=["0", "0.25", "0.5"])
    axes[0].set_ylabel("frequency band, low to high", fontsize=9)
    figure.supxlabel("seconds", fontsize=9)
    return figure


def plot_tracks(drives: Mapping[str, Simulator], numbers: Sequence[int]) -> Figure:
    """Where the cars of some drives went, on the map: a panel a drive, a line for each of ``drives``, by who drove.

    All have the same rows. A line ends in its marker; the square is the car that stands at the crossing, the dot the sign.

    >>> from mtl_helpers.driving import episode_rows
    >>> parked = Simulator(episode_rows(3, seed=0))
    >>> len(plot_tracks({"parked": parked}, [0, 2]).axes)
    2
    """
    figure = Figure(figsize=(2.75 * len(numbers), 3.9), layout="constrained")
    axes = figure.subplots(1, len(numbers), squeeze=False)[0]
    for ax, number in zip(axes, numbers, strict=True):
        rows = next(iter(drives.values())).rows.iloc[[number]]
        draw_map(ax, rows)
        for place, (who, simulator) in enumerate(drives.items()):
            x, y = (np.array([pose[i][number] for pose in simulator.trace]) for i in (0, 1))
            style, marker = numbered_style(place), numbered_marker(place)
            ax.plot(x, y, linewidth=2.2, label=who, zorder=4, **style)
            ax.plot(x[-1], y[-1], marker, color=style["color"], markersize=9, markeredgecolor="white", zorder=5)
        row = rows.iloc[0]
        ax.set_title(f"“{row.command}”, sign: {row.sign}\nobstacle: {row.obstacle} → {row.action}", fontsize=10)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(drives), frameon=False, fontsize=10)
    return figure


def draw_map(ax: Axes, rows: pd.DataFrame) -> None:
    """The road of one drive from above: x and y in road widths from the crossing."""
    x, y, heading = place_on_road(np.linspace(-3, 1.7, 60), float(rows.bend.iloc[0]))
    edges = [(x + side * HALF * np.cos(heading), y - side * HALF * np.sin(heading)) for side in (-1, 1)]
    ax.set_facecolor(_GRASS)
    ax.axhspan(-SIDE, SIDE, color=_ROAD, linewidth=0)
    ax.fill(*(np.concatenate([left, right[::-1]]) for left, right in zip(*edges, strict=True)), color=_ROAD)
    if rows.obstacle.iloc[0] in OBSTACLE_AT:
        ax.plot(*obstacle_places(rows), "s", color="#333333", markersize=15, zorder=3)
    if rows.sign.iloc[0] != "none":
        at = SIGN_AT[0] + rows.sign_x.iloc[0], SIGN_AT[1] + rows.sign_y.iloc[0]
        ax.plot(*at, "o", color=COLOURS[6], markeredgecolor="white", markersize=9, zorder=3)
    ax.set(xlim=(-1.8, 1.8), ylim=(-2.7, 1.6), aspect="equal", xticks=[-1, 0, 1], yticks=[-2, -1, 0, 1])
    ax.tick_params(labelsize=8)
