"""What a learner has solved, remembered in the learner's own folder: it outlives the kernel, and no notebook holds it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from mtl_helpers.datasets.download import can_be_written, data_folder, user_cache

Item = tuple[str, str]  # ("exercise", "00-1"), ("quiz", "00-1")


def progress_file() -> Path:
    """Where it is kept: with the downloads; where they cannot be written, as in a class's shared copy, in the user's cache."""
    places = [data_folder(), user_cache()]
    return next((place for place in places if can_be_written(place)), places[0]) / "progress.jsonl"


@dataclass
class Progress:
    """The solved exercises and questions, a line of JSON each in the file ``path``; None: in `progress_file`.

    Lines are only added, each by one call of the system, so that two kernels can write at once; nothing is held in memory,
    so that a deleted file is forgotten. A line that cannot be read stays in the file and does not count.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     progress = Progress(Path(folder) / "progress.jsonl")
    ...     progress.add("exercise", "00-1")
    ...     progress.add("exercise", "00-1")
    ...     progress.read()
    ({('exercise', '00-1')}, [])
    """

    path: Path | None = None

    @property
    def file(self) -> Path:
        """The file as of now."""
        return progress_file() if self.path is None else self.path

    def add(self, kind: str, name: str) -> None:
        """Remember that one is solved, once. Raises OSError where the file cannot be written."""
        path = self.file
        if (kind, name) in self.read()[0]:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = not path.exists() or path.read_bytes()[-1:] in (b"", b"\n")  # else a line that was cut off comes before
        line = ("" if whole else "\n") + json.dumps({"kind": kind, "name": name}) + "\n"
        with path.open("ab", buffering=0) as file:
            file.write(line.encode())

    def read(self) -> tuple[set[Item], list[int]]:
        """What is solved, and the numbers of the lines that cannot be read. Raises OSError where the file cannot be."""
        solved, damaged = set(), []
        lines = self.file.read_bytes().split(b"\n") if self.file.exists() else []
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line) if line.strip() else None
                if row is not None:
                    solved.add((str(row["kind"]), str(row["name"])))
            except (ValueError, TypeError, KeyError):
                damaged.append(number)
        return solved, damaged


def remembered(progress: Progress, kind: str, name: str) -> str:
    """Add one; return what to tell the learner if that could not be done, else nothing."""
    try:
        progress.add(kind, name)
    except OSError as error:
        place = f"{error.strerror}: {os.fspath(progress.file)}"
        return f"(Not remembered: {place}. Set MTL_DATA to a folder of yours before you start the course.)"
    return ""
