"""The transfer demo: drag relatedness, label count and capacity, and watch whether topic helps sentiment."""

from __future__ import annotations

import numbers
import time
from collections.abc import Callable

import ipywidgets as widgets
import pandas as pd

from mtl_helpers.live.background import BackgroundDemo, DemoError
from mtl_helpers.live.page import new_button
from mtl_helpers.live.transfer_picture import TransferPicture, transfer_table, tries_table
from mtl_helpers.live.transfer_runs import ARMS, FILTERS, RELATEDNESS, STEPS, Setting, TransferRuns, checked

MAX_TRIES = 6
PUSH_INTERVAL = 0.2  # seconds between two messages about progress
DRAW_INTERVAL = 1.0  # seconds between two pictures of a cosine that grows


class TransferDemo(BackgroundDemo):
    """Does topic help sentiment? Choose how related they are, how many reviews there are, and how large the encoder is.

    Parameters
    ----------
    relatedness, n, filters
        The setting it opens with, of `RELATEDNESS`, `STEPS` and `FILTERS`.
    seeds
        Paired runs of a setting after which the computation ends.

    Each seed draws controlled reviews and runs the four arms of `evaluation.usual_arms` on them; each arm is compared with
    ``single`` of the same seed. Releasing a slider computes the new setting in a background thread, which gives up within a
    training step when another is chosen. What a setting gave is kept, and goes on from there. ``run(seeds)`` does the same
    from code; ``changes``, ``cosines`` and ``tries`` hold the numbers.

    An interval that is watched as it shrinks, and stopped at when it pleases, misleads more often than 1 time in 20: so the
    number of seeds is decided beforehand.
    """

    go = "compute"

    def __init__(self, *, relatedness: float = 1, n: int = 3000, filters: int = 32, seeds: int = 10) -> None:
        super().__init__()
        self.seeds = self._goal = _at_least_two(seeds)
        self._build_widgets(checked(relatedness, n, filters))
        self._kept: dict[Setting, TransferRuns] = {}
        self._picture = TransferPicture()
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
        curves = enumerate(self._known().curves)
        rows = [(seed, step, cosine) for seed, curve in curves for step, cosine in curve]
        return pd.DataFrame(rows, columns=["seed", "step", "cosine"])

    @property
    def tries(self) -> pd.DataFrame:
        """A row a setting with at least two seeds, the last computed last: mean and half interval by arm, and seeds."""
        rows = []
        for setting, runs in list(self._kept.items()):
            changes, row = runs.changes, setting._asdict()
            for arm in changes.index.intersection(ARMS[1:3]):
                change, low = changes.loc[arm, ["change", "low"]]
                row |= {arm: change, f"{arm} ±": change - low, "seeds": int(changes.seeds.iloc[0])}
            rows += [row] if len(changes) else []
        return pd.DataFrame(rows, columns=[*Setting._fields, *(a + s for a in ARMS[1:3] for s in ("", " ±")), "seeds"])

    def set(self, *, relatedness: float | None = None, n: int | None = None, filters: int | None = None) -> None:
        """Choose as the mouse does, but without computing: call `run` or `start` for that."""
        now = self.setting._asdict()
        given = {"relatedness": relatedness, "n": n, "filters": filters}
        wanted = checked(**{name: now[name] if value is None else value for name, value in given.items()})
        with self._choosing():
            self._goal = self.seeds
            for name, slider in self.sliders.items():
                slider.value = getattr(wanted, name)

    def run(self, seeds: int = 2) -> pd.DataFrame:
        """Compute here and now until the present setting has ``seeds`` seeds; return `changes`, raise what goes wrong."""
        self._compute_now(_at_least_two(seeds))
        return self.changes

    def _known(self) -> TransferRuns:
        return self._kept.get(self.setting) or TransferRuns(self.setting)

    # The computation --------------------------------------------------------------------------------------------

    def _amount(self) -> int:
        return self.seeds

    def _work(self, seeds: int, go_on: Callable[[], None]) -> None:
        """Run arm after arm of the present setting until it has ``seeds`` seeds."""
        setting, self._goal = self.setting, seeds
        runs = self._kept[setting] = self._kept.pop(setting, TransferRuns(setting))  # the last computed comes last
        self._show()
        while runs.seeds < seeds:
            runs.run_next(self._on_step(go_on))
            self._show()
            go_on()

    def _on_step(self, go_on: Callable[[], None]) -> Callable[[int], None]:
        """To be called after each step: tells the page now and then."""
        told = drawn = time.monotonic()

        def on_step(step: int) -> None:
            nonlocal told, drawn
            go_on()
            if time.monotonic() - told > PUSH_INTERVAL:
                told = time.monotonic()
                self._show_progress(step)
            if time.monotonic() - drawn > DRAW_INTERVAL and self._known().next[1] == "plain sharing":
                self._draw()
                drawn = time.monotonic()

        return on_step

    # What the page shows ----------------------------------------------------------------------------------------

    def _build_widgets(self, first: Setting) -> None:
        self.readout = widgets.HTML(layout={"min_height": "11.5em"})
        choices = {"relatedness": RELATEDNESS, "n": STEPS, "filters": FILTERS}
        self.sliders = {
            name: widgets.SelectionSlider(
                options=[(f"{value:,}", value) for value in choices[name]],
                value=getattr(first, name),
                description=text,
                continuous_update=False,
                style={"description_width": "8em"},
                layout={"width": "28em"},
            )
            for name, text in zip(Setting._fields, ("relatedness ρ", "reviews", "filters"), strict=True)
        }
        for slider in self.sliders.values():
            slider.observe(self._picked, names="value")
        self.buttons = {
            "compute": new_button("Compute", self.start, icon="play"),
            "stop": new_button("Stop", self._cancel, icon="stop"),
        }
        self.progress = widgets.IntProgress(layout={"width": "14em"})
        self._state = widgets.Label()
        self.picture = widgets.Image(format="png", layout={"width": "754px", "max_width": "100%"})
        self._tried = widgets.HTML()
        row = widgets.HBox([*self.buttons.values(), self.progress, self._state], layout={"flex_flow": "row wrap"})
        parts = [self.readout, self.error_box, *self.sliders.values(), row, self.picture, self._tried]
        self.box = widgets.VBox(parts)
        self.box.add_class("mtl-transfer-demo")

    def _show_all(self) -> None:
        """All that is known of the present setting, and the settings tried."""
        known = self._known()
        table = transfer_table(known.by_seed, known.changes, known.curves)
        text = f"<b>{self.setting}</b>: {known.seeds} of {self._goal} seeds"
        self.readout.value = f'<div style="line-height:1.5">{text}{table}</div>'
        self._show_progress(0)
        self._draw()
        self._tried.value = tries_table(self.tries.tail(MAX_TRIES), ARMS[1:3])

    def _show_progress(self, step: int) -> None:
        """How far it is, with ``step`` of the run under way."""
        known, steps = self._known(), STEPS[self.setting.n]
        self.progress.max = self._goal * len(ARMS) * steps
        self.progress.value = len(known.rows) * steps + step
        seed, arm = known.next
        working = self.buttons["compute"].disabled and seed < self._goal
        self._state.value = f"seed {seed + 1} of {self._goal}: {arm}, step {step} of {steps}" if working else ""

    def _draw(self) -> None:
        known, steps = self._known(), STEPS[self.setting.n]
        self.picture.value = self._picture.draw(known.by_seed, known.changes, known.curves, steps=steps)

    def __repr__(self) -> str:
        # No trained number in it: this text is compared when the notebook is checked on another machine.
        return f"TransferDemo: {self.setting}; {STEPS[self.setting.n]} steps a run; arms {', '.join(ARMS)}"


def _at_least_two(seeds: int) -> int:
    if isinstance(seeds, bool) or not isinstance(seeds, numbers.Integral) or seeds < 2:
        raise DemoError(f"seeds must be a whole number of at least 2, for an interval; found {seeds!r}.")
    return int(seeds)
