"""The camera: a road in perspective that bends, a crossing, a sign, an obstacle, in all lights and weathers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mtl_helpers.driving.noise import noise
from mtl_helpers.driving.rules import CROSSING, road_centre

SIZE = 32
_HORIZON, _FOCAL, _GROUND = (
    0.4,
    0.55,
    0.3,
)  # in picture heights; a point of the road at distance y lies at horizon + ground / y
_CHUNK = 256  # pictures at a time, so that all of them stay in the processor's cache

_SKY, _GRASS, _ROAD, _WHITE = (0.62, 0.76, 0.92), (0.33, 0.5, 0.24), (0.36, 0.36, 0.38), (0.95, 0.95, 0.93)
_POLE, _RED, _BLUE, _FOG = (0.5, 0.5, 0.5), (0.82, 0.1, 0.12), (0.1, 0.28, 0.75), (0.75, 0.77, 0.8)
PAINTS = {
    "orange": (0.98, 0.5, 0.05),
    "yellow": (0.97, 0.85, 0.1),
    "violet": (0.55, 0.2, 0.65),
    "blue": (0.15, 0.35, 0.9),
}
OBSTACLE_AT = {"left": -0.9, "middle": 0.0, "right": 0.9}  # beside the road's middle, at the crossing
SIGN_AT, SIGN_RADIUS = (0.83, 0.22), 0.14  # in the picture, before it is shifted


def render(rows: pd.DataFrame, size: int = SIZE) -> np.ndarray:
    """Draw the scene of each drive as the camera sees it: ``(n, 3, size, size)``, float32 from 0 to 1.

    ``rows`` are drives as `drive_rows` makes them. The models of the course see 32 x 32 pixels; for a human eye draw the same
    scene larger. Each picture follows from its row alone, its noise too.

    >>> from mtl_helpers.driving import drive_rows
    >>> render(drive_rows(2, seed=0)).shape
    (2, 3, 32, 32)
    """
    parts = [_render(rows.iloc[start : start + _CHUNK], size) for start in range(0, len(rows), _CHUNK)]
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

    def lay(self, colour: tuple | np.ndarray, cover: np.ndarray) -> None:
        """Lay ``colour``, one or ``(n, 3)``, over the part ``cover (n, size, size)`` of each pixel."""
        colour = np.asarray(colour, np.float32)[..., None, None]
        for i in range(3):
            channel = colour[..., i, :, :]
            self.pixels[:, i] += cover * (channel - self.pixels[:, i])

    def box(self, u: np.ndarray, v: np.ndarray, half_width: float, half_height: float) -> np.ndarray:
        """The cover of a box around ``(u, v)``, each ``(n,)``."""
        inside = np.minimum(half_width - abs(self.u - _col(u)), half_height - abs(self.v - _col(v)))
        return self.cover(inside)


def _col(values: pd.Series | np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float32)[:, None, None]


def _render(rows: pd.DataFrame, size: int) -> np.ndarray:
    canvas = _Canvas(len(rows), size)
    distance = _GROUND / np.maximum(canvas.v - _HORIZON, 1e-3)  # of the ground seen there; far for the sky
    _ground(canvas, rows, distance)
    _obstacle(canvas, rows)
    _weather(canvas, rows, distance)
    _sign(canvas, rows)  # near, so the fog hides little of it
    dark = _col(rows.light)[:, None]
    grain = noise(rows.noise, 3 * size * size).reshape(-1, 3, size, size) * _col(rows.grain)[:, None]
    return np.clip(canvas.pixels * dark + grain, 0.004, 1)  # a camera that works never sees nothing at all


def _ground(canvas: _Canvas, rows: pd.DataFrame, distance: np.ndarray) -> None:
    ground = canvas.cover(np.broadcast_to(canvas.v - _HORIZON, (1, canvas.size, canvas.size)))
    canvas.lay(_GRASS, ground)
    beside = (canvas.u - 0.5) * distance / _FOCAL - road_centre(np.minimum(distance, 4), _col(rows.bend))
    per_width = _FOCAL / distance  # picture widths in one road width there
    road = canvas.cover((0.5 - abs(beside)) * per_width) * ground
    crossing = canvas.cover((0.3 - abs(distance - CROSSING)) * _GROUND / distance**2)
    canvas.lay(_ROAD, np.maximum(road, crossing * ground))
    marks = canvas.cover((0.03 - abs(abs(beside) - 0.46)) * per_width)
    dashes = canvas.cover((0.025 - abs(beside)) * per_width) * ((distance * 2.2) % 1 < 0.5)
    canvas.lay(_WHITE, np.maximum(marks, dashes) * ground * (1 - crossing) * (distance < 4))


def _obstacle(canvas: _Canvas, rows: pd.DataFrame) -> None:
    """A car that stands at the crossing; where there is none it lies outside the picture."""
    aside = rows.obstacle.map(OBSTACLE_AT).fillna(99).to_numpy() + rows.shift_x.to_numpy()
    at = CROSSING + rows.shift_y.to_numpy() / 2
    u = 0.5 + _FOCAL * (aside + road_centre(at, rows.bend.to_numpy())) / at
    v = _HORIZON + _GROUND / at - 0.06
    paint = np.array([PAINTS[name] for name in rows.paint], np.float32)
    canvas.lay(paint, canvas.box(u, v, 0.11, 0.06))
    canvas.lay(0.6 * paint, canvas.box(u, v - 0.09, 0.075, 0.035))
    canvas.lay((0.05, 0.05, 0.05), canvas.box(u, v + 0.065, 0.11, 0.015))


def _sign(canvas: _Canvas, rows: pd.DataFrame) -> None:
    u, v = SIGN_AT[0] + rows.sign_x.to_numpy(), SIGN_AT[1] + rows.sign_y.to_numpy()
    there = _col(rows.sign != "none")
    canvas.lay(_POLE, canvas.box(u, v + 0.25, 0.012, 0.25) * there)
    du, dv = canvas.u - _col(u), canvas.v - _col(v)
    disc = SIGN_RADIUS - np.sqrt(du**2 + dv**2)
    corners = SIGN_RADIUS - np.maximum(np.maximum(abs(du), abs(dv)), (abs(du) + abs(dv)) / np.sqrt(2))
    for name, colour in (("stop", _RED), ("no entry", _RED), ("left only", _BLUE), ("right only", _BLUE)):
        canvas.lay(colour, canvas.cover(corners if name == "stop" else disc) * _col(rows.sign == name))
    bar = np.minimum(0.09 - abs(du), 0.03 - abs(dv))
    canvas.lay(_WHITE, canvas.cover(bar) * _col(rows.sign == "no entry"))
    for name, side in (("left only", -1), ("right only", 1)):
        along = side * du  # towards the arrow's point
        shaft = np.minimum(np.minimum(along + 0.1, 0.01 - along), 0.025 - abs(dv))
        head = np.minimum(along + 0.005, (0.105 - along) * 0.95 - abs(dv))
        canvas.lay(_WHITE, canvas.cover(np.maximum(shaft, head)) * _col(rows.sign == name))


def _weather(canvas: _Canvas, rows: pd.DataFrame, distance: np.ndarray) -> None:
    """Fog that grows with the distance, and rain that falls in streaks."""
    canvas.lay(_FOG, 1 - np.exp(-_col(rows.fog) * np.minimum(distance, 4)))
    drops = noise(rows.noise + 13, canvas.size * canvas.size).reshape(-1, canvas.size, canvas.size) > 2.2
    streaks = drops | np.roll(drops, 1, axis=1) | np.roll(drops, 2, axis=1)
    canvas.lay(_WHITE, 0.5 * streaks * _col(rows.rain))
