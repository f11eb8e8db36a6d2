"""What the drive demo draws and writes: frame and word with what the model makes of them, and the map with its route."""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from mtl_helpers.driving import RATE, log_mel, render, road_centre, speak, waypoints
from mtl_helpers.driving.rules import CROSSING, POINTS
from mtl_helpers.driving.scene import OBSTACLE_AT
from mtl_helpers.plots import task_styles
from mtl_helpers.tasks import Task

POINTS_ALLOWED = 2.0  # a task is kept if it is at most so many points below its single model


@dataclass(frozen=True)
class Answer:
    """What one head says of the drive at hand: a class with its softmax probability, or the numbers of a regression."""

    task: Task
    output: Tensor  # (n_outputs,)

    @property
    def says(self) -> str:
        """The most probable class; for a regression where the last point lies."""
        if self.task.kind == "classification":
            return self.task.classes[int(self.output.argmax())]
        x, y = self.output[-2:].tolist()
        return f"to ({x:+.1f}, {y:.1f})"

    @property
    def confidence(self) -> float | None:
        """The probability of what it says; None for a regression, which has none."""
        return float(self.output.softmax(dim=0).max()) if self.task.kind == "classification" else None


def draw_drive(row: pd.DataFrame, answers: Mapping[str, Answer], *, camera: bool, microphone: bool) -> bytes:
    """PNG of a drive and of the answers to it. The dashed route is the right one."""
    figure = Figure(figsize=(9.6, 3.3), dpi=100)
    frame, sound, map_ = figure.subplots(1, 3, width_ratios=[1, 0.8, 1.25])
    figure.subplots_adjust(left=0.01, right=0.99, top=0.9, bottom=0.14, wspace=0.12)
    styles = task_styles(answers)
    _draw_frame(frame, row, answers, styles, camera=camera)
    _draw_sound(sound, row, answers, styles, microphone=microphone)
    _draw_map(map_, row, answers, styles)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _said(answers: Mapping[str, Answer], name: str) -> str:
    if name not in answers:
        return ""
    answer = answers[name]
    sure = "" if answer.confidence is None else f" · {answer.confidence:.0%}"
    return f"{name}: {answer.says}{sure}"


def _draw_frame(ax: Axes, row: pd.DataFrame, answers: Mapping[str, Answer], styles: dict, *, camera: bool) -> None:
    picture = render(row, size=160)[0].transpose(1, 2, 0) if camera else np.zeros((160, 160, 3))
    ax.imshow(picture, interpolation="nearest")
    ax.set_title("camera" if camera else "camera: black", fontsize=10)
    ax.axis("off")
    for name, y in (("sign", 0.93), ("obstacle", 0.06)):
        if name in answers:
            box = {
                "facecolor": "white",
                "alpha": 0.85,
                "edgecolor": styles[name]["color"],
                "boxstyle": "round,pad=0.25",
            }
            ax.text(0.04, y, _said(answers, name), transform=ax.transAxes, fontsize=9, va="center", bbox=box)


def _draw_sound(ax: Axes, row: pd.DataFrame, answers: Mapping[str, Answer], styles: dict, *, microphone: bool) -> None:
    clip = speak(row) * microphone
    ax.imshow(log_mel(clip, RATE)[0], origin="lower", aspect="auto", cmap="magma", vmin=0, vmax=1)
    ax.set_title("microphone" if microphone else "microphone: silent", fontsize=10)
    ax.set_xlabel("time, half a second", fontsize=9, labelpad=2)
    ax.set(xticks=[], yticks=[])
    if "command" in answers:
        box = {
            "facecolor": "white",
            "alpha": 0.85,
            "edgecolor": styles["command"]["color"],
            "boxstyle": "round,pad=0.25",
        }
        ax.text(0.04, 0.93, _said(answers, "command"), transform=ax.transAxes, fontsize=9, va="center", bbox=box)


def _draw_map(ax: Axes, row: pd.DataFrame, answers: Mapping[str, Answer], styles: dict) -> None:
    bend, y = float(row.bend.iloc[0]), np.linspace(-0.2, 3.2, 40)
    middle = road_centre(y, bend)
    ax.set_facecolor("#dfe8d5")
    ax.axhspan(CROSSING - 0.3, CROSSING + 0.3, color="#bdbdbd", linewidth=0)
    ax.fill_betweenx(y, middle - 0.5, middle + 0.5, color="#bdbdbd", linewidth=0)
    obstacle = row.obstacle.iloc[0]
    if obstacle in OBSTACLE_AT:
        x = OBSTACLE_AT[obstacle] + road_centre(CROSSING, bend)
        ax.scatter(x, CROSSING, 230, marker="s", color="#444444", zorder=3)
    right = _path(waypoints(row.action, row.bend.to_numpy())[0])
    ax.plot(*right, color="black", linestyle="--", linewidth=1.2, zorder=4, label=f"true: {row.action.iloc[0]}")
    if "waypoints" in answers:
        colour = styles["waypoints"]["color"]
        told = _path(answers["waypoints"].output.numpy())
        ax.plot(*told, color=colour, marker="o", markersize=5, linewidth=2, zorder=5, label="waypoints")
    ax.scatter(0, 0, 130, marker="^", color="black", zorder=6)
    ax.set_title(f"map · {_said(answers, 'action') or 'no action'}", fontsize=10)
    ax.set(xlim=(-2.6, 2.6), ylim=(-0.2, 3.2), xticks=[-2, -1, 0, 1, 2], yticks=[0, 1, 2, 3])
    ax.tick_params(labelsize=8)
    ax.set_xlabel("road widths", fontsize=9, labelpad=1)
    ax.legend(fontsize=8, loc="upper right", framealpha=0.85)


def _path(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and y of a route, from the car on."""
    xy = np.concatenate([[[0.0, 0.0]], np.reshape(points, (POINTS, 2))])
    return xy[:, 0], xy[:, 1]


def answers_table(
    tasks: Sequence[Task],
    answers: Mapping[str, Answer],
    truth: Mapping[str, str],
    scores: Mapping[str, float],
    single: Mapping[str, float],
    gaps: Mapping[str, float],
) -> str:
    """HTML: for each task what the model says of this drive and how sure it is, and how it does on validation."""
    rows = ""
    for task in tasks:
        answer, right = answers[task.name], truth.get(task.name)
        mark = "" if right is None else (" ✓" if answer.says == right else f" ✗ ({html.escape(right)})")
        sure = "–" if answer.confidence is None else f"{answer.confidence:.0%}"
        cells = [f"<b>{html.escape(answer.says)}</b>{mark}", sure]
        cells += [f"{known[task.name]:.3f}" if task.name in known else "–" for known in (scores, single)]
        gap = gaps.get(task.name)
        kept = "–" if gap is None else f"{gap:+.1f} {'kept' if gap >= -POINTS_ALLOWED else '<b>not kept</b>'}"
        rows += (
            f'<tr><td style="text-align:left">{task.name}</td>{"".join(f"<td>{c}</td>" for c in [*cells, kept])}</tr>'
        )
    heads = "".join(
        f"<th>{head}</th>" for head in ("says", "confidence", "validation", "single model", "difference, points")
    )
    return (
        '<table style="border-spacing:1.2em 0; margin-left:-1.2em; text-align:right">'
        f'<tr><th style="text-align:left">task</th>{heads}</tr>{rows}</table>'
    )
