"""What a drive is: a command, a sign and an obstacle, and the route that follows from all three."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from mtl_helpers.driving.road import POINTS
from mtl_helpers.tasks import Classification, Regression

SIGN = Classification("sign", classes=("none", "stop", "left only", "right only", "no entry"))
OBSTACLE = Classification("obstacle", classes=("none", "left", "middle", "right"))
COMMAND = Classification("command", classes=("left", "right", "ahead", "stop", "turn", "pass"))
ACTION = Classification("action", classes=("left", "ahead", "right", "stop"))
WAYPOINTS = Regression(
    "waypoints", size=2 * POINTS
)  # x and y of five points, one a second, in road widths, as the car sees them
DRIVING_TASKS = (SIGN, OBSTACLE, COMMAND, ACTION, WAYPOINTS)

# How often each is met; the three are drawn independently of each other.
FREQUENCIES = {
    "sign": (0.48, 0.1, 0.14, 0.14, 0.14),
    "obstacle": (0.4, 0.2, 0.2, 0.2),
    "command": (1 / 6,) * 6,
}
# The ways a command asks for, the most wanted first, and the ways a sign leaves open.
_WANTED = {
    "left": ["left"],
    "right": ["right"],
    "ahead": ["ahead"],
    "stop": [],
    "turn": ["left", "right"],
    "pass": ["ahead", "right", "left"],
}
_OPEN = {
    "none": {"left", "ahead", "right"},
    "stop": set(),
    "left only": {"left"},
    "right only": {"right"},
    "no entry": {"left", "right"},
}
_BLOCKED = {"none": None, "left": "left", "middle": "ahead", "right": "right"}


def route_action(command: str, sign: str, obstacle: str) -> str:
    """The right action: the first way the command wants that sign and obstacle leave open; if there is none, stop.

    >>> route_action("turn", sign="none", obstacle="left"), route_action("ahead", sign="no entry", obstacle="none")
    ('right', 'stop')
    """
    ways = _OPEN[sign] - {_BLOCKED[obstacle]}
    return next((way for way in _WANTED[command] if way in ways), "stop")


def bayes_ceilings(frequencies: Mapping[str, Sequence[float]] = FREQUENCIES) -> dict[str, float]:
    """How often the best possible guess of the action is right, from the command alone, the scene alone, and both.

    Counted over all 120 combinations, each with its probability: for what is known, the most probable action is guessed.

    >>> {known: round(value, 3) for known, value in bayes_ceilings().items()}
    {'command': 0.637, 'scene': 0.484, 'both': 1.0}
    """
    parts = {
        task.name: dict(zip(task.classes, frequencies[task.name], strict=True)) for task in (COMMAND, SIGN, OBSTACLE)
    }
    known = {"command": lambda c, s, o: c, "scene": lambda c, s, o: (s, o), "both": lambda c, s, o: (c, s, o)}
    ceilings = {}
    for name, seen in known.items():
        mass: dict = {}
        for c, s, o in product(*(parts[task.name] for task in (COMMAND, SIGN, OBSTACLE))):
            p = parts["command"][c] * parts["sign"][s] * parts["obstacle"][o]
            actions = mass.setdefault(seen(c, s, o), dict.fromkeys(ACTION.classes, 0.0))
            actions[route_action(c, s, o)] += p
        ceilings[name] = sum(max(actions.values()) for actions in mass.values())
    return ceilings
