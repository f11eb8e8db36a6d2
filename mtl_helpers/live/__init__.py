"""Live widgets: the λ lab, in which the task weights are dragged while the model trains."""

from mtl_helpers.live.data_demo import DataDemo
from mtl_helpers.live.lambda_lab import LabError, LambdaLab
from mtl_helpers.live.model_demo import DemoError, ModelDemo
from mtl_helpers.live.step_timer import StepTimer

__all__ = ["DataDemo", "DemoError", "LabError", "LambdaLab", "ModelDemo", "StepTimer"]
