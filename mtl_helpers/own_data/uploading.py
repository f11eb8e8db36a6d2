"""A button that takes a file from the learner's computer and keeps it beside the lesson."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from mtl_helpers.claims.checks import Shown

FOLDER = "my_data"


class Upload(Shown):
    """An upload button; ``path`` is where the file lies then, None before. A file there of that name is kept beside it.

    >>> box = Upload("somewhere")
    >>> box.path is None, box
    (True, Upload a table (CSV), or leave it and use an example.)
    """

    def __init__(self, folder: str | Path = FOLDER) -> None:
        self.folder, self.path = Path(folder), None
        self._button = widgets.FileUpload(accept=".csv,.tsv,.txt", multiple=False, description="Upload a table")
        self._said = widgets.HTML()
        self._button.observe(self._take, names="value")
        self.box = widgets.VBox([self._button, self._said])
        self.box.add_class("mtl-upload")

    def _take(self, change: dict[str, Any]) -> None:
        for one in change["new"]:
            self.keep(one["name"], bytes(one["content"]))

    def keep(self, name: str, content: bytes) -> Path:
        """Write the file into the folder; under another name if there is one of that name that differs."""
        self.folder.mkdir(parents=True, exist_ok=True)
        plain = Path(name.replace("\\", "/")).name or "table.csv"
        path, number = self.folder / plain, 1
        while path.exists() and path.read_bytes() != content:
            number += 1
            path = self.folder / f"{Path(plain).stem}-{number}{Path(plain).suffix}"
        path.write_bytes(content)
        self.path = path
        said = f"{path.as_posix()}, {len(content):,} bytes: now run the next cell, with the names of your columns"
        self._said.value = f"Kept as {escape(said)}."
        return path

    def __repr__(self) -> str:
        return (
            f"Kept as {self.path.as_posix()}." if self.path else "Upload a table (CSV), or leave it and use an example."
        )
