"""The Pareto explorer: move λ along the front, look at the model found there, and try to beat it with a run of your own."""

from __future__ import annotations

import numbers
import time
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets
import pandas as pd

from mtl_helpers.live.background import BackgroundDemo, DemoError
from mtl_helpers.live.lambda_lab import LambdaLab
from mtl_helpers.live.page import new_button
from mtl_helpers.live.pareto_picture import ParetoPicture, readout
from mtl_helpers.live.pareto_runs import SHARES, SIZES, STEPS, Found, Key, ParetoRuns, checked
from mtl_helpers.live.pareto_verdict import Verdict, judge, scores_of

PUSH_INTERVAL = 0.2  # seconds between two messages about progress


class ParetoDemo(BackgroundDemo):
    """Two-digits models along λ, each a point by its validation accuracy in both tasks. Choose one and see what it can do.

    Parameters
    ----------
    size, share
        The model it opens with: one of `SIZES`, and λ of the left digit, one of `SHARES` (the right one has 1 - share).
    others
        How many more seeds of the chosen model are trained, to show how far luck alone moves a point.
    lab
        A `LambdaLab` on the same pictures; a button then places its run on the picture, as ``own(lab)`` does.

    Releasing the slider trains what is missing in a background thread: the chosen λ, the other λ, each task alone, and the
    other seeds of the chosen λ. What was trained is kept. ``run()`` does the same from code. All scores are on the validation
    pictures, 500 of them: who looks for the best of many models there must test it on others.
    """

    go = "train"

    def __init__(
        self, *, size: str = "small", share: float = 0.5, others: int = 4, lab: LambdaLab | None = None
    ) -> None:
        super().__init__()
        size, share = checked(size, share)
        self.others = _whole(others)
        if lab is not None and not isinstance(lab, LambdaLab):
            raise DemoError(f"lab must be a LambdaLab; found {type(lab).__name__}. Scores are placed by own(scores).")
        self.lab = lab
        self.runs = ParetoRuns()
        self._own: list[dict[str, float]] = []
        self._picture = ParetoPicture()
        self._build_widgets(size, share)
        self._begin()

    # The choice and what is known of it -------------------------------------------------------------------------

    @property
    def choice(self) -> tuple[str, float]:
        """Size and λ of the left digit that are chosen."""
        return self.size.value, self.slider.value

    @property
    def chosen(self) -> Found | None:
        """The chosen model with its ``scores, losses`` and ``confusion`` by task; None before it is trained."""
        return self.runs.found.get(Key(*self.choice))

    @property
    def front(self) -> pd.DataFrame:
        """The models of the chosen size, a row a λ: accuracy and loss by task, and whether it is on the front."""
        return self.runs.front(self.choice[0])

    @property
    def seeds(self) -> pd.DataFrame:
        """The accuracies of the chosen λ, a row a seed: how far luck moves the point."""
        return self.runs.seeds(*self.choice)

    def set(self, *, size: str | None = None, share: float | None = None) -> None:
        """Choose as the mouse does, but without training: call `run` or `start` for that."""
        now = self.choice
        wanted = checked(now[0] if size is None else size, now[1] if share is None else share)
        with self._choosing():
            self.size.value, self.slider.value = wanted

    def own(self, scores: Mapping[str, float] | LambdaLab) -> Verdict:
        """Place a run of your own on the picture, by its validation accuracies or from a λ lab; return what to say of it.

        It is compared with the models of the chosen size that are trained so far. The verdict is shown in the demo, too.
        """
        self._alive()
        scores = scores_of(scores, self.runs)
        if self.front.empty:
            raise DemoError("There is no front to beat yet: press Train, or call run(), first.")
        verdict = judge(scores, self.front, self.runs.scatter(self.choice[0]))
        self._own.append(scores)
        self._show()
        return verdict

    def run(self, others: int | None = None) -> pd.DataFrame:
        """Train here and now what is missing, with ``others`` more seeds of the chosen λ; return `front`, raise errors."""
        self._compute_now(self.others if others is None else _whole(others))
        return self.front

    # The computation --------------------------------------------------------------------------------------------

    def _amount(self) -> int:
        return self.others

    def _work(self, others: int, go_on: Callable[[], None]) -> None:
        """Train model after model until none is missing."""
        todo = self.runs.missing(*self.choice, others)
        try:
            for number, key in enumerate(todo):
                go_on()
                self._show_progress(number, len(todo), key)
                self.runs.train(key, self._on_step(go_on, number, len(todo), key))
                self._show()
        finally:
            self._show_progress(0, 0)

    def _on_step(self, go_on: Callable[[], None], number: int, count: int, key: Key) -> Callable[[int], None]:
        told = time.monotonic()

        def on_step(step: int) -> None:
            nonlocal told
            go_on()
            if time.monotonic() - told > PUSH_INTERVAL:
                told = time.monotonic()
                self._show_progress(number + step / STEPS, count, key)

        return on_step

    # What the page shows ----------------------------------------------------------------------------------------

    def _build_widgets(self, size: str, share: float) -> None:
        self.readout = widgets.HTML(layout={"min_height": "10em"})
        self.slider = widgets.SelectionSlider(
            options=[(f"{share:g}", share) for share in SHARES],
            value=share,
            description="λ left",
            continuous_update=False,
            layout={"width": "26em"},
        )
        self.size = widgets.ToggleButtons(
            options=[(f"{name} model", name) for name in SIZES], value=size, style={"button_width": "8em"}
        )
        for choice in (self.slider, self.size):
            choice.observe(self._picked, names="value")
        self.buttons = {
            "train": new_button("Train", self.start, icon="play"),
            "stop": new_button("Stop", self._cancel, icon="stop"),
            "place": new_button("Place my run", self._place, icon="star", width="9.6em"),
        }
        self.buttons["place"].layout.display = None if self.lab is not None else "none"
        self.progress = widgets.FloatProgress(max=1, layout={"width": "12em"})
        self._state = widgets.Label()
        self.picture = widgets.Image(format="png", layout={"width": "883px", "max_width": "100%"})
        choices, row = (
            widgets.HBox(parts, layout={"flex_flow": "row wrap"})
            for parts in ([self.slider, self.size], [*self.buttons.values(), self.progress, self._state])
        )
        self.box = widgets.VBox([self.readout, self.error_box, choices, row, self.picture])
        self.box.add_class("mtl-pareto-demo")

    def _place(self) -> None:
        """The button: what can not be placed is shown, not raised, since nobody would see it."""
        try:
            self.error = None
            self.own(self.lab)
        except DemoError as error:
            self.error = error
            self._show()

    def _show_all(self) -> None:
        self.readout.value = readout(self.runs, *self.choice, self._own)
        self.picture.value = self._picture.draw(self.runs, *self.choice, self._own)

    def _show_progress(self, done: float, count: int, key: Key | None = None) -> None:
        self.progress.value = done / count if count else 0
        what = "" if key is None else f"λ left {key.share:g}, seed {key.seed}" if len(key.tasks) > 1 else "single task"
        self._state.value = f"model {int(done) + 1} of {count}: {what}" if count else ""

    def __repr__(self) -> str:
        # No trained number in it: this text is compared when the notebook is checked on another machine.
        size, share = self.choice
        return f"ParetoDemo: {size} model, λ left {share:g}, right {1 - share:.1g}; {STEPS} steps a model"


def _whole(others: Any) -> int:
    if isinstance(others, bool) or not isinstance(others, numbers.Integral) or others < 0:
        raise DemoError(f"others must be a whole number of at least 0; found {others!r}.")
    return int(others)
