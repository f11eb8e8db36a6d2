"""What large models weigh, on paper: parameters from the architecture, memory, work and money of one model for many tasks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mtl_helpers.arguments import number, whole_number
from mtl_helpers.models.multi_task import ModelError

TOKENS = 64  # of a text, as the course cuts them
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

    @property
    def flops_per_token(self) -> int:
        """Additions and multiplications for each token of a pass: 2 for each number in the maps (Kaplan et al. 2020, 2.1).

        What attention adds for long texts, 4 layers · width · length, is left out.

        >>> f"{ARCHITECTURES['GPT-3'].flops_per_token:.2e}"
        '3.48e+11'
        """
        return 2 * self.layers * 12 * self.width**2

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
    """A way of serving several tasks: numbers kept and trained, and for the answers of all tasks passes and FLOPs a token."""

    name: str
    kept: int
    trained: int
    passes: int
    flops: int

    @property
    def gb_kept(self) -> float:
        """GB to keep it, in 16 bits a number."""
        return BYTES_KEPT * self.kept / 1e9

    @property
    def gb_trained(self) -> float:
        """GB to train it with Adam in mixed precision, all tasks at once, without what the texts take."""
        return (BYTES_KEPT * (self.kept - self.trained) + BYTES_TRAINED * self.trained) / 1e9

    def dollars(self, rate: float, *, tflops: float, tokens: int = TOKENS) -> float:
        """Dollars for a million requests, each a text of so many tokens that all tasks answer.

        ``rate`` is dollars an hour for a processor that does ``tflops`` 10¹² operations a second on such work.

        >>> size = ARCHITECTURES["BERT base"]
        >>> round(ways(size, size, tasks=1, rank=8)[3].dollars(2.0, tflops=100), 2)
        0.06
        """
        rate = number("The rate, in dollars an hour,", rate, ModelError, at_least=0)
        tflops = number("tflops", tflops, ModelError, above=0)
        return 1e6 * self.flops * tokens / (1e12 * tflops) / 3600 * rate


def ways(large: Architecture, small: Architecture, tasks: int, rank: int) -> list[Way]:
    """Ways of serving ``tasks``: a small model for each, the large one frozen with a LoRA for each, or one trained for all.

    Heads are left out: a few thousand numbers each. A LoRA is counted beside the weights; merged it costs no FLOPs.
    """
    tasks = whole_number("The number of tasks", tasks, ModelError)
    each, one, whole = tasks * small.parameters, large.adapter(rank), large.parameters
    once = large.flops_per_token
    return [
        Way("one small model per task", each, each, tasks, tasks * small.flops_per_token),
        Way("one large model, one LoRA per task", whole + tasks * one, tasks * one, tasks, tasks * (once + 2 * one)),
        Way("one large model, one LoRA shared", whole + one, one, 1, once + 2 * one),
        Way("one large model, all of it trained", whole, whole, 1, once),
    ]


def break_even(large: Architecture, small: Architecture, rank: int) -> int | None:
    """From how many tasks on a large model with a LoRA per task is fewer numbers than a small model per task; None: never.

    N + T a < T n, with N and n the parameters of the large and the small one and a those of a LoRA: T > N / (n - a).

    >>> break_even(ARCHITECTURES["BERT large"], ARCHITECTURES["all-MiniLM-L6"], rank=8)
    16
    """
    saved = small.parameters - large.adapter(rank)
    return math.floor(large.parameters / saved) + 1 if saved > 0 else None


@dataclass(frozen=True)
class Mixture:
    """A decoder whose layers hold several experts, of which each token goes through few (mixture of experts, 混合专家).

    >>> f"{MIXTRAL.total / 1e9:.1f} B, of which a token meets {MIXTRAL.active / 1e9:.1f} B"
    '46.7 B, of which a token meets 12.9 B'
    """

    layers: int
    width: int
    inner: int  # of an expert, which has three maps
    key_width: int  # of keys and of values, which several heads share
    vocabulary: int
    experts: int
    used: int  # experts that a token goes through

    def _numbers(self, experts: int) -> int:
        w = self.width
        attention = 2 * w * w + 2 * w * self.key_width
        layer = attention + experts * 3 * w * self.inner + self.experts * w + 2 * w  # gate and norms
        return self.layers * layer + 2 * self.vocabulary * w + w

    @property
    def total(self) -> int:
        """All its numbers: what must be kept."""
        return self._numbers(self.experts)

    @property
    def active(self) -> int:
        """The numbers that one token meets: what must be computed."""
        return self._numbers(self.used)


MIXTRAL = Mixture(layers=32, width=4096, inner=14336, key_width=1024, vocabulary=32000, experts=8, used=2)
"""Mixtral 8x7B; 47 B in total, 13 B active (Jiang et al. 2024)."""
