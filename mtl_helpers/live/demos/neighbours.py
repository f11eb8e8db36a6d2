"""The neighbours demo: a review, the name of a task before it or none, and the five reviews that are then nearest."""

from __future__ import annotations

import html

import ipywidgets as widgets
import pandas as pd

from mtl_helpers.data import load_reviews
from mtl_helpers.experiments import read_result
from mtl_helpers.experiments.adapters.named_tasks import ARMS, NAMES, TASKS
from mtl_helpers.live.demos.demo import Demo, DemoError
from mtl_helpers.live.widgets.page import row
from mtl_helpers.plots import html_table
from mtl_helpers.plots.live.neighbour_map import class_looks, plot_neighbours

SHAPES = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚"}  # of Matplotlib's markers


class NeighboursDemo(Demo):
    """Choose a review and the name of a task before every text, and see which five reviews are then nearest to it.

    All is read from data/results/named_tasks_near.csv, the test reviews of one seed, with the encoder as it was downloaded and
    with the LoRA that learnt the names: nothing is trained or computed. `set` chooses from code, as a click does. ``near``
    holds the five reviews, nearest first, ``agreement`` by task the share of all reviews' five nearest with their label, and
    ``chance`` what others drawn by lot would give.
    """

    def __init__(self) -> None:
        super().__init__(height="16em")
        table = read_result("named_tasks_near")
        self._maps = {key: of.set_index("id") for key, of in table.groupby(["arm", "name"])}
        ids = self._maps[ARMS[0], NAMES[0]].index
        self.reviews: pd.DataFrame = load_reviews().set_index("id").loc[ids]
        self._labels = {task.name: self.reviews[task.name].tolist() for task in TASKS}
        counts = {task: self.reviews[task].value_counts() for task in self._labels}
        self.chance = {task: float((n * (n - 1)).sum() / (n.sum() * (n.sum() - 1))) for task, n in counts.items()}
        self._looks = {task.name: class_looks(task.classes) for task in TASKS}
        wide = {"style": {"description_width": "6em"}}
        self.review = widgets.IntSlider(1, 1, len(ids), description="review", layout={"width": "26em"}, **wide)
        self.name = widgets.ToggleButtons(options=NAMES, description="name", **wide)
        self.encoder = widgets.ToggleButtons(options=ARMS, value=ARMS[1], description="encoder", **wide)
        self._choosers = {"review": self.review, "name": self.name, "encoder": self.encoder}
        for chooser in self._choosers.values():
            self._watch(chooser, lambda _: self._silent or self._show())
        choosers = [row(self.name, self.encoder), self.review]
        self.box = widgets.VBox([self.readout, self.error_box, *choosers, self.picture])
        self.box.add_class("mtl-neighbours-demo")
        self._begin()

    def set(self, *, review: int | None = None, name: str | None = None, encoder: str | None = None) -> None:
        """Choose from code, as a click does; raises `DemoError` for what cannot be chosen, and then changes nothing."""
        chosen = {"review": review, "name": name, "encoder": encoder}
        allowed = {"review": range(1, len(self.reviews) + 1), "name": NAMES, "encoder": ARMS}
        for key, value in chosen.items():
            if value is not None and (isinstance(value, bool) or value not in allowed[key]):
                known = f"1 to {len(self.reviews)}" if key == "review" else ", ".join(map(repr, allowed[key]))
                raise DemoError(f"{key} can be {known}; found {value!r}.")

        def change() -> None:
            for key, value in chosen.items():
                if value is not None:
                    self._choosers[key].value = value

        self._choose(change)

    @property
    def _map(self) -> pd.DataFrame:
        return self._maps[self.encoder.value, self.name.value]

    @property
    def near(self) -> pd.DataFrame:
        """The five nearest reviews with what is chosen, the nearest first."""
        return self.reviews.loc[self._map.near.iloc[self.review.value - 1].split()]

    @property
    def agreement(self) -> dict[str, float]:
        """By task, the share of the five nearest that have a review's label, over all reviews."""
        pairs = self._map.near.str.split().explode()
        known = self.reviews[[task.name for task in TASKS]]
        same = known.loc[pairs.index].to_numpy() == known.loc[pairs].to_numpy()
        return dict(zip(known.columns, same.mean(axis=0).tolist(), strict=True))

    def _show_all(self) -> None:
        chosen = self.reviews.iloc[self.review.value - 1]
        before = "" if self.name.value == NAMES[0] else f"{self.name.value}: "
        rows = [
            (*(self._marked(task, of[task]) for task in self._labels), html.escape(before + of.text))
            for _, of in [(chosen.name, chosen), *self.near.iterrows()]
        ]
        numbered = [(f"<b>{n}</b>" if n else "<b>★</b>", *cells) for n, cells in enumerate(rows)]
        table = html_table(["", *self._labels, "text"], numbered, left=range(4))
        self.readout.value = f"{table}<div><b>{self._said()}</b></div>"
        where = self.reviews.index.get_indexer(self.near.index).tolist()
        titles = {
            task: f"{task}: alike in {100 * share:.0f} % of all neighbours, by chance {100 * self.chance[task]:.0f} %"
            for task, share in self.agreement.items()
        }
        classes = {task.name: task.classes for task in TASKS}
        points, place = self._map[["x", "y"]].to_numpy(), self.review.value - 1
        self.picture.show(plot_neighbours(points, self._labels, classes, place, where, titles=titles))

    def _marked(self, task: str, kind: str) -> str:
        colour, marker = self._looks[task][kind].values()
        ink = f"color:color-mix(in srgb, {colour} 70%, var(--mtl-ink))"
        return f'<span style="{ink}; white-space:nowrap">{SHAPES[marker]} {kind}</span>'

    def _said(self) -> str:
        chosen, near = self.reviews.iloc[self.review.value - 1], self.near
        same = (f"{(near[task] == chosen[task]).sum()} of its {task}" for task in self._labels)
        return f"Its five nearest: {', '.join(same)}."

    def __repr__(self) -> str:
        what = f"review {self.review.value}, {self.name.value}, encoder {self.encoder.value}"
        return f"NeighboursDemo: {what}. {self._said()}"
