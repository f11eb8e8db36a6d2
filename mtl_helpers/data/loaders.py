"""From data sets to batches, in an order that a seed decides; and one place where batches are checked and moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, DataLoader, Sampler, Subset

from mtl_helpers.arguments import whole_number
from mtl_helpers.data.batches import Batch, MultiTaskDataset
from mtl_helpers.data.vocabulary import PAD
from mtl_helpers.errors import DataError
from mtl_helpers.randomness import seeded
from mtl_helpers.tasks import Task


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


def as_is(batch: Batch) -> Batch:
    """The collate function of loaders whose data set gives whole batches."""
    return batch


def make_loader(dataset: MultiTaskDataset, batch_size: int = 32, *, shuffle: bool = False, seed: int = 0) -> DataLoader:
    """A plain ``DataLoader`` over ready-made batches; the order depends on ``seed`` alone and differs by epoch.

    Without ``shuffle`` the rows come in the order of the data: right for validation, wrong for training, where a file often
    has all of one class first (IMDB does). The loader's ``generator`` holds the whole random state: set it back and the same
    batches come again.

    Torch's own tools work too, a little slower: ``DataLoader(dataset, batch_size=32, drop_last=True)``, a
    ``WeightedRandomSampler``, ``Subset``; for a ``ConcatDataset`` of texts give ``collate_fn=collate``.
    """
    if not isinstance(dataset, MultiTaskDataset):
        raise DataError(
            f"make_loader takes a MultiTaskDataset; found {type(dataset).__name__}. For torch's own data tools write "
            "DataLoader(dataset, batch_size=..., collate_fn=collate), with collate from mtl_helpers.data."
        )
    batch_size = whole_number("batch_size", batch_size)
    generator = seeded(seed)
    sampler = BucketBatchSampler(
        len(dataset), batch_size, shuffle=shuffle, lengths=dataset.lengths, generator=generator
    )
    return DataLoader(dataset, sampler=sampler, batch_size=None, collate_fn=as_is, generator=generator)


def collate(examples: Sequence[Batch]) -> Batch:
    """One batch of single examples, the shorter texts filled up with 0: a ``collate_fn`` for torch's own ``DataLoader``.

    >>> one = [Batch(torch.tensor(words), {}, {}) for words in ([5, 7], [8])]
    >>> collate(one).inputs
    tensor([[5, 7],
            [8, 0]])
    """
    first = examples[0]
    if not isinstance(first, Batch):
        raise DataError(f"collate joins the examples of MultiTaskDatasets; found {type(first).__name__}.")

    def stacked(parts: list[Any]) -> Any:
        if isinstance(parts[0], dict):
            return {name: stacked([part[name] for part in parts]) for name in parts[0]}
        if len({part.shape for part in parts}) > 1 and parts[0].dim() == 1:
            return torch.nn.utils.rnn.pad_sequence(parts, batch_first=True, padding_value=PAD)
        return torch.stack(parts)

    return Batch(*(stacked([example[i] for example in examples]) for i in range(3)))


def checked_batches(loader: Iterable[Any], tasks: Sequence[Task], device: torch.device | str) -> Iterator[Batch]:
    """The batches of any loader as the model takes them: labels checked against ``tasks``, on the model's ``device``.

    The data sets behind a ``DataLoader`` are checked once, as a whole; batches that come from elsewhere one by one.
    """
    known = check_datasets(getattr(loader, "dataset", None), tasks)
    for batch in loader:
        if not isinstance(batch, Batch):
            batch = _as_batch(batch)
        yield (batch if known else batch.checked(tasks)).to(device)


def check_datasets(dataset: Any, tasks: Sequence[Task]) -> bool:
    """Check the `MultiTaskDataset` behind a loader, also within torch's Subset and ConcatDataset; False if it is another."""
    if isinstance(dataset, Subset):
        return check_datasets(dataset.dataset, tasks)
    if isinstance(dataset, ConcatDataset):
        return all([check_datasets(part, tasks) for part in dataset.datasets])
    if isinstance(dataset, MultiTaskDataset):
        dataset.check(tasks)
        return True
    return False


def _as_batch(batch: Any) -> Batch:
    if isinstance(batch, (tuple, list)) and len(batch) in (2, 3) and all(isinstance(part, dict) for part in batch[1:]):
        inputs, targets, *masks = batch
        return Batch(inputs, targets, masks[0] if masks else dict.fromkeys(targets))  # no mask: `Task.check` makes one
    hint = "Put the data in a MultiTaskDataset, or write a collate_fn that returns a Batch."
    if isinstance(batch, str):  # what a dict of loaders gives
        hint = "Of loaders by name give one at a time, or join their data: make_loader(joined({name: dataset, ...}))."
    raise DataError(
        f"A batch is Batch(inputs, targets, masks), targets and masks by task; the loader gave {_described(batch)}. "
        f"{hint}"
    )


def _described(batch: Any) -> str:
    if isinstance(batch, (tuple, list)):
        return f"a {type(batch).__name__} of {', '.join(type(part).__name__ for part in batch[:4]) or 'nothing'}"
    return f"a {type(batch).__name__}"
