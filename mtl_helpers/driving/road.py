"""The map: a road with a crossing, places along it, and the way of each action. Lengths are road widths (8 m), angles radians.

The crossing is the origin; y runs along the road, x to its right, and a heading of 0 looks along y, more of it to the right.
Near the crossing the road is straight; before and behind it the road is an arc of the curvature 0.24 ``bend``, to the right
for a ``bend`` of 1. A place is also said by the road: how far ``along`` it lies (negative: before the crossing) and how far
``aside`` of the middle, to the right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

HALF, SIDE = 0.5, 0.4  # half the width of the road, and of the side road, which crosses it along x
TURN = 0.6  # a turn begins so far before the crossing; it is the turn's radius, too
STOP_LINE = -1.1  # where a car waits
SPEED = 0.55  # road widths a second, 16 km/h
POINTS = 5  # waypoints, one a second
_BEND, _SLOWING, _BACK = 0.24, 0.8, 0.5  # curvature; 1 / seconds; distance in which an offset falls to a third
_SIDES = {"left": -1, "right": 1, "ahead": 0, "stop": 0}


def sides(actions: Sequence[str]) -> np.ndarray:
    """To which side each action turns: -1 left, 1 right, 0 neither.

    >>> sides(["left", "stop"])
    array([-1,  0])
    """
    return np.array([_SIDES[action] for action in actions])


def _curvature(bend: np.ndarray | float) -> np.ndarray:
    """Never quite 0, so that one may divide by it."""
    curvature = _BEND * np.asarray(bend, np.float32)
    return np.where(abs(curvature) < 1e-3, np.float32(1e-3), curvature)


def heading_of_road(along: np.ndarray, bend: np.ndarray) -> np.ndarray:
    """Where the road leads to at the distance ``along``."""
    return _curvature(bend) * (along - np.clip(along, -TURN, TURN))


def place_on_road(along: np.ndarray, bend: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and heading of the road's middle at the distance ``along``.

    >>> [round(float(value), 2) for value in place_on_road(2.6, 1.0)]
    [0.47, 2.52, 0.48]
    """
    curvature, straight = _curvature(bend), np.clip(along, -TURN, TURN)
    angle = heading_of_road(along, bend)
    return (1 - np.cos(angle)) / curvature, straight + np.sin(angle) / curvature, angle


def seen_from_road(x: np.ndarray, y: np.ndarray, bend: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far ``along`` and ``aside`` a place lies: the other way round than `place_on_road`.

    >>> x, y, _ = place_on_road(2.6, 1.0)
    >>> [round(float(value), 2) for value in seen_from_road(x, y, 1.0)]
    [2.6, 0.0]
    """
    curvature, straight = _curvature(bend), np.clip(y, -TURN, TURN)
    beyond, across = curvature * (y - straight), curvature * x
    along = straight + np.arctan2(beyond, 1 - across) / curvature
    # The radius less the distance to the arc's middle, so written that no two large numbers are subtracted.
    aside = (2 * x - (across**2 + beyond**2) / curvature) / (1 + np.sqrt((1 - across) ** 2 + beyond**2))
    return along, aside


def place_on_way(along: np.ndarray, side: np.ndarray, bend: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y and heading at the distance ``along`` the way that turns to ``side``, -1, 0 or 1.

    Up to the turn it is the road; then comes a quarter of a circle, and the middle of the side road.

    >>> [round(float(value), 2) for value in place_on_way(1.0, -1, 0.0)]
    [-1.26, 0.0, -1.57]
    """
    x, y, heading = place_on_road(along, bend)
    into = np.maximum(along + TURN, 0)
    angle = np.minimum(into / TURN, np.pi / 2)
    turning = (side != 0) & (along > -TURN)
    turned_x = side * (TURN * (1 - np.cos(angle)) + np.maximum(into - TURN * np.pi / 2, 0))
    return (
        np.where(turning, turned_x, x),
        np.where(turning, TURN * (np.sin(angle) - 1), y),
        np.where(turning, side * angle, heading),
    )


def seen_from_way(x: np.ndarray, y: np.ndarray, side: np.ndarray, bend: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far ``along`` and ``aside`` of a way a place lies: the other way round than `place_on_way`."""
    along, aside = seen_from_road(x, y, bend)
    across, into = side * x, y + TURN  # a turn to the left is one to the right in a mirror
    angle = np.arctan2(np.maximum(into, 0), np.maximum(TURN - across, 1e-9))
    quarter, in_side_road = TURN * (np.pi / 2 - 1), across > TURN
    turned_along = np.where(in_side_road, quarter + across - TURN, TURN * (angle - 1))
    turned_aside = np.where(in_side_road, -y, TURN - np.hypot(TURN - across, into))
    turning = (side != 0) & (into > 0)
    return np.where(turning, turned_along, along), np.where(turning, side * turned_aside, aside)


def driven(stops: np.ndarray, room: np.ndarray) -> np.ndarray:
    """How far the car drives in one to five seconds, ``(n, 5)``: at an even speed, or so that it halts after ``room``.

    Who stops drives on evenly while there is room, and then ever slower: by 0.8 a second of what is left.

    >>> driven(np.array([False, True]), np.array([0.0, 1.1])).round(2).tolist()
    [[0.55, 1.1, 1.65, 2.2, 2.75], [0.54, 0.85, 0.99, 1.05, 1.08]]
    """
    seconds, room = np.arange(1, POINTS + 1), np.maximum(room, 0)[:, None]
    slows = SPEED / _SLOWING  # the room in which it slows down
    even = np.maximum(room - slows, 0) / SPEED  # seconds
    slowing = room - np.minimum(room, slows) * np.exp(-_SLOWING * np.maximum(seconds - even, 0))
    return np.where(stops[:, None], np.minimum(SPEED * seconds, slowing), SPEED * seconds)


def way_ahead(
    actions: Sequence[str], bend: np.ndarray, x: np.ndarray, y: np.ndarray, heading: np.ndarray
) -> np.ndarray:
    """Waypoints of a car that stands at ``(x, y)`` and looks along ``heading``: ``(n, 10)``, as the car sees them.

    They are places of the action's way, one a second; a car aside of it comes back in about half a road width. Who stops
    halts at the line, or where it is if it is past the line. x of the first point, to the right of the car, then its y, which
    is ahead of it, then the second ...

    >>> start = np.array([0.0]), np.array([-2.0]), np.array([0.0])
    >>> way_ahead(["ahead"], np.array([0.0]), *start).reshape(5, 2)[:, 1].round(2).tolist()
    [0.55, 1.1, 1.65, 2.2, 2.75]
    """
    side = sides(actions)
    along, aside = seen_from_way(x, y, side, bend)
    way = driven(np.asarray(actions) == "stop", STOP_LINE - along)
    to_x, to_y, there = place_on_way(along[:, None] + way, side[:, None], np.asarray(bend)[:, None])
    left_aside = aside[:, None] * np.exp(-way / _BACK)
    dx = to_x + left_aside * np.cos(there) - x[:, None]
    dy = to_y - left_aside * np.sin(there) - y[:, None]
    cos, sin = np.cos(heading)[:, None], np.sin(heading)[:, None]
    return np.stack([cos * dx - sin * dy, sin * dx + cos * dy], axis=-1).reshape(len(along), 2 * POINTS)
