"""Step 3, task relations: ways of sharing between tasks, and how far their gradients agree on what they share."""

from mtl_helpers.models import parameters_by_part
from mtl_helpers.relations.conditioned import ConditionedModel, PipelineModel, ToldHead
from mtl_helpers.relations.gradients import cosines_between, gradient_cosines, task_affinity, task_gradients
from mtl_helpers.relations.landscape import (
    LANDSCAPE_TASKS,
    LandscapeModel,
    landscape_gradients,
    landscape_losses,
    pareto_distance,
)
from mtl_helpers.relations.sharing import Adapters, CrossStitch, MMoE, SoftSharing

__all__ = [
    "LANDSCAPE_TASKS",
    "Adapters",
    "ConditionedModel",
    "CrossStitch",
    "LandscapeModel",
    "MMoE",
    "PipelineModel",
    "SoftSharing",
    "ToldHead",
    "cosines_between",
    "gradient_cosines",
    "landscape_gradients",
    "landscape_losses",
    "parameters_by_part",
    "pareto_distance",
    "task_affinity",
    "task_gradients",
]
