"""The λ lab's live figure: curves on an ipympl canvas, redrawn by blitting so that watching costs the training nothing."""

from __future__ import annotations

import io
import math
from collections import defaultdict
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mtl_helpers.live.locked_canvas import LockedCanvas
from mtl_helpers.live.marks import Marks
from mtl_helpers.live.recorded_run import SMOOTH
from mtl_helpers.plots import task_styles
from mtl_helpers.tasks import Task
from mtl_helpers.training import Record

_POINTS = 1500  # points drawn of one curve; a longer one is thinned
_NOISY = 400  # of λ, which may go up and down at every point: that takes long to draw
_FINE = 15.0
_GREYS = ["#444444", "#999999", "#777777", "#bbbbbb"]

Curves = dict[str, tuple[list[float], list[float]]]


class LivePlot:
    """Loss, validation score, λ and gradient cosine of a run, and the pale ghosts of runs that were kept."""

    def __init__(self, tasks: tuple[Task, ...]) -> None:
        self.figure = Figure(figsize=(8.2, 4.5), dpi=92)
        self.canvas = LockedCanvas(self.figure)
        self.canvas.mpl_connect("draw_event", self._on_draw)
        self.open(tasks)

    def open(self, tasks: tuple[Task, ...]) -> None:
        """Make the figure anew for these tasks; the canvas stays where it is on the page."""
        with self.canvas.lock:  # which the page knows from its first moment on, and may ask for a picture
            self._open(tasks)

    def _open(self, tasks: tuple[Task, ...]) -> None:
        self.tasks = tasks
        names = [task.name for task in tasks]
        self._styles = task_styles(names)
        self.pairs = list(combinations(names, 2)) if len(names) <= 3 else [(names[0], name) for name in names[1:]]
        # Where the axes end at first: a model that knows nothing has a loss of ln(classes).
        classes = max([len(task.classes) for task in tasks])
        self._smallest = {"x": 200.0, "loss": 1.25 * math.log(classes) if classes else 0.5, "error": 1.0}
        # λ: how far up, how far below 0, and 1 over the smallest one that is to be told from 0.
        self._smallest |= {"above": 3.5, "below": 0.004, "fine": _FINE}
        self._background: Any = None
        self.ghosts: list[dict[str, Any]] = []
        self._limits = dict(self._smallest)
        self._build()
        self._marks = Marks([self._loss, self._score, self._weight])
        self.clear()

    def _build(self) -> None:
        self.figure.clear()
        self.figure.set_layout_engine("constrained")
        heights = [2.2, 1] if len(self.tasks) == 1 else [1.8, 1]
        grid = self.figure.subplots(2, 2, sharex=True, height_ratios=heights)
        (self._loss, self._score), (self._weight, self._cosine) = grid
        self._loss.set_title("training loss, unweighted", fontsize=10)
        self._score.set_title("score on validation", fontsize=10)
        self._weight.set(xlabel="step", ylabel="λ")
        self._scale_weights()
        self._cosine.set(xlabel="step", ylabel="gradient\ncosine", ylim=(-1.05, 1.05))
        self._cosine.axhline(0, color="#dddddd", linewidth=0.8)
        kinds = {task.kind for task in self.tasks}
        self._error: Axes | None = None
        if "regression" in kinds:
            self._error = self._score.twinx() if "classification" in kinds else self._score
            self._error.set_ylabel("MAE (lower is better)")
        if "classification" in kinds:
            self._score.set_ylabel("accuracy")
        self._lines: dict[str, Line2D] = {}
        self._axes_of: dict[str, Axes] = {}
        for task in self.tasks:
            style = self._styles[task.name]
            score = self._score if task.kind == "classification" else self._error
            self._add("loss " + task.name, self._loss, label=task.name, **style)
            self._add(
                "score " + task.name, score, marker="o", markersize=3, label=f"{task.name} ({task.metric})", **style
            )
            # What a rule chose at each single step; beneath, for it may be but noise.
            raw = {"color": style["color"], "alpha": 0.35, "linewidth": 0.7}
            self._add("each " + task.name, self._weight, **raw)
            self._add("weight " + task.name, self._weight, drawstyle="steps-post", **style)
        for i, (a, b) in enumerate(self.pairs):
            self._add(f"cosine {a} {b}", self._cosine, color=_GREYS[i % 4], marker=".", label=f"{a} · {b}")
        if self.pairs:
            self._cosine.legend(
                frameon=False, fontsize=7, ncols=3, loc="lower right", handlelength=1.2, columnspacing=0.9
            )
        else:
            self._cosine.text(
                0.5, 0.7, "one task: nothing to compare", transform=self._cosine.transAxes, ha="center", fontsize=8
            )
        for ax in self.figure.axes:
            ax.spines["top"].set_visible(False)
            ax.spines["right"].set_visible(ax is self._error and ax is not self._score)
            ax.tick_params(labelsize=8)
        self._loss.set_xlim(0, 2000)  # leaves room for the longest number at its end
        # Laid out once: a layout made anew at every full draw would let the axes wander by a hair each time.
        self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")

    def _add(self, key: str, ax: Axes, **style: Any) -> None:
        (self._lines[key],) = ax.plot([], [], animated=True, **{"linewidth": 1.6, **style})
        self._axes_of[key] = ax

    def clear(self) -> None:
        """Forget the present run; ghosts stay."""
        with self.canvas.lock:
            self.curves: Curves = defaultdict(lambda: ([], []))
            self._recent: dict[str, list[float]] = {task.name: [] for task in self.tasks}
            self._limits = dict(self._smallest)
            self._span = {"above": 0.0, "below": 0.0, "fine": 0.0}
            self._marks.steps.clear()
            self.draw()

    def mark(self, step: int, label: str) -> None:
        """Mark a step at which something was changed; drawn with the next refresh."""
        with self.canvas.lock:
            self._marks.steps.append((step, label))
            self._background = None

    def add(
        self, record: Record, cosines: dict[tuple[str, str], float], weights: Mapping[str, float] | None = None
    ) -> None:
        """Take in one step; nothing is drawn yet. ``weights``, if a rule chose λ, are its running mean."""
        with self.canvas.lock:
            for name, loss in record.losses.items():
                recent = self._recent[name]
                recent.append(loss)
                if len(recent) > SMOOTH:
                    del recent[0]
                self._point("loss " + name, record.step, sum(recent) / len(recent))
                weight = (weights or record.weights)[name]
                self._point("weight " + name, record.step, weight)
                # Of λ the running mean counts: a single wild step may leave the picture.
                seen = {"above": weight, "below": -weight, "fine": 1 / weight if weight > 0 else 0}
                self._span = {name: max(self._span[name], value) for name, value in seen.items()}
                each = self.curves["each " + name][1]
                if weights is not None:
                    self._point("each " + name, record.step, record.weights[name])
                elif each and not math.isnan(each[-1]):
                    self._point("each " + name, record.step, math.nan)
            for name, score in record.val_scores.items():
                self._point("score " + name, record.step, score)
            for a, b in self.pairs:
                if (a, b) in cosines:
                    self._point(f"cosine {a} {b}", record.step, cosines[a, b])

    def _point(self, key: str, x: float, y: float) -> None:
        xs, ys = self.curves[key]
        xs.append(x)
        ys.append(y)

    def refresh(self) -> None:
        """Show the new points: blit, or draw anew where an axis had to grow."""
        with self.canvas.lock:
            self._set_lines()
            if self._grow() or self._background is None:
                self.draw()
                return
            self.canvas.restore_region(self._background)
            self._draw_lines()
            self.canvas.blit(self.figure.bbox)

    def draw(self) -> None:
        """Draw everything, axes and ghosts too."""
        with self.canvas.lock:
            self._set_lines()
            self._grow()
            self._loss.set(xlim=(0, self._limits["x"]), ylim=(0, self._limits["loss"]))
            self._score.set_ylim(0, 1.02)
            if self._error is not None:
                self._error.set_ylim(0, self._limits["error"])
            self._scale_weights()
            self._legend()
            self._marks.draw(self._limits["x"])
            self.canvas.draw()

    def _scale_weights(self) -> None:
        """0 and about 0.1 to 3, which most rules keep to; down to 0.01, up, and below 0 as far as need be."""
        lowest, highest = self._limits["below"], self._limits["above"]
        close = self._limits["fine"] <= _FINE and highest < 10
        ticks = (
            [0, 0.1, 0.3, 1, 3] if close else [0, 0.01, 0.1, *(10.0**i for i in range(1 + int(math.log10(highest))))]
        )
        if lowest >= 0.1:
            ticks = [tick for tick in ticks if tick != 0.01]
        ticks = [-tick for tick in reversed(ticks) if 0 < tick < lowest] + ticks
        labels = [f"{tick:g}".replace("0.", ".").replace("-", "−") for tick in ticks]
        self._weight.set_yscale("symlog", linthresh=0.1 if close else 0.01, linscale=0.3)
        self._weight.set_yticks(ticks, labels)
        self._weight.minorticks_off()
        self._weight.set_ylim(-lowest, highest)

    def _legend(self) -> None:
        for ax in {self._loss, self._score, self._error} - {None}:
            handles = [line for key, line in self._lines.items() if self._axes_of[key] is ax]
            if not handles:
                continue
            place = "upper right" if ax is self._loss else ("lower right" if ax is self._score else "lower left")
            ax.legend(handles=handles, frameon=False, fontsize=8, loc=place)

    def _set_lines(self) -> None:
        for key, line in self._lines.items():
            xs, ys = self.curves[key]
            k = 1 + len(xs) // (_NOISY if key.startswith(("each ", "weight ")) else _POINTS)
            # The newest point is always drawn; the line style is the legend's, so it must not depend on thinning.
            line.set_data(xs[::k] + xs[-1:], ys[::k] + ys[-1:])

    def _grow(self) -> bool:
        """Let an axis grow in jumps, so that nearly every update is a blit."""
        runs = [self.curves, *(ghost["curves"] for ghost in self.ghosts)]
        spans = [self._span, *(ghost["span"] for ghost in self.ghosts)]
        largest = dict.fromkeys(self._smallest, 0.0)
        largest |= {name: max(span[name] for span in spans) for name in self._span}
        errors = {task.name for task in self.tasks if task.kind == "regression"}
        for curves in runs:
            for task in self.tasks:
                xs, ys = curves["loss " + task.name]
                if xs:
                    largest["x"] = max(largest["x"], xs[-1])
                    # The first values of a run are its largest as a rule; a late jump must fit in too.
                    largest["loss"] = max(largest["loss"], ys[0], max(ys[-50:]))
                if task.name in errors:
                    largest["error"] = max([largest["error"], *curves["score " + task.name][1]])
        grown = False
        for name, value in largest.items():
            while value > self._limits[name]:
                self._limits[name] *= {"above": 4, "below": 10, "fine": 10}.get(name, 2)
                grown = True
        return grown

    def _on_draw(self, event: Any) -> None:
        if self.canvas.is_saving():
            return
        with self.canvas.lock:
            self._background = self.canvas.copy_from_bbox(self.figure.bbox)
            self._draw_lines()

    def _draw_lines(self) -> None:
        for key, line in self._lines.items():
            self._axes_of[key].draw_artist(line)

    def add_ghost(self, label: str) -> None:
        """Keep the present curves as pale ones."""
        with self.canvas.lock:
            curves: Curves = defaultdict(lambda: ([], []))
            curves.update({key: (list(xs), list(ys)) for key, (xs, ys) in self.curves.items()})
            lines = []
            for key, (xs, ys) in curves.items():
                if key.startswith("each "):
                    continue  # pale as it is
                like = self._lines[key]
                k = 1 + len(xs) // _POINTS
                (line,) = self._axes_of[key].plot(
                    xs[::k],
                    ys[::k],
                    color=like.get_color(),
                    alpha=0.3,
                    linewidth=1,
                    linestyle=like.get_linestyle(),
                    drawstyle=like.get_drawstyle(),
                    zorder=1,
                )
                lines.append(line)
            self.ghosts.append({"label": label, "curves": curves, "span": self._span, "lines": lines})
            self.draw()

    def remove_ghost(self, number: int) -> None:
        """Take a ghost away again."""
        with self.canvas.lock:
            for line in self.ghosts.pop(number)["lines"]:
                line.remove()
            self._limits = dict(self._smallest)  # drawing lets them grow as far as what is left needs
            self.draw()

    def png(self) -> bytes:
        """The figure as it stands, for where no live page is."""
        buffer = io.BytesIO()
        with self.canvas.lock:
            self._set_lines()
            self.figure.savefig(buffer, format="png", dpi=92, metadata={"Software": None})
        return buffer.getvalue()
