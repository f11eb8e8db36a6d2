"""Live widgets: the λ lab, in which the task weights are dragged while the model trains, and the demos of the lessons."""

from mtl_helpers.live.demos.claims import ClaimsDemo
from mtl_helpers.live.demos.data import DataDemo
from mtl_helpers.live.demos.demo import DemoError
from mtl_helpers.live.demos.drive import DriveDemo
from mtl_helpers.live.demos.gradient import GradientDemo
from mtl_helpers.live.demos.landscape import LandscapeDemo
from mtl_helpers.live.demos.merge import MergeDemo
from mtl_helpers.live.demos.model import ModelDemo
from mtl_helpers.live.demos.neighbours import NeighboursDemo
from mtl_helpers.live.demos.pareto import ParetoDemo
from mtl_helpers.live.demos.price import PriceDemo
from mtl_helpers.live.demos.transfer import TransferDemo
from mtl_helpers.live.lab import LabError, LambdaLab, World, lab_worlds

__all__ = [
    "ClaimsDemo",
    "DataDemo",
    "DemoError",
    "DriveDemo",
    "GradientDemo",
    "LabError",
    "LambdaLab",
    "LandscapeDemo",
    "MergeDemo",
    "ModelDemo",
    "NeighboursDemo",
    "ParetoDemo",
    "PriceDemo",
    "TransferDemo",
    "World",
    "lab_worlds",
]
