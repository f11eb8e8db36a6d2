"""Where a model parts into tasks: after the word vectors, after the encoder, after one layer more; and heads with a layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from mtl_helpers.models import ModelError, MultiTaskModel
from mtl_helpers.relations.sharing import TaskEncoders
from mtl_helpers.tasks import Task


class SharedEmbedding(MultiTaskModel):
    """The tasks share the word vectors; whatever follows is each task's own.

    ``encoders`` are by task and of one width; the embedding of the first stands in all of them.

    >>> import torch
    >>> from mtl_helpers.models import CNNEncoder
    >>> from mtl_helpers.tasks import SENTIMENT, TOPIC
    >>> model = SharedEmbedding({task.name: CNNEncoder(100, filters=4) for task in (TOPIC, SENTIMENT)}, [TOPIC, SENTIMENT])
    >>> [tuple(p.shape) for p in model.shared_parameters()]
    [(100, 32)]
    >>> {name: tuple(output.shape) for name, output in model(torch.tensor([[5, 7, 0]])).items()}
    {'topic': (1, 6), 'sentiment': (1, 2)}
    """

    def __init__(self, encoders: Mapping[str, nn.Module], tasks: Sequence[Task]) -> None:
        first, *others = encoders.values()
        for encoder in others:
            if encoder.embedding.weight.shape != first.embedding.weight.shape:
                raise ModelError(
                    f"Only tables of one shape can be shared; found {tuple(first.embedding.weight.shape)} and "
                    f"{tuple(encoder.embedding.weight.shape)}."
                )
            encoder.embedding = first.embedding
        super().__init__(TaskEncoders(encoders, tasks), tasks)

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        """By task what its head makes of its own encoder's features."""
        return self.answers(self.encoder(inputs))

    def shared_parameters(self) -> list[nn.Parameter]:
        """The word vectors."""
        first = next(iter(self.encoder.by_task.values()))
        return list(first.embedding.parameters())


class OneLayerMore(nn.Module):
    """An encoder with a hidden layer on top, ``(batch, features)``: what the tasks share goes one layer further.

    >>> import torch
    >>> from mtl_helpers.models import CNNEncoder
    >>> OneLayerMore(CNNEncoder(100), 16)(torch.tensor([[5, 7, 0]])).shape
    torch.Size([1, 16])
    """

    def __init__(self, encoder: nn.Module, features: int) -> None:
        super().__init__()
        self.encoder, self.features = encoder, features
        self.layer = nn.Linear(encoder.features, features)

    def forward(self, inputs: Tensor) -> Tensor:
        """relu(W h + b), h the features of the encoder inside."""
        return F.relu(self.layer(self.encoder(inputs)))


def mlp_heads(features: int, tasks: Sequence[Task], hidden: int) -> dict[str, nn.Module]:
    """By task a head with a hidden layer of its own, for ``MultiTaskModel(encoder, tasks, heads=...)``.

    >>> from mtl_helpers.tasks import SENTIMENT
    >>> mlp_heads(96, [SENTIMENT], 16)["sentiment"]
    Sequential(
      (0): Linear(in_features=96, out_features=16, bias=True)
      (1): ReLU()
      (2): Linear(in_features=16, out_features=2, bias=True)
    )
    """
    return {
        task.name: nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, task.n_outputs))
        for task in tasks
    }
