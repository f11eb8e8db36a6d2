"""Gradients as arrows in the plane: two tasks' own, what each method makes of them, and where no task is harmed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Wedge

from mtl_helpers.plots.styles import task_styles

Vector = tuple[float, float]

# Neither of the tasks' colours is among them; the line style tells them apart without colour.
METHOD_STYLES: dict[str, dict[str, Any]] = {
    "sum": {"color": "#000000", "linestyle": "-"},
    "MGDA": {"color": "#7B3FA0", "linestyle": (0, (4, 1.5))},
    "PCGrad": {"color": "#009E73", "linestyle": (0, (1, 1))},
    "UPGrad": {"color": "#CC79A7", "linestyle": (0, (6, 1.5, 1, 1.5))},
    "IMTL-G": {"color": "#2E9BD6", "linestyle": (0, (2, 2))},
    "Aligned-MTL": {"color": "#8C6D1F", "linestyle": (0, (4, 1.2, 1, 1.2, 1, 1.2))},
}
_SHADE = "#E4F1E4"
_SHORTEST, _SAME = 0.14, 0.72  # lengths drawn, as parts of the view's radius
_GRAB = 15  # points round a tip in which the mouse takes hold of it
_TURNS = (0, 40, -40, 75, -75, 110, -110, 150, -150, 180)  # degrees by which a label may leave its arrow's direction


class Arrows:
    """The plane with its arrows, redrawn by blitting: the figure's canvas must be one that can. One thread may use it."""

    def __init__(self, figure: Figure, tasks: Sequence[str]) -> None:
        self.figure, self.tasks = figure, list(tasks)
        self.radius = 0.0
        self._background: Any = None
        self._shown: tuple[str, ...] | None = None
        self._tips: dict[str, Vector] = {}
        self._build()
        figure.canvas.mpl_connect("draw_event", self._on_draw)

    def _build(self) -> None:
        self._ax = self.figure.add_axes((0.07, 0.06, 0.91 * 4.7 / 6.7, 0.91))
        self._ax.tick_params(labelsize=8, color="#bbbbbb", labelcolor="#777777")
        self._ax.spines[:].set_color("#cccccc")
        for line in (self._ax.axhline, self._ax.axvline):
            line(0, color="#e4e4e4", linewidth=0.8)
        styles = task_styles(self.tasks)
        self._safe = self._ax.add_patch(Wedge((0, 0), 1, 0, 0, color=_SHADE, animated=True))
        self._borders, self._lines, self._heads, self._texts = {}, {}, {}, {}
        self._styles = {name: {**style, "linewidth": 4.5} for name, style in styles.items()}
        for style in self._styles.values():
            if style["linestyle"] != "-":  # dashes grow with the width, and a short arrow is to have some too
                style["linestyle"] = (0, [part / 2 for part in style["linestyle"][1]])
        for i, (name, style) in enumerate(METHOD_STYLES.items()):  # ever thinner, so that none hides those drawn before
            self._styles[name] = {**style, "linewidth": 3.0 - 0.3 * i}
        for name, style in self._styles.items():
            task = name in self.tasks
            size = 13 if task else 9
            common = {"animated": True, "color": style["color"]}
            (self._lines[name],) = self._ax.plot([], [], animated=True, **style)
            (self._heads[name],) = self._ax.plot([], [], linestyle="", markersize=size, **common)
            self._texts[name] = self._ax.text(
                0, 0, "", fontsize=9, ha="center", va="center", weight="bold" if task else "normal", **common
            )
            self._texts[name].set_bbox({"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.5})
            if task:
                (self._borders[name],) = self._ax.plot([], [], linestyle=(0, (1, 2)), linewidth=1.1, **common)
        self._note = self.figure.text(0.725, 0.06, "* drawn longer than it is", fontsize=8, animated=True)
        self._handles = self._ax.plot([], [], "o", markersize=19, color="#888888", alpha=0.25, animated=True)[0]

    def show(
        self,
        gradients: Mapping[str, Vector],
        results: Mapping[str, Vector],
        *,
        same_length: bool = False,
        rest: bool = False,
    ) -> None:
        """Draw the tasks' gradients and the methods' results.

        ``same_length`` gives all results one length; with ``rest`` the view stays as it is, while something is dragged.
        """
        radius = self.radius if rest else _view_radius(gradients, results, same_length)
        anew = radius != self.radius or tuple(results) != self._shown or self._background is None
        self.radius, self._shown = radius, tuple(results)
        self._place(gradients, results, same_length)
        if anew:
            self._ax.set(xlim=(-radius, radius), ylim=(-radius, radius))
            self._legend(results)
            self.figure.canvas.draw()
            return
        self.figure.canvas.restore_region(self._background)
        self._draw_arrows()
        self.figure.canvas.blit(self.figure.bbox)

    def tip(self, task: str) -> Vector:
        """Where the tip of a task's arrow is drawn, in pixels from the lower left of the figure."""
        return tuple(self._ax.transData.transform(self._tips[task]))

    def under(self, x: float, y: float) -> str | None:
        """The task whose tip is at that pixel."""
        far = {name: math.dist(self.tip(name), (x, y)) for name in self.tasks}
        nearest = min(far, key=far.get)
        return nearest if far[nearest] < _GRAB * self.figure.dpi / 72 else None

    def pulled(self, task: str, x: float, y: float) -> Vector:
        """The gradient of a task whose tip is pulled to that pixel; it stays in the view."""
        edge, shortest = 0.98 * self.radius, _SHORTEST * self.radius
        x, y = np.clip(self._ax.transData.inverted().transform((x, y)), -edge, edge).tolist()
        length, away = self._lengths[task], math.hypot(x, y)
        if length < shortest and 0 < away < 1.4 * shortest:  # drawn longer than it is: this near, it only turns
            return x / away * length, y / away * length
        return x, y

    # Arrows and labels ------------------------------------------------------------------------------------------

    def _place(self, gradients: Mapping[str, Vector], results: Mapping[str, Vector], same_length: bool) -> None:
        for name in self._lines:
            self._lines[name].set_data([], [])
            self._heads[name].set_data([], [])
            self._texts[name].set_text("")
        shortest, labels = _SHORTEST * self.radius, {}
        self._lengths = {name: math.hypot(*g) for name, g in gradients.items()}
        self._tips = {}
        for name, (x, y) in {**results, **gradients}.items():
            length = math.hypot(x, y)
            if length < 1e-6 * max(self._lengths.values()):  # no direction to draw
                self._heads[name].set_data([0], [0])
                self._heads[name].set_marker("o")
                self._tips[name], labels[name] = (0.0, 0.0), f"{name} = 0"
                continue
            drawn = _SAME * self.radius if same_length and name in results else max(length, shortest)
            tip = self._tips[name] = (x / length * drawn, y / length * drawn)
            self._lines[name].set_data([0, 0.97 * tip[0]], [0, 0.97 * tip[1]])
            self._heads[name].set_data([tip[0]], [tip[1]])
            self._heads[name].set_marker((3, 0, math.degrees(math.atan2(y, x)) - 90))
            labels[name] = f"{name}*" if drawn == shortest > length else name
        self._handles.set_data(*zip(*(self._tips[name] for name in self.tasks), strict=True))
        self._note.set_visible(any(label.endswith("*") for label in labels.values()))
        self._place_safe(gradients)
        self._place_labels(labels)

    def _place_safe(self, gradients: Mapping[str, Vector]) -> None:
        """The directions d with d·g₁ ≥ 0 and d·g₂ ≥ 0, and the border d·gᵢ = 0 of each task."""
        first, second = (math.degrees(math.atan2(y, x)) for x, y in gradients.values())
        turn = (second - first + 180) % 360 - 180
        self._safe.set(radius=2 * self.radius, theta1=first + max(turn, 0) - 90, theta2=first + min(turn, 0) + 90)
        self._safe.set_visible(abs(turn) < 179.99)  # between opposite gradients only a line is left
        for name, (x, y) in gradients.items():
            far = 2 * self.radius / math.hypot(x, y)
            self._borders[name].set_data([-far * y, far * y], [far * x, -far * x])

    def _place_labels(self, labels: Mapping[str, str]) -> None:
        """Write each label beside its tip, one for tips that coincide, where it covers no other if there is such a place."""
        scale = self._ax.bbox.width * 72 / self.figure.dpi / (2 * self.radius)  # points a unit
        tips = {name: np.array(tip) * scale for name, tip in self._tips.items()}
        groups: list[list[str]] = []
        for name in sorted(labels, key=lambda name: name not in self.tasks):
            near = (g for g in groups if g[0] not in self.tasks and np.abs(tips[g[0]] - tips[name]).max() < 7)
            group = next(near, None)
            groups.append([name]) if group is None or name in self.tasks else group.append(name)
        # What a label is not to cover: the tips, points on the lines, and the labels that are placed already.
        middles, halves, costs = [], [], []
        for tip in tips.values():
            parts = np.arange(0, 1, 8 / max(math.hypot(*tip), 8))
            middles += [tip, *np.outer(parts, tip)]
            halves += [(5, 5), *[(3, 3)] * len(parts)]
            costs += [1, *[0.2] * len(parts)]
        for group in groups:
            words = [labels[name] for name in group]
            blocks = [[", ".join(words[i : i + n]) for i in range(0, len(words), n)] for n in (2, 1)]
            taken = (np.array(middles), np.array(halves), np.array(costs))
            middle, half, rows = _free_place(tips[group[0]], blocks, taken, edge=self.radius * scale)
            middles, halves, costs = [*middles, middle], [*halves, half], [*costs, 2]
            colour = self._styles[group[0]]["color"] if len(group) == 1 else "#222222"
            self._texts[group[0]].set(text="\n".join(rows), position=middle / scale, color=colour)

    def _legend(self, results: Mapping[str, Vector]) -> None:
        for old in list(self.figure.legends):
            old.remove()
        handles = [Line2D([], [], **self._styles[name]) for name in (*self.tasks, *results)]
        names = [*(f"gradient of {name}" for name in self.tasks), *results]
        handles += [
            Line2D([], [], color="#777777", linestyle=(0, (1, 2)), linewidth=1.1),
            Wedge((0, 0), 1, 0, 90, color=_SHADE),
        ]
        names += ["border: behind it,\nthe task is harmed", "harms no task"]
        self.figure.legend(
            handles, names, loc="upper left", bbox_to_anchor=(0.715, 0.985), frameon=False, fontsize=8, handlelength=2.4
        )

    def _on_draw(self, event: Any) -> None:
        if not self.figure.canvas.is_saving():  # a saved picture has the arrows without our help
            self._background = self.figure.canvas.copy_from_bbox(self.figure.bbox)
            self._draw_arrows()

    def _draw_arrows(self) -> None:
        artists = [self._safe, *self._borders.values(), self._handles]
        for name in self._styles:
            artists += [self._lines[name], self._heads[name]]
        for artist in (*artists, *self._texts.values(), self._note):
            self._ax.draw_artist(artist)


def _free_place(tip: np.ndarray, blocks: list[list[str]], taken: tuple[np.ndarray, ...], edge: float) -> tuple:
    """Middle, half width and height, and rows of a label beside ``tip`` where it covers least; all in points."""
    middles, halves, costs = taken
    angles = math.atan2(tip[1], tip[0]) + np.radians(_TURNS)
    ways = np.column_stack([np.cos(angles), np.sin(angles)])
    places = []
    for rows in blocks[: len(blocks[1])]:  # of one word both blocks are the same
        half = np.array([max(map(len, rows)) * 2.8 + 2, 6.0 * len(rows)])
        candidates = tip + ways * (10 + np.abs(ways) @ half)[:, None]
        covered = (np.abs(candidates[:, None] - middles) < halves + half).all(axis=2) @ costs
        covered += 5 * (np.abs(candidates) + half > edge).any(axis=1)
        best = int(covered.argmin())
        places.append((covered[best], len(places), candidates[best], half, rows))
    return min(places, key=lambda place: place[:2])[2:]


def _view_radius(gradients: Mapping[str, Vector], results: Mapping[str, Vector], same_length: bool) -> float:
    """2.2 times the smallest of ..., 1, 2, 5, 10, ... that holds every arrow, so that the view rests while they move."""
    lengths = [math.hypot(*g) for g in gradients.values()]
    most = max(lengths)
    if not same_length:  # a result may be longer than both gradients together: near opposite ones, with weights below 0
        most = max([most, *(min(math.hypot(*d), sum(lengths)) for d in results.values())])
    steps = [2.2 * m * 10.0**k for k in range(-3, 4) for m in (1, 2, 5)]
    return min(step for step in steps if step >= 1.05 * most)
