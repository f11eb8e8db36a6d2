"""Result tables that say how they were made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import torch


def write_result(path: str | Path, table: pd.DataFrame, *, command: str, notes: Sequence[str] = ()) -> None:
    r"""Write a table as CSV below comment lines: the command that computes it, the day, PyTorch's version, then ``notes``.

    Read it with ``pd.read_csv(path, comment="#")``. Folders that are missing are made; numbers get four decimals, and line
    ends are the same on every system.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "results" / "a.csv"
    ...     write_result(path, pd.DataFrame({"score": [2 / 3]}), command="python data/make_a.py", notes=["two rows"])
    ...     path.read_text().splitlines()[0][:23], path.read_text().splitlines()[1:]
    ('# python data/make_a.py', ['# two rows', 'score', '0.6667'])
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    version = torch.__version__.split("+")[0]
    first = f"{command}, {datetime.now(UTC).date()}, torch {version}, CPU, 1 thread a run"
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"# {line}\n" for line in (first, *notes))
        table.round(4).to_csv(file, index=False, lineterminator="\n")
