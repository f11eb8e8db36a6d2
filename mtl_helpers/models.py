"""Step 2, the model: encoders with one interface, a head per task, and the multi-task model that joins them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mtl_helpers.data.batches import PAD
from mtl_helpers.tasks import Task, check_tasks


class ModelError(ValueError):
    """A model was put together, or fed, in a way that cannot work; the message gives the shapes."""


class TextEncoder(nn.Module):
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
        if tokens.dim() != 2 or tokens.is_floating_point():
            raise ModelError(
                f"{type(self).__name__} takes whole word numbers of shape (batch, time); "
                f"found {str(tokens.dtype).removeprefix('torch.')} of shape {tuple(tokens.shape)}. "
                "Encode the texts with a Vocabulary first."
            )
        mask = tokens != PAD
        if not mask.any(dim=1).all():
            row = int(mask.any(dim=1).int().argmin())
            raise ModelError(f"Row {row} of the batch holds no word, only padding; drop empty texts from the data.")
        try:
            vectors = self.embedding(tokens)
        except IndexError:
            raise ModelError(
                f"{type(self).__name__} knows the word numbers 0 to {self.embedding.num_embeddings - 1}; found "
                f"{int(tokens.min())} to {int(tokens.max())}. Build it with len(vocabulary) of the vocabulary that encoded."
            ) from None
        return self.encode(vectors, mask)

    def encode(self, vectors: Tensor, mask: Tensor) -> Tensor:
        """``vectors (batch, time, embedding)`` and ``mask (batch, time)`` to ``(batch, features)``."""
        raise NotImplementedError


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
        """Maximum over the windows that start at a word; a window may reach past the end, where the vectors are 0."""
        vectors = vectors.transpose(1, 2)
        pooled = []
        for convolution in self.convolutions:
            windows = convolution(F.pad(vectors, (0, convolution.kernel_size[0] - 1)))
            pooled.append(windows.masked_fill(~mask[:, None], -torch.inf).amax(dim=2))
        return F.relu(torch.cat(pooled, dim=1))


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
        """Packed, so that the backward direction starts at the last word and not in the padding."""
        lengths = mask.sum(dim=1)
        packed = pack_padded_sequence(vectors, lengths.cpu(), batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, padding_value=-torch.inf)
        return states.amax(dim=1)


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
        time = vectors.shape[1]
        if time > len(self.positions):
            raise ModelError(
                f"A text of {time} words is longer than max_length={len(self.positions)}; cut it, or raise max_length."
            )
        states = self.layers(vectors + self.positions[:time], src_key_padding_mask=~mask)
        return (states * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)


class ImageEncoder(nn.Module):
    """Two 3 x 3 convolutions, each followed by the maximum over 2 x 2 pixels, then one hidden layer.

    ``(batch, colours, size, size)`` to ``(batch, hidden)``; grey pictures have 1 colour, others 3. The second convolution has
    twice the ``channels`` of the first.

    >>> ImageEncoder(channels=4, hidden=16)(torch.rand(2, 1, 12, 12)).shape
    torch.Size([2, 16])
    """

    def __init__(self, *, channels: int = 8, hidden: int = 32, size: int = 12, colours: int = 1) -> None:
        super().__init__()
        if size < 4:
            raise ModelError(f"Two poolings leave nothing of a picture of {size} pixels: size must be at least 4.")
        self.shape, self.features = (colours, size, size), hidden
        self.first = nn.Conv2d(colours, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, 2 * channels, 3, padding=1)
        self.hidden = nn.Linear(2 * channels * (size // 4) ** 2, hidden)

    def forward(self, images: Tensor) -> Tensor:
        """Encode pictures ``(batch, colours, size, size)`` as ``(batch, hidden)``."""
        if not images.is_floating_point() or images.dim() != 4 or images.shape[1:] != self.shape:
            raise ModelError(
                f"ImageEncoder takes pixels as float32 of shape (batch, {', '.join(map(str, self.shape))}); "
                f"found {str(images.dtype).removeprefix('torch.')} of shape {tuple(images.shape)}. "
                f"Scale whole numbers to 0 to 1, add the channel with [:, None], or build it with another size= or colours=."
            )
        maps = F.max_pool2d(F.relu(self.first(images)), 2)
        maps = F.max_pool2d(F.relu(self.second(maps)), 2)
        return F.relu(self.hidden(maps.flatten(1)))


class MultiTaskModel(nn.Module):
    """One encoder shared by all tasks (hard parameter sharing, Caruana 1997) and a linear head for each.

    ``forward`` returns a dict from task name to ``(batch, classes)``, or ``(batch,)`` for a regression. Any module will do
    as encoder if it maps the batch's inputs to ``(batch, encoder.features)``. Own heads may be given, one per task name.

    >>> from mtl_helpers.tasks import SENTIMENT, STARS
    >>> model = MultiTaskModel(CNNEncoder(100), [SENTIMENT, STARS])
    >>> {name: tuple(output.shape) for name, output in model(torch.tensor([[5, 7, 0], [8, 9, 3]])).items()}
    {'sentiment': (2, 2), 'stars': (2,)}
    """

    def __init__(self, encoder: nn.Module, tasks: Sequence[Task], heads: dict[str, nn.Module] | None = None) -> None:
        super().__init__()
        self.tasks = check_tasks(tasks)
        if not isinstance(getattr(encoder, "features", None), int):
            raise ModelError(f"The encoder {type(encoder).__name__} must tell its width in .features, a whole number.")
        names = [task.name for task in self.tasks]
        if heads is None:
            heads = {task.name: nn.Linear(encoder.features, task.n_outputs) for task in self.tasks}
        elif set(heads) != set(names):
            raise ModelError(
                f"Heads are for {sorted(heads)} and tasks are {sorted(names)}: each task needs its own head."
            )
        for task in self.tasks:
            width = getattr(heads[task.name], "out_features", task.n_outputs)
            if width != task.n_outputs:
                raise ModelError(
                    f"The head of '{task.name}' puts out {width} numbers; the task needs {task.n_outputs}."
                )
            width = getattr(heads[task.name], "in_features", encoder.features)
            if width != encoder.features:
                raise ModelError(
                    f"The head of '{task.name}' takes {width} numbers; the encoder gives {encoder.features} features."
                )
        self.encoder = encoder
        self.heads = nn.ModuleDict(heads)

    def forward(self, inputs: Tensor | dict[str, Tensor]) -> dict[str, Tensor]:
        """Encode once, then let every head answer."""
        features = self.encoder(inputs)
        if features.dim() != 2 or features.shape[1] != self.encoder.features:
            raise ModelError(
                f"The encoder {type(self.encoder).__name__} gave shape {tuple(features.shape)}; "
                f"the heads need (batch, {self.encoder.features}), as its .features says."
            )
        outputs = {}
        for task in self.tasks:
            output = self.heads[task.name](features)
            outputs[task.name] = output.squeeze(-1) if task.kind == "regression" else output
        return outputs


def count_parameters(model: MultiTaskModel) -> dict[str, int]:
    """Trainable numbers by part: the shared encoder, then each task's head.

    >>> from mtl_helpers.tasks import SENTIMENT
    >>> count_parameters(MultiTaskModel(CNNEncoder(100, filters=4), [SENTIMENT]))
    {'encoder': 4492, 'sentiment head': 26}
    """

    def size(module: nn.Module) -> int:
        return sum(p.numel() for p in module.parameters() if p.requires_grad)

    return {"encoder": size(model.encoder)} | {f"{name} head": size(head) for name, head in model.heads.items()}
