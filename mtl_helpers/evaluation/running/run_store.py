"""The finished runs of a sweep in a file, one JSON line each, and what a run may return so that it can stand there."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pandas as pd
import torch

from mtl_helpers.errors import DataError

_BEGIN = b'{"key": '  # of every line


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same as JSON knows it: arrays and tensors become lists and numbers, dates ISO text, paths text, tuples lists.

    >>> plain({"score": np.float32(0.5), "front": torch.tensor([1, 2]), "day": date(2026, 1, 31), "at": Path("a")})
    {'score': 0.5, 'front': [1, 2], 'day': '2026-01-31', 'at': 'a'}
    """
    return json.loads(json.dumps(dict(values), default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().tolist()
    if isinstance(value, (np.generic, np.ndarray, pd.Series)):
        return value.tolist()
    if isinstance(value, (date, time)):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"only numbers, texts, lists, dicts, arrays, dates and paths can be kept; found {value!r:.80}")


class RunStore:
    """Finished runs by key, in memory and, unless ``path`` is None, in a file that survives a kill at any moment.

    ``found`` has what the file held and what was added. A last line that a kill has cut off is dropped from the file.
    """

    def __init__(self, path: str | Path | None) -> None:
        self.path = None if path is None else Path(path)
        self.found: dict[str, dict] = {}
        self._lock = threading.Lock()
        if self.path is not None and self.path.is_dir():
            raise DataError(f"A sweep's store is a file, such as {self.path / 'runs.jsonl'}; {self.path} is a folder.")
        if self.path is not None and self.path.exists():
            self._read(self.path)

    def add(self, key: str, outcome: dict) -> None:
        """Keep a run unless it failed or is kept already. Any thread may add; an interrupt leaves no half line."""
        with self._lock:
            if outcome["error"] or key in self.found:
                return
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("ab", buffering=0) as file:  # unbuffered: the whole line is one call of the system
                    file.write((json.dumps({"key": key, **outcome}) + "\n").encode())
                    os.fsync(file.fileno())
            self.found[key] = outcome

    def _read(self, path: Path) -> None:
        *lines, rest = path.read_bytes().split(b"\n")
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
                self.found[row.pop("key")] = row
            except (ValueError, KeyError, AttributeError, TypeError):
                raise _no_run(number, path) from None
        if not rest.startswith(_BEGIN[: len(rest)]):
            raise _no_run(len(lines) + 1, path)
        if rest:
            os.truncate(path, path.stat().st_size - len(rest))


def _no_run(number: int, path: Path) -> DataError:
    return DataError(f"Line {number} of {path} is no finished run; is it the file of a sweep?")
