"""From texts to batches: tokens, a vocabulary, padded tensors, and batches that carry a target and a mask per task."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from mtl_helpers.errors import DataError
from mtl_helpers.tasks import Task, check_tasks

PAD, UNK = 0, 1
_TOKEN = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[!?]")


def tokenize(text: str) -> list[str]:
    """Cut a text into lower-case words; ``!`` and ``?`` are words too.

    >>> tokenize("Didn't love it. Would I return?")
    ["didn't", 'love', 'it', 'would', 'i', 'return', '?']
    """
    return _TOKEN.findall(text.lower())


class Vocabulary:
    """The words a model knows, each with its number; 0 is padding and 1 stands for every unknown word.

    Build it from the *training* texts only: a word the model was never trained on must look unknown in the test too.

    >>> vocabulary = Vocabulary.from_texts(["good film", "good book"], min_count=2)
    >>> vocabulary.words
    ['<pad>', '<unk>', 'good']
    >>> vocabulary.encode(["a good film", "good"])
    (tensor([[1, 2, 1],
            [2, 0, 0]]), tensor([3, 1]))
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = ["<pad>", "<unk>", *words]
        self._index = {word: i for i, word in enumerate(self.words)}

    @classmethod
    def from_texts(cls, texts: Iterable[str], *, min_count: int = 2, max_size: int | None = None) -> Vocabulary:
        """Keep the words seen at least ``min_count`` times, the most frequent first, at most ``max_size`` of them."""
        counts = Counter(word for text in texts for word in tokenize(text))
        ordered = sorted((word for word, n in counts.items() if n >= min_count), key=lambda word: (-counts[word], word))
        if not ordered:
            raise DataError(
                f"No word occurs at least min_count={min_count} times; give more texts or a lower min_count."
            )
        return cls(ordered[:max_size])

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self._index

    def numbers(self, text: str) -> list[int]:
        """The numbers of a text's words, in their order."""
        return [self._index.get(word, UNK) for word in tokenize(text)]

    def encode(self, texts: Iterable[str]) -> tuple[Tensor, Tensor]:
        """Return ``(tokens, lengths)``: word numbers ``(n, time)`` padded with 0, and the lengths ``(n,)``."""
        if isinstance(texts, str):
            raise DataError(f"Expected a list of texts; found the single text {texts[:40]!r}. Write [text].")
        rows = []
        for i, text in enumerate(texts):
            if not isinstance(text, str):
                raise DataError(f"Text {i} is no text but {text!r}; drop the row, or read the file with read_reviews.")
            rows.append(self.numbers(text))
        for i, row in enumerate(rows):
            if not row:
                raise DataError(f"Text {i} holds no word at all; drop it, or look at what cleaning did to it.")
        if not rows:
            raise DataError("There is no text to encode: the split is empty.")
        lengths = torch.tensor([len(row) for row in rows])
        tokens = torch.full((len(rows), int(lengths.max())), PAD)
        for i, row in enumerate(rows):
            tokens[i, : len(row)] = torch.tensor(row)
        return tokens, lengths


class Batch(NamedTuple):
    """What the training loop gets: the model's inputs, and by task the targets and masks, each ``(batch,)``."""

    inputs: Tensor | dict[str, Tensor]
    targets: dict[str, Tensor]
    masks: dict[str, Tensor]

    def __len__(self) -> int:
        return len(next(iter(self.targets.values())))

    def labels_of(self, name: str) -> tuple[Tensor, Tensor]:
        """``(target, mask)`` of one task; raises `DataError` if the data were encoded without it."""
        if name not in self.targets:
            raise DataError(
                f"Task '{name}' has no labels in the batch; there are labels for {sorted(self.targets)}. "
                "Encode the data with the same tasks as the model."
            )
        return self.targets[name], self.masks[name]


class MultiTaskDataset(Dataset):
    """Examples with a target per task, held as tensors; indexing with several rows gives a `Batch` at once.

    ``inputs`` is one tensor ``(n, ...)`` or a dict of them; with ``lengths`` ``(n,)`` its second dimension is cut to the
    longest example of the batch.
    """

    def __init__(
        self,
        inputs: Tensor | dict[str, Tensor],
        targets: dict[str, Tensor],
        masks: dict[str, Tensor],
        lengths: Tensor | None = None,
    ) -> None:
        parts = {"inputs": inputs} if isinstance(inputs, Tensor) else dict(inputs)
        sizes = {name: len(part) for name, part in parts.items()}
        sizes |= {f"targets of '{name}'": len(target) for name, target in targets.items()}
        sizes |= {f"mask of '{name}'": len(mask) for name, mask in masks.items()}
        if len(set(sizes.values())) != 1:
            raise DataError(f"All parts of a data set need the same number of rows; found {sizes}.")
        if targets.keys() != masks.keys():
            raise DataError(f"Targets are for {sorted(targets)}, masks for {sorted(masks)}; each task needs both.")
        self.inputs, self.targets, self.masks, self.lengths = inputs, targets, masks, lengths

    def __len__(self) -> int:
        return len(next(iter(self.targets.values())))

    def __getitem__(self, rows: int | Sequence[int] | Tensor) -> Batch:
        rows = torch.as_tensor(rows).reshape(-1)
        if isinstance(self.inputs, Tensor):
            inputs = self.inputs[rows]
            if self.lengths is not None:
                inputs = inputs[:, : int(self.lengths[rows].max())]
        else:
            inputs = {name: part[rows] for name, part in self.inputs.items()}
        return Batch(
            inputs,
            {name: target[rows] for name, target in self.targets.items()},
            {name: mask[rows] for name, mask in self.masks.items()},
        )


def encode_reviews(frame: pd.DataFrame, vocabulary: Vocabulary, tasks: Sequence[Task]) -> MultiTaskDataset:
    """Encode the texts and, for each task, the column of its name. A missing label gets a mask of ``False``.

    >>> from mtl_helpers.tasks import SENTIMENT
    >>> frame = pd.DataFrame({"text": ["good film", "odd"], "sentiment": ["positive", None]})
    >>> encode_reviews(frame, Vocabulary(["good"]), [SENTIMENT])[[0, 1]].masks
    {'sentiment': tensor([ True, False])}
    """
    labels = {}
    for task in check_tasks(tasks):
        if task.name not in frame:
            raise DataError(
                f"No column '{task.name}' for the task of that name; found {', '.join(map(repr, frame.columns))}. "
                "Name the column so, or leave the task out."
            )
        labels[task.name] = task.encode(frame[task.name])
    tokens, lengths = vocabulary.encode(frame.text)
    return MultiTaskDataset(
        tokens,
        {name: target for name, (target, _) in labels.items()},
        {name: mask for name, (_, mask) in labels.items()},
        lengths,
    )


class BucketBatchSampler(Sampler):
    """Batches of rows of similar length, so that little is padding, in random order.

    The rows are shuffled, every ``pool`` batches' worth of them is sorted by length and cut up, and the batches are shuffled.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        *,
        shuffle: bool,
        lengths: Tensor | None,
        generator: torch.Generator,
        pool: int = 20,
    ) -> None:
        self.size, self.batch_size, self.pool = size, batch_size, pool
        self.shuffle, self.lengths, self.generator = shuffle, lengths, generator

    def __len__(self) -> int:
        return -(-self.size // self.batch_size)

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shuffle:
            yield from torch.arange(self.size).split(self.batch_size)
            return
        rows = torch.randperm(self.size, generator=self.generator)
        if self.lengths is None:
            yield from rows.split(self.batch_size)
            return
        batches: list[Tensor] = []
        for part in rows.split(self.batch_size * self.pool):
            batches.extend(part[self.lengths[part].argsort(stable=True)].split(self.batch_size))
        for i in torch.randperm(len(batches), generator=self.generator):
            yield batches[i]


def _as_is(batch: Batch) -> Batch:
    return batch


def make_loader(dataset: MultiTaskDataset, batch_size: int = 32, *, shuffle: bool = False, seed: int = 0) -> DataLoader:
    """A plain ``DataLoader`` over ready-made batches; the order depends on ``seed`` alone and differs by epoch.

    The loader's ``generator`` holds the whole random state: set it back and the same batches come again.
    """
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise DataError(f"batch_size must be a whole number of at least 1; found {batch_size!r}.")
    generator = torch.Generator().manual_seed(seed)
    sampler = BucketBatchSampler(
        len(dataset), batch_size, shuffle=shuffle, lengths=dataset.lengths, generator=generator
    )
    return DataLoader(dataset, sampler=sampler, batch_size=None, collate_fn=_as_is, generator=generator)
