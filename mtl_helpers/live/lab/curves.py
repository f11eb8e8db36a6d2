"""The curves of a run as numbers, and how they stand on the page."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from mtl_helpers.plots.styles import on_dark, page_dash, task_markers, task_styles
from mtl_helpers.tasks import Task
from mtl_helpers.training import Record

SMOOTH = 20  # steps in a running mean
GREYS = (["#444444", "#d0d0d0"], ["#8a8a8a", "#8a8a8a"], ["#666666", "#b0b0b0"], ["#a8a8a8", "#707070"])

Tables = dict[str, dict[str, list[float]]]


class RunCurves:
    """Loss, validation score, λ, gradient cosine and pull of a run, as tables with a column ``x`` of steps.

    A loss is the running mean over the labels of the last `SMOOTH` steps; a task that had none in them has nan there. Of λ
    that a rule chose, the running mean counts, and ``each`` has the single steps. ``marks`` are steps with a name.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks, self.names = tasks, [task.name for task in tasks]
        names = self.names
        self.pairs = list(combinations(names, 2)) if len(names) <= 3 else [(names[0], name) for name in names[1:]]
        self.clear()

    def clear(self) -> None:
        """Forget the run."""
        names = self.names
        columns = {"loss": names, "score": names, "weight": [*names, *(f"each {name}" for name in names)]}
        columns |= {"cosine": [" · ".join(pair) for pair in self.pairs], "pull": names}
        self.tables: Tables = {panel: {key: [] for key in ["x", *keys]} for panel, keys in columns.items()}
        self.marks: list[tuple[int, str]] = []
        self._recent = {name: deque(maxlen=SMOOTH) for name in names}

    def add(
        self,
        record: Record,
        cosines: Mapping[tuple[str, str], float],
        pull: Mapping[str, float],
        weights: Mapping[str, float] | None = None,
    ) -> None:
        """Take in one step; ``weights``, if a rule chose λ, are its running mean."""
        for name, recent in self._recent.items():
            recent.append(record.losses.get(name, math.nan))
        shown = record.weights if weights is None else weights
        row = {name: shown.get(name, math.nan) for name in self.names}
        for name in self.names:
            row[f"each {name}"] = math.nan if weights is None else record.weights.get(name, math.nan)
        self._row("loss", record.step, {name: mean(recent) for name, recent in self._recent.items()})
        self._row("weight", record.step, row)
        if record.val_scores:
            self._row("score", record.step, record.val_scores)
        if cosines:
            self._row("cosine", record.step, {" · ".join(pair): value for pair, value in cosines.items()})
        if pull:
            self._row("pull", record.step, pull)

    def _row(self, panel: str, step: int, values: Mapping[str, float]) -> None:
        for key, column in self.tables[panel].items():
            column.append(step if key == "x" else values.get(key, math.nan))

    def kept(self, label: str) -> dict[str, Any]:
        """A copy under a name, for a run to be compared with."""
        tables = {panel: {key: list(column) for key, column in table.items()} for panel, table in self.tables.items()}
        return {"label": label, "tables": tables}


def page_panels(curves: RunCurves, *, cosine: bool = True) -> list[dict[str, Any]]:
    """The lab's panels, as `Chart` takes them: colour, line and marker of a task are those of every figure of the course."""
    styles, markers = task_styles(curves.names), task_markers(curves.names)
    looks = {
        name: {
            "key": name,
            "label": name,
            "colour": [style["color"], on_dark(style["color"])],
            "dash": page_dash(style),
        }
        for name, style in styles.items()
    }
    tasks = {task.name: task for task in curves.tasks}
    classes = max(len(task.classes) for task in curves.tasks)
    ignorant = 1.1 * math.log(classes) if classes > 1 else 0.5  # a model that knows nothing has a loss of ln(classes)
    shares = sorted({task.metric for task in curves.tasks if task.score_range})
    units = sorted({task.metric for task in curves.tasks if not task.score_range})
    scales = {"y": {"min": 0, "max": 1, "label": ", ".join(shares)}} if shares else {}
    if units:
        scales["unit" if shares else "y"] = {"min": 0, "label": ", ".join(units)}
    scored = [
        {**looks[n], "scale": "unit" if shares and not tasks[n].score_range else "y", "marker": markers[n]}
        for n in looks
    ]
    each = [{**look, "key": f"each {name}", "label": "", "faint": True, "dash": []} for name, look in looks.items()]
    weights = [{**look, "step": True, "ticks": True} for look in looks.values()]
    panels = [
        {"key": "loss", "title": "training loss, unweighted", "tall": True, "scales": {"y": {"at_least": ignorant}}},
        {"key": "score", "title": "score on validation", "tall": True, "scales": scales},
        {"key": "weight", "title": "λ", "scales": {"y": {"at_least": 3.5, "symlog": 0.03}}, "names_marks": True},
    ]
    series = [list(looks.values()), scored, [*each, *weights]]
    if cosine:
        alone = "one task: nothing to compare"
        title = {"key": "cosine", "title": "gradient cosine", "scales": {"y": {"min": -1, "max": 1}}}
        panels.append({**title, "empty": "" if curves.pairs else alone})
        keys = [" · ".join(pair) for pair in curves.pairs]
        named = keys if len(keys) > 1 else ["cosine"]
        greys = [{"key": key, "label": named[i], "colour": list(GREYS[i % 4])} for i, key in enumerate(keys)]
        series.append([{**grey, "marker": "o"} for grey in greys])
    panels = [{**panel, "series": own} for panel, own in zip(panels, series, strict=True)]
    for panel in panels[2:]:
        panel["xlabel"] = "step"
    return panels


def mean(values: Iterable[float]) -> float:
    """Mean of what is not nan; nan if nothing is.

    >>> mean([1, math.nan, 3])
    2.0
    """
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
