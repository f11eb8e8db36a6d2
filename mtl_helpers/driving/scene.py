"""The camera: what a car sees of the road, the crossing, a sign and an obstacle from where it is, in all lights and weathers.

Lengths on the ground are road widths (8 m), lengths in the picture parts of its height.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from mtl_helpers.driving.noise import noise
from mtl_helpers.driving.road import HALF, SIDE, heading_of_road, place_on_way, seen_from_road, sides

SIZE = 32
_HORIZON, _FOCAL, _GROUND = 0.4, 0.42, 0.25  # the ground at distance z lies at horizon + ground / z
_EYE = _GROUND / _FOCAL  # how high the camera is mounted
_FAR = 4.0  # the road and the fog end there
_CHUNK = 256  # pictures at a time, so that all of them stay in the processor's cache

_SKY, _GRASS, _ROAD, _WHITE = (0.62, 0.76, 0.92), (0.33, 0.5, 0.24), (0.36, 0.36, 0.38), (0.95, 0.95, 0.93)
_POLE, _RED, _BLUE, _FOG = (0.5, 0.5, 0.5), (0.82, 0.1, 0.12), (0.1, 0.28, 0.75), (0.75, 0.77, 0.8)
PAINTS = {
    "orange": (0.98, 0.5, 0.05),
    "yellow": (0.97, 0.85, 0.1),
    "violet": (0.55, 0.2, 0.65),
    "blue": (0.15, 0.35, 0.9),
}
OBSTACLE_AT = {"left": (-0.75, 0.0), "middle": (0.0, 0.4), "right": (0.75, 0.0)}  # x and y from the crossing
SIGN_AT, SIGN_HEIGHT, SIGN_RADIUS = (0.8, 0.4), 1.2, 0.42  # large, for a camera of 32 pixels


class Pose(NamedTuple):
    """Where cars are, each ``(n,)``: x and y in road widths, heading in radians, speed in those a second."""

    x: np.ndarray
    y: np.ndarray
    heading: np.ndarray
    speed: np.ndarray


def pose_of(rows: pd.DataFrame) -> Pose:
    """Where the cars of drives are: ``along`` the way of their action, ``aside`` of its middle, ``turned`` off its heading.

    >>> from mtl_helpers.driving import drive_rows
    >>> row = drive_rows(1, seed=0).assign(along=-2.0, aside=0.1, turned=0.2, bend=0.0)
    >>> [round(float(value[0]), 2) for value in pose_of(row)]
    [0.1, -2.0, 0.2, 0.0]
    """
    along, aside, turned, bend = (rows[name].to_numpy() for name in ("along", "aside", "turned", "bend"))
    x, y, heading = place_on_way(along, sides(rows.action), bend)
    return Pose(x + aside * np.cos(heading), y - aside * np.sin(heading), heading + turned, np.zeros(len(rows)))


def render(rows: pd.DataFrame, pose: Pose | None = None, size: int = SIZE) -> np.ndarray:
    """Draw what the camera of each car sees: ``(n, 3, size, size)``, float32 from 0 to 1.

    ``rows`` are drives as `drive_rows` makes them, ``pose`` says where their cars are (None: where their rows say). The
    models of the course see 32 x 32 pixels; for a human eye draw the same scene larger. Each picture follows from its row and
    pose alone, its noise too.

    >>> from mtl_helpers.driving import drive_rows
    >>> render(drive_rows(2, seed=0)).shape
    (2, 3, 32, 32)
    """
    pose = pose_of(rows) if pose is None else pose
    cuts = [slice(start, start + _CHUNK) for start in range(0, len(rows), _CHUNK)]
    parts = [_render(rows.iloc[cut], Pose(*(part[cut] for part in pose)), size) for cut in cuts]
    return np.concatenate(parts) if parts else np.zeros((0, 3, size, size), np.float32)


class _Canvas:
    """Pictures ``(n, 3, size, size)`` on which shapes are laid over each other."""

    def __init__(self, n: int, size: int) -> None:
        self.size = size
        self.pixels = np.empty((n, 3, size, size), np.float32)
        self.pixels[:] = np.array(_SKY, np.float32)[:, None, None]
        at = (np.arange(size, dtype=np.float32) + 0.5) / size
        self.u, self.v = at[None, None, :], at[None, :, None]

    def cover(self, edge: np.ndarray) -> np.ndarray:
        """How much of each pixel a shape covers, from how far inside it the pixel's middle lies (in picture widths)."""
        return np.clip(edge * self.size + 0.5, 0, 1)

    def lay(self, colour: tuple | np.ndarray, cover: np.ndarray, top: int = 0) -> None:
        """Lay ``colour``, one or ``(n, 3)``, over the part ``cover (n, size - top, size)`` of each pixel below ``top``."""
        colour = np.asarray(colour, np.float32)[..., None, None]
        for i in range(3):
            pixels = self.pixels[:, i, top:]
            pixels += cover * (colour[..., i, :, :] - pixels)


def _col(values: pd.Series | np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float32)[:, None, None]


def _render(rows: pd.DataFrame, pose: Pose, size: int) -> np.ndarray:
    canvas = _Canvas(len(rows), size)
    _ground(canvas, rows, pose)
    _obstacle(canvas, rows, pose)
    _sign(canvas, rows, pose)
    _rain(canvas, rows)
    dark = _col(rows.light)[:, None]
    grain = noise(rows.noise, 3 * size * size).reshape(-1, 3, size, size) * _col(rows.grain)[:, None]
    return np.clip(canvas.pixels * dark + grain, 0.004, 1)  # a camera that works never sees nothing at all


def _ground(canvas: _Canvas, rows: pd.DataFrame, pose: Pose) -> None:
    """The road, its marks and the side road, each where the ray of a pixel meets the ground; fog over them and the sky."""
    top = int(_HORIZON * canvas.size)
    v, bend = canvas.v[:, top:], _col(rows.bend)
    distance = _GROUND / np.maximum(v - _HORIZON, 1e-3)
    beside = (canvas.u - 0.5) * distance / _FOCAL
    cos, sin = np.cos(_col(pose.heading)), np.sin(_col(pose.heading))
    x, y = _col(pose.x) + sin * distance + cos * beside, _col(pose.y) + cos * distance - sin * beside
    along, aside = seen_from_road(x, y, bend)
    # How wide and how deep the ground of one pixel is, across the road and across the side road.
    wide, deep = distance / _FOCAL, distance**2 / _GROUND
    off_road = _col(pose.heading) - heading_of_road(along, bend)
    across = np.hypot(wide * np.cos(off_road), deep * np.sin(off_road))
    across_side = np.hypot(wide * sin, deep * cos)
    ground, near = canvas.cover(v - _HORIZON), (abs(along) < _FAR) & (distance < 2 * _FAR)
    canvas.lay(_GRASS, ground, top)
    side = canvas.cover((SIDE - abs(y)) / across_side) * (abs(x) < _FAR)
    road = canvas.cover((HALF - abs(aside)) / across) * near
    canvas.lay(_ROAD, np.maximum(road, side) * ground, top)
    marks = canvas.cover((0.03 - abs(abs(aside) - 0.46)) / across)
    dashes = canvas.cover((0.025 - abs(aside)) / across) * ((along * 2.2) % 1 < 0.5)
    canvas.lay(_WHITE, np.maximum(marks, dashes) * ground * (1 - side) * near, top)
    in_fog = np.ones((1, canvas.size, 1), np.float32) * _FAR
    in_fog[:, top:] = np.minimum(distance, _FAR)
    canvas.lay(_FOG, 1 - np.exp(-_col(rows.fog) * in_fog))


class _Thing:
    """Something upright that stands on the ground and faces the camera; where it cannot be seen it is not drawn."""

    def __init__(self, canvas: _Canvas, rows: pd.DataFrame, pose: Pose, x: np.ndarray, y: np.ndarray) -> None:
        dx, dy = x - pose.x, y - pose.y
        cos, sin = np.cos(pose.heading), np.sin(pose.heading)
        ahead = sin * dx + cos * dy
        self.canvas, self.there = canvas, _col(ahead > 0.25)
        distance = np.maximum(ahead, 0.25)
        self.width = _col(_FOCAL / distance)  # of a road width there, in the picture
        self.u, self.v = 0.5 + _col(cos * dx - sin * dy) * self.width, _HORIZON + _EYE * self.width
        self.fog = 1 - np.exp(-rows.fog.to_numpy(np.float32) * np.minimum(distance, _FAR))[:, None]

    def lay(self, colour: tuple | np.ndarray, cover: np.ndarray) -> None:
        """Lay a part of it, as foggy as it is far."""
        colour = np.asarray(colour, np.float32)
        self.canvas.lay(colour + self.fog * (np.array(_FOG, np.float32) - colour), cover * self.there)

    def box(self, high: float, half_width: float, half_height: float) -> np.ndarray:
        """The cover of a box whose middle is ``high`` above the ground, in road widths."""
        du, dv = abs(self.canvas.u - self.u), abs(self.canvas.v - self.v + high * self.width)
        return self.canvas.cover(np.minimum(half_width * self.width - du, half_height * self.width - dv))


def obstacle_places(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """x and y of the car that stands at the crossing; where there is none, far away."""
    at = np.array([OBSTACLE_AT.get(name, (99.0, 99.0)) for name in rows.obstacle]).reshape(-1, 2)
    return at[:, 0] + rows.shift_x.to_numpy(), at[:, 1] + rows.shift_y.to_numpy()


def _obstacle(canvas: _Canvas, rows: pd.DataFrame, pose: Pose) -> None:
    car = _Thing(canvas, rows, pose, *obstacle_places(rows))
    paint = np.array([PAINTS[name] for name in rows.paint], np.float32)
    car.lay(paint, car.box(0.21, 0.3, 0.17))
    car.lay(0.6 * paint, car.box(0.5, 0.22, 0.12))
    car.lay((0.05, 0.05, 0.05), car.box(0.03, 0.3, 0.03))


def _sign(canvas: _Canvas, rows: pd.DataFrame, pose: Pose) -> None:
    if (rows.sign == "none").all():
        return
    sign = _Thing(
        canvas, rows, pose, SIGN_AT[0] + rows.sign_x.to_numpy(), np.full(len(rows), SIGN_AT[1]) + rows.sign_y.to_numpy()
    )
    sign.there = sign.there * _col(rows.sign != "none")
    sign.lay(_POLE, sign.box(SIGN_HEIGHT / 2, 0.03, SIGN_HEIGHT / 2))
    # From here on in radii of the sign, right and down from its middle.
    radius = SIGN_RADIUS * sign.width
    right, down = (canvas.u - sign.u) / radius, (canvas.v - sign.v + SIGN_HEIGHT * sign.width) / radius

    def lay(colour: tuple, inside: np.ndarray, *names: str) -> None:
        sign.lay(colour, canvas.cover(inside * radius) * _col(rows.sign.isin(names)))

    disc = 1 - np.hypot(right, down)
    corners = 1 - np.maximum(np.maximum(abs(right), abs(down)), (abs(right) + abs(down)) / np.sqrt(2))
    lay(_RED, corners, "stop")
    lay(_RED, disc, "no entry")
    lay(_BLUE, disc, "left only", "right only")
    lay(_WHITE, np.minimum(0.65 - abs(right), 0.22 - abs(down)), "no entry")
    for name, side in (("left only", -1), ("right only", 1)):
        towards = side * right  # the open side is blue with a white arrow, the closed one red
        lay(_RED, np.minimum(disc, -towards), name)
        lay(_WHITE, np.minimum(towards - 0.05, (0.85 - towards) * 0.8 - abs(down)), name)


def _rain(canvas: _Canvas, rows: pd.DataFrame) -> None:
    """Rain that falls in streaks."""
    drops = noise(rows.noise + 13, canvas.size * canvas.size).reshape(-1, canvas.size, canvas.size) > 2.2
    streaks = drops | np.roll(drops, 1, axis=1) | np.roll(drops, 2, axis=1)
    canvas.lay(_WHITE, 0.5 * streaks * _col(rows.rain))
