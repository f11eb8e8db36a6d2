"""The Pareto explorer: move λ along the front, look at the model found there, and try to beat it with a run of your own."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import pandas as pd
import torch
from matplotlib.axes import Axes

from mtl_helpers.arguments import number, whole_number
from mtl_helpers.evaluation import Verdict, dominated_by, judge
from mtl_helpers.experiments.methods.front_runs import NAMES, SHARES, SIZES, STEPS, Found, FrontRuns, Key
from mtl_helpers.live.demos.demo import Demo, DemoError
from mtl_helpers.live.lab import LambdaLab
from mtl_helpers.live.widgets.live_widget import by_worker
from mtl_helpers.live.widgets.page import row
from mtl_helpers.plots import Figure, draw_confusion, html_table, plot_front, task_styles
from mtl_helpers.plots.live.chosen_model import mark_chosen

_MORE = 0.05  # by how much an axis of the picture grows


class ParetoDemo(Demo):
    """Two-digits models along λ, each a point by its validation accuracy in both tasks. Choose one and see what it can do.

    Parameters
    ----------
    size, share
        The model it opens with: one of `SIZES`, and λ of the left digit, one of `SHARES` (the right one has 1 - share).
    others
        How many more seeds of the chosen model are trained, to show how far luck alone moves a point.
    lab
        A `LambdaLab` on the same pictures; a button then places its run on the picture, as ``own(lab)`` does.

    *Train*, and any λ or size chosen, trains what is missing in a background thread: the chosen λ, the other λ, each task
    alone, and the other seeds of the chosen λ. What was trained is kept. ``run()`` does the same from code. All scores are on
    the validation pictures, 500 of them: who looks for the best of many models there must test it on others.
    """

    go = "train"

    def __init__(
        self, *, size: str = "small", share: float = 0.5, others: int = 4, lab: LambdaLab | None = None
    ) -> None:
        super().__init__(height="10em")
        size, share = checked(size, share)
        self.others = whole_number("others", others, DemoError, at_least=0)
        if lab is not None and not isinstance(lab, LambdaLab):
            raise DemoError(f"lab must be a LambdaLab; found {type(lab).__name__}. Scores are placed by own(scores).")
        self.lab = lab
        self.runs = FrontRuns()
        self._own: list[dict[str, float]] = []
        self._own_steps = STEPS
        self._low = dict.fromkeys(
            NAMES, 0.6
        )  # where the axes begin: they only ever grow, so that pictures compare by eye
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

        def change() -> None:
            self.size.value, self.slider.value = wanted

        self._choose(change)

    @by_worker
    def own(self, scores: Mapping[str, float] | LambdaLab) -> Verdict:
        """Place a run of your own on the picture, by its validation accuracies or from a λ lab; return what to say of it.

        It is compared with the models of the chosen size that are trained so far. The verdict is shown in the demo, too, with
        the steps that a lab has taken, if they are not those of the models.
        """
        steps = scores.step if isinstance(scores, LambdaLab) else STEPS
        scores = scores_of(scores, self.runs)
        if self.front.empty:
            raise DemoError("There is no front to beat yet: press Train, or call run(), first.")
        verdict = judge(scores, _models(self.front), self.runs.scatter(self.choice[0]))
        self._own.append(scores)
        self._own_steps = steps
        self._show()
        return verdict

    def run(self, others: int | None = None) -> pd.DataFrame:
        """Train what is missing, with ``others`` more seeds of the chosen λ; return `front`, raise errors."""
        self._compute_now(self.others if others is None else whole_number("others", others, DemoError, at_least=0))
        return self.front

    # The computation --------------------------------------------------------------------------------------------

    def _amount(self) -> int:
        return self.others

    def _work(self, others: int) -> Iterator[None]:
        """Train model after model until none is missing."""
        todo = self.runs.missing(*self.choice, others)
        self._show()  # what was chosen, at once: a model takes its time
        try:
            for place, key in enumerate(todo):
                yield
                self._show_progress(place, len(todo), key)
                self.runs.train(key, lambda step, place=place, key=key: self._on_step(place + step / STEPS, todo, key))
                self._show()
        finally:
            self._show_progress(0, 0)

    def _on_step(self, done: float, todo: Sequence[Key], key: Key) -> None:
        self._worker.breathe()
        if self._due():
            self._show_progress(done, len(todo), key)

    # What the page shows ----------------------------------------------------------------------------------------

    def _build_widgets(self, size: str, share: float) -> None:
        self.slider = widgets.SelectionSlider(
            options=[(f"{share:g}", share) for share in SHARES],
            value=share,
            description="λ left",
            continuous_update=False,
            layout={"width": "30em"},
        )
        self.size = widgets.ToggleButtons(
            options=[(f"{name} model", name) for name in SIZES], value=size, style={"button_width": "8em"}
        )
        self._starts(self.slider, self.size)
        self.buttons = {
            "train": self._button("Train", self.start, icon="play"),
            "stop": self._button("Stop", self._cancel, icon="stop"),
            "place": self._button("Place my run", self._place, icon="star", width="9.6em"),
        }
        self.buttons["place"].layout.display = None if self.lab is not None else "none"
        self.progress = widgets.FloatProgress(max=1, layout={"width": "12em"})
        more = f", with {self.others} more seeds" if self.others else ""
        says = f"Press Train to train the front. A λ that you choose is trained too{more}; {STEPS} steps a model."
        self._state, note = widgets.Label(), widgets.HTML(f'<span class="mtl-note">{says}</span>')
        rows = [row(self.slider, self.size), note, row(*self.buttons.values(), self.progress, self._state)]
        self.box = widgets.VBox([self.readout, self.error_box, *rows, self.picture])
        self.box.add_class("mtl-pareto-demo")

    def _place(self) -> None:
        self._forget()
        self.own(self.lab)

    def _show_all(self) -> None:
        self.readout.value = readout(self.runs, *self.choice, self._own, self._own_steps)
        self.picture.show(self._draw())

    def _draw(self) -> Figure:
        """The models trained so far, and of the chosen one's confusion matrices."""
        (size, share), chosen, (x, y) = self.choice, self.chosen, NAMES
        fronts = {f"{name} model": self.runs.front(name) for name in SIZES}
        cloud, own = self.seeds, pd.DataFrame(self._own, columns=[*NAMES])
        figure = Figure(figsize=(9.6, 3.7), dpi=100)
        ax, *right = figure.subplots(1, 3, width_ratios=[1.25, 1, 1])
        figure.subplots_adjust(left=0.065, right=0.995, top=0.9, bottom=0.14, wspace=0.2)
        alone = self.runs.alone(size)
        plot_front(fronts, NAMES, own=self._own, single=alone, ax=ax, chosen=f"{size} model")
        mark_chosen(ax, _models(fronts[f"{size} model"]), share, cloud, named=(SHARES[0], SHARES[-1], share))
        for name in NAMES:
            least = min((frame[name].min() for frame in (*fronts.values(), cloud, own) if len(frame)), default=1.0)
            while self._low[name] > 0 and least < self._low[name] + _MORE / 2:
                self._low[name] = round(max(0.0, self._low[name] - _MORE), 2)
        ax.set(xlim=(self._low[x], 1), ylim=(self._low[y], 1))
        ax.set(xlabel=f"{x} digit: accuracy", ylabel=f"{y} digit: accuracy")
        ax.set_title("validation, a point a model", fontsize=10)
        if ax.get_legend_handles_labels()[0]:
            where = "best" if self._own else "lower left"  # a front bends away from that corner, a run may lie there
            ax.legend(frameon=False, fontsize=9, loc=where)
        else:
            _say(ax, "nothing trained yet:\npress Train")
        if chosen is not None:
            draw_confusion(chosen.confusion, axes=right)
            right[1].set_ylabel("")  # its neighbour says it
        for panel, name in zip(right, NAMES, strict=True):
            panel.set_title(f"{name} digit", fontsize=10, color=task_styles(NAMES)[name]["color"])
            if chosen is None:
                panel.set(xticks=[], yticks=[])
                _say(panel, "not trained yet")
        return figure

    def _show_progress(self, done: float, count: int, key: Key | None = None) -> None:
        self.progress.value = done / count if count else 0
        what = "" if key is None else f"λ left {key.share:g}, seed {key.seed}" if len(key.tasks) > 1 else "single task"
        self._state.value = f"model {int(done) + 1} of {count}: {what}" if count else ""

    def __repr__(self) -> str:
        # No trained number in it: this text is compared when the notebook is checked on another machine.
        size, share = self.choice
        return f"ParetoDemo: {size} model, λ left {share:g}, right {1 - share:.1g}; {STEPS} steps a model"


def checked(size: Any, share: Any) -> tuple[str, float]:
    """That size and λ; raises `DemoError` for one that the demo does not have."""
    if size not in SIZES:
        raise DemoError(f"size must be one of {', '.join(SIZES)}; found {size!r}.")
    if isinstance(share, bool) or not isinstance(share, numbers.Real) or share not in SHARES:
        raise DemoError(f"share, λ of the left digit, must be one of {', '.join(map(str, SHARES))}; found {share!r}.")
    return size, SHARES[SHARES.index(share)]


def scores_of(run: Mapping[str, float] | LambdaLab, runs: FrontRuns) -> dict[str, float]:
    """The scores of a lab's run or of a mapping; refused if they can not be compared with the demo's."""
    if isinstance(run, LambdaLab):
        loader = run.recorded.val_loader
        pictures = None if loader is None else loader.dataset.inputs
        if not isinstance(pictures, torch.Tensor) or not torch.equal(pictures, runs.splits.val.inputs):
            raise DemoError("The lab must validate on the pictures of this demo, those of two_digits(seed=0).val.")
        run = run.scores
        if not run:
            raise DemoError("The lab has no validation score yet: train in it first.")
    if not isinstance(run, Mapping) or (absent := [name for name in NAMES if name not in run]):
        missing = f"no score for '{absent[0]}' in {dict(run)}" if isinstance(run, Mapping) else repr(run)
        raise DemoError(f"A run is placed by its accuracy in {' and '.join(NAMES)}; found {missing}.")
    said = "The accuracy of '{}', from 0 to 1,"
    return {name: number(said.format(name), run[name], DemoError, at_least=0, at_most=1) for name in NAMES}


# What is drawn and written --------------------------------------------------------------------------------------


def _models(front: pd.DataFrame) -> pd.DataFrame:
    """Their scores, named by λ."""
    return front.set_index("λ left")[[*NAMES]]


def _say(ax: Axes, text: str) -> None:
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", color="#666666")


def scores_table(chosen: Found | None, cloud: pd.DataFrame, alone: Mapping[str, float]) -> str:
    """HTML: for each task the chosen model's accuracy and loss, the seeds' mean ± sd, and the single-task accuracy."""
    rows = []
    for name in NAMES:
        cells = ["–"] * 4
        if chosen is not None:
            cells[:2] = f"<b>{chosen.scores[name]:.3f}</b>", f"{chosen.losses[name]:.3f}"
        if len(cloud) > 2:
            cells[2] = f"{cloud[name].mean():.3f} ± {cloud[name].std():.3f}"
        if name in alone:
            cells[3] = f"{alone[name]:.3f}"
        rows.append([name, *cells])
    seeds = f"{len(cloud) if len(cloud) > 2 else 'other'} seeds, ± sd"
    return html_table(["task", "accuracy", "loss", seeds, "single task"], rows)


def readout(runs: FrontRuns, size: str, share: float, own: Sequence[Mapping[str, float]], steps: int) -> str:
    """HTML: the chosen model in numbers, whether it is on the front, and what is to say of the learner's last run."""
    front, chosen, scatter = runs.front(size), runs.found.get(Key(size, share)), runs.scatter(size)
    said = [f"<b>{size} model, λ left {share:g}, right {1 - share:.1g}</b>: {len(front)} of {len(SHARES)} λ trained"]
    table = scores_table(chosen, runs.seeds(size, share), runs.alone(size))
    if chosen is not None:
        beaten = ", ".join(f"{other:g}" for other in dominated_by(_models(front), share))
        luck = "" if math.isnan(scatter) else f"; another seed alone moves a score by ± {scatter:.3f} (1 sd)"
        said.append(f"{f'dominated by λ left = {beaten}' if beaten else 'on the front'}{luck}")
    if own and len(front):
        scores = ", ".join(f"{name} {own[-1][name]:.3f}" for name in NAMES)
        tries = f" This was try {len(own)}: the best of several is in part luck." if len(own) > 1 else ""
        uneven = f" It took {steps} steps, the models {STEPS}: that is no fair comparison." if steps != STEPS else ""
        said.append(f"<b>your run</b> ({scores}) is {judge(own[-1], _models(front), scatter)}{uneven}{tries}")
    return f'<div style="line-height:1.5">{said[0]}{table}{"<br>".join(said[1:])}</div>'
