"""The task named in the text of an encoder, "topic: ..." or "sentiment: ...", and a loss that teaches it."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from mtl_helpers.models.multi_task import ModelError


def with_name(task: str, texts: Iterable[str]) -> list[str]:
    """The texts with the task's name before them.

    >>> with_name("topic", ["A good film."])
    ['topic: A good film.']
    """
    return [f"{task}: {text}" for text in texts]


def contrastive_loss(features: Tensor, labels: Tensor, names: Tensor, temperature: float = 0.3) -> Tensor:
    """Loss that draws texts to the name of their class and away from the others: a scalar.

    ``features (n, width)`` are of texts whose classes are ``labels (n,)``, ``names (classes, width)`` of the classes' names.
    Cross-entropy over cosines: the mean of -log exp(cos(f, own name) / τ) / Σ_names exp(cos(f, name) / τ), as CLIP (Radford et
    al., ICML 2021) holds a picture against captions. The larger the ``temperature`` τ, the longer it draws.

    >>> names = torch.eye(2)
    >>> near, far = (contrastive_loss(names, torch.tensor(own), names, 0.1) for own in ([0, 1], [1, 0]))
    >>> round(near.item(), 3), round(far.item(), 3)
    (0.0, 10.0)
    """
    if not 0 <= labels.min() <= labels.max() < len(names):
        found = f"{labels.min().item()} to {labels.max().item()}"
        raise ModelError(f"labels must be from 0 to {len(names) - 1}, for there are {len(names)} names; found {found}.")
    return cross_entropy(normalize(features, dim=1) @ normalize(names, dim=1).T / temperature, labels)


def nearest(features: Tensor, k: int = 5) -> Tensor:
    """For each row the ``k`` others that are nearest to it by cosine, the nearest first: ``(n, k)``.

    >>> nearest(torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]), k=1).flatten().tolist()
    [1, 0, 1]
    """
    if not 0 < k < len(features):
        raise ModelError(f"k must be from 1 to {len(features) - 1}, one less than the rows; found {k}.")
    cosines = normalize(features, dim=1) @ normalize(features, dim=1).T
    return cosines.fill_diagonal_(-2.0).topk(k, dim=1).indices


def agreement(near: Tensor, labels: Tensor) -> float:
    """The share of each row's `nearest` others ``(n, k)`` that have its label of ``labels (n,)``, over all rows.

    >>> agreement(torch.tensor([[1, 2], [0, 2], [1, 0]]), torch.tensor([0, 0, 1]))
    0.333...
    """
    return (labels[near] == labels[:, None]).float().mean().item()


def in_a_plane(features: Tensor) -> Tensor:
    """The rows' directions in the plane in which these vary most (principal components): ``(n, 2)``.

    >>> features = torch.tensor([[1.0, 0.0, 0.1], [0.0, 2.0, 0.1], [-3.0, 0.0, 0.1], [0.0, -1.0, 0.1]])
    >>> in_a_plane(features).shape
    torch.Size([4, 2])
    """
    unit = normalize(features, dim=1)
    unit = unit - unit.mean(dim=0)
    _, _, directions = torch.linalg.svd(unit, full_matrices=False)
    return unit @ directions[:2].T
