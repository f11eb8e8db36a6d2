"""Moved to `live.lab`."""

from mtl_helpers.live.lab import LambdaLab  # noqa: F401
