"""Moved to `live.widgets.slider`."""

from mtl_helpers.live.widgets.slider import LambdaSlider  # noqa: F401
