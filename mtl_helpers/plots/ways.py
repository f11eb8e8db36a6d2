"""Pictures of the ways of relating two tasks: what is shared, what gates and stitches learnt, and how fast each way learns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from mtl_helpers.plots.figure import Figure
from mtl_helpers.plots.styles import ink_on, numbered_marker, numbered_style, task_styles

_SHARED = "#d9d9d9"


class _Sketch:
    """A drawing of two tasks, 100 wide and 100 high: words at the bottom, heads at the top."""

    head_x = (25, 75)

    def __init__(self, ax: Axes, names: Sequence[str]) -> None:
        self.ax, self.names = ax, list(names)
        self.colours = [task_styles(names)[name]["color"] for name in names]
        ax.set(xlim=(0, 100), ylim=(0, 100))
        ax.axis("off")
        self.box(50, 6, 30, 11, "words", face="white")
        for x, name, colour in zip(self.head_x, self.names, self.colours, strict=True):
            self.box(x, 91, 40, 13, f"{name} head", colour)

    def box(
        self, x: float, y: float, width: float, height: float, text: str, edge: str = "#444444", face: str = "white"
    ) -> None:
        style = {"facecolor": face, "edgecolor": edge, "linewidth": 1.4}
        corner = (x - width / 2, y - height / 2)
        self.ax.add_patch(FancyBboxPatch(corner, width, height, boxstyle="round,pad=0,rounding_size=2", **style))
        self.ax.text(x, y, text, ha="center", va="center", fontsize=8)

    def arrow(
        self, start: tuple[float, float], end: tuple[float, float], colour: str = "#555555", **style: Any
    ) -> None:
        props = {"arrowstyle": "->", "color": colour, "shrinkA": 0, "shrinkB": 0, **style}
        self.ax.annotate("", end, start, arrowprops=props)

    def shared_encoder(self) -> None:
        self.box(50, 36, 50, 16, "encoder", face=_SHARED)
        self.arrow((50, 12), (50, 28))

    def own_encoders(self) -> None:
        for x, colour in zip(self.head_x, self.colours, strict=True):
            self.box(x, 36, 36, 16, "encoder", colour)
            self.arrow((50, 12), (x, 28))


def _hard(sketch: _Sketch) -> None:
    sketch.shared_encoder()
    for x, colour in zip(sketch.head_x, sketch.colours, strict=True):
        sketch.arrow((50, 44), (x, 84), colour)


def _conditioned(sketch: _Sketch) -> None:
    _hard(sketch)
    sketch.arrow((45, 91), (55, 91), sketch.colours[0], linewidth=2.2)
    sketch.ax.text(50, 76, f"p({sketch.names[0]})", ha="center", fontsize=8, color=sketch.colours[0])


def _soft(sketch: _Sketch) -> None:
    sketch.own_encoders()
    sketch.arrow((43, 36), (57, 36), arrowstyle="<->", linestyle="--", linewidth=1.8)
    sketch.ax.text(50, 47, "kept close", ha="center", fontsize=8)
    for x, colour in zip(sketch.head_x, sketch.colours, strict=True):
        sketch.arrow((x, 44), (x, 84), colour)


def _cross_stitch(sketch: _Sketch) -> None:
    sketch.own_encoders()
    for x, other, colour in zip(sketch.head_x, reversed(sketch.head_x), sketch.colours, strict=True):
        sketch.arrow((x, 44), (x, 61), colour)
        sketch.arrow((other, 44), (x + (4 if other > x else -4), 61), linestyle="--")
        sketch.box(x, 66, 16, 10, "mix α", colour)
        sketch.arrow((x, 71), (x, 84), colour)


def _experts(sketch: _Sketch) -> None:
    sketch.box(50, 29, 50, 12, "encoder", face=_SHARED)
    sketch.arrow((50, 12), (50, 23))
    for x in (18, 50, 82):
        sketch.box(x, 52, 26, 11, "expert", face=_SHARED)
        sketch.arrow((50, 35), (x, 46))
        for head, colour in zip(sketch.head_x, sketch.colours, strict=True):
            sketch.arrow((x, 58), (head, 84), colour, linewidth=0.9)


def _adapters(sketch: _Sketch) -> None:
    sketch.shared_encoder()
    for x, colour in zip(sketch.head_x, sketch.colours, strict=True):
        sketch.arrow((50, 44), (x, 60), colour)
        sketch.box(x, 66, 30, 11, "+ adapter", colour)
        sketch.arrow((x, 72), (x, 84), colour)


WAYS: dict[str, Callable[[_Sketch], None]] = {
    "hard sharing": _hard,
    "conditioned head": _conditioned,
    "soft sharing": _soft,
    "cross-stitch": _cross_stitch,
    "mixture of experts": _experts,
    "adapters": _adapters,
}


def draw_ways(ways: Sequence[str] = tuple(WAYS), tasks: Sequence[str] = ("topic", "sentiment")) -> Figure:
    """Sketch ways of relating two tasks, three to a row: grey is shared, a task's colour is its own."""
    if unknown := [way for way in ways if way not in WAYS]:
        raise ValueError(f"There is no sketch of {unknown[0]!r}; there are {', '.join(map(repr, WAYS))}.")
    rows = -(-len(ways) // 3)
    columns = min(3, len(ways))
    figure = Figure(figsize=(2.75 * columns, 2.35 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax, way in zip(axes.flat, ways, strict=False):
        ax.set_title(way, fontsize=10, weight="bold")
        WAYS[way](_Sketch(ax, tasks))
    for ax in axes.flat[len(ways) :]:
        ax.axis("off")
    return figure


def plot_gates(tables: Mapping[str, pd.DataFrame], *, title: str = "", label: str = "share") -> Figure:
    """Heat maps of shares between 0 and 1, one a table, by its name: each cell coloured and its number written in it.

    For the gates of an MMoE (a row a topic, a column an expert) or the table α of a cross-stitch (a row the task that takes,
    a column the task it takes from). Values outside 0 to 1, which α may learn, keep the colour of the end.
    """
    if not tables or any(table.empty for table in tables.values()):
        raise ValueError(f"There is nothing to draw: {list(tables) or 'no table'} holds no share.")
    cells = sum(table.shape[1] for table in tables.values())
    rows = max(len(table) for table in tables.values())
    figure = Figure(figsize=(1.5 + 0.85 * cells + 0.9 * len(tables), 0.42 * rows + 1.35), layout="constrained")
    widths = [table.shape[1] for table in tables.values()]
    axes = figure.subplots(1, len(tables), squeeze=False, width_ratios=widths)[0]
    for ax, (name, table) in zip(axes, tables.items(), strict=True):
        ax.imshow(table.to_numpy(dtype=float), cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for y, values in enumerate(table.to_numpy(dtype=float)):
            for x, value in enumerate(values):
                ink = ink_on(colormaps["Blues"](value))
                ax.text(x, y, f"{value:.2f}", ha="center", va="center", fontsize=10, color=ink)
        ax.set(
            xticks=range(table.shape[1]), xticklabels=table.columns, yticks=range(len(table)), yticklabels=table.index
        )
        ax.tick_params(length=0, labelsize=10)
        ax.spines[:].set_visible(False)
        ax.set_title(name, fontsize=11)
    figure.supxlabel(label, fontsize=10)
    if title:
        figure.suptitle(title, fontsize=12)
    return figure


def plot_learning(
    tables: Mapping[str, pd.DataFrame],
    *,
    title: str = "",
    label: str = "accuracy on sentiment",
    floor: float | None = None,
) -> Figure:
    """Scores over the steps of training: a panel a table, by its name, a line a column.

    The tables have the steps as index. ``floor`` is what an uninformed answer gets: a grey line.
    """
    if not tables or any(table.empty for table in tables.values()):
        raise ValueError(f"There is nothing to draw: {list(tables) or 'no table'} holds no step.")
    figure = Figure(figsize=(1.0 + 3.5 * len(tables), 3.5), layout="constrained")
    axes = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
    names = list(dict.fromkeys(name for table in tables.values() for name in table))
    for ax, (panel, table) in zip(axes, tables.items(), strict=True):
        if floor is not None:
            ax.axhline(floor, color="#808080", linewidth=1)
        for name in table:
            number = names.index(name)
            ax.plot(
                table.index,
                table[name],
                marker=numbered_marker(number),
                markersize=5,
                **numbered_style(number),
                label=name,
            )
        ax.set(xlabel="step", xticks=table.index, title=panel)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel(label)
    handles = {line.get_label(): line for ax in axes for line in ax.lines if line.get_label() in names}
    figure.legend(handles.values(), handles, loc="outside right center", frameon=False, fontsize=10)
    if title:
        figure.suptitle(title, fontsize=12)
    return figure
