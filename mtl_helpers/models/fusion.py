"""Several inputs, one encoder: a branch for each, and a trunk over all of them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mtl_helpers.models.described import Described
from mtl_helpers.models.multi_task import ModelError


class FusionEncoder(Described, nn.Module):
    """A branch for each kind of input, their features side by side, and a shared trunk of one hidden layer over them.

    Inputs are a dict of tensors, a key a branch; the output is ``(batch, hidden)``. Keys without a branch are not looked at,
    so a single-task model may have only the branch it needs. An input that is zero all over is a *missing* one (a black
    picture, silence): its features are zero, whatever the branch's biases say.

    ``drop`` is the probability with which, in training, each example loses one input, drawn at random: modality dropout
    (Neverova, Wolf, Taylor & Nebout, TPAMI 2016). No example loses all, and in eval mode nothing is dropped.

    >>> from mtl_helpers.models import ImageEncoder
    >>> encoder = FusionEncoder({"left": ImageEncoder(), "right": ImageEncoder()}, hidden=16)
    >>> encoder({"left": torch.rand(5, 1, 12, 12), "right": torch.zeros(5, 1, 12, 12)}).shape
    torch.Size([5, 16])
    """

    def __init__(self, branches: Mapping[str, nn.Module], *, hidden: int = 32, drop: float = 0.0) -> None:
        super().__init__()
        if not branches:
            raise ModelError("A FusionEncoder needs at least one branch, an encoder by the name of its input.")
        for name, branch in branches.items():
            if not isinstance(getattr(branch, "features", None), int):
                raise ModelError(f"The branch of '{name}' must tell its width in .features, a whole number.")
        if not 0 <= drop <= 1 or (drop and len(branches) < 2):
            raise ModelError(
                f"drop is the probability, 0 to 1, that an example loses one of its inputs; found {drop!r} with "
                f"{len(branches)} branch{'es' * (len(branches) > 1)}. With one branch it must be 0."
            )
        self.branches = nn.ModuleDict(branches)
        self.trunk = nn.Linear(sum(branch.features for branch in branches.values()), hidden)
        self.features, self.drop = hidden, drop

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Encode inputs, each ``(batch, ...)``, as ``(batch, hidden)``."""
        found = sorted(inputs) if isinstance(inputs, Mapping) else type(inputs).__name__
        if not isinstance(inputs, Mapping) or not set(self.branches) <= set(inputs):
            raise ModelError(
                f"This encoder reads {', '.join(map(repr, self.branches))}; found {found}. Give a dict with a tensor for "
                "each; for an input that is missing, zeros of its shape."
            )
        rows = {name: len(inputs[name]) for name in self.branches}
        if len(set(rows.values())) != 1:
            raise ModelError(f"All inputs need the same number of examples; found {rows}.")
        keep = self._kept(next(iter(rows.values())))
        features = []
        for i, (name, branch) in enumerate(self.branches.items()):
            present = inputs[name].flatten(1).any(dim=1)
            features.append(branch(inputs[name]) * (present & keep[:, i])[:, None])
        return F.relu(self.trunk(torch.cat(features, dim=1)))

    def _kept(self, batch: int) -> Tensor:
        """Which inputs each example keeps, ``(batch, branches)``: all, or, in training, all but one now and then."""
        keep = torch.ones(batch, len(self.branches), dtype=torch.bool, device=self.trunk.weight.device)
        if self.training and self.drop:
            loses = torch.rand(batch, device=keep.device) < self.drop
            keep[torch.arange(batch), torch.randint(len(self.branches), (batch,))] = ~loses
        return keep
