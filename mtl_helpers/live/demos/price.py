"""The price demo: tasks, encoder and rank of the adapters give parameters, memory, and where one large model pays."""

from __future__ import annotations

import math

import ipywidgets as widgets
import numpy as np

from mtl_helpers.live.demos.demo import Demo, DemoError
from mtl_helpers.live.widgets.page import row
from mtl_helpers.models.sizes import ARCHITECTURES, Way, break_even, ways
from mtl_helpers.plots import Figure, html_table

RANKS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
MOST_TASKS = 64
LINES = (("#0072B2", "-"), ("#D55E00", "--"), ("#009E73", "-."), ("#777777", ":"))


class PriceDemo(Demo):
    """Choose a large model, a small model, the number of tasks and the rank of LoRA; the price of each way is computed.

    `set` chooses from code, as a click does. ``ways`` holds the four ways as they stand, ``break_even`` the number of tasks
    from which the large model with a LoRA per task is the smaller one, None if it never is. Nothing is trained or loaded.
    """

    def __init__(self) -> None:
        super().__init__(height="12em")
        names = list(ARCHITECTURES)
        wide = {"description_width": "7em"}
        self.large = widgets.Dropdown(options=names, value="BERT large", description="large model", style=wide)
        self.small = widgets.Dropdown(options=names, value=names[0], description="small model", style=wide)
        self.tasks = widgets.IntSlider(2, 1, MOST_TASKS, description="tasks", style=wide)
        self.rank = widgets.SelectionSlider(options=RANKS, value=8, description="LoRA rank", style=wide)
        self._choosers = {"large": self.large, "small": self.small, "tasks": self.tasks, "rank": self.rank}
        for chooser in self._choosers.values():
            self._watch(chooser, lambda _: self._silent or self._show())
        rows = [row(self.large, self.tasks), row(self.small, self.rank)]
        self.box = widgets.VBox([self.readout, self.error_box, *rows, self.picture])
        self.box.add_class("mtl-price-demo")
        self._begin()

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

        def change() -> None:
            for name, value in chosen.items():
                if value is not None:
                    self._choosers[name].value = value

        self._choose(change)

    @property
    def ways(self) -> list[Way]:
        """The four ways with what is chosen."""
        return ways(ARCHITECTURES[self.large.value], ARCHITECTURES[self.small.value], self.tasks.value, self.rank.value)

    @property
    def break_even(self) -> int | None:
        """Tasks from which one large model with a LoRA per task has fewer parameters; None: it never has."""
        return break_even(ARCHITECTURES[self.large.value], ARCHITECTURES[self.small.value], self.rank.value)

    def _show_all(self) -> None:
        rows = [
            (
                f'<b style="color:color-mix(in srgb, {color} 70%, var(--mtl-ink))">{way.name}</b>',
                short(way.kept),
                gigabytes(way.gb_kept),
                gigabytes(way.gb_trained),
                way.passes,
            )
            for way, (color, _) in zip(self.ways, LINES, strict=True)
        ]
        table = html_table(["", "parameters", "to keep", "to train", "passes a text"], rows)
        self.readout.value = f"{table}<div><b>{self._verdict()}</b></div>"
        self.picture.show(self._draw())

    def _verdict(self) -> str:
        if self.break_even is None:
            return f"A LoRA of rank {self.rank.value} is no smaller than the small model: one large model never pays."
        return f"One large model with a LoRA per task is the smaller one from {self.break_even:,} tasks on."

    def _draw(self) -> Figure:
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
            ax.plot(self.break_even, 2 * self.break_even * small.parameters / 1e9, "o", color="black")
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
        return figure

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
