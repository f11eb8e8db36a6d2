"""The merge demo: two LoRAs in one set of weights, with a coefficient each; what that gives, beside shared and separate."""

from __future__ import annotations

import ipywidgets as widgets
import pandas as pd

from mtl_helpers.evaluation import pareto_front
from mtl_helpers.experiments import read_result
from mtl_helpers.live.demos.demo import Demo, DemoError
from mtl_helpers.live.widgets.page import row
from mtl_helpers.plots.live.coefficient_plane import plot_merge

TASKS = ("topic", "sentiment")


class MergeDemo(Demo):
    """Drag the coefficients a and b of W + a ΔW of topic + b ΔW of sentiment, and read how right both heads then are.

    The scores are those of data/results/merge.csv, validation accuracies as means of all its seeds: nothing is trained or
    computed. `set` chooses from code, as a slider does. ``plane`` holds all pairs, ``scores`` those of the chosen one,
    ``separate`` those of one LoRA per task and ``shared`` those of one LoRA trained on both.
    """

    def __init__(self) -> None:
        super().__init__(height="6.2em")
        runs = read_result("merge")
        runs = runs[runs.part == "validation"].fillna({"a": 0.0, "b": 0.0})  # of the shared one, which has none
        mean = runs.pivot_table("score", ["arm", "a", "b"], "task")[list(TASKS)]
        self.plane: pd.DataFrame = mean.loc["sum"]
        self.ties: pd.DataFrame = mean.loc["TIES"]
        self.shared: pd.Series = mean.loc["shared"].iloc[0]
        self.separate = {"topic": self.plane.topic[1.0, 0.0], "sentiment": self.plane.sentiment[0.0, 1.0]}
        self.front = list(self.plane.index[pareto_front(self.plane)])
        self._steps = sorted(set(self.plane.index.get_level_values("a")))
        looks = {"style": {"description_width": "6em"}, "layout": {"width": "22em"}}
        self.sliders = {
            task: widgets.SelectionSlider(options=self._steps, value=1.0, description=task, **looks) for task in TASKS
        }
        for slider in self.sliders.values():
            self._watch(slider, lambda _: self._silent or self._show())
        self.box = widgets.VBox([self.readout, self.error_box, row(*self.sliders.values()), self.picture])
        self.box.add_class("mtl-merge-demo")
        self._begin()

    def set(self, *, topic: float | None = None, sentiment: float | None = None) -> None:
        """Choose coefficients from code; raises `DemoError` for one that is not on the plane, and then changes nothing."""
        chosen = {"topic": topic, "sentiment": sentiment}
        for task, value in chosen.items():
            if value is not None and (isinstance(value, bool) or value not in self._steps):
                known = ", ".join(f"{step:g}" for step in self._steps)
                raise DemoError(f"The coefficient of {task} can be {known}; found {value!r}.")

        def change() -> None:
            for task, value in chosen.items():
                if value is not None:
                    self.sliders[task].value = value

        self._choose(change)

    @property
    def coefficients(self) -> tuple[float, float]:
        """Of topic and sentiment, as they stand."""
        return tuple(self.sliders[task].value for task in TASKS)

    @property
    def scores(self) -> pd.Series:
        """Both accuracies with the coefficients as they stand."""
        return self.plane.loc[self.coefficients]

    def _show_all(self) -> None:
        (a, b), scores = self.coefficients, self.scores
        against = "<br>".join(
            f"{task} <b>{scores[task]:.3f}</b>: {100 * (scores[task] - self.separate[task]):+.1f} points against its own "
            f"LoRA, {100 * (scores[task] - self.shared[task]):+.1f} against one LoRA trained on both"
            for task in TASKS
        )
        self.readout.value = (
            f'<div style="line-height:1.6">W + {a:g} ΔW<sub>topic</sub> + {b:g} ΔW<sub>sentiment</sub>, one set of weights, '
            f"no extra pass<br>{against}<br><b>{self._verdict()}</b></div>"
        )
        beside = {"one shared LoRA": self.shared.to_frame().T, "TIES, a = b": self.ties}
        self.picture.show(plot_merge(self.plane, (a, b), separate=self.separate, beside=beside))

    def _verdict(self) -> str:
        if self.coefficients in self.front:
            return "On the front: no other pair is better for both tasks."
        ahead = (self.plane >= self.scores).all(axis=1) & (self.plane > self.scores).any(axis=1)
        best = self.plane[ahead].mean(axis=1).idxmax()
        return f"Dominated: coefficients {best[0]:g} and {best[1]:g} are better for one task and worse for none."

    def __repr__(self) -> str:
        (a, b), scores = self.coefficients, self.scores
        said = ", ".join(f"{task} {scores[task]:.3f}" for task in TASKS)
        return f"MergeDemo: topic {a:g}, sentiment {b:g}: {said}. {self._verdict()}"
