"""CIFAR-10, from its binary version (no pickle): which of ten things, living or not, and which way up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from sklearn.model_selection import train_test_split

from mtl_helpers.data.batches import DatasetSplits, MultiTaskDataset
from mtl_helpers.datasets.archive import check_counts, read_members
from mtl_helpers.datasets.download import Archive, fetch
from mtl_helpers.errors import DataError
from mtl_helpers.randomness import seeded
from mtl_helpers.tasks import Classification

CIFAR10 = Archive(
    "cifar-10-binary.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    unpacked=500_000_000,
)
CIFAR10_COUNTS: Mapping[str, int] = MappingProxyType({"train": 50_000, "test": 10_000})

OBJECT = Classification(
    "object",
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
)
KIND = Classification("kind", classes=("vehicle", "animal"))
ROTATION = Classification("rotation", classes=("0", "90", "180", "270"))  # degrees, anticlockwise

_FILE = re.compile(r"cifar-10-batches-bin/(data_batch_\d|test_batch|batches\.meta)\.(?:bin|txt)")
_ROW = 1 + 3 * 32 * 32
_ANIMALS = torch.tensor([name in ("bird", "cat", "deer", "dog", "frog", "horse") for name in OBJECT.classes])


def cifar10(
    root: str | Path | None = None,
    *,
    val: float = 0.1,
    seed: int = 0,
    checksum: str | None = CIFAR10.checksum,
    counts: Mapping[str, int] | None = CIFAR10_COUNTS,
) -> DatasetSplits:
    """Colour pictures ``(n, 3, 32, 32)``, pixels from 0 to 1, of ten things (Krizhevsky 2009), with two labels each.

    `OBJECT` is which of the ten, `KIND` whether it is an animal or a vehicle; `with_rotations` adds a third task, `ROTATION`.
    The test pictures are those published as such; a share ``val`` of the training pictures, drawn by ``seed`` with every
    class as frequent as in all, is the validation part. As float32 all 60,000 take 740 MB of memory. The archive (170 MB)
    is looked for in the folder ``root``, see `fetch`; ``checksum``, ``counts`` and errors are as for `imdb`.
    """
    path = fetch(CIFAR10, root, checksum=checksum)
    rows: dict[str, list[tuple[str, np.ndarray]]] = {"train": [], "test": []}
    for match, raw in read_members(path, _FILE, limit=CIFAR10.unpacked):
        if match[1] == "batches.meta":
            _check_names(path, match[0], raw)
        else:
            rows["test" if match[1] == "test_batch" else "train"].append((match[1], _rows(path, match[0], raw)))
    parts = {part: [found for _, found in sorted(files, key=lambda file: file[0])] for part, files in rows.items()}
    check_counts(path, {part: sum(map(len, files)) for part, files in parts.items()}, counts)
    if absent := [part for part, files in parts.items() if not files]:
        raise DataError(f"{path.name} holds no {absent[0]} pictures. Is it the binary version of CIFAR-10?")
    train, test = (np.concatenate(files) for files in parts.values())
    chosen, held_out = _cut(train[:, 0], val, seed)
    return DatasetSplits(_dataset(train[chosen]), _dataset(train[held_out]), _dataset(test))


def with_rotations(dataset: MultiTaskDataset, *, seed: int = 0) -> MultiTaskDataset:
    """The pictures, then each once more, turned by 0, 90, 180 or 270 degrees, drawn by ``seed``; n rows become 2 n.

    A turned picture has a label for `ROTATION` alone, and an original has all labels but that one. The task needs nobody to
    label anything: it is self-supervised (Gidaris, Singh & Komodakis, ICLR 2018).

    >>> known = torch.ones(2, dtype=torch.bool)
    >>> pair = MultiTaskDataset(torch.rand(2, 3, 4, 4), {"object": torch.tensor([3, 5])}, {"object": known})
    >>> more = with_rotations(pair)
    >>> len(more), more.masks["object"].tolist(), more.masks["rotation"].tolist()
    (4, [True, True, False, False], [False, False, True, True])
    """
    n, generator = len(dataset), seeded(seed)
    turns = torch.randint(len(ROTATION.classes), (n,), generator=generator)
    turned = torch.stack([picture.rot90(int(k), (1, 2)) for picture, k in zip(dataset.inputs, turns, strict=True)])
    none, every = torch.zeros(n, dtype=torch.bool), torch.ones(n, dtype=torch.bool)
    targets = {name: torch.cat([target, torch.zeros_like(target)]) for name, target in dataset.targets.items()}
    masks = {name: torch.cat([mask, none]) for name, mask in dataset.masks.items()}
    return MultiTaskDataset(
        torch.cat([dataset.inputs, turned]),
        targets | {ROTATION.name: torch.cat([torch.zeros_like(turns), turns])},
        masks | {ROTATION.name: torch.cat([none, every])},
    )


def _rows(path: Path, name: str, raw: bytes) -> np.ndarray:
    """The rows ``(n, 3073)`` of a file: a label, and the pixels of a picture."""
    if len(raw) % _ROW or not raw:
        raise DataError(
            f"{path.name}, member {name!r}: its {len(raw):,} bytes are no whole rows of {_ROW:,} (a label and 3 x 32 x 32 "
            "pixels). Is it the binary version of CIFAR-10? Delete it and download it again."
        )
    rows = np.frombuffer(raw, dtype=np.uint8).reshape(-1, _ROW)
    if (wrong := np.flatnonzero(rows[:, 0] >= len(OBJECT.classes))).size:
        raise DataError(
            f"{path.name}, member {name!r}, row {wrong[0]}: label {rows[wrong[0], 0]} is out of range; labels are 0 to 9."
        )
    return rows


def _check_names(path: Path, name: str, raw: bytes) -> None:
    found = tuple(raw.decode("ascii", errors="replace").split())
    if found != OBJECT.classes:
        raise DataError(f"{path.name}, member {name!r}: classes are {', '.join(OBJECT.classes)}; found {found!r:.200}.")


def _cut(labels: np.ndarray, val: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    try:
        return train_test_split(np.arange(len(labels)), test_size=val, stratify=labels, random_state=seed)
    except ValueError as problem:
        raise DataError(
            f"val={val!r} of {len(labels)} training pictures can not be held out: it is a share between 0 and 1 that leaves "
            f"each class in both parts ({problem})."
        ) from problem


def _dataset(rows: np.ndarray) -> MultiTaskDataset:
    labels = torch.from_numpy(rows[:, 0].astype(np.int64))
    pictures = torch.from_numpy(rows[:, 1:].astype(np.float32)).div_(255).view(-1, 3, 32, 32)
    known = torch.ones(len(rows), dtype=torch.bool)
    return MultiTaskDataset(
        pictures,
        {OBJECT.name: labels, KIND.name: _ANIMALS[labels].long()},
        {OBJECT.name: known, KIND.name: known.clone()},
    )
