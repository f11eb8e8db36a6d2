"""Raw data, batches and splits as pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.lines import Line2D
from torch import Tensor

from mtl_helpers.plots.figure import Figure
from mtl_helpers.plots.styles import COLOURS, OFF_COLOUR

_FILLS = (("#e4e4e4", ""), ("#56B4E9", "//"), ("#D55E00", "xx"), ("#E69F00", ".."), ("#CC79A7", "\\\\"))
_SIDES = {"train": ("o", COLOURS[0]), "val": ("^", COLOURS[2]), "test": ("s", COLOURS[1])}


def plot_shares(shares: pd.DataFrame, *, title: str = "", label: str = "share of the rows") -> Figure:
    """A bar a row of the table, cut into the parts that its columns name: shares between 0 and 1, with colour and hatch.

    Parts from 6 % on have their number written in.
    """
    if shares.empty:
        raise ValueError("There is nothing to draw: the table of shares is empty.")
    figure = Figure(figsize=(8.2, 0.5 * len(shares) + 1.5), layout="constrained")
    ax = figure.subplots()
    left = pd.Series(0.0, index=shares.index)
    for place, part in enumerate(shares):
        face, hatch = _FILLS[place % len(_FILLS)]
        ax.barh(
            range(len(shares)),
            shares[part],
            left=left,
            color=face,
            hatch=hatch,
            edgecolor="white",
            height=0.7,
            label=part,
        )
        for row, share in enumerate(shares[part]):
            if share >= 0.06:
                box = {"facecolor": face, "edgecolor": "none", "pad": 1.2}
                ax.text(
                    left.iloc[row] + share / 2,
                    row,
                    f"{share:.0%}",
                    ha="center",
                    va="center",
                    fontsize=10,
                    color=OFF_COLOUR,
                    bbox=box,
                )
        left = left + shares[part]
    ax.set(yticks=range(len(shares)), xlim=(0, 1), ylim=(len(shares) - 0.5, -0.5), title=title, xlabel=label)
    ax.set_yticklabels(shares.index, fontsize=11)
    ax.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    figure.legend(loc="outside lower center", ncols=min(len(shares.columns), 5), frameon=False, fontsize=10)
    return figure


def draw_copies(splits: Mapping[str, Mapping[str, Sequence[str]]], *, title: str = "") -> Figure:
    """Texts that occur more than once, a column a text and a mark a row: which side of the split has it; a panel a split.

    ``splits`` is by name, and in each by text the sides of its rows, such as ``["train", "test"]``. A text with rows on the
    test side and elsewhere is framed: it leaks.
    """
    if not splits or not all(splits.values()):
        raise ValueError("There is nothing to draw: give at least one split, with at least one text.")
    longest = max(len(sides) for texts in splits.values() for sides in texts.values())
    figure = Figure(figsize=(8.6, len(splits) * (0.24 * longest + 0.65) + 0.7), layout="constrained")
    axes = figure.subplots(len(splits), 1, squeeze=False)[:, 0]
    seen: dict[str, Line2D] = {}
    for ax, (name, texts) in zip(axes, splits.items(), strict=True):
        leaks = 0
        for place, sides in enumerate(texts.values()):
            for row, side in enumerate(sides):
                marker, colour = _SIDES[side]
                (seen[side],) = ax.plot(place, row, marker, color=colour, markersize=6, label=side, linestyle="none")
            if "test" in sides and set(sides) != {"test"}:
                leaks += 1
                corners = {"width": 0.86, "height": len(sides) - 0.14}
                frame = {"facecolor": "#f6d9c8", "edgecolor": COLOURS[1], "linewidth": 1.3, "zorder": 0}
                ax.add_patch(_rectangle(place - 0.43, -0.43, corners, frame))
        ax.set_title(f"{name}: {leaks} of {len(texts)} texts on both sides", fontsize=11, loc="left")
        ax.set(xlim=(-0.8, len(texts) - 0.2), ylim=(-0.7, longest - 0.3), yticks=[], xticks=[])
        ax.spines[:].set_visible(False)
    axes[-1].set_xlabel("one column a text, one mark a row that has it", fontsize=10)
    order = [side for side in _SIDES if side in seen]
    figure.legend(
        [seen[side] for side in order], order, loc="outside lower center", ncols=3, frameon=False, fontsize=10
    )
    if title:
        figure.suptitle(title, fontsize=12)
    return figure


def _rectangle(x: float, y: float, corners: Mapping[str, float], style: Mapping[str, object]):  # noqa: ANN202
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), corners["width"], corners["height"], **style)


def plot_padding(batches: Mapping[str, Tensor], *, title: str = "") -> Figure:
    """Batches of word numbers ``(texts, words)`` as rectangles: dark is a word, light is padding; a panel a batch, by name."""
    if not batches:
        raise ValueError("There is nothing to draw: give at least one batch.")
    widest = max(inputs.shape[1] for inputs in batches.values())
    figure = Figure(figsize=(8.4, 2.9), layout="constrained")
    axes = figure.subplots(1, len(batches), squeeze=False, sharey=True)[0]
    for ax, (name, inputs) in zip(axes, batches.items(), strict=True):
        words = (inputs != 0).float().numpy()
        ax.imshow(words, cmap="Blues", vmin=-0.25, vmax=1.2, aspect="auto", interpolation="nearest")
        ax.set_title(f"{name}: {1 - words.mean():.0%} padding", fontsize=11)
        ax.set(xlim=(-0.5, widest - 0.5), xlabel="words", yticks=[])
        ax.spines[["top", "right", "bottom"]].set_visible(False)
    axes[0].set_ylabel(f"{len(next(iter(batches.values())))} texts")
    if title:
        figure.suptitle(title, fontsize=12)
    return figure
