"""Result tables that say how they were made."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import torch

_NOISE = 1e-12  # what is smaller is left over from rounding


def computer() -> str:
    """What computes here: versions, processor, and the threads that PyTorch uses now.

    >>> computer()
    'torch 2..., numpy 2..., ... of ... cores'
    """
    threads = torch.get_num_threads()
    versions = f"torch {torch.__version__.split('+')[0]}, numpy {np.__version__}"
    return f"{versions}, {_processor()}, {threads} thread{'s' * (threads > 1)} of {os.cpu_count()} cores"


def _processor() -> str:
    """The processor's name; Linux tells it in a file of its own."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def write_result(
    path: str | Path,
    table: pd.DataFrame,
    *,
    command: str,
    notes: Sequence[str] = (),
    computed_on: Sequence[str] | None = None,
) -> None:
    r"""Write a table as CSV below comment lines: the command that computes it, the day, what computed it, then ``notes``.

    Read it with ``pd.read_csv(path, comment="#")``. ``computed_on``: `computer` of each process that took part; None: of this
    one, now. Folders that are missing are made. Numbers get four decimals, and more where those would leave fewer than three
    digits that mean something (a learning rate of 3e-05); line ends are the same on every system.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "results" / "a.csv"
    ...     write_result(path, pd.DataFrame({"score": [2 / 3, 3e-5]}), command="python a.py", notes=["two rows"])
    ...     path.read_text().splitlines()[0][:13], path.read_text().splitlines()[1:]
    ('# python a.py', ['# two rows', 'score', '0.6667', '3e-05'])
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    first = f"{command}, {datetime.now(UTC).date()}"
    on = sorted(set(computed_on or [computer()]))
    floats = table.select_dtypes("floating").columns
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"# {line}\n" for line in (f"{first}, {' and '.join(on)}", *notes))
        readable = {name: table[name].map(_readable, na_action="ignore") for name in floats}
        table.assign(**readable).to_csv(file, index=False, lineterminator="\n")


def _readable(value: float) -> float:
    """Four decimals, or three significant digits where that is more; noise of rounding is 0.

    >>> [_readable(value) for value in (12.34567, 0.012345, 0.00123456, 3e-5, -1e-17)]
    [12.3457, 0.0123, 0.00123, 3e-05, 0.0]
    """
    if not math.isfinite(value):
        return value
    if abs(value) < _NOISE:
        return 0.0
    return round(value, max(4, 2 - math.floor(math.log10(abs(value)))))
