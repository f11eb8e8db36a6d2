"""An encoder of small pictures: grey pixels ``(batch, 1, size, size)`` to ``(batch, features)``."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from mtl_helpers.models.multi_task import ModelError


class ImageEncoder(nn.Module):
    """Two 3 x 3 convolutions, each followed by the maximum over 2 x 2 pixels, then one hidden layer.

    ``(batch, 1, size, size)`` to ``(batch, hidden)``; the second convolution has twice the ``channels`` of the first.

    >>> import torch
    >>> ImageEncoder(channels=4, hidden=16)(torch.rand(2, 1, 12, 12)).shape
    torch.Size([2, 16])
    """

    def __init__(self, *, channels: int = 8, hidden: int = 32, size: int = 12) -> None:
        super().__init__()
        if size < 4:
            raise ModelError(f"Two poolings leave nothing of a picture of {size} pixels: size must be at least 4.")
        self.size, self.features = size, hidden
        self.first = nn.Conv2d(1, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, 2 * channels, 3, padding=1)
        self.hidden = nn.Linear(2 * channels * (size // 4) ** 2, hidden)

    def forward(self, images: Tensor) -> Tensor:
        """Encode grey pictures ``(batch, 1, size, size)`` as ``(batch, hidden)``."""
        if not images.is_floating_point() or images.dim() != 4 or images.shape[1:] != (1, self.size, self.size):
            raise ModelError(
                f"ImageEncoder takes pixels as float32 of shape (batch, 1, {self.size}, {self.size}); "
                f"found {str(images.dtype).removeprefix('torch.')} of shape {tuple(images.shape)}. "
                f"Scale whole numbers to 0 to 1, add the channel with [:, None], or build it with another size=."
            )
        maps = F.max_pool2d(F.relu(self.first(images)), 2)
        maps = F.max_pool2d(F.relu(self.second(maps)), 2)
        return F.relu(self.hidden(maps.flatten(1)))
