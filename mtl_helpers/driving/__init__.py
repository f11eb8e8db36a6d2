"""A seeded driving simulator: a rendered road scene, a spoken command, and the route that follows from both."""

from mtl_helpers.driving.drives import (
    RANGES,
    drive_rows,
    encode_drives,
    keep_route_labels,
    make_drives,
    standardise,
)
from mtl_helpers.driving.rules import (
    ACTION,
    COMMAND,
    DRIVING_TASKS,
    OBSTACLE,
    SIGN,
    WAYPOINTS,
    bayes_ceilings,
    road_centre,
    route_action,
    waypoints,
)
from mtl_helpers.driving.scene import render
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
    "bayes_ceilings",
    "drive_rows",
    "encode_drives",
    "hertz_to_mel",
    "keep_route_labels",
    "log_mel",
    "make_drives",
    "mel_filters",
    "render",
    "road_centre",
    "route_action",
    "speak",
    "standardise",
    "wav",
    "waypoints",
]
