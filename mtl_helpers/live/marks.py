"""Marks at the steps of a live figure at which something was changed, such as who chooses λ."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes

_LETTER = 0.019  # width of a letter, as a part of an axis


class Marks:
    """A thin line through ``axes`` at each marked step, with a name in the last of them where there is room for it."""

    def __init__(self, axes: Sequence[Axes]) -> None:
        self.axes = axes
        self.steps: list[tuple[int, str]] = []
        self._artists: list[Artist] = []

    def draw(self, end: float) -> None:
        """Make the artists anew, on axes that run to step ``end``; a late name matters more than an early one."""
        for artist in self._artists:
            artist.remove()
        free, self._artists = [math.inf, math.inf], []  # where the next name to the right begins, in each of two rows
        for step, name in reversed(self.steps):
            self._artists += [ax.axvline(step, color="#bbbbbb", linewidth=0.8, zorder=0.5) for ax in self.axes]
            right = step + end * _LETTER * (len(name) + 1)
            row = next((row for row, limit in enumerate(free) if right <= limit), None)
            if row is not None:
                self._artists.append(self._name(step, name, row, turned=right > end))
                free[row] = step

    def _name(self, step: int, name: str, row: int, *, turned: bool) -> Artist:
        side, away = ("right", -3) if turned else ("left", 3)
        return self.axes[-1].annotate(
            name,
            (step, 1),
            xycoords=("data", "axes fraction"),
            xytext=(away, 2 - 9 * row),
            textcoords="offset points",
            ha=side,
            va="top",
            fontsize=7.5,
            color="#555555",
        )
