"""A car that drives: it sees, hears, and follows the waypoints it is given, many drives side by side."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mtl_helpers.arguments import whole_number
from mtl_helpers.driving.drives import GOAL, RANGES, standardise, with_action
from mtl_helpers.driving.noise import LENGTH
from mtl_helpers.driving.road import (
    HALF,
    POINTS,
    SIDE,
    STOP_LINE,
    TURN,
    seen_from_road,
    seen_from_way,
    sides,
)
from mtl_helpers.driving.rules import COMMAND
from mtl_helpers.driving.scene import SIZE, Pose, obstacle_places, pose_of, render
from mtl_helpers.driving.spectrogram import RATE, log_mel
from mtl_helpers.driving.speech import speak
from mtl_helpers.errors import DataError

SECONDS = 12  # a drive is at most so long
WHEELBASE, STEERING, LOOKAHEAD = 0.34, 0.61, 0.6  # road widths, radians (35 degrees), road widths
TOP_SPEED, CREEP, ACCELERATION = 0.7, 0.1, 1.0  # road widths a second: the most; slower, it stands; and a second more
CRASH = 0.35  # a car that comes so near to the middle of another has hit it
WEATHER = ("fog", "rain", "light", "grain", "hum")


class Simulator:
    """Drives side by side, one for each row of ``rows`` (see `episode_rows`), each a car with a pose on its own road.

    A round is: `observe`, then `step(waypoints)`, until all are ``done``; `report` says how it went. The car follows the
    waypoints by *pure pursuit* (Coulter, CMU-RI-TR-92-01, 1992): it steers along the circle through the point of their path
    that lies 0.6 road widths ahead, so fast that it is at the first point in a second; below 0.1 road widths a second it
    stands. It moves as a kinematic bicycle: heading' = speed · tan(steering) / wheelbase, with a limited steering angle and
    acceleration. It starts at rest.

    A car is ``done`` when it has left the crossing by one of its roads, has hit the obstacle, or after 12 seconds; then it
    stays where it is. ``pose`` are arrays ``(n,)`` in road widths and radians, ``trace`` all poses from the first to this one.
    ``rows`` are the drives as they are now: words and weather may be changed on the way, by `say` and `set_weather`. Once the
    car is in the crossing, the action is decided.

    >>> from mtl_helpers.driving import episode_rows, expert
    >>> simulator = Simulator(episode_rows(8, seed=0))
    >>> while not simulator.done.all():
    ...     simulator.step(expert(simulator))
    >>> bool(simulator.report().success.all())
    True
    """

    def __init__(self, rows: pd.DataFrame, *, steps_per_second: int = 5) -> None:
        needed = {*RANGES, "command", "sign", "obstacle", "paint", "noise", "along"}
        if missing := sorted(needed - set(rows)):
            raise DataError(f"A drive needs {', '.join(missing)}: draw the rows with episode_rows or drive_rows.")
        self.seconds = 1 / whole_number("steps_per_second", steps_per_second)
        self.rows = with_action(rows.reset_index(drop=True)).assign(decided=False)
        self.pose = pose_of(self.rows)
        self.trace = [self.pose]
        self.steps = 0
        n, self._heard = len(self.rows), None
        self.done, self.decided = np.zeros(n, bool), np.zeros(n, bool)
        self._start, _ = self._on_way()
        self._farthest = self._start.copy()
        self._way = np.full(n, "", dtype=object)  # by which it left the crossing
        self._seen = {name: np.zeros(n) for name in ("driven", "off_road", "aside", "collision", "ran_stop")}

    def __len__(self) -> int:
        return len(self.rows)

    # What the car sees and hears ------------------------------------------------------------------------------------

    def camera(self, size: int = SIZE) -> np.ndarray:
        """What each car sees now: ``(n, 3, size, size)``, from 0 to 1; the grain and the rain are others at each step."""
        return render(self.rows.assign(noise=(self.rows.noise + 7919 * self.steps) % LENGTH), self.pose, size)

    def microphone(self) -> np.ndarray:
        """The last word that each car was told: clips ``(n, 4000)`` of half a second at 8 kHz."""
        return speak(self.rows)

    def observe(self) -> dict[str, Tensor]:
        """What the models read: ``camera (n, 3, 32, 32)`` and ``microphone (n, 1, 24, 24)``, standardised."""
        if self._heard is None:
            self._heard = standardise(log_mel(self.microphone(), RATE))[:, None]
        return {"camera": standardise(self.camera()), "microphone": self._heard}

    def say(self, i: int, word: str) -> None:
        """Say another command to car ``i``; it counts if the car has not decided yet."""
        if word not in COMMAND.classes:
            raise DataError(f"A command is one of {', '.join(COMMAND.classes)}; found {word!r}.")
        if not 0 <= i < len(self):
            raise DataError(f"There are cars 0 to {len(self) - 1}; found {i!r}.")
        changed = self.rows.assign(command=[word if j == i else said for j, said in enumerate(self.rows.command)])
        self.rows = changed.assign(action=with_action(changed).action.where(~self.decided, self.rows.action))
        self._heard = None

    def set_weather(self, **weather: float | np.ndarray) -> None:
        """Another weather for all cars, or one for each: ``fog``, ``rain``, ``light``, ``grain`` or ``hum``."""
        if unknown := sorted(set(weather) - set(WEATHER)):
            raise DataError(f"The weather has {', '.join(WEATHER)}; found {unknown[0]!r}.")
        self.rows = self.rows.assign(**weather)
        if "hum" in weather:
            self._heard = None

    # How it moves ---------------------------------------------------------------------------------------------------

    def step(self, waypoints: np.ndarray | Tensor | None = None) -> None:
        """Drive on for a moment towards ``waypoints (n, 10)``, in each car's own frame (None: brake)."""
        n, seconds, pose = len(self), self.seconds, self.pose
        points = np.zeros((n, 2 * POINTS)) if waypoints is None else np.asarray(torch.as_tensor(waypoints).detach())
        if points.shape != (n, 2 * POINTS) or not np.isfinite(points).all():
            raise DataError(
                f"Waypoints are {2 * POINTS} finite numbers for each of the {n} cars, shape {(n, 2 * POINTS)}; found shape "
                f"{points.shape}{'' if np.isfinite(points).all() else ' with nan or infinity'}."
            )
        points = points.reshape(n, POINTS, 2)
        wanted = np.minimum(np.hypot(*points[:, 0].T), TOP_SPEED)
        wanted = np.where(wanted < CREEP, 0, wanted)
        speed = pose.speed + np.clip(wanted - pose.speed, -ACCELERATION * seconds, ACCELERATION * seconds)
        speed = np.where(self.done, 0, speed)
        turned = speed * seconds * np.tan(steering(points)) / WHEELBASE
        middle = pose.heading + turned / 2  # the heading half-way through the moment
        x = pose.x + speed * seconds * np.sin(middle)
        y = pose.y + speed * seconds * np.cos(middle)
        self.pose = Pose(x, y, pose.heading + turned, speed)
        self.trace.append(self.pose)
        self.steps += 1
        self._take_note()

    def _take_note(self) -> None:
        """What happened in this moment to those that were still driving."""
        drives, (x, y, *_), seen = ~self.done, self.pose, self._seen
        along, aside = self._on_way()
        near = drives & (abs(aside) < HALF)
        self._farthest = np.where(near, np.maximum(self._farthest, along), self._farthest)
        seen["driven"] += drives
        seen["aside"] += drives * np.minimum(abs(aside), 2)
        seen["off_road"] += drives & ~on_the_road(x, y, self.rows.bend.to_numpy())
        hit = drives & (
            np.hypot(*(at - now for at, now in zip(obstacle_places(self.rows), (x, y), strict=True))) < CRASH
        )
        seen["collision"] += hit
        decided = self.decided | (y > -TURN) | (abs(x) > 1.4)
        seen["ran_stop"] += drives & decided & ~self.decided & (self.rows.action == "stop").to_numpy()
        self.decided = decided
        self.rows["decided"] = decided
        in_side_road = (abs(x) > 1.4) & (abs(y) < 2 * SIDE)
        leaves = np.select([in_side_road & (x < 0), in_side_road, y > GOAL - 0.05], ["left", "right", "ahead"], "")
        self._way[drives] = leaves[drives]
        self.done = self.done | hit | (leaves != "") | (self.steps * self.seconds >= SECONDS)

    def _on_way(self) -> tuple[np.ndarray, np.ndarray]:
        """How far along, and aside of, the way of its right action each car is."""
        return seen_from_way(self.pose.x, self.pose.y, sides(self.rows.action), self.rows.bend.to_numpy())

    # How it went ----------------------------------------------------------------------------------------------------

    def moments(self) -> pd.DataFrame:
        """The drives as they are now, as rows of `drive_rows`: `encode_drives` labels them with what is right from here."""
        along, aside = self._on_way()
        there = pose_of(self.rows.assign(along=along, aside=0.0, turned=0.0)).heading
        turned = (self.pose.heading - there + np.pi) % (2 * np.pi) - np.pi
        noise = (self.rows.noise + 7919 * self.steps) % LENGTH
        return self.rows.assign(along=along, aside=aside, turned=turned, noise=noise)

    def report(self) -> pd.DataFrame:
        """A row a drive.

        ``completion`` is the part of the right way that was driven, 0 to 1; ``off_road`` the part of the steps beside the
        road; ``collision``, ``ran_stop`` (went on where it had to stop) and ``wrong_turn`` are true or false;
        ``lateral_error`` the mean distance to the right way, in road widths; ``success`` is a drive that arrived, or waits at
        the line, with none of these faults and no step off the road. Beside them the right ``action``, the ``way`` that was
        taken (stop: it did not enter the crossing; empty: it got lost) and the weather.
        """
        seen, right = self._seen, self.rows.action.to_numpy()
        stops, steps = right == "stop", np.maximum(seen["driven"], 1)
        room = np.where(stops, STOP_LINE, GOAL - 0.1) - self._start
        done = np.clip((self._farthest - self._start) / np.maximum(room, 1e-6), 0, 1)
        along, _ = self._on_way()
        waits = stops & ~self.decided & (along > STOP_LINE - 0.3)
        done = np.where(waits, 1, done)
        wrong = (self._way != "") & (self._way != right) & ~stops
        faults = (seen["collision"] + seen["ran_stop"] + seen["off_road"] > 0) | wrong
        return pd.DataFrame(
            {
                "action": right,
                "way": np.where(self.decided, self._way, "stop"),
                "success": (waits | (self._way == right)) & ~faults,
                "completion": done,
                "off_road": seen["off_road"] / steps,
                "collision": seen["collision"] > 0,
                "ran_stop": seen["ran_stop"] > 0,
                "wrong_turn": wrong,
                "lateral_error": seen["aside"] / steps,
                "seconds": seen["driven"] * self.seconds,
                **{name: self.rows[name] for name in ("fog", "rain", "light")},
            }
        )


def steering(points: np.ndarray) -> np.ndarray:
    """The steering angle of pure pursuit towards the path ``points (n, 5, 2)``, to the right, in radians: ``(n,)``.

    On the path from the car through the points the first place 0.6 road widths away, or its end, is the target; the circle
    through it that touches the car's heading has the curvature 2 x / distance².

    >>> ahead = np.arange(1, 6)[None, :, None] * np.array([0.0, 0.5])
    >>> right = np.arange(1, 6)[None, :, None] * np.array([0.1, 0.5])
    >>> steering(ahead).round(2), steering(right).round(2)
    (array([0.]), array([0.22]))
    """
    path = np.concatenate([np.zeros_like(points[:, :1]), points], axis=1)
    away = np.hypot(path[..., 0], path[..., 1])
    reached = (away[:, 1:] >= LOOKAHEAD).argmax(axis=1)
    reached = np.where(away.max(axis=1) < LOOKAHEAD, POINTS - 1, reached)
    cars = np.arange(len(path))
    before, after = path[cars, reached], path[cars, reached + 1]
    near, far = away[cars, reached], away[cars, reached + 1]
    part = np.clip((LOOKAHEAD - near) / np.maximum(far - near, 1e-9), 0, 1)[:, None]
    target = before + part * (after - before)
    curvature = 2 * target[:, 0] / np.maximum((target**2).sum(axis=1), 1e-4)
    return np.clip(np.arctan(WHEELBASE * curvature), -STEERING, STEERING)


def on_the_road(x: np.ndarray, y: np.ndarray, bend: np.ndarray) -> np.ndarray:
    """Whether a place lies on the road or on the side road.

    >>> on_the_road(np.array([0.4, 0.6, 0.6]), np.array([-1.0, -1.0, 0.0]), np.zeros(3)).tolist()
    [True, False, True]
    """
    _, aside = seen_from_road(x, y, bend)
    return (abs(aside) <= HALF) | (abs(y) <= SIDE)
