"""An encoder of small pictures: ``(batch, colours, height, width)`` to ``(batch, features)``."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mtl_helpers.models.described import Described
from mtl_helpers.models.multi_task import ModelError


class ImageEncoder(Described, nn.Module):
    """Two 3 x 3 convolutions, each followed by the maximum over 2 x 2 pixels and a ReLU, then one hidden layer.

    ``(batch, colours, height, width)`` to ``(batch, hidden)``; grey pictures have 1 colour, others 3. ``size`` is the side of
    a square picture, or (height, width). The second convolution has twice the ``channels`` of the first. A spectrogram is a
    picture too, of frequency and time.

    >>> ImageEncoder(channels=4, hidden=16)(torch.rand(2, 1, 12, 12)).shape
    torch.Size([2, 16])
    >>> ImageEncoder(size=(20, 12), colours=3)(torch.rand(2, 3, 20, 12)).shape
    torch.Size([2, 32])
    """

    def __init__(
        self, *, channels: int = 8, hidden: int = 32, size: int | tuple[int, int] = 12, colours: int = 1
    ) -> None:
        super().__init__()
        height, width = (size, size) if isinstance(size, int) else size
        if min(height, width) < 4:
            small = f"{size} pixels" if isinstance(size, int) else f"{height} x {width} pixels"
            raise ModelError(f"Two poolings leave nothing of a picture of {small}: size must be at least 4.")
        self.shape, self.features = (colours, height, width), hidden
        self.first = nn.Conv2d(colours, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, 2 * channels, 3, padding=1)
        self.hidden = nn.Linear(2 * channels * (height // 4) * (width // 4), hidden)
        self.to(memory_format=torch.channels_last)  # else the maximum over pixels takes a quarter of a training step

    def forward(self, images: Tensor) -> Tensor:
        """Encode pictures ``(batch, colours, height, width)`` as ``(batch, hidden)``."""
        if not images.is_floating_point() or images.dim() != 4 or images.shape[1:] != self.shape:
            raise ModelError(
                f"ImageEncoder takes pixels as float32 of shape (batch, {', '.join(map(str, self.shape))}); "
                f"found {str(images.dtype).removeprefix('torch.')} of shape {tuple(images.shape)}. "
                f"Scale whole numbers to 0 to 1, add the channel with [:, None], or build it with another size= or colours=."
            )
        maps = F.relu(F.max_pool2d(self.first(images), 2))
        maps = F.relu(F.max_pool2d(self.second(maps), 2))
        return F.relu(self.hidden(maps.flatten(1)))
