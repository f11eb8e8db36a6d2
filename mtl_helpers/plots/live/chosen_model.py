"""The model that is chosen among those on a front, and how far luck alone moves it."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke


def mark_chosen(
    ax: Axes, models: pd.DataFrame, chosen: float, seeds: pd.DataFrame, *, named: Collection[float]
) -> None:
    """A ring around the model ``chosen``, and its other seeds as dots, joined to their mean ± standard deviation.

    ``models`` has a row a λ and a column for each of the two tasks, ``seeds`` a row a seed, of which 0 is the model itself;
    the λ ``named`` are written beside their points.
    """
    x, y = models.columns
    ring, dots = models[models.index == chosen], seeds.drop(index=0, errors="ignore")
    ax.scatter(ring[x], ring[y], 190, facecolor="none", edgecolor="black", linewidth=1.8, zorder=5)
    ax.scatter(dots[x], dots[y], 11, color="#777777", edgecolor="black", linewidth=0.5, zorder=4)
    if len(seeds) > 2:
        mean, sd = seeds.mean(), seeds.std()
        for scores in seeds[[x, y]].to_numpy():  # so that it is seen whose mean it is, however far from the ring
            ax.plot([mean[x], scores[0]], [mean[y], scores[1]], color="#888888", linewidth=0.8, zorder=2)
        cross = {
            "color": "#777777",
            "lw": 1.6,
            "capsize": 3,
            "zorder": 4,
            "label": f"its {len(seeds)} seeds: mean ± sd",
        }
        ax.errorbar(mean[x], mean[y], sd[y], sd[x], **cross)
    looks = {"fontsize": 9, "zorder": 7, "path_effects": [withStroke(linewidth=3, foreground="white")]}
    for λ, scores in models.iterrows():  # to the upper right, away from the front and from what it dominates
        if λ in named:
            ax.annotate(
                f"λ {λ:g}", tuple(scores), (9, 7) if λ == chosen else (5, 3), textcoords="offset points", **looks
            )
