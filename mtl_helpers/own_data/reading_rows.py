"""How the rows of a table become what a network reads: words, columns, both, or the features of a frozen encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor, nn

from mtl_helpers.data import ColumnNumbers, MultiTaskDataset, Vocabulary, encode_reviews
from mtl_helpers.models import CNNEncoder, FrozenFeatures, FusionEncoder, ModelError, OnFeatures, load_pretrained
from mtl_helpers.own_data.looking import OwnTable
from mtl_helpers.own_data.oddities import MOST_TOKENS
from mtl_helpers.tasks import Task

HIDDEN = 64
FROZEN = "_frozen"


@dataclass(frozen=True)
class RowReader:
    """Words and columns as the training rows have them; makes data sets, and an encoder that reads them."""

    text: str | None
    words: Vocabulary | None
    columns: ColumnNumbers | None

    @classmethod
    def of(cls, table: OwnTable, train: pd.DataFrame) -> RowReader:
        """Vocabulary, means and categories from ``train`` alone."""
        words = columns = None
        if table.text is not None:
            words = Vocabulary.from_texts(train[table.text], max_size=20_000, max_words=MOST_TOKENS)
        if table.features:
            columns = ColumnNumbers.from_frame(train, table.features)
        return cls(table.text, words, columns)

    @property
    def vocabulary(self) -> Vocabulary | ColumnNumbers | None:
        """What `saving.save` keeps beside a model; None where words and columns are read together, which it can not keep."""
        return self.words if self.columns is None else self.columns if self.words is None else None

    def dataset(self, frame: pd.DataFrame, tasks: Sequence[Task]) -> MultiTaskDataset:
        """The rows with their labels."""
        if self.columns is None:
            return encode_reviews(frame, self.words, tasks, text=self.text)
        plain = encode_reviews(frame, self.columns, tasks, text=None)
        if self.words is None:
            return plain
        inputs = {"words": self.words.encode(frame[self.text])[0], "columns": plain.inputs}
        return MultiTaskDataset(inputs, plain.targets, plain.masks, tasks=tasks)

    def new_encoder(self) -> nn.Module:
        """One that reads what `dataset` gives."""
        if self.columns is None:
            return CNNEncoder(len(self.words), filters=24)
        columns = OnFeatures(self.columns.features, hidden=HIDDEN)
        if self.words is None:
            return columns
        return FusionEncoder({"words": CNNEncoder(len(self.words), filters=24), "columns": columns}, hidden=HIDDEN)


def frozen_features(table: OwnTable) -> Tensor | None:
    """MiniLM's features of every text ``(rows, 384)``; None where there is no text, or no encoder is installed."""
    if table.text is None:
        return None
    try:
        encoder, subwords = load_pretrained(max_length=128)
    except (ModelError, ImportError) as error:
        print(f"MiniLM is left out: {error}")
        return None
    threads = torch.get_num_threads()
    torch.set_num_threads(2)  # matrices large enough for both
    try:
        return FrozenFeatures(encoder.train_last(0), subwords).encode(table.frame[table.text])[0]
    finally:
        torch.set_num_threads(threads)


def on_frozen(features: Tensor, frame: pd.DataFrame, tasks: Sequence[Task]) -> MultiTaskDataset:
    """The rows of ``frame``, whose column `FROZEN` counts the rows of ``features``."""
    labels = {task.name: task.encode(frame[task.name]) for task in tasks}
    inputs = features[torch.tensor(frame[FROZEN].tolist())]
    targets, masks = ({name: pair[i] for name, pair in labels.items()} for i in (0, 1))
    return MultiTaskDataset(inputs, targets, masks, tasks=tasks)
