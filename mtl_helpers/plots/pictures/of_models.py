"""What flows through a model: the shape at each stage, and who is changed by whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from mtl_helpers.models import MultiTaskModel
from mtl_helpers.plots.figure import Figure
from mtl_helpers.plots.styles import dash, task_styles


def shapes_of(model: MultiTaskModel, inputs: Tensor) -> dict[str, tuple[int, ...]]:
    """The shape of what each part of a model puts out, in the order in which it happens, from one forward pass.

    >>> from mtl_helpers.models import LSTMEncoder
    >>> from mtl_helpers.tasks import SENTIMENT
    >>> shapes_of(MultiTaskModel(LSTMEncoder(100, hidden=8), [SENTIMENT]), torch.tensor([[5, 7, 0], [8, 9, 3]]))
    {'word numbers': (2, 3), 'embedding': (2, 3, 32), 'lstm': (2, 3, 16), 'features': (2, 16), 'sentiment head': (2, 2)}
    """
    shapes: dict[str, tuple[int, ...]] = {"word numbers": tuple(inputs.shape)}
    parts = {**dict(model.encoder.named_children()), "features": model.encoder}
    parts |= {f"{name} head": head for name, head in model.heads.items()}
    hooks = [part.register_forward_hook(_write_down(shapes, name)) for name, part in parts.items()]
    try:
        with torch.no_grad():
            model(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return shapes


def _write_down(shapes: dict[str, tuple[int, ...]], name: str) -> Any:
    def hook(module: nn.Module, given: Any, output: Any) -> None:
        found = output[0] if isinstance(output, tuple) and not isinstance(output, PackedSequence) else output
        if isinstance(found, PackedSequence):
            found = pad_packed_sequence(found, batch_first=True)[0]
        shapes[name] = tuple(found.shape)

    return hook


def draw_shapes(model: MultiTaskModel, inputs: Tensor, *, title: str = "") -> Figure:
    """One batch on its way through a model: a block a stage, with the shape that was measured there.

    A block's height is the batch, its width the last number of the shape, its depth the time. Heads branch off at the end, in
    their task's colour.
    """
    shapes = shapes_of(model, inputs)
    heads = [name for name in shapes if name.endswith(" head")]
    stages = [name for name in shapes if name not in heads]
    figure = Figure(figsize=(8.8, 3.1), layout="constrained")
    ax = figure.subplots()
    ax.set(xlim=(0, 100), ylim=(0, 46), title=title)
    ax.axis("off")
    step = 76 / len(stages)
    for place, name in enumerate(stages):
        x = 3 + place * step
        width = 2.5 + min(shapes[name][-1], 96) / 96 * 6 if len(shapes[name]) > 1 and place else 7.0
        _block(ax, x, 14, width, 17, deep=len(shapes[name]) == 3)
        ax.text(x + width / 2, 37, name, ha="center", va="bottom", fontsize=10.5, weight="bold")
        ax.text(x + width / 2, 9.5, str(shapes[name]), ha="center", va="top", fontsize=10.5)
        if place + 1 < len(stages):
            _arrow(ax, (x + width + 3.2, 22.5), (x + step - 0.8, 22.5))
    styles = task_styles([name.removesuffix(" head") for name in heads])
    for place, name in enumerate(heads):
        style = styles[name.removesuffix(" head")]
        y = 36 - place * 33 / max(len(heads), 2) - 8
        _block(
            ax,
            86,
            y,
            2 + shapes[name][-1] * 0.35 if len(shapes[name]) > 1 else 2,
            10,
            edge=style["color"],
            **dash(style),
        )
        ax.text(86, y + 10.8, f"{name}  {shapes[name]}", ha="left", va="bottom", fontsize=10.5, color=style["color"])
        _arrow(ax, (3 + (len(stages) - 1) * step + 10, 22.5), (85.4, y + 5), style["color"], **dash(style))
    ax.text(3, 1.5, "batch downwards, numbers to the right, time into the page", fontsize=9.5, color="#555555")
    return figure


def _block(
    ax: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    deep: bool = False,
    edge: str = "#444444",
    **style: Any,
) -> None:
    for back in range(3 if deep else 0, -1, -1):
        face = "#dfe9f2" if edge == "#444444" else "white"
        corner = (x + 0.9 * back, y + 1.3 * back)
        ax.add_patch(Rectangle(corner, width, height, facecolor=face, edgecolor=edge, linewidth=1.3, **style))


def _arrow(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = "#555555", **style: Any
) -> None:
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.5, **style})


def plot_influence(changes: Mapping[str, Tensor], *, what: str = "review", title: str = "") -> Figure:
    """Whose answer changes if a word of whose text does: a square a model, row the changed one, column the one that answers.

    Each table ``(n, n)`` holds how much the answer changed; darkness is that share of the table's largest change, and every
    change, however small, has a dot, so that none is overlooked.
    """
    if not changes:
        raise ValueError("There is nothing to draw: give at least one table of changes.")
    figure = Figure(figsize=(4.1 * len(changes) + 0.3, 4.3), layout="constrained")
    axes = figure.subplots(1, len(changes), squeeze=False, sharey=True)[0]
    for ax, (name, table) in zip(axes, changes.items(), strict=True):
        table = table.double()
        share = (table / table.max().clamp(min=1e-12)).sqrt()  # small changes are changes, too
        ax.imshow(share.numpy(), cmap="Blues", vmin=0, vmax=1.15, interpolation="nearest")
        rows, columns = (table > 0).nonzero(as_tuple=True)
        ax.plot(columns.numpy(), rows.numpy(), ".", color="#111111", markersize=3)
        ax.set_title(f"{name}\n{len(rows)} of {table.numel()} pairs", fontsize=11)
        ticks = range(0, len(table), 5)
        ax.set(xticks=ticks, yticks=ticks, xlabel=f"{what} that answers")
        ax.spines[:].set_color("#bbbbbb")
    axes[0].set_ylabel(f"{what} in which a word is changed")
    if title:
        figure.suptitle(title, fontsize=12)
    return figure
