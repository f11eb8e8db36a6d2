"""A seeded driving simulator: a road scene, a spoken command, the route that follows from both, and a car that drives it.

In one picture: `drive_rows(n, seed=...)` draws moments, `encode_drives` makes them a data set (`make_drives` does both).
In motion: `simulator = Simulator(episode_rows(n, seed=...))`; then `drive(simulator, policy)`, where a policy makes waypoints
``(n, 10)`` of what `simulator.observe()` returns, such as `steers(model)`; or by hand, `simulator.step(waypoints)` until
`simulator.done`, with `simulator.say(0, "left")` and `simulator.set_weather(fog=1.0)` on the way.
"""

from mtl_helpers.driving.drives import (
    RANGES,
    drive_rows,
    encode_drives,
    episode_rows,
    keep_route_labels,
    make_drives,
    standardise,
    waypoints,
    with_action,
)
from mtl_helpers.driving.policies import Policy, drive, expert, stand_still, steers, straight_on, wait_at_the_line
from mtl_helpers.driving.road import way_ahead
from mtl_helpers.driving.rules import (
    ACTION,
    COMMAND,
    DRIVING_TASKS,
    OBSTACLE,
    SIGN,
    WAYPOINTS,
    bayes_ceilings,
    route_action,
)
from mtl_helpers.driving.scene import Pose, pose_of, render
from mtl_helpers.driving.simulator import Simulator, on_the_road
from mtl_helpers.driving.spectrogram import RATE, hertz_to_mel, log_mel, mel_filters
from mtl_helpers.driving.speech import speak, wav

__all__ = [
    "ACTION",
    "COMMAND",
    "DRIVING_TASKS",
    "OBSTACLE",
    "RANGES",
    "RATE",
    "SIGN",
    "WAYPOINTS",
    "Policy",
    "Pose",
    "Simulator",
    "bayes_ceilings",
    "drive",
    "drive_rows",
    "encode_drives",
    "episode_rows",
    "expert",
    "hertz_to_mel",
    "keep_route_labels",
    "log_mel",
    "make_drives",
    "mel_filters",
    "on_the_road",
    "pose_of",
    "render",
    "route_action",
    "speak",
    "stand_still",
    "standardise",
    "steers",
    "straight_on",
    "wait_at_the_line",
    "wav",
    "way_ahead",
    "waypoints",
    "with_action",
]
