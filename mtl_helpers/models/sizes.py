"""What large models weigh, on paper: parameters from the architecture, and memory of one model for many tasks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mtl_helpers.arguments import whole_number
from mtl_helpers.models.multi_task import ModelError

BYTES_KEPT = 2  # a number in 16 bits
BYTES_TRAINED = (
    16  # a number, its gradient, and Adam's three in mixed precision (Rajbhandari et al., ZeRO, 2020, section 3.1)
)


@dataclass(frozen=True)
class Architecture:
    """A transformer's size, and the number of parameters that its authors give."""

    layers: int
    width: int
    vocabulary: int
    positions: int
    published: float
    source: str
    bert: bool = True  # two kinds of segments and a pooling layer, as in BERT; or neither, as in GPT

    @property
    def parameters(self) -> int:
        """Σ over embeddings, layers and the rest; a layer has 4 w² + 8 w² in its maps and 13 w in biases and norms.

        >>> ARCHITECTURES["all-MiniLM-L6"].parameters
        22713216
        """
        w = self.width
        embeddings = (self.vocabulary + self.positions + 2 * self.bert) * w
        rest = 2 * w + self.bert * (w * w + w)
        return embeddings + self.layers * (12 * w * w + 13 * w) + rest

    def adapter(self, rank: int) -> int:
        """Numbers of one LoRA on the query and value maps of each layer: 2 maps, each rank x (w + w).

        >>> round(ARCHITECTURES["GPT-3"].adapter(8) / 1e6, 1)  # as in table 4 of Hu et al., ICLR 2022
        37.7
        """
        rank = whole_number("The rank of LoRA", rank, ModelError)
        return self.layers * 2 * rank * 2 * self.width


ARCHITECTURES = {
    "all-MiniLM-L6": Architecture(6, 384, 30522, 512, 22.7e6, "its model card"),
    "BERT base": Architecture(12, 768, 30522, 512, 110e6, "Devlin et al. 2019"),
    "BERT large": Architecture(24, 1024, 30522, 512, 340e6, "Devlin et al. 2019"),
    "GPT-2 XL": Architecture(48, 1600, 50257, 1024, 1542e6, "Radford et al. 2019", bert=False),
    "GPT-3": Architecture(96, 12288, 50257, 2048, 175e9, "Brown et al. 2020", bert=False),
}


@dataclass(frozen=True)
class Way:
    """A way of serving several tasks: numbers kept and trained, and passes through an encoder for all the answers."""

    name: str
    kept: int
    trained: int
    passes: int

    @property
    def gb_kept(self) -> float:
        """GB to keep it, in 16 bits a number."""
        return BYTES_KEPT * self.kept / 1e9

    @property
    def gb_trained(self) -> float:
        """GB to train it with Adam in mixed precision, all tasks at once, without what the texts take."""
        return (BYTES_KEPT * (self.kept - self.trained) + BYTES_TRAINED * self.trained) / 1e9


def ways(large: Architecture, small: Architecture, tasks: int, rank: int) -> list[Way]:
    """Ways of serving ``tasks``: a small model for each, the large one frozen with a LoRA for each, or one trained for all.

    Heads are left out: a few thousand numbers each.
    """
    tasks = whole_number("The number of tasks", tasks, ModelError)
    each, added = tasks * small.parameters, tasks * large.adapter(rank)
    return [
        Way("one small model per task", each, each, tasks),
        Way("one large model, one LoRA per task", large.parameters + added, added, tasks),
        Way("one large model, one LoRA shared", large.parameters + large.adapter(rank), large.adapter(rank), 1),
        Way("one large model, all of it trained", large.parameters, large.parameters, 1),
    ]


def break_even(large: Architecture, small: Architecture, rank: int) -> int | None:
    """From how many tasks on a large model with a LoRA per task is fewer numbers than a small model per task; None: never.

    N + T a < T n, with N and n the parameters of the large and the small one and a those of a LoRA: T > N / (n - a).

    >>> break_even(ARCHITECTURES["BERT large"], ARCHITECTURES["all-MiniLM-L6"], rank=8)
    16
    """
    saved = small.parameters - large.adapter(rank)
    return math.floor(large.parameters / saved) + 1 if saved > 0 else None
