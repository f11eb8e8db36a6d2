"""The transfer demo: drag relatedness, label count and capacity, and watch whether topic helps sentiment."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import ipywidgets as widgets
import numpy as np
import pandas as pd

from mtl_helpers.arguments import number, whole_number
from mtl_helpers.evaluation import PairedRuns, controlled_splits, usual_arms
from mtl_helpers.experiments.transfer import STEPS
from mtl_helpers.experiments.transfer.arms import LR
from mtl_helpers.live.demos.demo import Demo, DemoError
from mtl_helpers.live.widgets.page import row
from mtl_helpers.plots import Figure, html_table
from mtl_helpers.plots.live.transfer_panels import Curve, Limits, plot_transfer
from mtl_helpers.tasks import SENTIMENT, TOPIC

RELATEDNESS = (0, 0.25, 0.5, 0.75, 1)
REVIEWS = (100, 300, 1000, 3000)
FILTERS = (3, 8, 32)
ARMS = tuple(arm.name for arm in usual_arms(SENTIMENT, TOPIC))
MAX_TRIES = 6
DRAW_INTERVAL = 1.0  # seconds between two pictures of a cosine that grows


class Setting(NamedTuple):
    """What is chosen: relatedness ρ, reviews to learn from, filters of the encoder."""

    relatedness: float
    n: int
    filters: int

    def __str__(self) -> str:
        return f"ρ {self.relatedness:g}, {self.n:,} reviews, {self.filters} filters"


CHOICES = Setting(RELATEDNESS, REVIEWS, FILTERS)._asdict()


class TransferDemo(Demo):
    """Does topic help sentiment? Choose how related they are, how many reviews there are, and how large the encoder is.

    Parameters
    ----------
    relatedness, n, filters
        The setting it opens with, of `RELATEDNESS`, `REVIEWS` and `FILTERS`.
    seeds
        Paired runs of a setting after which the computation ends.

    Each seed draws controlled reviews and runs the four arms of `evaluation.usual_arms` on them, in as many steps at the same
    rate as the table of lesson 03, however many reviews there are; each arm is compared with ``single`` of the same seed.
    Releasing a slider computes the new setting in the background, which gives up within a training step when another is
    chosen. What a setting gave is kept, and goes on from there. ``run(seeds)`` does the same from code; ``changes``,
    ``cosines`` and ``tries`` hold the numbers.

    An interval that is watched as it shrinks, and stopped at when it pleases, misleads more often than 1 time in 20: so the
    number of seeds is decided beforehand.
    """

    go = "compute"

    def __init__(self, *, relatedness: float = 1, n: int = 3000, filters: int = 32, seeds: int = 10) -> None:
        super().__init__(height="11.5em")
        self.seeds = self._goal = _at_least_two(seeds)
        self._build_widgets(checked(relatedness=relatedness, n=n, filters=filters))
        self._kept: dict[Setting, PairedRuns] = {}
        self._limits = Limits()
        self._begin()

    # The choice and what is known of it -------------------------------------------------------------------------

    @property
    def setting(self) -> Setting:
        """What the sliders say."""
        return Setting(*(slider.value for slider in self.sliders.values()))

    @property
    def changes(self) -> pd.DataFrame:
        """`evaluation.paired_changes` over the whole seeds of the present setting; empty with fewer than two."""
        return self._known().changes

    @property
    def cosines(self) -> pd.DataFrame:
        """``seed, step, cosine`` of the present setting, plain sharing; the run under way is among them."""
        curves = self._known().cosines.items()
        rows = [(seed, step, cosine) for seed, curve in curves for step, cosine in curve]
        return pd.DataFrame(rows, columns=["seed", "step", "cosine"])

    @property
    def tries(self) -> pd.DataFrame:
        """A row a setting with at least two seeds, the last computed last: mean and half interval by arm, and seeds."""
        rows = []
        for setting, runs in list(self._kept.items()):
            changes, one = runs.changes, setting._asdict()
            for arm in changes.index.intersection(ARMS[1:3]):
                change, low = changes.loc[arm, ["change", "low"]]
                one |= {arm: change, f"{arm} ±": change - low, "seeds": int(changes.seeds.iloc[0])}
            rows += [one] if len(changes) else []
        return pd.DataFrame(rows, columns=[*Setting._fields, *(a + s for a in ARMS[1:3] for s in ("", " ±")), "seeds"])

    def set(self, *, relatedness: float | None = None, n: int | None = None, filters: int | None = None) -> None:
        """Choose as the mouse does, but without computing: call `run` or `start` for that."""
        given = {"relatedness": relatedness, "n": n, "filters": filters}
        wanted = checked(**{name: value for name, value in given.items() if value is not None})

        def change() -> None:
            self._goal = self.seeds
            for name, value in wanted.items():
                self.sliders[name].value = value

        self._choose(change)

    def run(self, seeds: int = 2) -> pd.DataFrame:
        """Compute until the present setting has ``seeds`` seeds; return `changes`, raise what goes wrong."""
        self._compute_now(_at_least_two(seeds))
        return self.changes

    def _known(self) -> PairedRuns:
        return self._kept.get(self.setting) or self._new(self.setting)

    def _new(self, setting: Setting) -> PairedRuns:
        relatedness, n, filters = setting
        return PairedRuns(
            usual_arms(SENTIMENT, TOPIC, filters=filters, lr=LR),
            lambda seed: controlled_splits(n, seed, relatedness=relatedness),
            steps=STEPS,
            cosines_of="plain sharing",
        )

    def _amount(self) -> int:
        return self.seeds

    def _work(self, seeds: int) -> Iterator[None]:
        """Run arm after arm of the present setting until it has ``seeds`` seeds."""
        setting, self._goal = self.setting, seeds
        runs = self._kept[setting] = self._kept.pop(setting, self._new(setting))  # the last computed comes last
        self._show()
        while runs.seeds < seeds:
            yield
            runs.run_next(self._on_step)
            self._show()

    def _on_step(self, step: int) -> None:
        self._worker.breathe()
        if self._due():
            self._show_progress(step)
        if time.monotonic() - self._drawn > DRAW_INTERVAL and self._known().next[1].name == "plain sharing":
            self._draw()

    # What the page shows ----------------------------------------------------------------------------------------

    def _build_widgets(self, first: Mapping[str, Any]) -> None:
        self.sliders = {
            name: widgets.SelectionSlider(
                options=[(f"{value:,}", value) for value in CHOICES[name]],
                value=first[name],
                description=text,
                continuous_update=False,
                style={"description_width": "8em"},
                layout={"width": "28em"},
            )
            for name, text in zip(Setting._fields, ("relatedness ρ", "reviews", "filters"), strict=True)
        }
        self._starts(*self.sliders.values())
        self.buttons = {
            "compute": self._button("Compute", self.start, icon="play"),
            "stop": self._button("Stop", self._cancel, icon="stop"),
        }
        self.progress = widgets.IntProgress(layout={"width": "14em"})
        self._state = widgets.Label()
        self._tried = widgets.HTML()
        below = [row(*self.buttons.values(), self.progress, self._state), self.picture, self._tried]
        self.box = widgets.VBox([self.readout, self.error_box, *self.sliders.values(), *below])
        self.box.add_class("mtl-transfer-demo")

    def _show_all(self) -> None:
        """All that is known of the present setting, and the settings tried."""
        known = self._known()
        table = transfer_table(known.by_seed, known.changes, list(known.cosines.values()))
        text = f"<b>{self.setting}</b>: {known.seeds} of {self._goal} seeds"
        self.readout.value = f'<div style="line-height:1.5">{text}{table}</div>'
        self._show_progress(0)
        self._draw()
        self._tried.value = tries_table(self.tries.tail(MAX_TRIES), ARMS[1:3])

    def _show_progress(self, step: int) -> None:
        """How far it is, with ``step`` of the run under way."""
        known = self._known()
        self.progress.max = self._goal * len(ARMS) * known.steps
        self.progress.value = len(known.rows) * known.steps + step
        seed, arm = known.next
        working = self.buttons["compute"].disabled and seed < self._goal
        said = f"seed {seed + 1} of {self._goal}: {arm.name}, step {step} of {known.steps}"
        self._state.value = said if working else ""

    def _draw(self) -> None:
        known, self._drawn = self._known(), time.monotonic()
        curves = list(known.cosines.values())
        figure = Figure(figsize=(8.2, 3.2), dpi=92)
        plot_transfer(figure, self._limits, known.by_seed, known.changes, curves, steps=known.steps)
        self.picture.show(figure)

    def __repr__(self) -> str:
        # No trained number in it: this text is compared when the notebook is checked on another machine.
        return f"TransferDemo: {self.setting}; {STEPS} steps a run; arms {', '.join(ARMS)}"


def checked(**wanted: Any) -> dict[str, Any]:
    """Those values as the sliders have them; raises `DemoError` for one that no slider has."""
    found = {}
    for name, value in wanted.items():
        known = CHOICES[name]
        said = f"{name} must be one of {', '.join(f'{v:g}' for v in known)}; found {value!r}."
        try:
            found[name] = known[known.index(number(name, value, DemoError))]
        except ValueError:  # a `DemoError` is one, too
            raise DemoError(said) from None
    return found


def _at_least_two(seeds: int) -> int:
    return whole_number("seeds", seeds, DemoError, at_least=2)  # two make an interval


# What is written --------------------------------------------------------------------------------------


def transfer_table(by_seed: Mapping[str, Sequence[float]], changes: pd.DataFrame, cosines: Sequence[Curve]) -> str:
    """HTML: for each arm the change with its interval, its seeds, where the interval lies, and what that says.

    Arguments as for `plots.plot_transfer`; the last arm of ``by_seed`` is the control.
    """
    *arms, control = by_seed
    rows, said = [], []
    for name, dots in by_seed.items():
        change = f"{100 * np.mean(dots):+.1f}" if dots else "–"
        where = "" if len(dots) > 1 else "two seeds make an interval"
        if name in changes.index:
            mean, low, high = changes.loc[name, ["change", "low", "high"]]
            change, (where, does) = f"<b>{in_points(mean, mean - low)}</b>", _SAYS[verdict(low, high)]
            said += [f"<b>{name}: topic {does}</b>"] if name in arms else []
        rows.append([name, change, len(dots), where])
    if control in changes.index and verdict(*changes.loc[control, ["low", "high"]]) > 0:
        said.append(f"but the {control} gains too, without topic's labels")
    values = [value for curve in cosines for _, value in curve]
    cosine = f"{np.mean(values):+.2f}" if values else "–"
    table = html_table(["arm", "change, points", "seeds", "95 % interval"], rows, left=(0, 3))
    return f"{table}{'; '.join(said) or 'no interval yet'}<br>mean gradient cosine of topic and sentiment: {cosine}"


def tries_table(tries: pd.DataFrame, names: Sequence[str]) -> str:
    """HTML table of ``tries``: a row a setting, with the change of the arms ``names``."""
    rows = [
        [
            f"{one['relatedness']:g}",
            f"{one['n']:,}",
            one["filters"],
            *(in_points(one[name], one[f"{name} ±"]) for name in names),
            one["seeds"],
        ]
        for one in tries.to_dict("records")
    ]
    heads = ["ρ", "reviews", "filters", *names, "seeds"]
    return html_table(heads, rows, left=(), above=[("your settings, change in points", 6)]) if rows else ""


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
