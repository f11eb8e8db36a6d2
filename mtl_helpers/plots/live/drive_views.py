"""A moment of a drive as its car has it: what the camera sees, the road from above, and what the model says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import matplotlib.figure
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import FancyBboxPatch, RegularPolygon, Wedge
from matplotlib.transforms import Affine2D
from torch import Tensor

from mtl_helpers.driving.road import HALF, SIDE, place_on_road
from mtl_helpers.driving.scene import PAINTS, SIGN_AT, obstacle_places
from mtl_helpers.plots.styles import OFF_COLOUR, ON_COLOUR, task_markers, task_styles
from mtl_helpers.plots.tables import html_table
from mtl_helpers.tasks import Task

_VIEW = ((-1.95, 1.95), (-3.4, 1.95))
_SIDE_ROAD = np.array([[-4.0, 0.0], [4.0, 0.0]])
_SIGNS = {"stop": "#d1191f", "no entry": "#d1191f", "left only": "#1a47bf", "right only": "#1a47bf"}
_GRASS, _TAR = "#d5e3c8", "#b9bbbf"
_ARROWS = {"left": "←", "right": "→", "ahead": "↑", "stop": "■"}


@dataclass(frozen=True)
class Answer:
    """What one head says at a moment: a class with its probability, or the points of a route and the way it leads."""

    task: Task
    output: Tensor  # (n_outputs,)
    way: str = ""  # of a route

    @cached_property
    def says(self) -> str:
        """The answer in words: a class, or the way that a route leads."""
        return str(self.task.classes[int(self.task.predict(self.output[None])[0])]) if self.task.classes else self.way

    @cached_property
    def confidence(self) -> float | None:
        """The probability of what it says; None of a route, which has none."""
        return float(self.task.condition(self.output[None]).max()) if self.task.classes else None

    def __str__(self) -> str:
        return self.says if self.confidence is None else f"{self.says} · {self.confidence:.0%}"


@dataclass(frozen=True)
class Scene:
    """What stands still, seen from above; places are x (to the right) and y (ahead) in road widths."""

    view: tuple[tuple[float, float], tuple[float, float]]
    roads: Sequence[tuple[np.ndarray, float]]  # the middle (points, 2) of each, and its width; the first is driven on
    things: Sequence[tuple[str, tuple[float, float], str]]  # a sign, or "truck", its place and colour


@dataclass(frozen=True)
class Moment:
    """What moves: pictures ``(3, size, size)`` of the camera, for a person and for the model, and what the car is at.

    All places are those of the `Scene`. ``labels`` are the right answers, as far as there are any.
    """

    camera: np.ndarray
    seen: np.ndarray
    heard: np.ndarray  # (frequency, time)
    car: tuple[float, float, float]  # x, y, and the heading, clockwise from straight up
    points: np.ndarray  # (5, 2), the predicted waypoints
    driven: np.ndarray  # (n, 2)
    right: np.ndarray  # (m, 2), where the rule of the road would go from here
    answers: Mapping[str, Answer]
    labels: Mapping[str, str]
    said: str  # the command
    decided: bool  # whether the car is in the crossing, where only the command still has a right answer
    note: str
    warns: bool  # whether the note is a warning

    @property
    def told(self) -> str:
        """The picture in one sentence."""
        x, y = self.car[:2]
        said = ", ".join(f"{name} {answer}" for name, answer in self.answers.items())
        return f"the car at ({x:.1f}, {y:.1f}); the model says {said}. {self.note}"


def scene_of(row: pd.DataFrame) -> Scene:
    """The scene of a drive, a frame of one row.

    >>> from mtl_helpers.driving import episode_rows
    >>> [kind for kind, _, _ in scene_of(episode_rows(1, seed=0).assign(sign="stop", obstacle="left")).things]
    ['stop', 'truck']
    """
    drive, things = row.iloc[0], []
    if drive.sign != "none":
        things.append((drive.sign, (SIGN_AT[0] + drive.sign_x, SIGN_AT[1] + drive.sign_y), _SIGNS[drive.sign]))
    if drive.obstacle != "none":
        x, y = (float(value[0]) for value in obstacle_places(row))
        things.append(("truck", (x, y), to_hex(PAINTS[drive.paint])))
    road = np.stack(place_on_road(np.linspace(-4, 4, 60), drive.bend)[:2], axis=1)
    return Scene(_VIEW, [(road, 2 * HALF), (_SIDE_ROAD, 2 * SIDE)], things)


def on_map(points: np.ndarray, car: tuple[float, float, float], *, with_car: bool = False) -> np.ndarray:
    """Waypoints ``(10,)`` as the car sees them, as places ``(5, 2)`` of the map; ``with_car`` begins where the car is.

    >>> on_map(np.arange(10.0), (1.0, 0.0, np.pi / 2)).round(1)[0].tolist()
    [2.0, 0.0]
    """
    x, y, heading = car
    right, ahead = np.reshape(points, (-1, 2)).T
    cos, sin = np.cos(heading), np.sin(heading)
    places = np.stack([x + cos * right + sin * ahead, y - sin * right + cos * ahead], axis=1)
    return np.concatenate([[[x, y]], places]) if with_car else places


def spectrogram_colours(heard: np.ndarray) -> np.ndarray:
    """A spectrogram ``(frequency, time)`` from 0 to 1 as a picture ``(3, frequency, time)``, low frequencies below.

    >>> spectrogram_colours(np.zeros((24, 24))).shape
    (3, 24, 24)
    """
    return colormaps["magma"](heard[::-1])[..., :3].transpose(2, 0, 1)


def plot_moment(figure: matplotlib.figure.Figure, scene: Scene, moment: Moment) -> None:
    """Draw a moment as a page would: the camera, the road from above, and the answers."""
    camera, map_, words = figure.subplots(1, 3, width_ratios=[1, 1.1, 0.9])
    figure.subplots_adjust(left=0.01, right=0.99, top=0.91, bottom=0.05, wspace=0.06)
    camera.set_anchor("N")
    camera.imshow(moment.camera.transpose(1, 2, 0), interpolation="nearest")
    camera.set_title("camera" if moment.camera.any() else "camera: off", fontsize=10)
    camera.axis("off")
    _draw_map(map_, scene, moment)
    words.axis("off")
    words.set_title("the model says", fontsize=10)
    styles, markers = task_styles(moment.answers), task_markers(moment.answers)
    for i, (name, answer) in enumerate(moment.answers.items()):
        y, colour, arrow = 0.92 - 0.15 * i, styles[name]["color"], _ARROWS.get(answer.says, "")
        words.plot(0.03, y, marker=markers[name], color=colour, markersize=8, clip_on=False)
        words.text(0.09, y, name, color=colour, fontsize=10, fontweight="bold", va="center")
        words.text(0.5, y, f"{arrow if name in ('action', 'waypoints') else ''} {answer}", fontsize=10, va="center")
    words.text(0, 0.12, moment.note, fontsize=9, va="center", wrap=True)
    words.set(xlim=(0, 1), ylim=(0, 1))


def _draw_map(ax: Axes, scene: Scene, moment: Moment) -> None:
    colour = task_styles(moment.answers)["waypoints"]["color"]
    (left, right), (low, high) = scene.view
    ax.set_facecolor(_GRASS)
    ax.set(xlim=(left, right), ylim=(low, high), aspect="equal", xticks=[], yticks=[])
    ax.set_title("from above", fontsize=10)
    for middle, width in scene.roads:  # as wide as the road is in this picture
        along = np.gradient(middle, axis=0)
        across = np.stack([-along[:, 1], along[:, 0]], 1) / np.maximum(np.hypot(*along.T), 1e-9)[:, None] * width / 2
        ax.fill(*np.concatenate([middle + across, (middle - across)[::-1]]).T, color=_TAR, linewidth=0)
    ax.plot(*scene.roads[0][0].T, color=ON_COLOUR, linewidth=1.2, linestyle=(0, (5, 5)))
    ax.plot(*moment.right.T, color=OFF_COLOUR, linestyle=":", linewidth=1.6, label="the rule of the road")
    ax.plot(*moment.driven.T, color=OFF_COLOUR, linewidth=2.2, label="driven")
    for kind, at, paint in scene.things:
        _draw_thing(ax, kind, at, paint)
    points = np.concatenate([[moment.car[:2]], moment.points])
    ax.plot(*points.T, color=colour, marker="o", markersize=5, markeredgecolor=ON_COLOUR, label="waypoints")
    x, y, heading = moment.car
    car = FancyBboxPatch((-0.13, -0.28), 0.26, 0.56, boxstyle="round,pad=0,rounding_size=.07", zorder=5)
    car.set(
        facecolor=OFF_COLOUR, edgecolor=ON_COLOUR, transform=Affine2D().rotate(-heading).translate(x, y) + ax.transData
    )
    ax.add_patch(car)
    ax.legend(fontsize=8, loc="upper left", framealpha=0.85, facecolor=ON_COLOUR, labelcolor=OFF_COLOUR)


def _draw_thing(ax: Axes, kind: str, at: tuple[float, float], paint: str) -> None:
    x, y = at
    if kind == "truck":
        box = FancyBboxPatch((x - 0.2, y - 0.26), 0.4, 0.52, boxstyle="round,pad=0,rounding_size=.06", zorder=4)
        ax.add_patch(box)
        box.set(facecolor=paint, edgecolor=OFF_COLOUR)
        return
    corners = 8 if kind == "stop" else 48
    ax.add_patch(
        RegularPolygon(at, corners, radius=0.26, orientation=np.pi / 8, facecolor=paint, edgecolor=ON_COLOUR, zorder=4)
    )
    closed = {"left only": (-90, 90), "right only": (90, 270)}.get(kind)
    if closed:
        ax.add_patch(Wedge(at, 0.26, *closed, facecolor=_SIGNS["no entry"], zorder=4))
    word = {"stop": "STOP", "no entry": "–"}.get(kind, _ARROWS.get(kind.split()[0], ""))
    size = 5 if kind == "stop" else 11
    ax.text(x, y, word, color=ON_COLOUR, fontsize=size, fontweight="bold", ha="center", va="center_baseline", zorder=5)


def tries_table(tries: Sequence[Mapping[str, Any]], tasks: Sequence[str], of: int) -> str:
    """HTML: for each try λ and score of every task, as ``λ sign`` and ``sign``, and how many ``drives`` of ``of`` it passed.

    >>> "<td>3 : 0.91</td><td>7 of 50</td>" in tries_table([{"λ sign": 3, "sign": 0.911, "drives": 7}], ["sign"], 50)
    True
    """
    rows = [
        [*(f"{one[f'λ {name}']:g} : {one[name]:.2f}" for name in tasks), f"{one['drives']} of {of}"] for one in tries
    ]
    above = [("your tries, λ : validation score (of the waypoints the error, in road widths)", 1 + len(tasks))]
    return html_table([*tasks, "exam passed"], rows, left=(), above=above) if rows else ""
