"""Live widgets: the λ lab, in which the task weights are dragged while the model trains, and the demos of the lessons."""

from mtl_helpers.live.demos.data import DataDemo
from mtl_helpers.live.demos.demo import DemoError
from mtl_helpers.live.demos.model import ModelDemo
from mtl_helpers.live.demos.price import PriceDemo
from mtl_helpers.live.drive_demo import DriveDemo
from mtl_helpers.live.gradient_demo import GradientDemo
from mtl_helpers.live.lab import LabError, LambdaLab, World, lab_worlds
from mtl_helpers.live.pareto_demo import ParetoDemo
from mtl_helpers.live.transfer_demo import TransferDemo

__all__ = [
    "DataDemo",
    "DemoError",
    "DriveDemo",
    "GradientDemo",
    "LabError",
    "LambdaLab",
    "ModelDemo",
    "ParetoDemo",
    "PriceDemo",
    "TransferDemo",
    "World",
    "lab_worlds",
]
