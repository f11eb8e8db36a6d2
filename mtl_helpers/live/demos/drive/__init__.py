"""The demo of lesson 06: a model at the wheel, on a drive that is changed while it goes."""

from mtl_helpers.live.demos.drive.drive_demo import DriveDemo

__all__ = ["DriveDemo"]
