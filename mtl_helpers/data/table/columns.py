"""A table without text: columns of numbers and of categories become the numbers a model reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mtl_helpers.data.table.reading import need_columns
from mtl_helpers.errors import DataError


class ColumnNumbers:
    """Stands where a `Vocabulary` stands, for a table without text: features ``(n, width)`` of its columns.

    A column of numbers becomes (x - mean) / standard deviation, both of the *training* rows, an empty cell 0; a column of
    anything else becomes a 0 or 1 for each of its training values, and a new or missing value zeros. `OnFeatures(width)` is
    the encoder that reads them.

    >>> train = pd.DataFrame({"area": [40, 60, None], "heating": ["gas", "heat pump", "gas"]})
    >>> columns = ColumnNumbers.from_frame(train, ["area", "heating"])
    >>> columns.names
    ['area', 'heating: gas', 'heating: heat pump']
    >>> columns.encode(pd.DataFrame({"area": [70], "heating": ["coal"]}))[0]
    tensor([[2., 0., 0.]])
    """

    def __init__(self, scales: Mapping[str, tuple[float, float]], categories: Mapping[str, Sequence[str]]) -> None:
        self.scales = {column: (float(mean), float(sd)) for column, (mean, sd) in scales.items()}
        self.categories = {column: list(values) for column, values in categories.items()}

    @classmethod
    def from_frame(cls, train: pd.DataFrame, columns: Sequence[str]) -> ColumnNumbers:
        """Take means, standard deviations and categories from the training rows."""
        if isinstance(columns, str):
            raise DataError(f"columns must be a list; found the single column {columns!r}. Write [{columns!r}].")
        need_columns(train, columns)
        scales, categories = {}, {}
        for column in columns:
            values = train[column].dropna()
            if not len(values):
                raise DataError(f"Column '{column}' is empty in every training row; leave it out.")
            if values.dtype.kind in "mM":
                raise DataError(
                    f"Column '{column}' holds dates or times, such as {values.iloc[0]}: take what counts of them, such as the "
                    "month (.dt.month) or the days since the first."
                )
            if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
                scales[column] = (values.mean(), values.std(ddof=0) or 1.0)
            else:
                categories[column] = sorted(values.astype(str).unique())
                if len(categories[column]) > max(50, len(train) // 10):
                    raise DataError(
                        f"Column '{column}' has {len(categories[column])} different values in {len(train)} rows: it is a "
                        "text or a name, no category. Leave it out."
                    )
        return cls(scales, categories)

    @property
    def names(self) -> list[str]:
        """What each feature is."""
        return [*self.scales, *(f"{column}: {value}" for column, values in self.categories.items() for value in values)]

    @property
    def features(self) -> int:
        """Numbers by row."""
        return len(self.names)

    def encode(self, frame: pd.DataFrame) -> tuple[Tensor, None]:
        """``(features (n, width), None)``; the place of the lengths is empty, as rows of a table have none."""
        need_columns(frame, [*self.scales, *self.categories])
        parts = []
        for column, (mean, sd) in self.scales.items():
            numbers = pd.to_numeric(frame[column], errors="coerce")
            if (odd := numbers.isna() & frame[column].notna()).any():
                raise DataError(f"Column '{column}' holds {frame[column][odd].iloc[0]!r}, which is no number.")
            parts.append(((numbers - mean) / sd).fillna(0.0).to_numpy(dtype=np.float32)[:, None])
        for column, values in self.categories.items():
            parts.append((frame[column].astype(str).to_numpy()[:, None] == np.array(values)).astype(np.float32))
        return torch.from_numpy(np.concatenate(parts, axis=1)), None

    def save(self, path: str | Path) -> None:
        """Write what was taken from the training rows as JSON; `load` reads it."""
        values = {"scales": self.scales, "categories": self.categories}
        Path(path).write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> ColumnNumbers:
        """Read what `save` wrote."""
        path = Path(path)
        if not path.is_file():
            raise DataError(f"There is no file {path}; it is written by save(path).")
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return cls(values["scales"], values["categories"])
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path.name} holds no columns ({error!r}); write one with save(path).") from error
