"""Encoders of texts with one interface: word numbers ``(batch, time)`` to ``(batch, features)``."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mtl_helpers.data.batches import PAD
from mtl_helpers.models.described import Described
from mtl_helpers.models.multi_task import ModelError


def word_mask(encoder: nn.Module, tokens: Tensor, vocabulary_size: int) -> Tensor:
    """Where ``tokens (batch, time)`` hold a word, ``(batch, time)``; raises `ModelError` if an encoder can not read them."""
    name = type(encoder).__name__
    if tokens.dim() != 2 or tokens.is_floating_point():
        raise ModelError(
            f"{name} takes whole word numbers of shape (batch, time); "
            f"found {str(tokens.dtype).removeprefix('torch.')} of shape {tuple(tokens.shape)}. "
            "Encode the texts with a Vocabulary first."
        )
    mask = tokens != PAD
    if not mask.any(dim=1).all():
        row = int(mask.any(dim=1).int().argmin())
        raise ModelError(f"Row {row} of the batch holds no word, only padding; drop empty texts from the data.")
    low, high = tokens.aminmax()
    if low < 0 or high >= vocabulary_size:
        raise ModelError(
            f"{name} knows the word numbers 0 to {vocabulary_size - 1}; found "
            f"{int(low)} to {int(high)}. Build it with len(vocabulary) of the vocabulary that encoded."
        )
    return mask


class TextEncoder(Described, nn.Module):
    """What all text encoders share: word vectors, and the interface ``(batch, time)`` to ``(batch, features)``.

    A subclass sets ``features`` and writes ``encode(vectors, mask)``. Word vectors start at N(0, 0.1): with PyTorch's
    N(0, 1) a small model needs twice the epochs. Padding never changes the result.
    """

    features: int

    def __init__(self, vocabulary_size: int, embedding_dim: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_dim, padding_idx=PAD)
        with torch.no_grad():
            self.embedding.weight.normal_(std=0.1)[PAD] = 0

    def forward(self, tokens: Tensor) -> Tensor:
        """Encode word numbers ``(batch, time)``, padded with 0, as ``(batch, features)``."""
        mask = word_mask(self, tokens, self.embedding.num_embeddings)
        return self.encode(self.embedding(tokens), mask)

    def encode(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """``vectors (batch, time, embedding)`` and ``mask (batch, time)`` to ``(batch, features)``."""
        raise NotImplementedError

    def by_word(self, tokens: Tensor) -> Tensor:
        """Features of every word, ``(batch, time, features)``, for tasks that label words; of no use behind the last one."""
        mask = word_mask(self, tokens, self.embedding.num_embeddings)
        return self.encode_words(self.embedding(tokens), mask)

    def encode_words(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """``vectors (batch, time, embedding)`` and ``mask (batch, time)`` to ``(batch, time, features)``."""
        raise ModelError(f"{type(self).__name__} gives features of texts only, not of words; write its encode_words.")


class CNNEncoder(TextEncoder):
    """Convolutions over 2, 3 and 5 words, each followed by the maximum over time (Kim, EMNLP 2014). The fastest one.

    >>> CNNEncoder(100, filters=4)(torch.tensor([[5, 7, 0], [8, 9, 3]])).shape
    torch.Size([2, 12])
    """

    def __init__(
        self, vocabulary_size: int, *, embedding_dim: int = 32, filters: int = 32, widths: Sequence[int] = (2, 3, 5)
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim)
        self.convolutions = nn.ModuleList(nn.Conv1d(embedding_dim, filters, width) for width in widths)
        self.features = filters * len(widths)

    def encode(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Maximum over the windows that start at a word; a window may reach past the end, where the vectors are 0.

        The convolutions are applied as matrix products over the windows: on a CPU a training step with ``Conv1d`` itself
        takes about 1.25 times as long, since each of them is small (`make bench` measures it).
        """
        time, widest = mask.shape[1], max(convolution.kernel_size[0] for convolution in self.convolutions)
        padded = F.pad(vectors, (0, 0, 0, widest - 1))
        windows = torch.cat([padded[:, start : start + time] for start in range(widest)], dim=2)
        outside = torch.zeros(mask.shape, device=mask.device).masked_fill(~mask, -torch.inf)[:, :, None]
        pooled = []
        for convolution in self.convolutions:
            weight = convolution.weight.transpose(1, 2).flatten(1)  # (filters, width * embedding)
            found = F.linear(windows[:, :, : weight.shape[1]], weight, convolution.bias)
            pooled.append((found + outside).amax(dim=1))
        return F.relu(torch.cat(pooled, dim=1))

    def encode_words(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """The same convolutions, each window centred on its word."""
        channels = vectors.transpose(1, 2)
        found = [
            F.conv1d(F.pad(channels, ((width - 1) // 2, width // 2)), convolution.weight, convolution.bias)
            for convolution in self.convolutions
            for (width,) in [convolution.kernel_size]
        ]
        return F.relu(torch.cat(found, dim=1)).transpose(1, 2)


class LSTMEncoder(TextEncoder):
    """A bidirectional LSTM over the packed words, then the maximum over time.

    >>> LSTMEncoder(100, hidden=8)(torch.tensor([[5, 7, 0], [8, 9, 3]])).shape
    torch.Size([2, 16])
    """

    def __init__(
        self, vocabulary_size: int, *, embedding_dim: int = 32, hidden: int = 32, bidirectional: bool = True
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim)
        self.lstm = nn.LSTM(embedding_dim, hidden, batch_first=True, bidirectional=bidirectional)
        self.features = hidden * (1 + bidirectional)

    def encode(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """The maximum of the states over the words."""
        return self._states(vectors, mask, -torch.inf).amax(dim=1)

    def encode_words(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """The states of both directions."""
        return self._states(vectors, mask, 0.0)

    def _states(self, vectors: Tensor, mask: Tensor, behind: float) -> Tensor:
        """Packed, so that the backward direction starts at the last word and not in the padding."""
        packed = pack_padded_sequence(vectors, mask.sum(dim=1).cpu(), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, padding_value=behind, total_length=vectors.shape[1]
        )[0]


class TransformerEncoder(TextEncoder):
    """One or more self-attention layers with learnt positions, then the mean over the words.

    >>> TransformerEncoder(100, embedding_dim=8)(torch.tensor([[5, 7, 0], [8, 9, 3]])).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        embedding_dim: int = 32,
        attention_heads: int = 4,
        layers: int = 1,
        max_length: int = 512,
    ) -> None:
        if embedding_dim % attention_heads:
            raise ModelError(
                f"Each of the attention_heads={attention_heads} takes an equal part of the vectors: "
                f"embedding_dim={embedding_dim} must be a multiple of it."
            )
        super().__init__(vocabulary_size, embedding_dim)
        self.positions = nn.Parameter(torch.randn(max_length, embedding_dim) * 0.02)
        layer = nn.TransformerEncoderLayer(
            embedding_dim, attention_heads, 2 * embedding_dim, dropout=0.0, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(embedding_dim), enable_nested_tensor=False)
        self.features = embedding_dim

    def encode(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """Attention looks at words only; the mean counts words only."""
        states = self.encode_words(vectors, mask)
        return (states * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)

    def encode_words(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """The states of the last layer."""
        time = vectors.shape[1]
        if time > len(self.positions):
            raise ModelError(
                f"A text of {time} words is longer than max_length={len(self.positions)}; cut it, or raise max_length."
            )
        return self.layers(vectors + self.positions[:time], src_key_padding_mask=~mask)
