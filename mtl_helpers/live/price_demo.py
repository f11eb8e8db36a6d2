"""The price demo: tasks, encoder and rank of the adapters give parameters, memory, and where one large model pays."""

from __future__ import annotations

import io
import math
import threading
from typing import Any

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure

from mtl_helpers.live.background import DemoError
from mtl_helpers.live.page import mime_bundle
from mtl_helpers.models.sizes import ARCHITECTURES, Way, break_even, ways

RANKS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
MOST_TASKS = 64
LINES = (("#0072B2", "-"), ("#D55E00", "--"), ("#009E73", "-."), ("#777777", ":"))


class PriceDemo:
    """Choose a large encoder, a small model, the number of tasks and the rank of LoRA; the price of each way is computed.

    `set` chooses from code, as a click does. ``ways`` holds the four ways as they stand, ``break_even`` the number of tasks
    from which the large encoder with a LoRA a task is the smaller one, None if it never is. Nothing is trained or loaded.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # messages of the page may arrive in several threads
        names = list(ARCHITECTURES)
        wide = {"description_width": "7em"}
        self.large = widgets.Dropdown(options=names, value="BERT large", description="large encoder", style=wide)
        self.small = widgets.Dropdown(options=names, value=names[0], description="small model", style=wide)
        self.tasks = widgets.IntSlider(2, 1, MOST_TASKS, description="tasks", style=wide)
        self.rank = widgets.SelectionSlider(options=RANKS, value=8, description="LoRA rank", style=wide)
        self.readout = widgets.HTML(layout={"min_height": "12em"})
        self.picture = widgets.Image(
            format="png", layout={"width": "700px", "max_width": "100%", "min_height": "270px"}
        )
        self._choosers = {"large": self.large, "small": self.small, "tasks": self.tasks, "rank": self.rank}
        rows = [widgets.HBox(pair, layout={"flex_flow": "row wrap"}) for pair in self._pairs()]
        self.box = widgets.VBox([self.readout, *rows, self.picture])
        self.box.add_class("mtl-price-demo")
        for chooser in self._choosers.values():
            chooser.observe(self._moved, names="value")
        self._show()

    def _pairs(self) -> list[list[widgets.Widget]]:
        return [[self.large, self.small], [self.tasks, self.rank]]

    def set(
        self, *, large: str | None = None, small: str | None = None, tasks: int | None = None, rank: int | None = None
    ) -> None:
        """Choose from code, as a click does; raises `DemoError` for what can not be chosen, and then changes nothing."""
        chosen = {"large": large, "small": small, "tasks": tasks, "rank": rank}
        allowed = {"large": ARCHITECTURES, "small": ARCHITECTURES, "tasks": range(1, MOST_TASKS + 1), "rank": RANKS}
        for name, value in chosen.items():
            if value is not None and (isinstance(value, bool) or value not in allowed[name]):
                known = f"1 to {MOST_TASKS}" if name == "tasks" else ", ".join(map(repr, allowed[name]))
                raise DemoError(f"{name} can be {known}; found {value!r}.")
        for name, value in chosen.items():
            if value is not None:
                self._choosers[name].value = value

    @property
    def ways(self) -> list[Way]:
        """The four ways with what is chosen."""
        return ways(ARCHITECTURES[self.large.value], ARCHITECTURES[self.small.value], self.tasks.value, self.rank.value)

    @property
    def break_even(self) -> int | None:
        """Tasks from which one large encoder with a LoRA a task has fewer parameters; None: it never has."""
        return break_even(ARCHITECTURES[self.large.value], ARCHITECTURES[self.small.value], self.rank.value)

    def _moved(self, change: dict[str, Any]) -> None:
        self._show()

    def _show(self) -> None:
        with self._lock:
            heads = "".join(f"<th>{text}</th>" for text in ("parameters", "to keep", "to train", "passes a text"))
            rows = "".join(
                f'<tr><td style="text-align:left; color:{color}"><b>{way.name}</b></td><td>{short(way.kept)}</td>'
                f"<td>{gigabytes(way.gb_kept)}</td><td>{gigabytes(way.gb_trained)}</td><td>{way.passes}</td></tr>"
                for way, (color, _) in zip(self.ways, LINES, strict=True)
            )
            self.readout.value = (
                '<table style="border-spacing:1em 0; margin-left:-1em; text-align:right; line-height:1.6">'
                f"<tr><th></th>{heads}</tr>{rows}</table><div><b>{self._verdict()}</b></div>"
            )
            self.picture.value = self.png()

    def _verdict(self) -> str:
        if self.break_even is None:
            return f"A LoRA of rank {self.rank.value} is no smaller than the small model: one large encoder never pays."
        return f"One large encoder with a LoRA a task is the smaller one from {self.break_even:,} tasks on."

    def png(self) -> bytes:
        """GB to keep by number of tasks, a line a way."""
        figure = Figure(figsize=(8.4, 3.2), layout="constrained", dpi=100)
        ax = figure.subplots()
        counts = np.unique(np.geomspace(1, MOST_TASKS, 40).astype(int))
        large, small = ARCHITECTURES[self.large.value], ARCHITECTURES[self.small.value]
        by_count = [[way.gb_kept for way in ways(large, small, int(n), self.rank.value)] for n in counts]
        for way, gb, (color, style) in zip(self.ways[:3], zip(*by_count, strict=True), LINES, strict=False):
            ax.plot(counts, gb, style, color=color, label=way.name)
        ax.axvline(self.tasks.value, color="#999999", linewidth=0.8)
        if self.break_even is not None and self.break_even <= MOST_TASKS:
            ax.plot(self.break_even, 2 * self.break_even * small.parameters / 1e9, "o", color="#222222")
            ax.annotate(
                f"from {self.break_even} tasks",
                (self.break_even, 2 * self.break_even * small.parameters / 1e9),
                (6, -14),
                textcoords="offset points",
                fontsize=9,
            )
        ticks = [1, 2, 4, 8, 16, 32, 64]
        ax.set_xscale("log", base=2)
        ax.set_xticks(ticks, map(str, ticks))
        ax.set(yscale="log", xlabel="tasks", ylabel="GB to keep", xlim=(1, MOST_TASKS))
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return mime_bundle(self.box, self.png(), repr(self), **kwargs)

    def __repr__(self) -> str:
        chosen = f"{self.large.value}, small {self.small.value}, {self.tasks.value} tasks, rank {self.rank.value}"
        return f"PriceDemo: {chosen}. {self._verdict()}"


def short(number: float) -> str:
    """A number of parameters as one says it.

    >>> short(22713216), short(174.6e9), short(3080)
    ('22.7 M', '175 G', '3.08 k')
    """
    for factor, unit in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= factor:
            return _three(number / factor) + unit
    return f"{number:g}"


def gigabytes(gb: float) -> str:
    """GB with three digits.

    >>> gigabytes(0.04543), gigabytes(349.2), gigabytes(5587)
    ('0.0454 GB', '349 GB', '5,587 GB')
    """
    return f"{_three(gb)} GB"


def _three(number: float) -> str:
    digits = max(0, 2 - math.floor(math.log10(number))) if number > 0 else 0
    return f"{number:,.{digits}f}"
