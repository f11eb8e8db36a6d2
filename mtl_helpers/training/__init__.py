"""Step 4, training: L(θ) = Σᵢ λᵢ Lᵢ(θ), the one training loop, and the rules that choose λ."""

from mtl_helpers.training.gradient_weighting import GradientWeighting, GradNorm, NNLSProjector
from mtl_helpers.training.loop import Record, as_history, fit, mean_score, predict, train_steps, validate
from mtl_helpers.training.loss_weighting import DWA, FAMO, LossWeighting, RandomWeights, Uncertainty
from mtl_helpers.training.rules import RULES
from mtl_helpers.training.weighting import HandOver, StaticWeights, Weighting
from mtl_helpers.training.weights import (
    TaskWeights,
    TrainingDiverged,
    TrainingError,
    task_losses,
    weighted_sum,
    weights_by_count,
    whole_number,
)

__all__ = [
    "DWA",
    "FAMO",
    "RULES",
    "GradNorm",
    "GradientWeighting",
    "HandOver",
    "LossWeighting",
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
    "fit",
    "mean_score",
    "predict",
    "task_losses",
    "train_steps",
    "validate",
    "weighted_sum",
    "weights_by_count",
    "whole_number",
]
