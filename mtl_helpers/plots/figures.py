"""Histories of training and pictures of models, and the palette they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn

from mtl_helpers.evaluation.pareto import pareto_front
from mtl_helpers.models import MultiTaskModel

# Okabe and Ito's palette: told apart by colour-blind readers; the line style tells them apart without colour.
_BLUE, _ORANGE, _GREEN, _PINK, _SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
_DASHES: list[Any] = ["-", (0, (5, 1.5)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (7, 1, 1, 1, 1, 1))]
_STYLES = [
    {"color": colour, "linestyle": dash}
    for colour, dash in zip([_BLUE, _ORANGE, _GREEN, _PINK, _SKY], _DASHES, strict=True)
]
_KNOWN = {"topic": 0, "sentiment": 1, "stars": 2}


def task_styles(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour and line style by task; the course's own tasks look the same in every figure.

    >>> task_styles(["sentiment"])["sentiment"]["color"]
    '#D55E00'
    """
    names = list(names)
    free = [i for i in range(len(_STYLES)) if i not in {_KNOWN[n] for n in names if n in _KNOWN}]
    styles = {}
    for name in names:
        number = _KNOWN[name] if name in _KNOWN else (free.pop(0) if free else 0)
        styles[name] = dict(_STYLES[number])
    return styles


def smooth(values: pd.Series, window: int = 20) -> pd.Series:
    """Running mean over the last ``window`` values; the first ones over those there are."""
    return values.rolling(window, min_periods=1).mean()


def plot_history(history: pd.DataFrame, *, title: str = "", window: int = 20) -> Figure:
    """Draw a history (see `training.as_history`): loss by task, below it the score on validation, below it the λ."""
    if history.empty:
        raise ValueError("There is nothing to draw: the history holds no step. Train first.")
    names = list(history.task.unique())
    styles = task_styles(names)
    validated = history.val_score.notna().any()
    heights = [3, 2, 1] if validated else [3, 1]
    figure, axes = plt.subplots(
        len(heights),
        1,
        figsize=(7.5, 1.1 * sum(heights) + 0.8),
        sharex=True,
        height_ratios=heights,
        layout="constrained",
    )
    for name in names:
        rows = history[history.task == name]
        axes[0].plot(rows.step, smooth(rows.loss, window), label=name, **styles[name])
        axes[-1].plot(rows.step, rows.weight, drawstyle="steps-post", **styles[name])
        if validated:
            seen = rows[rows.val_score.notna()]
            axes[1].plot(seen.step, seen.val_score, marker="o", markersize=3, **styles[name])
    axes[0].set(ylabel=f"training loss\n(mean of {window} steps)", title=title, ylim=(0, None))
    axes[0].legend(frameon=False)
    axes[-1].set(ylabel="λ", xlabel="step", ylim=(0, history.weight.max() * 1.2 or 1))
    if validated:
        axes[1].set_ylabel("validation\nscore")
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    plt.close(figure)  # the notebook shows the returned figure; without this it would show it twice
    return figure


def plot_weights(histories: dict[str, pd.DataFrame], task: str, *, window: int = 15) -> Figure:
    """λ of one task over the steps under different rules (`training.RULES`): pale as it was, drawn out its running mean."""
    figure, axes = plt.subplots(
        1, len(histories), figsize=(1.45 * len(histories) + 0.6, 2.2), sharey=True, layout="constrained", squeeze=False
    )
    style = task_styles([task])[task]
    for ax, (name, history) in zip(axes[0], histories.items(), strict=True):
        rows = history[history.task == task]
        if rows.empty:
            raise ValueError(f"The history of '{name}' has no task '{task}'; it has {sorted(history.task.unique())}.")
        ax.plot(rows.step, rows.weight, color=style["color"], alpha=0.3, linewidth=0.8)
        ax.plot(rows.step, smooth(rows.weight, window), **style)
        ax.set_title(name, fontsize=9)
        ax.tick_params(labelsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel(f"λ of {task}")
    figure.supxlabel("step", fontsize=9)
    plt.close(figure)
    return figure


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


def draw_architecture(model: MultiTaskModel, *, title: str = "", figure: Figure | None = None) -> Figure:
    """Draw a multi-task model as it is: the parts of its encoder, its heads, and each one's share of the parameters.

    Into ``figure`` if one is given: a thread must give its own, since pyplot is not made for threads.
    """
    if figure is None:
        figure = plt.figure(figsize=(8.2, 3.5), layout="constrained")
        plt.close(figure)
    parts = encoder_parts(model.encoder)
    names = list(model.heads)
    sizes = {name: sum(p.numel() for p in head.parameters() if p.requires_grad) for name, head in model.heads.items()}
    styles = task_styles(names)
    ax, bar = figure.subplots(2, 1, height_ratios=[5, 1])
    ax.set(xlim=(0, 100), ylim=(0, 50), title=title)
    ax.axis("off")
    _box(ax, 0, 18, 13, 14, "word numbers\n(batch, time)", face="white", edge="#999999")
    encoder_left, encoder_right = 17, 66
    _box(ax, encoder_left, 6, encoder_right - encoder_left, 38, "", face="#fafafa", edge="#444444")
    total = sum(size for _, size in parts.values())
    ax.text(18.5, 40, f"{type(model.encoder).__name__}, shared: {total:,}", fontsize=9, weight="bold", va="center")
    step = (encoder_right - encoder_left - 2) / max(len(parts), 1)
    for i, (name, (what, size)) in enumerate(parts.items()):
        text = f"{name}\n{what}\n{size:,}"
        _box(ax, encoder_left + 2 + i * step, 12, step - 2, 24, text, face=_GREY_PARTS[i % 4], edge="#666666")
    ax.annotate("", (encoder_left, 25), (13, 25), arrowprops={"arrowstyle": "->", "color": "#555555"})
    height = 48 / len(names)
    for i, name in enumerate(names):
        y = 49 - (i + 1) * height
        text = f"{name} head · {sizes[name]:,}\n{_describe(model.heads[name])}".replace("Linear\n", "Linear ")
        _box(ax, 78, y + 1, 21.5, height - 2, text, face="white", edge=styles[name]["color"], **_dash(styles[name]))
        arrow = {"arrowstyle": "->", "color": styles[name]["color"], **_dash(styles[name])}
        ax.annotate("", (78, y + height / 2), (encoder_right, 25), arrowprops=arrow)
    ax.text(67, 4, f"features\n(batch, {model.encoder.features})", fontsize=8, va="center")
    _draw_shares(bar, parts, sizes, styles)
    return figure


def _dash(style: dict[str, Any]) -> dict[str, Any]:
    return {"linestyle": style["linestyle"]}


def _box(
    ax: Axes, x: float, y: float, width: float, height: float, text: str, *, face: str, edge: str, **style: Any
) -> None:
    ax.add_patch(Rectangle((x, y), width, height, facecolor=face, edgecolor=edge, linewidth=1.5, **style))
    ax.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=8)


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
            bar.text(left + share / 2, 0, f"{name} {share:.0%}", ha="center", va="center", fontsize=8)
        left += share
    bar.set(xlim=(0, 1), yticks=[], xticks=[0, 0.25, 0.5, 0.75, 1], xticklabels=["0", "25 %", "50 %", "75 %", "100 %"])
    bar.tick_params(labelsize=8)
    bar.set_title(f"share of the {total:,} parameters", fontsize=9, loc="left")
    bar.spines[["top", "right", "left"]].set_visible(False)


_MARKERS = "os^Dv"


def plot_front(
    runs: pd.DataFrame | Mapping[str, pd.DataFrame],
    tasks: tuple[str, str],
    *,
    own: Mapping[str, float] | None = None,
    single: Mapping[str, float] | None = None,
    title: str = "",
) -> Figure:
    """Draw runs by their scores in two tasks: the Pareto front joined, what it dominates pale.

    ``runs`` has a row a run and a column for each of the two ``tasks``, higher is better in both; or several such frames by
    name, each with its front, colour and marker. The stairs bound the area that a front dominates
    (`evaluation.hypervolume`). ``own`` is one more run, marked by a star; ``single`` are the scores of single-task models,
    drawn as lines: to their upper right, sharing has cost neither task anything.
    """
    frames = runs if isinstance(runs, Mapping) else {"": runs}
    if not 1 <= len(frames) <= len(_STYLES):
        raise ValueError(f"A figure can tell 1 to {len(_STYLES)} sets of runs apart; found {len(frames)}.")
    x, y = tasks
    for scores in (*frames.values(), own, single):
        if scores is not None and (absent := [task for task in tasks if task not in scores]):
            raise ValueError(f"There is no score for '{absent[0]}'; found {list(scores)}.")
    figure, ax = plt.subplots(figsize=(5.4, 4.6), layout="constrained")
    for (name, frame), style, marker in zip(frames.items(), _STYLES, _MARKERS, strict=False):
        best = pareto_front(frame[[x, y]])
        front, colour = frame[best].sort_values([x, y], ascending=[True, False]), style["color"]
        ax.scatter(frame[x][~best], frame[y][~best], 30, color=colour, marker=marker, alpha=0.25, linewidth=0)
        ax.plot(front[x], front[y], **style, drawstyle="steps-pre", linewidth=1.2, alpha=0.7)
        ax.scatter(front[x], front[y], 42, color=colour, marker=marker, label=f"{name} front".strip(), zorder=3)
    if single is not None:
        ax.axvline(single[x], color="#666666", linewidth=1, linestyle=":", label="single task")
        ax.axhline(single[y], color="#666666", linewidth=1, linestyle=":")
    if own is not None:
        ax.scatter(own[x], own[y], 170, color="black", marker="*", edgecolor="white", label="your run", zorder=4)
    ax.set(xlabel=f"{x}: score", ylabel=f"{y}: score", title=title)
    ax.legend(frameon=False, fontsize=9, loc="lower left")  # a front bends away from that corner
    ax.spines[["top", "right"]].set_visible(False)
    plt.close(figure)
    return figure


def draw_confusion(tables: Mapping[str, pd.DataFrame], *, title: str = "") -> Figure:
    """Draw a confusion matrix for each task (`evaluation.confusion`): counts, coloured by the share of the true class."""
    if not tables:
        raise ValueError("There is no confusion matrix to draw.")
    sizes = [max(len(table), 4) for table in tables.values()]
    figure, axes = plt.subplots(
        1,
        len(tables),
        figsize=(min(1.6 + 0.48 * sum(sizes) + 0.9 * len(sizes), 13), 1.5 + 0.4 * max(sizes)),
        width_ratios=sizes,
        squeeze=False,
        layout="constrained",
    )
    for ax, (name, table) in zip(axes[0], tables.items(), strict=True):
        share = table.to_numpy() / np.maximum(table.to_numpy().sum(axis=1, keepdims=True), 1)
        ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(table.to_numpy()):
            ink = "white" if share[row, column] > 0.6 else "black"
            ax.text(column, row, count, ha="center", va="center", color=ink, fontsize=8)
        ax.set(xlabel="predicted", ylabel="true", title=name)
        ax.set_xticks(range(table.shape[1]), table.columns, rotation=45, ha="right", rotation_mode="anchor", fontsize=8)
        ax.set_yticks(range(len(table)), table.index, fontsize=8)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
    figure.suptitle(title, fontsize=11)
    plt.close(figure)
    return figure
