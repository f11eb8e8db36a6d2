"""The rules that choose λ, and their names in the field, for a widget or a sweep that goes through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torchjd.aggregation import IMTLG, MGDA, AlignedMTL, GramianWeightedAggregator, PCGrad, UPGrad

from mtl_helpers.tasks import Task
from mtl_helpers.training.rules.backward_passes import On
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


def _by(new_aggregator: Callable[[], GramianWeightedAggregator]) -> Callable[..., Weighting]:
    def rule(tasks: Sequence[Task], *, on: On = "parameters", total: float | None = None) -> Weighting:
        return GradientWeighting(tasks, new_aggregator(), on=on, total=total)

    return rule


# Called with the tasks; each takes total= besides, and those that see gradients (GradNorm, and from MGDA on) take on=.
RULES: dict[str, Callable[..., Weighting]] = {
    "equal": EqualWeights,
    "uncertainty": Uncertainty,
    "DWA": DWA,
    "random": RandomWeights,
    "GradNorm": GradNorm,
    "FAMO": FAMO,
    "MGDA": _by(MGDA),
    "PCGrad": _by(PCGrad),
    "UPGrad": _by(lambda: UPGrad(projector=NNLSProjector())),
    "IMTL-G": _by(IMTLG),
    "Aligned-MTL": _by(AlignedMTL),
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
