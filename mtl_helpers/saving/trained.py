"""A trained model with what turns new examples into its inputs, and its answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mtl_helpers.data import ColumnNumbers, Vocabulary
from mtl_helpers.data.tokens import as_texts
from mtl_helpers.data.vocabulary import TextNumbers
from mtl_helpers.errors import DataError
from mtl_helpers.models import FrozenFeatures, MultiTaskModel, Subwords
from mtl_helpers.tasks import Task

Reader = Vocabulary | Subwords | FrozenFeatures | ColumnNumbers


@dataclass
class Trained:
    """A model, and the vocabulary, the frozen features or the table's columns that its inputs are made with."""

    model: MultiTaskModel
    vocabulary: Reader | None = None

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What it answers."""
        return self.model.tasks

    @torch.no_grad()
    def answer(self, examples: Any, *, batch_size: int = 128) -> pd.DataFrame:
        """A row for each example: by task the answer, and the probability of each class (see `Task.decode`).

        ``examples`` are texts, or a table where the vocabulary is `ColumnNumbers`. Without a vocabulary they are the model's
        inputs: a table, an array or tensor ``(n, ...)``, or a dict of those.
        """
        self.model.eval()
        device = next(self.model.parameters()).device
        frames = []
        for inputs, lengths in self._batches(examples, batch_size):
            moved = {k: v.to(device) for k, v in inputs.items()} if isinstance(inputs, dict) else inputs.to(device)
            outputs = self.model(moved)
            answers = [task.decode(outputs[task.name]) for task in self.tasks]
            for task, frame in zip(self.tasks, answers, strict=True):
                if task.per_word and lengths is not None:  # the padding has tags too
                    frame[task.name] = [tags[:n] for tags, n in zip(frame[task.name], lengths, strict=True)]
            frames.append(pd.concat(answers, axis=1))
        if not frames:
            raise DataError("There is no example to answer: the input is empty.")
        found = pd.concat(frames, ignore_index=True)
        return found.set_axis(examples.index) if isinstance(examples, (pd.Series, pd.DataFrame)) else found

    def _batches(self, examples: Any, size: int) -> Iterator[tuple[Tensor | dict[str, Tensor], Tensor | None]]:
        """``(inputs, lengths)`` of so many examples at a time."""
        if isinstance(self.vocabulary, (TextNumbers, FrozenFeatures)):
            if isinstance(examples, pd.DataFrame):
                raise DataError(f"Expected texts, such as frame.text; found a table of {list(examples.columns)}.")
            examples = as_texts(examples)
        if self.vocabulary is not None:
            rows = examples.iloc if isinstance(examples, pd.DataFrame) else examples
            for i in range(0, len(examples), size):
                yield self.vocabulary.encode(rows[i : i + size])
            return
        inputs = {k: _tensor(v) for k, v in examples.items()} if isinstance(examples, Mapping) else _tensor(examples)
        for i in range(0, len(next(iter(inputs.values())) if isinstance(inputs, dict) else inputs), size):
            cut = slice(i, i + size)
            yield ({k: v[cut] for k, v in inputs.items()} if isinstance(inputs, dict) else inputs[cut]), None


def _tensor(values: Any) -> Tensor:
    """As the encoders take it: numbers with a point, and all numbers of a table, in float32."""
    if isinstance(values, pd.DataFrame):
        values = values.to_numpy(np.float32)
    tensor = values if isinstance(values, Tensor) else torch.from_numpy(np.array(values))
    return tensor.float() if tensor.is_floating_point() else tensor
