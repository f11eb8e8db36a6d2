"""Live widgets: the λ lab, in which the task weights are dragged while the model trains."""

from mtl_helpers.live.lambda_lab import LabError, LambdaLab

__all__ = ["LabError", "LambdaLab"]
