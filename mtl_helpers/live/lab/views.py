"""What is seen of a run in the λ lab: its curves beside those of kept runs, what the encoder sees, and the pull."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets

from mtl_helpers.live.lab.curves import RunCurves, page_panels
from mtl_helpers.live.lab.encoder_points import EncoderPoints
from mtl_helpers.live.lab.pull import Pull
from mtl_helpers.live.lab.recording import LabError, RecordedRun
from mtl_helpers.live.lab.worlds import World
from mtl_helpers.live.widgets.chart import Chart
from mtl_helpers.live.widgets.live_widget import LiveWidget
from mtl_helpers.live.widgets.page import refill, row
from mtl_helpers.plots.figure import figure_png
from mtl_helpers.plots.live.live_curves import plot_run
from mtl_helpers.tasks import Task
from mtl_helpers.training import Record

MAX_GHOSTS = 5
VIEWS = ("cosine", "pull", "encoder")


class LabViews:
    """The lab's views, of which ``shows`` names those beside loss, score and λ; ``box`` and ``pull`` belong on its page.

    ``curves`` is the run as numbers, ``ghosts`` are the runs kept of the present data: those of other data wait until
    these are chosen again.
    """

    def __init__(self, lab: LiveWidget, tasks: Sequence[Task], shows: Sequence[str]) -> None:
        self._lab, self._shows = lab, shows
        self.curves, self.ghosts = RunCurves(tasks), []
        self._kept: dict[str | None, list[dict[str, Any]]] = {None: self.ghosts}
        self.chart = Chart(page_panels(self.curves, cosine="cosine" in shows))
        self.points, self.pull = EncoderPoints(), Pull()
        self.pull.add_class("mtl-after")  # on a narrow page it is below the curves
        self.sees = widgets.ToggleButton(description="what the encoder sees", icon="eye", layout={"width": "auto"})
        lab._watch(self.sees, self._see)
        self.ghost_row = row()
        self.box = widgets.VBox([row(self.sees), self.chart, self.points, self.ghost_row])
        self.box.add_class("mtl-views")

    def open(self, world: World, name: str | None) -> None:
        """Show a run of these data from now on."""
        tasks = world.model.tasks
        self.curves = RunCurves(tasks)
        self.chart.panels = page_panels(self.curves, cosine="cosine" in self._shows)
        self.ghosts = self._kept.setdefault(name, [])
        seen = "encoder" in self._shows and self.points.begin(world.model, world.val_loader, world.examples)
        self.sees.layout.display = None if seen else "none"
        self._can_see = seen
        self._see(self.sees.value)
        self.pull.layout.display = None if "pull" in self._shows and len(tasks) > 1 else "none"
        self.show_ghosts()

    def name(self, name: str) -> None:
        """The data so far have this name."""
        self._kept = {name: self.ghosts}

    def _see(self, shown: bool) -> None:
        self.seeing = shown and self._can_see
        self.points.layout.display = None if self.seeing else "none"

    def clear(self) -> None:
        """Forget the run; kept ones stay."""
        self.curves.clear()
        self.chart.clear()
        self.chart.mark([])
        self.points.forget()

    @contextmanager
    def looking(self, record_due: bool) -> Iterator[None]:
        """Around a step: what the encoder makes of the validation is seen, if it is due and wanted."""
        if not (record_due and self.seeing):
            yield
            return
        with self.points.looking():
            yield

    def add(self, record: Record, run: RecordedRun, *, looked: bool) -> dict[tuple[str, str], float] | None:
        """Take in a step; if it was looked at, measure pull and cosines, which are returned."""
        cosines, pull = run.pull() if looked and self.curves.pairs else ({}, {})
        if run.handed_over:
            self.curves.marks.append((record.step, run.driving))
            self.chart.mark(self.curves.marks)
        self.curves.add(record, cosines, pull, run.mean_weights if run.by_rule else None)
        if looked and self.seeing:
            self.points.picture(record.step)
        return cosines or None

    def show(self, cosines: Mapping[tuple[str, str], float]) -> None:
        """Bring the page up to the last step."""
        self.chart.show(self.curves.tables)
        names, pulls = self.curves.names, self.curves.tables["pull"]
        last = {name: pulls[name][-1] for name in names} if pulls["x"] else {}
        self.pull.show(names, last, cosines.get(tuple(names), math.nan))

    def png(self, tasks: Sequence[Task]) -> bytes:
        """The curves as a picture."""
        tables = {
            name: table for name, table in self.curves.tables.items() if name != "cosine" or "cosine" in self._shows
        }
        return figure_png(plot_run(tasks, tables, marks=self.curves.marks, ghosts=self.ghosts))

    def keep(self, label: str) -> None:
        """Keep the present curves as a pale ghost; at most `MAX_GHOSTS`, and none twice."""
        ghost = self.curves.kept(label)
        for place, other in enumerate(self.ghosts, start=1):
            if repr(other["tables"]) == repr(ghost["tables"]):  # nan is not equal to nan
                raise LabError(f"These curves are kept already, as run {place}.")
        if len(self.ghosts) >= MAX_GHOSTS:
            raise LabError(f"{MAX_GHOSTS} runs are kept already; remove one first.")
        self.ghosts.append(ghost)
        self.show_ghosts()

    def remove(self, place: int) -> None:
        """Remove the ghost of that place, counted from 1."""
        if not 1 <= place <= len(self.ghosts):
            raise LabError(f"There is no kept run {place}; there are {len(self.ghosts)}.")
        del self.ghosts[place - 1]
        self.show_ghosts()

    def show_ghosts(self) -> None:
        """Draw the kept runs, with a button for each that removes it."""
        self.chart.beside(self.ghosts)
        buttons = []
        for place, ghost in enumerate(self.ghosts, start=1):
            text, remove = f"run {place}: {ghost['label']}", self._remover(place)
            buttons.append(self._lab._button(text, remove, icon="times", tip="Remove this kept run", width="auto"))
        refill(self._lab._worker, self.ghost_row, buttons)

    def _remover(self, place: int) -> Callable[[], None]:
        return lambda: self.remove(place)
