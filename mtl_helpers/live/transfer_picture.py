"""What the transfer demo draws and writes: the change of each arm with its interval, and the gradient cosine."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_MARKERS = "oDs^v"
Curve = Sequence[tuple[int, float]]


class TransferPicture:
    """Draws PNGs of two panels whose axes only ever grow, by doubling, so that two pictures can be compared by eye."""

    def __init__(self, points: float = 15, cosine: float = 0.25) -> None:
        self.points, self.cosine = points, cosine

    def draw(
        self, single: Mapping[str, Sequence[float]], changes: pd.DataFrame, cosines: Sequence[Curve], *, steps: int
    ) -> bytes:
        """PNG of what is known so far.

        ``single`` has, for each arm, the changes of the seeds that are done; ``changes`` the mean and interval by arm, see
        `evaluation.paired_changes`; ``cosines`` a curve of (step, cosine) for each seed, drawn over 1 to ``steps``.
        """
        figure = Figure(figsize=(8.2, 3.2), dpi=92)
        left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
        figure.subplots_adjust(left=0.14, right=0.965, top=0.89, bottom=0.19, wspace=0.3)
        self._draw_changes(left, single, changes)
        self._draw_cosines(right, cosines, steps)
        for ax in (left, right):
            ax.spines[["top", "right"]].set_visible(False)
            ax.tick_params(labelsize=10.5)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()

    def _draw_changes(self, ax: Axes, single: Mapping[str, Sequence[float]], changes: pd.DataFrame) -> None:
        names = list(single)
        for y, name in enumerate(names):
            dots = 100 * np.asarray(single[name], dtype=float)
            spread = y + 0.24 + 0.12 * (np.arange(len(dots)) % 3 - 1)  # below the mean, and beside one another
            ax.scatter(dots, spread, s=16, color="#888888", alpha=0.8, linewidths=0, zorder=2)
            self.points = _grown(self.points, np.abs(dots))
            if name in changes.index:
                mean, low, high = 100 * changes.loc[name, ["change", "low", "high"]].astype(float)
                style = {"marker": _MARKERS[y % 5], "markersize": 7, "color": "black", "capsize": 4, "linewidth": 1.8}
                if len(dots) > 2:  # that of two seeds may be as wide as you please: it runs off the edge
                    self.points = _grown(self.points, np.abs([low, high]))
                ax.errorbar(mean, y - 0.12, xerr=[[mean - low], [high - mean]], zorder=3, **style)
        ax.axvline(0, color="#999999", linewidth=1, zorder=1)
        ax.set(xlim=(-self.points, self.points), ylim=(len(names) - 0.4, -0.6))
        ax.set_yticks(range(len(names)), [name.replace(" ", "\n") for name in names])
        ax.set_xlabel("change against single, points", fontsize=12)
        ax.set_title("accuracy on sentiment", fontsize=12)
        if not any(len(dots) for dots in single.values()):
            ax.text(
                0.5,
                0.5,
                "nothing computed yet",
                transform=ax.transAxes,
                ha="center",
                color="#666666",
                backgroundcolor="white",
            )

    def _draw_cosines(self, ax: Axes, cosines: Sequence[Curve], steps: int) -> None:
        for curve in cosines:
            x, y = zip(*curve, strict=True) if curve else ((), ())
            ax.plot(x, y, color="#999999", linewidth=0.8, alpha=0.8)
            self.cosine = min(1.0, _grown(self.cosine, np.abs(y)))
        whole = [curve for curve in cosines if len(curve) == max(map(len, cosines))]
        if whole and whole[0]:
            x = [step for step, _ in whole[0]]
            ax.plot(
                x, np.mean([[value for _, value in curve] for curve in whole], axis=0), color="black", linewidth=2.2
            )
        ax.axhline(0, color="#999999", linewidth=1, zorder=1)
        ax.set(xlim=(0, steps), ylim=(-self.cosine, self.cosine))
        ax.set_xlabel("step", fontsize=12)
        ax.set_title("gradient cosine, topic and sentiment", fontsize=12)


def _grown(limit: float, values: np.ndarray) -> float:
    """``limit``, doubled until it holds all ``values``."""
    while len(values) and max(values) > limit:
        limit *= 2
    return limit


def transfer_table(single: Mapping[str, Sequence[float]], changes: pd.DataFrame, cosines: Sequence[Curve]) -> str:
    """HTML: for each arm the change with its interval, its seeds, where the interval lies, and what that says.

    Arguments as for `TransferPicture.draw`; the last arm of ``single`` is the control.
    """
    *arms, control = single
    rows, said = "", []
    for name, dots in single.items():
        change, where = (
            f"{100 * np.mean(dots):+.1f}" if dots else "–",
            "" if len(dots) > 1 else "two seeds make an interval",
        )
        if name in changes.index:
            row = changes.loc[name]
            change, (where, does) = (
                f"<b>{in_points(row.change, row.change - row.low)}</b>",
                _SAYS[verdict(row.low, row.high)],
            )
            said += [f"<b>{name}: topic {does}</b>"] if name in arms else []
        cells = f'<td>{change}</td><td>{len(dots)}</td><td style="text-align:left">{where}</td>'
        rows += f'<tr><td style="text-align:left">{name}</td>{cells}</tr>'
    if control in changes.index and verdict(*changes.loc[control, ["low", "high"]]) > 0:
        said.append(f"but the {control} gains too, without topic's labels")
    values = [value for curve in cosines for _, value in curve]
    cosine = f"{np.mean(values):+.2f}" if values else "–"
    return (
        '<table style="border-spacing:1.2em 0; margin-left:-1.2em; text-align:right">'
        '<tr><th style="text-align:left">arm</th><th>change, points</th><th>seeds</th>'
        f'<th style="text-align:left">95 % interval</th></tr>{rows}</table>'
        f"{'; '.join(said) or 'no interval yet'}<br>mean gradient cosine of topic and sentiment: {cosine}"
    )


def tries_table(tries: pd.DataFrame, names: Sequence[str]) -> str:
    """HTML table of ``tries``: a row a setting, with the change of the arms ``names``."""
    heads = "".join(f"<th>{name}</th>" for name in names)
    rows = ""
    for row in tries.to_dict("records"):
        cells = "".join(f"<td>{in_points(row[name], row[f'{name} ±'])}</td>" for name in names)
        setting = f"<td>{row['relatedness']:g}</td><td>{row['n']:,}</td><td>{row['filters']}</td>"
        rows += f"<tr>{setting}{cells}<td>{row['seeds']}</td></tr>"
    return rows and (
        '<table style="border-spacing:1.2em 0; margin-left:-1.2em; text-align:right; line-height:1.5">'
        '<tr><th colspan="6" style="text-align:left">your settings, change in points</th></tr>'
        f"<tr><th>ρ</th><th>reviews</th><th>filters</th>{heads}<th>seeds</th></tr>{rows}</table>"
    )


_SAYS = {
    1: ("lies above zero", "helps"),
    0: ("holds zero", "is not seen to help or harm"),
    -1: ("lies below zero", "harms"),
}


def verdict(low: float, high: float) -> int:
    """1 if an interval lies above zero, -1 if below, 0 if it holds zero."""
    return int(low > 0) - int(high < 0)


def in_points(change: float, half: float) -> str:
    """A change with half its interval in percentage points.

    >>> in_points(0.243, 0.012)
    '+24.3 ± 1.2'
    """
    return f"{100 * change:+.1f} ± {100 * half:.1f}"
