"""Moved to `live.lab.recording`."""

from mtl_helpers.live.lab.recording import BY_HAND, LabError, RecordedRun  # noqa: F401
