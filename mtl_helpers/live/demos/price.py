"""The price demo: from encoders, tasks and rank follow parameters, memory, work, money, and where one large model pays."""

from __future__ import annotations

import ipywidgets as widgets

from mtl_helpers.arguments import number
from mtl_helpers.live.demos.demo import Demo, DemoError
from mtl_helpers.live.widgets.page import row
from mtl_helpers.models.sizes import ARCHITECTURES, Way, break_even, ways
from mtl_helpers.plots import html_table
from mtl_helpers.plots.live.prices import LINES, dollars, gigabytes, plot_prices, short

RANKS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
MOST_TASKS = 64


class PriceDemo(Demo):
    """Choose a large model, a small one, the number of tasks and the rank of LoRA; what each way weighs and costs is computed.

    Money is for a million texts that all tasks answer, at your ``rate``, dollars an hour for a processor that does ``tflops``
    10¹² operations a second on such work: both are yours to enter, and no price of anybody's.

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
        narrow = {"style": wide, "layout": {"width": "14em"}}
        self.rate = widgets.BoundedFloatText(2.0, min=0, max=1e6, description="$ an hour", **narrow)
        self.tflops = widgets.BoundedFloatText(100.0, min=1e-3, max=1e6, description="TFLOP/s", **narrow)
        self._choosers = {"large": self.large, "small": self.small, "tasks": self.tasks, "rank": self.rank}
        self._choosers |= {"rate": self.rate, "tflops": self.tflops}
        for chooser in self._choosers.values():
            self._watch(chooser, lambda _: self._silent or self._show())
        rows = [row(self.large, self.tasks), row(self.small, self.rank), row(self.rate, self.tflops)]
        self.box = widgets.VBox([self.readout, self.error_box, *rows, self.picture])
        self.box.add_class("mtl-price-demo")
        self._begin()

    def set(
        self,
        *,
        large: str | None = None,
        small: str | None = None,
        tasks: int | None = None,
        rank: int | None = None,
        rate: float | None = None,
        tflops: float | None = None,
    ) -> None:
        """Choose from code, as a click does; raises `DemoError` for what can not be chosen, and then changes nothing."""
        chosen = {"large": large, "small": small, "tasks": tasks, "rank": rank}
        allowed = {"large": ARCHITECTURES, "small": ARCHITECTURES, "tasks": range(1, MOST_TASKS + 1), "rank": RANKS}
        for name, value in chosen.items():
            if value is not None and (isinstance(value, bool) or value not in allowed[name]):
                known = f"1 to {MOST_TASKS}" if name == "tasks" else ", ".join(map(repr, allowed[name]))
                raise DemoError(f"{name} can be {known}; found {value!r}.")
        chosen |= {"rate": rate, "tflops": tflops}
        for widget, value in ((self.rate, rate), (self.tflops, tflops)):
            if value is not None:
                number(widget.description, value, DemoError, at_least=widget.min, at_most=widget.max)

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
                short(way.flops),
                dollars(way.dollars(self.rate.value, tflops=self.tflops.value)),
            )
            for way, (color, _) in zip(self.ways, LINES, strict=True)
        ]
        table = html_table(
            ["", "parameters", "to keep", "to train", "passes", "FLOPs a token", "a million texts"], rows
        )
        self.readout.value = f"{table}<div><b>{self._verdict()}</b></div>"
        chosen = (ARCHITECTURES[self.large.value], ARCHITECTURES[self.small.value], self.rank.value, self.tasks.value)
        money = {"rate": self.rate.value, "tflops": self.tflops.value}
        self.picture.show(plot_prices(*chosen, most=MOST_TASKS, **money))

    def _verdict(self) -> str:
        if self.break_even is None:
            return f"A LoRA of rank {self.rank.value} is no smaller than the small model: one large model never pays."
        return f"One large model with a LoRA per task is the smaller one from {self.break_even:,} tasks on."

    def __repr__(self) -> str:
        chosen = f"{self.large.value}, small {self.small.value}, {self.tasks.value} tasks, rank {self.rank.value}"
        return f"PriceDemo: {chosen}. {self._verdict()}"
