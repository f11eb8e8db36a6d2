"""A drive as its car has it: the camera's frame, the microphone's clip, the map with the routes, and what a model says."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.figure
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from torch import Tensor

from mtl_helpers.driving import RATE, Pose, log_mel, pose_of, render, speak, waypoints
from mtl_helpers.driving.road import HALF, POINTS, SIDE, place_on_road
from mtl_helpers.driving.scene import OBSTACLE_AT, obstacle_places
from mtl_helpers.plots.styles import OFF_COLOUR, ON_COLOUR, task_styles
from mtl_helpers.plots.tables import html_table
from mtl_helpers.tasks import Task


@dataclass(frozen=True)
class Answer:
    """What one head says of the drive at hand: a class with its probability, or the points of a route."""

    task: Task
    output: Tensor  # (n_outputs,)

    @property
    def says(self) -> str:
        """The answer in words: a class, or where the last point of a route lies."""
        answer = self.task.decode(self.output[None])[self.task.name].item()
        return str(answer) if self.task.classes else "to ({:+.1f}, {:.1f})".format(*answer[-2:])

    @property
    def confidence(self) -> float | None:
        """The probability of what it says; None of a route, which has none."""
        return float(self.task.condition(self.output[None]).max()) if self.task.classes else None

    def __str__(self) -> str:
        return self.says if self.confidence is None else f"{self.says} · {self.confidence:.0%}"


def plot_drive(
    figure: matplotlib.figure.Figure,
    row: pd.DataFrame,
    answers: Mapping[str, Answer],
    *,
    camera: bool = True,
    microphone: bool = True,
) -> None:
    """Draw a drive, a frame of one row, and a model's answers to it by task. The dashed route is the right one."""
    frame, sound, map_ = figure.subplots(1, 3, width_ratios=[1, 0.8, 1.25])
    figure.subplots_adjust(left=0.01, right=0.99, top=0.9, bottom=0.14, wspace=0.12)
    styles = task_styles(answers)
    picture = render(row, size=160)[0].transpose(1, 2, 0) if camera else np.zeros((160, 160, 3))
    frame.imshow(picture, interpolation="nearest")
    frame.set_title("camera" if camera else "camera: black", fontsize=10)
    frame.axis("off")
    clip = speak(row) * microphone
    sound.imshow(log_mel(clip, RATE)[0], origin="lower", aspect="auto", cmap="magma", vmin=0, vmax=1)
    sound.set_title("microphone" if microphone else "microphone: silent", fontsize=10)
    sound.set_xlabel("time, half a second", fontsize=9, labelpad=2)
    sound.set(xticks=[], yticks=[])
    for ax, name, y in ((frame, "sign", 0.93), (frame, "obstacle", 0.06), (sound, "command", 0.93)):
        if name in answers:
            box = {
                "facecolor": ON_COLOUR,
                "alpha": 0.85,
                "edgecolor": styles[name]["color"],
                "boxstyle": "round,pad=0.25",
            }
            ax.text(
                0.04,
                y,
                f"{name}: {answers[name]}",
                transform=ax.transAxes,
                fontsize=9,
                va="center",
                bbox=box,
                color=OFF_COLOUR,
            )
    _draw_map(map_, row, answers, styles)


def answers_table(
    row: pd.DataFrame,
    answers: Mapping[str, Answer],
    scores: Mapping[str, float],
    single: Mapping[str, float],
    gaps: Mapping[str, float],
    allowed: float,
) -> str:
    """HTML: for each task what the model says of the drive ``row`` and how sure it is, and how it does on validation."""
    rows = []
    for name, answer in answers.items():
        says, right = html.escape(answer.says), str(row[name].iloc[0]) if name in row else None
        mark = "" if right is None else " ✓" if answer.says == right else f" ✗ ({html.escape(right)})"
        sure = "–" if answer.confidence is None else f"{answer.confidence:.0%}"
        known = [f"{by_task[name]:.3f}" if name in by_task else "–" for by_task in (scores, single)]
        gap = gaps.get(name)
        kept = "–" if gap is None else f"{gap:+.1f} {'kept' if gap >= -allowed else '<b>not kept</b>'}"
        rows.append([name, f"<b>{says}</b>{mark}", sure, *known, kept])
    return html_table(["task", "says", "confidence", "validation", "single model", "difference, points"], rows)


def tries_table(tries: Sequence[Mapping[str, Any]], tasks: Sequence[str], allowed: float) -> str:
    """HTML: for each try λ and points of every task, as ``λ sign`` and ``sign``, and how many tasks were kept.

    A task is kept if it is at most ``allowed`` points below its single model.
    """
    rows = []
    for one in tries:
        cells = []
        for name in tasks:
            points = f"{one[name]:+.1f}" if name in one else "–"
            lost = one.get(name, 0) < -allowed
            cells.append(f"{one[f'λ {name}']:g} : {f'<b>{points}</b>' if lost else points}")
        rows.append([*cells, one["kept"]])
    above = [("your tries, λ : points against the single model (bold: not kept)", 1 + len(tasks))]
    return html_table([*tasks, "kept"], rows, left=(), above=above) if rows else ""


def _draw_map(ax: Axes, row: pd.DataFrame, answers: Mapping[str, Answer], styles: dict[str, Any]) -> None:
    along = np.linspace(-3, 1.6, 60)
    x, y, heading = place_on_road(along, float(row.bend.iloc[0]))
    edges = [(x + side * HALF * np.cos(heading), y - side * HALF * np.sin(heading)) for side in (-1, 1)]
    ax.set_facecolor("#dfe8d5")
    ax.axhspan(-SIDE, SIDE, color="#bdbdbd", linewidth=0)
    ax.fill(*(np.concatenate([left, right[::-1]]) for left, right in zip(*edges, strict=True)), color="#bdbdbd")
    if row.obstacle.iloc[0] in OBSTACLE_AT:
        ax.scatter(*obstacle_places(row), 230, marker="s", color="#444444", zorder=3)
    pose = pose_of(row)
    right = _path(waypoints(row)[0], pose)
    ax.plot(*right, color=OFF_COLOUR, linestyle="--", linewidth=1.2, zorder=4, label=f"true: {row.action.iloc[0]}")
    if "waypoints" in answers:
        colour, route = styles["waypoints"]["color"], _path(answers["waypoints"].output.numpy(), pose)
        ax.plot(*route, color=colour, marker="o", markersize=5, linewidth=2, zorder=5, label="waypoints")
    turned = -np.degrees(pose.heading[0])
    ax.scatter(pose.x, pose.y, 130, marker=(3, 0, turned), color=OFF_COLOUR, zorder=6)
    ax.set_title(f"map · action: {answers['action']}" if "action" in answers else "map · no action", fontsize=10)
    ax.set(xlim=(-2.3, 2.3), ylim=(-3, 1.6), xticks=[-2, -1, 0, 1, 2], yticks=[-3, -2, -1, 0, 1], aspect="equal")
    ax.tick_params(labelsize=8)
    ax.set_xlabel("road widths", fontsize=9, labelpad=1)
    ax.legend(fontsize=8, loc="upper right", framealpha=0.85, facecolor=ON_COLOUR, labelcolor=OFF_COLOUR)


def _path(points: np.ndarray, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    """x and y on the map of a route as the car sees it, from the car on."""
    right, ahead = np.concatenate([[[0.0, 0.0]], np.reshape(points, (POINTS, 2))]).T
    cos, sin = np.cos(pose.heading[0]), np.sin(pose.heading[0])
    return pose.x[0] + cos * right + sin * ahead, pose.y[0] - sin * right + cos * ahead
