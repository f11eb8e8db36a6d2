"""A picture of a model as it is: the parts of its encoder, its heads, and each one's share of the parameters."""

from __future__ import annotations

from typing import Any

import matplotlib.figure
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import nn

from mtl_helpers.models import MultiTaskModel
from mtl_helpers.plots.figure import Figure
from mtl_helpers.plots.styles import OFF_COLOUR, dash, task_styles

_GREY_PARTS = ["#d9d9d9", "#b8b8b8", "#ececec", "#a3a3a3"]


def encoder_parts(encoder: nn.Module) -> dict[str, tuple[str, int]]:
    r"""What an encoder is made of: by the part's name, what it is and how many numbers it learns.

    >>> from mtl_helpers.models import CNNEncoder
    >>> encoder_parts(CNNEncoder(100, embedding_dim=8, filters=4))
    {'embedding': ('Embedding\n100 × 8', 800), 'convolutions': ('3 × Conv1d\nwidths 2, 3, 5', 332)}
    """
    parts = {}
    for name, module in encoder.named_children():
        size = sum(p.numel() for p in module.parameters() if p.requires_grad)
        parts[name] = (_describe(module), size)
    for name, own in encoder.named_parameters(recurse=False):
        parts[name] = ("Parameter\n" + " × ".join(map(str, own.shape)), own.numel() if own.requires_grad else 0)
    return parts


def _describe(module: nn.Module) -> str:
    """The class of a module and its sizes, as the module itself tells them."""
    kind = type(module).__name__
    if isinstance(module, nn.ModuleList) and len(module):
        text = f"{len(module)} × {type(module[0]).__name__}"
        widths = [layer.kernel_size[0] for layer in module if isinstance(layer, nn.Conv1d)]
        return text + (f"\nwidths {', '.join(map(str, widths))}" if widths else "")
    if isinstance(module, nn.Embedding):
        return f"{kind}\n{module.num_embeddings:,} × {module.embedding_dim}"
    if isinstance(module, nn.RNNBase):
        ways = ", both ways" if module.bidirectional else ""
        return f"{kind}{ways}\n{module.input_size} to {module.hidden_size * (1 + module.bidirectional)}"
    if isinstance(module, nn.Linear):
        return f"{kind}\n{module.in_features} to {module.out_features}"
    if isinstance(module, nn.TransformerEncoder):
        return f"{len(module.layers)} layer{'s' * (len(module.layers) > 1)} of\nself-attention"
    return kind


def draw_architecture(
    model: MultiTaskModel, *, title: str = "", figure: matplotlib.figure.Figure | None = None
) -> matplotlib.figure.Figure:
    """Draw a multi-task model: encoder, heads and their sizes; into ``figure`` if one is given."""
    figure = figure or Figure(figsize=(8.2, 3.5), layout="constrained")
    parts = encoder_parts(model.encoder)
    names = list(model.heads)
    sizes = {name: sum(p.numel() for p in head.parameters() if p.requires_grad) for name, head in model.heads.items()}
    styles = task_styles(names)
    ax, bar = figure.subplots(2, 1, height_ratios=[5, 1])
    ax.set(xlim=(0, 100), ylim=(0, 50), title=title)
    ax.axis("off")
    _box(ax, 0, 18, 13, 14, "word numbers\n(batch, time)", face="white", edge="#999999")
    encoder_left, encoder_right = 17, 66
    _box(ax, encoder_left, 6, encoder_right - encoder_left, 38, "", face="white", edge="#666666")
    total = sum(size for _, size in parts.values())
    ax.text(18.5, 40, f"{type(model.encoder).__name__}, shared: {total:,}", fontsize=9, weight="bold", va="center")
    step = (encoder_right - encoder_left - 2) / max(len(parts), 1)
    for i, (name, (what, size)) in enumerate(parts.items()):
        text = f"{name}\n{what}\n{size:,}"
        _box(ax, encoder_left + 2 + i * step, 12, step - 2, 24, text, face=_GREY_PARTS[i % 4], edge="#666666")
    ax.annotate("", (encoder_left, 25), (13, 25), arrowprops={"arrowstyle": "->", "color": "#777777"})
    height = 48 / len(names)
    for i, name in enumerate(names):
        y = 49 - (i + 1) * height
        text = f"{name} head · {sizes[name]:,}\n{_describe(model.heads[name])}".replace("Linear\n", "Linear ")
        _box(ax, 78, y + 1, 21.5, height - 2, text, face="white", edge=styles[name]["color"], **dash(styles[name]))
        arrow = {"arrowstyle": "->", "color": styles[name]["color"], **dash(styles[name])}
        ax.annotate("", (78, y + height / 2), (encoder_right, 25), arrowprops=arrow)
    ax.text(67, 4, f"features\n(batch, {model.encoder.features})", fontsize=8, va="center")
    _draw_shares(bar, parts, sizes, styles)
    return figure


def _box(
    ax: Axes, x: float, y: float, width: float, height: float, text: str, *, face: str, edge: str, **style: Any
) -> None:
    ax.add_patch(Rectangle((x, y), width, height, facecolor=face, edgecolor=edge, linewidth=1.5, **style))
    ink = "black" if face == "white" else OFF_COLOUR
    ax.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=8, color=ink)


def _draw_shares(bar: Axes, parts: dict[str, tuple[str, int]], sizes: dict[str, int], styles: dict[str, Any]) -> None:
    """One bar of the whole width: the part of the parameters that each piece holds."""
    total = sum(size for _, size in parts.values()) + sum(sizes.values())
    pieces = [(name, size, _GREY_PARTS[i % 4]) for i, (name, (_, size)) in enumerate(parts.items())]
    pieces += [(f"{name} head", size, styles[name]["color"]) for name, size in sizes.items()]
    left = 0.0
    for name, size, colour in pieces:
        share = size / total if total else 0
        bar.barh(0, share, left=left, color=colour, edgecolor="white", height=0.8)
        if share > 0.13:
            bar.text(left + share / 2, 0, f"{name} {share:.0%}", ha="center", va="center", fontsize=8, color=OFF_COLOUR)
        left += share
    bar.set(xlim=(0, 1), yticks=[], xticks=[0, 0.25, 0.5, 0.75, 1], xticklabels=["0", "25 %", "50 %", "75 %", "100 %"])
    bar.tick_params(labelsize=8)
    bar.set_title(f"share of the {total:,} parameters", fontsize=9, loc="left")
    bar.spines[["top", "right", "left"]].set_visible(False)
