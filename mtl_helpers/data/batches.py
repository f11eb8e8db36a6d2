"""Batches that carry a target and a mask per task, and the data set that makes them: the door at which labels are checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mtl_helpers.arguments import as_tensor
from mtl_helpers.data.table.reading import need_columns
from mtl_helpers.data.tokens import tokenize
from mtl_helpers.data.vocabulary import PAD, UNK, Vocabulary
from mtl_helpers.errors import DataError
from mtl_helpers.tasks import Task, check_tasks
from mtl_helpers.tasks.rows import finite_rows, rows_without_nan
from mtl_helpers.tasks.task import as_mask

__all__ = ["PAD", "UNK", "Batch", "DatasetSplits", "MultiTaskDataset", "Vocabulary", "encode_reviews", "tokenize"]


_LABELS = ((0, "targets"), (1, "masks"))


class Batch(NamedTuple):
    """What the training loop gets: the model's inputs, and by task the targets and masks, each ``(batch,)``."""

    inputs: Tensor | dict[str, Tensor]
    targets: dict[str, Tensor]
    masks: dict[str, Tensor]

    @property
    def size(self) -> int:
        """How many examples it holds. (``len`` of a named tuple is that of its fields.)"""
        return len(self.inputs if isinstance(self.inputs, Tensor) else next(iter(self.inputs.values())))

    def labels_of(self, name: str) -> tuple[Tensor, Tensor]:
        """``(target, mask)`` of one task; raises `DataError` if the data were encoded without it."""
        if name not in self.targets or name not in self.masks:
            raise DataError(
                f"Task '{name}' has no labels in the batch; there are labels for {sorted(self.targets)} and masks for "
                f"{sorted(self.masks)}. "
                "Encode the data with the same tasks as the model."
            )
        return self.targets[name], self.masks[name]

    def to(self, device: torch.device | str) -> Batch:
        """The batch on another device."""
        device = torch.device(device)
        inputs = {"": self.inputs} if isinstance(self.inputs, Tensor) else self.inputs
        if all(tensor.device == device for part in (inputs, self.targets, self.masks) for tensor in part.values()):
            return self
        moved = {name: part.to(device, non_blocking=True) for name, part in inputs.items()}
        inputs = moved[""] if isinstance(self.inputs, Tensor) else moved
        return Batch(inputs, *({name: part.to(device) for name, part in each.items()} for each in self[1:]))

    def checked(self, tasks: Sequence[Task]) -> Batch:
        """The batch as a model takes it: numbers in 32 bits, targets and masks as `Task.check` makes them."""
        batch, labels = self._replace(inputs=as_inputs(self.inputs)), {}
        for task in tasks:
            if task.name in self.targets:
                labels[task.name] = pair = task.check(*self.labels_of(task.name))
                if len(pair[0]) != batch.size:
                    raise DataError(f"Task '{task.name}': {len(pair[0])} targets for {batch.size} examples of a batch.")
        return batch._replace(**{part: {name: pair[i] for name, pair in labels.items()} for i, part in _LABELS})


class MultiTaskDataset(Dataset):
    """Examples with a target per task; indexing with several rows gives a `Batch` at once, with one row that example.

    Parameters
    ----------
    inputs
        Numbers ``(n, ...)``: a tensor, an array, a frame; a dict of them; or texts as `RaggedTokens`, of which each batch is
        padded to its own longest. Floats are kept in 32 bits.
    targets, masks
        By task ``(n, *label_shape)`` and ``(n,)``: tensors, arrays or series. Without ``masks``, nan is a missing label and
        all others are there. None, or an empty dict, are examples without labels, to be predicted.
    lengths
        ``(n,)``: with it the second dimension of ``inputs`` is cut to the longest example of the batch.
    tasks
        If given, every target is checked now (see `Task.check`); else as soon as a model with its tasks meets the data.

    Raises `DataError` or `TaskError`, naming task, row and what was found, for parts of different length, numbers that are
    none, and labels that cannot be.

    >>> from mtl_helpers.tasks import STARS
    >>> table = pd.DataFrame({"price": [9.5, 20.0], "stars": [4.0, None]})
    >>> MultiTaskDataset(table[["price"]], {"stars": table.stars}, tasks=[STARS])[[0, 1]]
    Batch(inputs=tensor([[ 9.5000],
            [20.0000]]), targets={'stars': tensor([4., 0.])}, masks={'stars': tensor([ True, False])})
    """

    def __init__(
        self,
        inputs: Any,
        targets: Mapping[str, Any] | None = None,
        masks: Mapping[str, Any] | None = None,
        lengths: Tensor | None = None,
        *,
        tasks: Sequence[Task] = (),
    ) -> None:
        self.inputs = as_inputs(inputs)
        targets = dict(targets or {})
        if masks is not None and targets.keys() != masks.keys():
            raise DataError(f"Targets are for {sorted(targets)}, masks for {sorted(masks)}; each task needs both.")
        sizes = {f"inputs{f' {name!r}' if name else ''}": len(part) for name, part in _parts(self.inputs).items()}
        sizes |= {f"targets of '{name}'": len(target) for name, target in targets.items()}
        sizes |= {f"mask of '{name}'": len(mask) for name, mask in (masks or {}).items()}
        sizes |= {} if lengths is None else {"lengths": len(lengths)}
        if len(set(sizes.values())) != 1:
            raise DataError(f"All parts of a data set need the same number of rows; found {sizes}.")
        self.size = next(iter(sizes.values()))
        self.lengths = lengths if lengths is not None else getattr(self.inputs, "lengths", None)
        self.targets, self.masks = _plain_labels(targets, masks)
        self._checked: set[Task] = set()
        self.check(tasks)

    def check(self, tasks: Sequence[Task]) -> None:
        """Bring targets and masks into the form that ``tasks`` take; raises `TaskError` for the first that cannot be.

        A task of which the data know nothing is not looked at: its labels are missed where they are asked for.
        """
        for task in tasks:
            if task.name not in self.targets or task in self._checked:
                continue
            target, mask = task.check(self.targets[task.name], self.masks[task.name])
            if self.lengths is not None:
                task.check_words(target, mask, self.lengths)
            self.targets[task.name], self.masks[task.name] = target, mask
            self._checked.add(task)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, rows: int | slice | Sequence[int] | Tensor) -> Batch:
        single = isinstance(rows, (int, np.integer)) or (isinstance(rows, Tensor) and rows.dim() == 0)
        rows = range(self.size)[rows] if isinstance(rows, slice) else rows
        batch = self._batch(torch.as_tensor(list(rows) if isinstance(rows, range) else rows).reshape(-1))
        return _examples(batch)[0] if single else batch

    def __getitems__(self, rows: list[int]) -> list[Batch]:
        """The examples one by one, padded to the longest of them: what torch's own loaders collate."""
        return _examples(self._batch(torch.as_tensor(rows)))

    def _batch(self, rows: Tensor) -> Batch:
        if isinstance(self.inputs, dict):
            inputs = {name: part[rows] for name, part in self.inputs.items()}
        elif isinstance(self.inputs, Tensor):
            inputs = self.inputs[rows]
            if self.lengths is not None:
                inputs = inputs[:, : int(self.lengths[rows].max())]
        else:
            inputs = self.inputs.rows(rows)
        return Batch(
            inputs,
            {name: target[rows] for name, target in self.targets.items()},
            {name: mask[rows] for name, mask in self.masks.items()},
        )


class DatasetSplits(NamedTuple):
    """Three data sets without an example in common: to learn from, to choose by, and to test once."""

    train: MultiTaskDataset
    val: MultiTaskDataset
    test: MultiTaskDataset


def _examples(batch: Batch) -> list[Batch]:
    def one(part: Any, row: int) -> Any:
        return {name: each[row] for name, each in part.items()} if isinstance(part, dict) else part[row]

    return [Batch(*(one(part, row) for part in batch)) for row in range(batch.size)]


def _parts(inputs: Any) -> dict[str, Any]:
    """Inputs by name; ``""`` is the first of them, or the only one."""
    if not isinstance(inputs, Mapping):
        return {"": inputs}
    if not inputs:
        raise DataError("The inputs are an empty dict: give a tensor for each kind of input.")
    return {"": next(iter(inputs.values())), **inputs}


def as_inputs(inputs: Any) -> Any:
    """Inputs as tensors of finite numbers, floats in 32 bits; of texts, `RaggedTokens`."""
    if isinstance(inputs, Mapping):
        return {name: _as_numbers(f"input '{name}'", part) for name, part in inputs.items()}
    return inputs if hasattr(inputs, "rows") else _as_numbers("inputs", inputs)


def _as_numbers(what: str, values: Any) -> Tensor:
    """A tensor of finite numbers, floats in 32 bits."""
    if isinstance(values, pd.DataFrame):
        for column in values:
            if not pd.api.types.is_numeric_dtype(values[column]):
                raise DataError(
                    f"Column '{column}' of the {what} holds {values[column].iloc[0]!r}, which is no number. Make numbers of "
                    "it first: pd.get_dummies for a column of classes."
                )
            if (gap := values[column].isna().to_numpy()).any():
                raise DataError(
                    f"Column '{column}' of the {what} is empty in row {int(gap.argmax())}; fill it, or drop the row."
                )
        values = values.to_numpy(dtype=float)
    try:
        tensor = as_tensor(values)
    except (TypeError, ValueError):
        raise DataError(f"The {what} are no numbers; found {values!r:.80}. Encode texts with a Vocabulary.") from None
    if tensor.dim() == 0:
        raise DataError(f"The {what} need a row for each example; found the single number {tensor.item()!r}.")
    tensor = tensor.float() if tensor.dtype == torch.float64 else tensor
    if tensor.is_floating_point() and not (finite := finite_rows(tensor)).all():
        row = int(finite.int().argmin())
        raise DataError(f"Row {row} of the {what} holds nan or an infinite number; correct it, or drop the row.")
    return tensor


def _plain_labels(
    targets: dict[str, Any], masks: Mapping[str, Any] | None
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Tensors, before a task has said what it takes."""
    made: tuple[dict[str, Tensor], dict[str, Tensor]] = {}, {}
    for name, target in targets.items():
        try:
            target = as_tensor(target)
        except (TypeError, ValueError):
            raise DataError(
                f"The targets of '{name}' are no numbers; found {np.asarray(target).ravel()[0]!r}. "
                "Make them with task.encode(labels)."
            ) from None
        target = target.float() if target.is_floating_point() else target
        made[0][name] = target
        made[1][name] = rows_without_nan(target) if masks is None else as_mask(name, masks[name], len(target))
    return made


def encode_reviews(
    frame: pd.DataFrame, vocabulary: Any, tasks: Sequence[Task] = (), *, text: str | None = "text"
) -> MultiTaskDataset:
    """Encode the texts and, for each task, the column of its name. A missing label gets a mask of ``False``.

    ``vocabulary`` is a `Vocabulary`, or whatever has its ``encode(texts)``, such as `FrozenFeatures`; with ``text=None`` it
    gets the whole frame, as `ColumnNumbers` takes it. Without ``tasks`` the data have no labels, and are there to be answered.

    >>> from mtl_helpers.tasks import SENTIMENT
    >>> frame = pd.DataFrame({"text": ["good film", "odd"], "sentiment": ["positive", None]})
    >>> encode_reviews(frame, Vocabulary(["good"]), [SENTIMENT])[[0, 1]].masks
    {'sentiment': tensor([ True, False])}
    """
    tasks = check_tasks(tasks) if len(tasks) else ()
    labels = {}
    for task in tasks:
        if task.name not in frame:
            raise DataError(
                f"No column '{task.name}' for the task of that name; found {', '.join(map(repr, frame.columns))}. "
                "Name the column so, or leave the task out (tasks=[] for texts without labels)."
            )
        labels[task.name] = task.encode(frame[task.name])
    if text is not None:
        need_columns(frame, (text,))
    texts = frame if text is None else frame[text]
    inputs, lengths = (vocabulary.ragged(texts), None) if hasattr(vocabulary, "ragged") else vocabulary.encode(texts)
    return MultiTaskDataset(
        inputs,
        {name: target for name, (target, _) in labels.items()},
        {name: mask for name, (_, mask) in labels.items()},
        lengths,
        tasks=tasks,
    )
