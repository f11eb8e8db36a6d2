"""Step 4, training: L(θ) = Σᵢ λᵢ Lᵢ(θ), the one training loop, and the rules that choose λ."""

from mtl_helpers.training.checkpoints import checkpoint
from mtl_helpers.training.fitting import BestWeights, as_history, fit
from mtl_helpers.training.loop import Record, train_steps
from mtl_helpers.training.rules import (
    DWA,
    FAMO,
    RULES,
    GradientWeighting,
    GradNorm,
    HandOver,
    LossWeighting,
    NNLSProjector,
    RandomWeights,
    StaticWeights,
    Uncertainty,
    Weighting,
)
from mtl_helpers.training.task_weights import (
    Losses,
    TaskWeights,
    TrainingDiverged,
    TrainingError,
    task_losses,
    weighted_sum,
    weights_by_count,
)
from mtl_helpers.training.two_tasks import TWO_TASK_RULES, two_task_paths, two_task_weights
from mtl_helpers.training.validation import mean_skill, predict, validate

__all__ = [
    "DWA",
    "FAMO",
    "RULES",
    "TWO_TASK_RULES",
    "BestWeights",
    "GradNorm",
    "GradientWeighting",
    "HandOver",
    "LossWeighting",
    "Losses",
    "NNLSProjector",
    "RandomWeights",
    "Record",
    "StaticWeights",
    "TaskWeights",
    "TrainingDiverged",
    "TrainingError",
    "Uncertainty",
    "Weighting",
    "as_history",
    "checkpoint",
    "fit",
    "mean_skill",
    "predict",
    "task_losses",
    "train_steps",
    "two_task_paths",
    "two_task_weights",
    "validate",
    "weighted_sum",
    "weights_by_count",
]
