"""The rules that choose λ, and their names in the field, for a widget or a sweep that goes through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torchjd.aggregation import IMTLG, MGDA, AlignedMTL, PCGrad, UPGrad

from mtl_helpers.training.rules.by_gradients import GradientWeighting, NNLSProjector
from mtl_helpers.training.rules.by_losses import LossWeighting, RandomWeights, Uncertainty
from mtl_helpers.training.rules.by_progress import DWA, FAMO
from mtl_helpers.training.rules.gradnorm import GradNorm
from mtl_helpers.training.rules.weighting import HandOver, StaticWeights, Weighting


class EqualWeights(StaticWeights):
    """λ = 1 for every task, wherever λ stood before."""

    def start_from(self, weights: Mapping[str, float]) -> bool:
        """Equal λ take over nothing."""
        return False


# Called with the tasks; each takes total= besides.
RULES: dict[str, Callable[..., Weighting]] = {
    "equal": EqualWeights,
    "uncertainty": Uncertainty,
    "DWA": DWA,
    "random": RandomWeights,
    "GradNorm": GradNorm,
    "FAMO": FAMO,
    "MGDA": lambda tasks, *, total=None: GradientWeighting(tasks, MGDA(), total=total),
    "PCGrad": lambda tasks, *, total=None: GradientWeighting(tasks, PCGrad(), total=total),
    "UPGrad": lambda tasks, *, total=None: GradientWeighting(tasks, UPGrad(projector=NNLSProjector()), total=total),
    "IMTL-G": lambda tasks, *, total=None: GradientWeighting(tasks, IMTLG(), total=total),
    "Aligned-MTL": lambda tasks, *, total=None: GradientWeighting(tasks, AlignedMTL(), total=total),
}

__all__ = [
    "DWA",
    "FAMO",
    "RULES",
    "EqualWeights",
    "GradNorm",
    "GradientWeighting",
    "HandOver",
    "LossWeighting",
    "NNLSProjector",
    "RandomWeights",
    "StaticWeights",
    "Uncertainty",
    "Weighting",
]
