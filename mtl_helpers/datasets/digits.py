"""Two digits in one picture: a task for each, real images, no download, half a second a model."""

from __future__ import annotations

import functools

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from mtl_helpers.arguments import whole_number
from mtl_helpers.data.batches import DatasetSplits, MultiTaskDataset
from mtl_helpers.errors import DataError
from mtl_helpers.tasks import Classification

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LEFT = Classification("left", classes=DIGITS)
RIGHT = Classification("right", classes=DIGITS)
SIZE = 12  # side of a picture; a digit has 8
_FRACTIONS = {"val": 0.15, "test": 0.25}


def two_digits(n_train: int = 3000, n_val: int = 500, n_test: int = 1500, *, seed: int = 0) -> DatasetSplits:
    """Pictures ``(n, 1, 12, 12)`` of two overlapping handwritten digits, each with a label for `LEFT` and for `RIGHT`.

    Both digits are drawn from scikit-learn's 1,797 images of 8 x 8 pixels (`source_digits`), the ones of train, validation
    and test apart. The right one stands 3 or 4 pixels further right, and 3 or 4 further down, than the left one (drawn for
    each picture and direction), and the pair anywhere it fits: neither task is the easier one by construction. Where they
    overlap the darker pixel counts (`overlay`). Pixels run from 0 to 1. After MultiMNIST (Sabour, Frosst & Hinton,
    NeurIPS 2017), the usual benchmark of multi-task weighting, which takes a download and minutes a model. The same ``seed``
    gives the same pictures.

    >>> splits = two_digits(100, 20, 20, seed=0)
    >>> splits.train.inputs.shape, splits.train.targets["left"].shape
    (torch.Size([100, 1, 12, 12]), torch.Size([100]))
    """
    sources = source_digits(seed)
    _, images, labels = _digits()
    rng = np.random.default_rng(seed)
    parts = {}
    for name, n in {"train": n_train, "val": n_val, "test": n_test}.items():
        n = whole_number(f"n_{name}, the number of pictures,", n)
        left, right = rng.choice(sources[name], size=(2, n))
        offset = rng.integers(3, 5, size=(n, 2))
        corner = rng.integers(0, SIZE - 8 - offset + 1)
        pictures = overlay(images[left], images[right], corner, corner + offset)
        known = torch.ones(n, dtype=torch.bool)
        parts[name] = MultiTaskDataset(
            torch.from_numpy(pictures)[:, None],
            {LEFT.name: torch.from_numpy(labels[left]), RIGHT.name: torch.from_numpy(labels[right])},
            {LEFT.name: known, RIGHT.name: known.clone()},
        )
    return DatasetSplits(**parts)


def overlay(left: np.ndarray, right: np.ndarray, left_at: np.ndarray, right_at: np.ndarray) -> np.ndarray:
    """Lay digits ``(n, 8, 8)`` over each other in pictures ``(n, 12, 12)``: at each pixel the larger of the two values.

    ``left_at`` and ``right_at`` are ``(n, 2)``: row and column of each digit's upper left corner, from 0 to 4. (The larger
    value and not the sum: a pixel then never tells that two strokes cross, and the range stays that of one digit.)

    >>> one, two = np.full((1, 8, 8), 0.25), np.full((1, 8, 8), 0.75)
    >>> overlay(one, two, [[0, 0]], [[4, 4]])[0, [0, 5, 11], [0, 5, 11]]
    array([0.25, 0.75, 0.75])
    """
    pictures = np.zeros((len(left), SIZE, SIZE), dtype=left.dtype)
    rows = np.arange(len(left))[:, None, None]
    for digits, corners in ((left, left_at), (right, right_at)):
        corners = np.asarray(corners)
        if corners.shape != (len(left), 2) or corners.min() < 0 or corners.max() > SIZE - 8:
            raise DataError(
                f"Corners are (row, column) from 0 to {SIZE - 8}, one for each of the {len(left)} digits; found shape "
                f"{corners.shape}{f' with values {corners.min()} to {corners.max()}' if corners.size else ''}."
            )
        y = corners[:, 0, None, None] + np.arange(8)[None, :, None]
        x = corners[:, 1, None, None] + np.arange(8)[None, None, :]
        pictures[rows, y, x] = np.maximum(pictures[rows, y, x], digits)
    return pictures


def source_digits(seed: int = 0) -> dict[str, np.ndarray]:
    """Which of scikit-learn's digits each part may use: their row numbers by ``train``, ``val`` and ``test``.

    60, 15 and 25 % of them, no image in two parts, each digit as frequent in all three.

    >>> {name: len(rows) for name, rows in source_digits(seed=0).items()}
    {'train': 1077, 'val': 270, 'test': 450}
    """
    seed = whole_number("seed", seed, at_least=0)
    rows, _, labels = _digits()
    rest, test = train_test_split(rows, test_size=_FRACTIONS["test"], stratify=labels, random_state=seed)
    share = _FRACTIONS["val"] / (1 - _FRACTIONS["test"])
    train, val = train_test_split(rest, test_size=share, stratify=labels[rest], random_state=seed)
    return {"train": train, "val": val, "test": test}


@functools.cache
def _digits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row numbers ``(1797,)``, images ``(1797, 8, 8)`` from 0 to 1, labels ``(1797,)``; read once."""
    digits = load_digits()
    return np.arange(len(digits.target)), (digits.images / 16).astype(np.float32), digits.target.astype(np.int64)
