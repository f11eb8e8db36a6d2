"""The curves of a run that goes on: redrawn by blitting, so that watching costs the training next to nothing."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mtl_helpers.plots.figure import figure_png
from mtl_helpers.plots.styles import task_markers, task_styles
from mtl_helpers.tasks import Task
from mtl_helpers.training import Record

SMOOTH = 20  # steps in a running mean
_POINTS = 1500  # points drawn of one curve; a longer one is thinned
_NOISY = 400  # of λ, which may go up and down at every point: that takes long to draw
_FINE = 15.0  # 1 over the smallest λ that is to be told from 0, at first
_LETTER = 0.019  # width of a letter, as a part of an axis
_GREYS = ["#444444", "#999999", "#777777", "#bbbbbb"]

Curves = dict[str, tuple[list[float], list[float]]]


class LiveCurves:
    """Loss, validation score, λ and gradient cosine of a run on a figure, and the pale ghosts of runs that were kept.

    The figure's canvas must be one that blits. A loss is the running mean over the labels of the last steps; a task that had
    none in them has a gap there. Only one thread may use it.
    """

    def __init__(self, figure: Figure, tasks: Sequence[Task]) -> None:
        self.figure = figure
        figure.canvas.mpl_connect("draw_event", self._on_draw)
        self.open(tasks)

    def open(self, tasks: Sequence[Task]) -> None:
        """Make the figure anew for these tasks."""
        self.tasks, names = tasks, [task.name for task in tasks]
        self.pairs = list(combinations(names, 2)) if len(names) <= 3 else [(names[0], name) for name in names[1:]]
        # Where the axes end at first: a model that knows nothing has a loss of ln(classes).
        classes = max(len(task.classes) for task in tasks)
        self._smallest = {"x": 200.0, "loss": 1.25 * math.log(classes) if classes > 1 else 0.5, "score": 1.0}
        self._smallest |= {
            "above": 3.5,
            "below": 0.004,
            "fine": _FINE,
        }  # λ: how far up, how far below 0, how near to it
        self.ghosts: list[dict[str, Any]] = []
        self._limits, self._artists = dict(self._smallest), []
        self._build()
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
        shares = {task.metric for task in self.tasks if task.score_range}  # scores from 0 to 1
        others = {task.metric for task in self.tasks if not task.score_range}  # those in a unit of their own
        self._unit: Axes | None = (self._score.twinx() if shares else self._score) if others else None
        if shares:
            self._score.set_ylabel(", ".join(sorted(shares)))
        if others:
            lower = not any(task.higher_is_better for task in self.tasks if not task.score_range)
            self._unit.set_ylabel(", ".join(sorted(others)) + " (lower is better)" * lower)
        self._lines: dict[str, Line2D] = {}
        self._axes_of: dict[str, Axes] = {}
        names = [task.name for task in self.tasks]
        styles, markers = task_styles(names), task_markers(names)
        for task in self.tasks:
            style, name = styles[task.name], task.name
            score = {**style, "marker": markers[name], "markersize": 3, "label": f"{name} ({task.metric})"}
            self._add("loss " + name, self._loss, label=name, **style)
            self._add("score " + name, self._score if task.score_range else self._unit, **score)
            # What a rule chose at each single step; beneath, for it may be but noise.
            self._add("each " + name, self._weight, color=style["color"], alpha=0.35, linewidth=0.7)
            self._add("weight " + name, self._weight, drawstyle="steps-post", **style)
        for i, (a, b) in enumerate(self.pairs):
            self._add(f"cosine {a} {b}", self._cosine, color=_GREYS[i % 4], marker=".", label=f"{a} · {b}")
        look = {"frameon": False, "fontsize": 8}
        self._loss.legend(**look, loc="upper right", ncols=1 + (len(names) > 5))
        if shares:
            self._score.legend(**look, loc="lower right")
        if self._unit not in (None, self._score):
            self._unit.legend(**look, loc="lower left")
        if self.pairs:
            look |= {"fontsize": 7, "handlelength": 1.2, "columnspacing": 0.9}
            self._cosine.legend(ncols=3, loc="lower right", **look)
        else:
            where = {"transform": self._cosine.transAxes, "ha": "center", "fontsize": 8}
            self._cosine.text(0.5, 0.7, "one task: nothing to compare", **where)
        for ax in self.figure.axes:
            ax.spines["top"].set_visible(False)
            ax.spines["right"].set_visible(ax is self._unit and ax is not self._score)
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
        self.curves: Curves = defaultdict(lambda: ([], []))
        self._recent = {task.name: deque(maxlen=SMOOTH) for task in self.tasks}
        self._limits, self._reached = dict(self._smallest), dict.fromkeys(self._smallest, 0.0)
        self.marks: list[tuple[int, str]] = []
        self.draw()

    def mark(self, step: int, label: str) -> None:
        """Mark a step at which something was changed; drawn with the next refresh."""
        self.marks.append((step, label))
        self._background = None

    def add(
        self, record: Record, cosines: Mapping[tuple[str, str], float], weights: Mapping[str, float] | None = None
    ) -> None:
        """Take in one step; nothing is drawn yet. ``weights``, if a rule chose λ, are its running mean."""
        for name, recent in self._recent.items():
            recent.append(record.losses.get(name, math.nan))
            self._point("loss", name, record.step, mean(recent))
            weight = (weights or record.weights).get(name, math.nan)
            self._point("weight", name, record.step, weight)
            # Of λ the running mean counts: a single wild step may leave the picture.
            self._reach(above=weight, below=-weight, fine=1 / weight if weight > 0 else 0)
            each = self.curves["each " + name][1]
            if weights is not None:
                self._point("each", name, record.step, record.weights.get(name, math.nan))
            elif each and not math.isnan(each[-1]):
                self._point("each", name, record.step, math.nan)
            if name in record.val_scores:
                self._point("score", name, record.step, record.val_scores[name])
        self._reach(x=record.step)
        for (a, b), value in cosines.items():
            if (a, b) in self.pairs:
                self._point("cosine", f"{a} {b}", record.step, value)

    def _point(self, what: str, name: str, x: float, y: float) -> None:
        xs, ys = self.curves[f"{what} {name}"]
        xs.append(x)
        ys.append(y)
        if what in ("loss", "score"):
            self._reach(**{what: y})

    def _reach(self, **values: float) -> None:
        for what, value in values.items():
            if value > self._reached[what]:  # which nan is not
                self._reached[what] = value

    def refresh(self) -> None:
        """Show the new points: blit, or draw anew where an axis had to grow."""
        self._set_lines()
        if self._grow() or self._background is None:
            self.draw()
            return
        self.figure.canvas.restore_region(self._background)
        self._draw_lines()
        self.figure.canvas.blit(self.figure.bbox)

    def draw(self) -> None:
        """Draw everything, axes and ghosts too."""
        self._set_lines()
        self._grow()
        self._loss.set(xlim=(0, self._limits["x"]), ylim=(0, self._limits["loss"]))
        self._score.set_ylim(0, 1.02)
        if self._unit is not None:
            self._unit.set_ylim(0, self._limits["score"])
        self._scale_weights()
        self._draw_marks()
        self.figure.canvas.draw()

    def _scale_weights(self) -> None:
        """0 and about 0.1 to 3, which most rules keep to; down to 0.01, up, and below 0 as far as need be."""
        lowest, highest = self._limits["below"], self._limits["above"]
        close = self._limits["fine"] <= _FINE and highest < 10
        decades = (10.0**i for i in range(1 + int(math.log10(highest))))
        ticks = [0, 0.1, 0.3, 1, 3] if close else [0, 0.01, 0.1, *decades]
        if lowest >= 0.1:
            ticks = [tick for tick in ticks if tick != 0.01]
        ticks = [-tick for tick in reversed(ticks) if 0 < tick < lowest] + ticks
        labels = [f"{tick:g}".replace("0.", ".").replace("-", "−") for tick in ticks]
        self._weight.set_yscale("symlog", linthresh=0.1 if close else 0.01, linscale=0.3)
        self._weight.set_yticks(ticks, labels)
        self._weight.minorticks_off()
        self._weight.set_ylim(-lowest, highest)

    def _draw_marks(self) -> None:
        """A thin line at each marked step, and its name where there is room; a late one matters more than an early one."""
        for artist in self._artists:
            artist.remove()
        end, free = self._limits["x"], [math.inf, math.inf]  # where the next name to the right begins, in two rows
        self._artists: list[Artist] = []
        for step, name in reversed(self.marks):
            for ax in (self._loss, self._score, self._weight):
                self._artists.append(ax.axvline(step, color="#bbbbbb", linewidth=0.8, zorder=0.5))
            right = step + end * _LETTER * (len(name) + 1)
            row = next((row for row, limit in enumerate(free) if right <= limit), None)
            if row is not None:
                side, away = ("right", -3) if right > end else ("left", 3)
                where = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "ha": side, "va": "top"}
                look = {"xytext": (away, 2 - 9 * row), "fontsize": 7.5, "color": "#555555"}
                self._artists.append(self._weight.annotate(name, (step, 1), **where, **look))
                free[row] = step

    def _set_lines(self) -> None:
        for key, line in self._lines.items():
            xs, ys = self.curves[key]
            k = 1 + len(xs) // (_NOISY if key.startswith(("each ", "weight ")) else _POINTS)
            # The newest point is always drawn; the line style is the legend's, so it must not depend on thinning.
            line.set_data(xs[::k] + xs[-1:], ys[::k] + ys[-1:])

    def _grow(self) -> bool:
        """Let an axis grow in jumps, so that nearly every update is a blit."""
        grown = False
        for what in self._limits:
            value = max([self._reached[what], *(ghost["reached"][what] for ghost in self.ghosts)])
            while self._limits[what] < value < math.inf:
                self._limits[what] *= {"above": 4, "below": 10, "fine": 10}.get(what, 2)
                grown = True
        return grown

    def _on_draw(self, event: Any) -> None:
        if not self.figure.canvas.is_saving():
            self._background = self.figure.canvas.copy_from_bbox(self.figure.bbox)
            self._draw_lines()

    def _draw_lines(self) -> None:
        for key, line in self._lines.items():
            self._axes_of[key].draw_artist(line)

    def add_ghost(self, label: str) -> None:
        """Keep the present curves as pale ones."""
        lines = []
        for key, like in self._lines.items():
            if not key.startswith("each "):  # pale as it is
                xs, ys = self.curves[key]
                k = 1 + len(xs) // _POINTS
                (line,) = self._axes_of[key].plot(xs[::k], ys[::k], alpha=0.3, linewidth=1, zorder=1)
                line.set(color=like.get_color(), linestyle=like.get_linestyle(), drawstyle=like.get_drawstyle())
                lines.append(line)
        self.ghosts.append({"label": label, "reached": dict(self._reached), "lines": lines})
        self.draw()

    def remove_ghost(self, number: int) -> None:
        """Take a ghost away again."""
        for line in self.ghosts.pop(number)["lines"]:
            line.remove()
        self._limits = dict(self._smallest)  # drawing lets them grow as far as what is left needs
        self.draw()

    def png(self) -> bytes:
        """The figure as it stands, for where no live page is."""
        self._set_lines()
        return figure_png(self.figure)


def mean(values: Iterable[float]) -> float:
    """Mean of what is not nan; nan if nothing is.

    >>> mean([1, math.nan, 3])
    2.0
    """
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
