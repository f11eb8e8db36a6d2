"""The λ lab, in which the task weights are dragged while the model trains."""

from mtl_helpers.live.lab.lab import LambdaLab
from mtl_helpers.live.lab.recording import LabError
from mtl_helpers.live.lab.worlds import World, lab_worlds

__all__ = ["LabError", "LambdaLab", "World", "lab_worlds"]
