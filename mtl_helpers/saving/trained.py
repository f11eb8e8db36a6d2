"""A trained model with what it needs to answer: a vocabulary or frozen features for texts, or the columns of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mtl_helpers.data import Vocabulary
from mtl_helpers.data.vocabulary import check_texts
from mtl_helpers.errors import DataError
from mtl_helpers.models import FrozenFeatures, MultiTaskModel, Subwords
from mtl_helpers.tasks import Task


@dataclass
class Trained:
    """A model with what turns new examples into its inputs: a vocabulary or frozen features, or the columns of a table."""

    model: MultiTaskModel
    vocabulary: Vocabulary | Subwords | FrozenFeatures | None = None
    columns: list[str] | None = None

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What it answers."""
        return self.model.tasks

    @torch.no_grad()
    def answer(self, examples: Any, *, batch_size: int = 128) -> pd.DataFrame:
        """A row for each example: by task the answer, and the probability of each class (see `Task.decode`).

        ``examples`` are texts where there is a vocabulary. Else they are the model's inputs: a table, an array or tensor
        ``(n, ...)``, or a dict of those.
        """
        self.model.eval()
        device = next(self.model.parameters()).device
        frames = []
        for inputs, lengths in self._batches(examples, batch_size):
            moved = {k: v.to(device) for k, v in inputs.items()} if isinstance(inputs, dict) else inputs.to(device)
            outputs = self.model(moved)
            answers = {task.name: task.decode(outputs[task.name]) for task in self.tasks}
            for task in self.tasks:
                if task.per_word and lengths is not None:  # the padding has tags too
                    column = answers[task.name][task.name]
                    answers[task.name][task.name] = [tags[:n] for tags, n in zip(column, lengths, strict=True)]
            frames.append(pd.concat(answers.values(), axis=1))
        found = pd.concat(frames, ignore_index=True)
        return found.set_axis(examples.index) if isinstance(examples, (pd.Series, pd.DataFrame)) else found

    def _batches(self, examples: Any, size: int) -> Iterator[tuple[Tensor | dict[str, Tensor], Tensor | None]]:
        """``(inputs, lengths)`` of so many examples at a time."""
        if self.vocabulary is not None:
            if isinstance(examples, pd.DataFrame):
                raise DataError(f"Expected texts, such as frame.text; found a table of {list(examples.columns)}.")
            texts = check_texts(examples)
            for i in range(0, len(texts), size):
                yield self.vocabulary.encode(texts[i : i + size])
            return
        if isinstance(examples, pd.DataFrame):
            columns = self.columns or list(examples.columns)
            if absent := [column for column in columns if column not in examples]:
                raise DataError(f"The model was trained on the column '{absent[0]}'; found {list(examples.columns)}.")
            examples = examples[columns].to_numpy(np.float32)
        inputs = {k: _tensor(v) for k, v in examples.items()} if isinstance(examples, Mapping) else _tensor(examples)
        rows = len(next(iter(inputs.values())) if isinstance(inputs, dict) else inputs)
        if not rows:
            raise DataError("There is no example to answer: the input is empty.")
        for i in range(0, rows, size):
            cut = slice(i, i + size)
            yield ({k: v[cut] for k, v in inputs.items()} if isinstance(inputs, dict) else inputs[cut]), None


def _tensor(values: Any) -> Tensor:
    """As the encoders take it: numbers with a point in float32."""
    tensor = values if isinstance(values, Tensor) else torch.from_numpy(np.array(values))
    return tensor.float() if tensor.is_floating_point() else tensor
