"""The λ lab's live figure: curves on an ipympl canvas, redrawn by blitting so that watching costs the training nothing."""

from __future__ import annotations

import io
import math
import sys
import threading
from collections import defaultdict
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from mtl_helpers.plots import task_styles
from mtl_helpers.tasks import Task
from mtl_helpers.training import Record

# ipympl takes over every figure of the notebook if it finds Matplotlib loaded when it is imported; all but the lab's are
# to stay pictures in the notebook, so for that moment it does not find it.
_matplotlib = sys.modules.pop("matplotlib")
try:
    import ipympl  # noqa: F401
finally:
    sys.modules["matplotlib"] = _matplotlib
from ipympl.backend_nbagg import Canvas, FigureManager  # noqa: E402

_SMOOTH = 20  # steps in the running mean of the training loss
_POINTS = 1500  # points drawn of one curve; a longer one is thinned
_GREYS = ["#444444", "#999999", "#777777", "#bbbbbb"]

Curves = dict[str, tuple[list[float], list[float]]]


class _LockedCanvas(Canvas):
    """The training thread adds points and blits while the page's messages redraw: one at a time."""

    def __init__(self, figure: Figure) -> None:
        self.lock = threading.RLock()
        super().__init__(figure)
        self.syncing_data_url = False  # without a page there is nobody to send a picture to

    def draw(self) -> None:
        with self.lock:
            super().draw()

    def get_diff_image(self) -> bytes | None:
        """What changed since the last picture, as PNG: Matplotlib's own, but for the quick compression.

        The training waits for it, and the page is near: speed counts and size does not.
        """
        if not self._png_is_old:
            return None
        pixels = np.asarray(self.get_renderer().buffer_rgba())
        picture = pixels.view(np.uint32).squeeze(2)
        if self._force_full or picture.shape != self._last_buff.shape:
            self.set_image_mode("full")
            output = picture
        else:
            self.set_image_mode("diff")
            output = np.where(picture != self._last_buff, picture, 0).astype(np.uint32)
        self._last_buff = picture.copy()
        self._force_full = self._png_is_old = False
        with io.BytesIO() as png:
            Image.fromarray(output.view(np.uint8).reshape((*output.shape, 4))).save(png, format="png", compress_level=1)
            return png.getvalue()

    def _handle_message(self, sender: Any, content: dict, buffers: list) -> None:
        with self.lock:
            super()._handle_message(sender, content, buffers)


class LivePlot:
    """Loss, validation score, λ and gradient cosine of a run, and the pale ghosts of runs that were kept."""

    def __init__(self, tasks: tuple[Task, ...]) -> None:
        self.tasks = tasks
        names = [task.name for task in tasks]
        self._styles = task_styles(names)
        self.pairs = list(combinations(names, 2)) if len(names) <= 3 else [(names[0], name) for name in names[1:]]
        self.figure = Figure(figsize=(8.2, 4.5), layout="constrained", dpi=92)
        self.canvas = _LockedCanvas(self.figure)
        FigureManager(self.canvas, 0)
        self.canvas.toolbar_visible = self.canvas.header_visible = False
        self.canvas.footer_visible = self.canvas.resizable = False
        # Where the axes end at first: a model that knows nothing has a loss of ln(classes).
        classes = max([len(task.classes) for task in tasks])
        self._smallest = {"x": 200.0, "loss": 1.25 * math.log(classes) if classes else 0.5, "error": 1.0}
        self._background: Any = None
        self.ghosts: list[dict[str, Any]] = []
        self.canvas.mpl_connect("draw_event", self._on_draw)
        self._build()
        self.clear()

    def _build(self) -> None:
        heights = [2.2, 1] if len(self.tasks) == 1 else [2, 1]
        grid = self.figure.subplots(2, 2, sharex=True, height_ratios=heights)
        (self._loss, self._score), (self._weight, self._cosine) = grid
        self._loss.set_title("training loss, unweighted", fontsize=10)
        self._score.set_title("score on validation", fontsize=10)
        self._weight.set(xlabel="step", ylabel="λ")
        self._weight.set_yscale("symlog", linthresh=0.01, linscale=0.3)
        self._weight.set_yticks([0, 0.01, 0.1, 1, 10], ["0", ".01", ".1", "1", "10"])
        self._weight.minorticks_off()
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
            ax.tick_params(labelsize=8)
        # Laid out once: a layout made anew at every full draw would let the axes wander by a hair each time.
        self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")

    def _add(self, key: str, ax: Axes, **style: Any) -> None:
        (self._lines[key],) = ax.plot([], [], animated=True, linewidth=1.6, **style)
        self._axes_of[key] = ax

    def clear(self) -> None:
        """Forget the present run; ghosts stay."""
        with self.canvas.lock:
            self.curves: Curves = defaultdict(lambda: ([], []))
            self._recent: dict[str, list[float]] = {task.name: [] for task in self.tasks}
            self._limits = dict(self._smallest)
            self.draw()

    def add(self, record: Record, cosines: dict[tuple[str, str], float]) -> None:
        """Take in one step; nothing is drawn yet."""
        with self.canvas.lock:
            for name, loss in record.losses.items():
                recent = self._recent[name]
                recent.append(loss)
                if len(recent) > _SMOOTH:
                    del recent[0]
                self._point("loss " + name, record.step, sum(recent) / len(recent))
                self._point("weight " + name, record.step, record.weights[name])
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
            self._weight.set_ylim(-0.004, 14)
            self._legend()
            self.canvas.draw()

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
            k = 1 + len(xs) // _POINTS
            # The newest point is always drawn; the line style is the legend's, so it must not depend on thinning.
            line.set_data(xs[::k] + xs[-1:], ys[::k] + ys[-1:])

    def _grow(self) -> bool:
        """Let an axis grow in jumps, so that nearly every update is a blit."""
        runs = [self.curves, *(ghost["curves"] for ghost in self.ghosts)]
        largest = {"x": 0.0, "loss": 0.0, "error": 0.0}
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
                self._limits[name] *= 2
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
            self.ghosts.append({"label": label, "curves": curves, "lines": lines})
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
