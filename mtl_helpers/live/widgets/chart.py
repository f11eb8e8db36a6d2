"""Curves that the page draws itself, from numbers: they follow its width and theme, and can be hovered.

Chosen by measurement among three ways to draw the λ lab's four panels while an LSTM trains, ten times a second, on two cores
with the browser on the same machine (November 2026; medians of five rounds in turns; steps a second, and processor seconds of
the kernel a step, over those without a plot)::

    way                               steps/s  CPU/step  hover  follows width, theme  read back  weight
    without a plot                      1.00      1.00
    numbers to one bare uPlot           0.95      1.04   yes     no                    yes       as below
    this, four panels                   0.95      1.04   yes     yes                   yes       0.05 MB; anywidget 1.8 MB
    ipympl, blitted pictures            0.82      1.23   no      no                    no        ipympl 0.5 MB
    Plotly's FigureWidget               0.88      1.08   yes     width                 yes       64 MB

Most of the price is the page itself. Nothing is fetched from elsewhere: uPlot 1.6.32 (MIT) lies beside this file. anywidget
has its own front end in JupyterLab, Notebook 7, VS Code and Colab; it is tested here in JupyterLab, Notebook 7 and Voilà.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

_FILES = Path(__file__).parent / "page_side"
CSS = "\n".join((_FILES / name).read_text(encoding="utf-8") for name in ("uplot.min.css", "widgets.css"))

Table = Mapping[str, Sequence[float]]  # a column "x", and others as long


def script(*names: str) -> str:
    """One module for the page of several files of ``page_side``; the last one has what it exports."""
    return "\n".join((_FILES / name).read_text(encoding="utf-8") for name in names)


class Chart(anywidget.AnyWidget):
    """Panels of curves that grow. Only what is new is sent; a page that missed something, or is new, asks for all.

    ``panels`` says what is drawn where, as the page's part ``chart.js`` reads it. `show` takes the curves as they are now,
    ``tables`` by panel: columns that have only grown since the last time, until `clear`. While it is ``driven`` by a cell, and
    no view of it is in sight, the page hangs a copy of its first two panels into a corner.

    >>> chart = Chart([{"key": "loss", "title": "loss", "scales": {"y": {}}, "series": [{"key": "topic", "label": "topic"}]}])
    >>> chart.show({"loss": {"x": [1, 2], "topic": [1.5, 1.25]}})
    >>> chart.sent
    {'loss': 2}
    >>> chart.close()
    """

    _esm = script("uplot.min.js", "theme.js", "chart.js")
    _css = CSS
    name = traitlets.Unicode().tag(sync=True)
    panels = traitlets.List().tag(sync=True)
    driven = traitlets.Bool().tag(sync=True)

    def __init__(self, panels: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(name=uuid.uuid4().hex, panels=list(panels))
        self._tables: Mapping[str, Table] = {}
        self._more: dict[str, Any] = {"marks": [], "ghosts": []}
        self._run, self.sent = 0, {}
        self.on_msg(lambda *_: self._send_all())  # whatever a page says, it is that it wants all

    def clear(self) -> None:
        """Forget the curves: those of a new run follow."""
        self._tables, self._run, self.sent = {}, self._run + 1, {}
        self._send_all()

    def show(self, tables: Mapping[str, Table]) -> None:
        """Let the page draw the curves as far as they have come."""
        self._tables = tables
        news = {panel: _rows(table, self.sent.get(panel, 0)) for panel, table in tables.items()}
        self.sent = {panel: len(table["x"]) for panel, table in tables.items()}
        self.send({"run": self._run, "tables": news})

    def mark(self, marks: Sequence[tuple[int, str]]) -> None:
        """Let it mark these steps, each with a name."""
        self._more["marks"] = [list(mark) for mark in marks]
        self.send({"run": self._run, "tables": {}, "marks": self._more["marks"]})

    def beside(self, ghosts: Sequence[Mapping[str, Any]]) -> None:
        """Let it draw these kept runs, each with a ``label`` and ``tables``, pale beneath."""
        self._more["ghosts"] = [
            {"label": ghost["label"], "tables": {name: _rows(table, 0) for name, table in ghost["tables"].items()}}
            for ghost in ghosts
        ]
        self.send({"run": self._run, "tables": {}, "ghosts": self._more["ghosts"]})

    def _send_all(self) -> None:
        tables = {panel: _rows(table, 0, self.sent.get(panel, 0)) for panel, table in self._tables.items()}
        self.send({"run": self._run, "whole": True, "tables": tables, **self._more})


def _rows(table: Table, start: int, end: int | None = None) -> dict[str, Any]:
    """Rows of a table as the page reads them; JSON knows no nan."""
    columns = {key: [_known(v) for v in values[start:end]] for key, values in table.items() if key != "x"}
    return {"from": start, "x": list(table["x"][start:end]), "columns": columns}


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
