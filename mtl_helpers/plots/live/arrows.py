"""Gradients as arrows in the plane: two tasks' own, what each method makes of them, and where no task is harmed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from matplotlib.lines import Line2D
from matplotlib.patches import Wedge

from mtl_helpers.plots.figure import Figure
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
HANDLE = 0.14  # of the view's radius: a shorter arrow is held by a ring so far out, at the end of a thin line
_TASK_WIDTH, _SHADE = 5, "#E4F1E4"
_REST = (0.3, 1.0)  # the longest arrow, as parts of the view's radius, for which the view stays
_SAME = 0.72  # of the view's radius: results with one length


def arrow_styles(tasks: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Colour, line style and width of each arrow: the tasks' gradients and the methods' results."""
    styles = {name: {**style, "linewidth": _TASK_WIDTH} for name, style in task_styles(tasks).items()}
    for place, (name, style) in enumerate(METHOD_STYLES.items()):  # ever thinner, so that none hides those drawn before
        styles[name] = {**style, "linewidth": 3.4 - 0.3 * place}
    return styles


def view_radius(lengths: Mapping[str, float], now: float = 0.0) -> float:
    """How far the plane is seen, for arrows of these lengths; as far as ``now`` if they can be seen well in that view.

    >>> view_radius({"topic": 1.0}), view_radius({"topic": 1.1}, now=1.25), view_radius({"topic": 2.0}, now=1.25)
    (1.25, 1.25, 2.5)
    """
    longest = max(lengths.values())
    return now if _REST[0] * now <= longest <= _REST[1] * now else 1.25 * longest


def arrow_tips(results: Mapping[str, Vector], gradients: Mapping[str, Vector], same_length: float = 0.0) -> dict:
    """Where the results' arrows end: as long as they are, or all as long as ``same_length``; what is no step stays 0."""
    least = 1e-6 * max(math.hypot(*g) for g in gradients.values())
    tips = {}
    for name, (x, y) in results.items():
        length = math.hypot(x, y)
        grown = 0.0 if length < least else same_length / length if same_length else 1.0
        tips[name] = (x * grown, y * grown)
    return tips


def same_length(radius: float) -> float:
    """The length of results that are drawn with one, in a view of this radius."""
    return _SAME * radius


def safe_wedge(gradients: Mapping[str, Vector]) -> tuple[float, float] | None:
    """The directions d with d·g₁ ≥ 0 and d·g₂ ≥ 0, from one angle to another in degrees; None between opposite gradients.

    >>> safe_wedge({"topic": (1.0, 0.0), "sentiment": (0.0, 1.0)})
    (0.0, 90.0)
    """
    first, second = (math.degrees(math.atan2(y, x)) for x, y in gradients.values())
    turn = (second - first + 180) % 360 - 180
    if abs(turn) > 179.99:  # only a line is left
        return None
    return first + max(turn, 0) - 90, first + min(turn, 0) + 90


def plot_arrows(gradients: Mapping[str, Vector], tips: Mapping[str, Vector], radius: float) -> Figure:
    """Draw the tasks' gradients, the methods' results, and the wedge in which no task is harmed."""
    figure = Figure(figsize=(6.7, 4.7), dpi=92)
    ax = figure.add_axes((0.07, 0.06, 0.91 * 4.7 / 6.7, 0.91))
    ax.set(xlim=(-radius, radius), ylim=(-radius, radius))
    ax.tick_params(labelsize=8, color="#bbbbbb", labelcolor="#777777")
    ax.spines[:].set_color("#cccccc")
    for line in (ax.axhline, ax.axvline):
        line(0, color="#e4e4e4", linewidth=0.8)
    if (angles := safe_wedge(gradients)) is not None:
        ax.add_patch(Wedge((0, 0), 2 * radius, *angles, color=_SHADE))
    styles = arrow_styles(tuple(gradients))
    for name, (x, y) in gradients.items():
        far = 2 * radius / math.hypot(x, y)
        ax.plot(
            [-far * y, far * y], [far * x, -far * x], color=styles[name]["color"], linestyle=(0, (1, 2)), linewidth=1.1
        )
    for name, (x, y) in {**gradients, **tips}.items():
        style = styles[name]
        ax.plot([0, 0.97 * x], [0, 0.97 * y], **style)
        head = (3, 0, math.degrees(math.atan2(y, x)) - 90) if (x, y) != (0, 0) else "o"
        ax.plot(x, y, marker=head, markersize=13 if name in gradients else 9, color=style["color"], linestyle="")
    handles = [Line2D([], [], **styles[name]) for name in (*gradients, *tips)]
    names = [*(f"gradient of {name}" for name in gradients)]
    names += [name if tip != (0, 0) else f"{name} = 0" for name, tip in tips.items()]
    handles += [
        Line2D([], [], color="#777777", linestyle=(0, (1, 2)), linewidth=1.1),
        Wedge((0, 0), 1, 0, 90, color=_SHADE),
    ]
    names += ["border: behind it,\nthe task is harmed", "harms no task"]
    looks = {"frameon": False, "fontsize": 8, "handlelength": 2.4}
    figure.legend(handles, names, loc="upper left", bbox_to_anchor=(0.715, 0.985), **looks)
    return figure
