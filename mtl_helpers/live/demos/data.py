"""The data demo: choose what to clean and how to split, and watch rows, class balance and a quick score answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from mtl_helpers.arguments import whole_number
from mtl_helpers.data import (
    CLEANING_STEPS,
    DataError,
    bag_of_words,
    baseline_score,
    clean_reviews,
    clean_with,
    split_reviews,
)
from mtl_helpers.data.cleaning import fix_encoding, strip_markup, strip_space
from mtl_helpers.data.tokens import text_key
from mtl_helpers.evaluation import confidence_interval
from mtl_helpers.live.demos.demo import Demo
from mtl_helpers.live.widgets.page import row
from mtl_helpers.plots import Figure, html_table
from mtl_helpers.plots.live.label_balance import plot_labels
from mtl_helpers.tasks import SENTIMENT, TOPIC

SPLITS = {"random rows": False, "no text on both sides": True}
TASKS = (TOPIC, SENTIMENT)
SCORES = ("reported", "without_copies", "set_aside")
MAX_TRIES = 6


class DataDemo(Demo):
    """Clean ``raw`` by the chosen steps, split it in the chosen way, and score a bag of words on what comes out.

    Parameters
    ----------
    raw
        The raw reviews as strings: columns ``id, text, topic, sentiment, stars``.
    repeats
        Splits, each with another seed, over which scores are averaged.

    Each repeat first sets clean reviews aside, with all their copies, that no choice can touch. The rest is cleaned and
    split as chosen, four fifths to train on. One model a task then gets three scores: **reported**, on the chosen split's
    test rows; **without_copies**, on those test rows whose text is not in the training rows too; **set_aside**, on the
    clean reviews. ``run()`` measures the present choice from code; ``results`` holds a row a repeat and task, ``tries`` a
    row a choice that was measured. A click measures in a background thread that ends by itself within seconds.
    """

    go = "again"

    def __init__(self, raw: pd.DataFrame, *, repeats: int = 5) -> None:
        repeats = whole_number("repeats", repeats, at_least=2)  # two make an interval
        super().__init__(height="9.5em")
        self.raw, self.repeats = raw, repeats
        self._clean = clean_reviews(raw)
        # What a text is, whatever its flaws: copies are found by it even where nothing was cleaned.
        self._key = text_key(strip_space(strip_markup(fix_encoding(raw))).text).reindex(raw.index, fill_value="")
        self.tries = pd.DataFrame(
            columns=["cleaned", "split", "rows", *(f"{t.name} {s}" for t in TASKS for s in SCORES)]
        )
        self._build_widgets()
        self._begin()

    # The choice and what follows from it ------------------------------------------------------------------------

    @property
    def cleaned(self) -> list[str]:
        """Names of the chosen cleaning steps."""
        return [name for name, box in self.steps.items() if box.value]

    def set(self, clean: Iterable[str] | None = None, split: str | None = None) -> None:
        """Choose cleaning steps by name and the split, as a click does, but without measuring: call `run` for that."""
        names = self.cleaned if clean is None else list(clean)
        clean_with(self.raw.head(0), names)  # the same check, before any box changes
        if split not in (None, *SPLITS):
            raise DataError(f"There is no split {split!r}; there are {', '.join(map(repr, SPLITS))}.")

        def change() -> None:
            for name, box in self.steps.items():
                box.value = name in names
            self.split.value = split or self.split.value

        self._choose(change)

    def run(self) -> pd.DataFrame:
        """Measure the present choice, wait for it, and return `results`; raises what goes wrong."""
        self._compute_now(self.repeats)
        return self.results

    def _amount(self) -> int:
        return self.repeats

    def _work(self, repeats: int) -> Iterator[None]:
        """Clean, split and score ``repeats`` times."""
        self._chosen()
        self._show()
        for seed in range(repeats):
            yield
            self.results = pd.concat([self.results, pd.DataFrame(self._repeat(seed))], ignore_index=True)
            self._show()
        self._add_try()

    def _chosen(self) -> None:
        """Clean by the present choice and forget the scores of the last one."""
        self.choice = (self.cleaned, self.split.value)
        self.results = pd.DataFrame(columns=["seed", "task", *SCORES, "copied"])
        self.frame, self.table = clean_with(self.raw, self.choice[0])

    def _repeat(self, seed: int) -> list[dict[str, Any]]:
        """Set reviews aside, split the rest as chosen, train on one part and score on the other and on those set aside."""
        aside = split_reviews(self._clean, seed=seed).test
        rest = self.frame[~self._key[self.frame.index].isin(text_key(aside.text))]
        train, test = self._split(rest, seed)
        copied = self._key[test.index].isin(self._key[train.index]).to_numpy()
        rows = []
        for task in TASKS:
            baseline = bag_of_words(train, task)
            parts = {"reported": test, "without_copies": test[~copied], "set_aside": aside}
            scores = {name: baseline_score(baseline, part, task) for name, part in parts.items()}
            rows.append({"seed": seed, "task": task.name, **scores, "copied": copied.mean()})
        return rows

    def _split(self, frame: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        if SPLITS[self.choice[1]]:  # by what the text says, so that copies go to one side
            keys = self._key[frame.index]
            train, _ = train_test_split(np.sort(keys.unique()), test_size=0.2, random_state=seed)
            return frame[keys.isin(train)], frame[~keys.isin(train)]
        return tuple(train_test_split(frame, test_size=0.2, random_state=seed))

    # What the page shows ----------------------------------------------------------------------------------------

    def _build_widgets(self) -> None:
        self.steps = {name: widgets.Checkbox(value=False, description=name, indent=False) for name in CLEANING_STEPS}
        self.split = widgets.ToggleButtons(options=list(SPLITS), value="random rows", style={"button_width": "14em"})
        self._starts(*self.steps.values(), self.split)
        self.buttons = {
            "again": self._button("Measure", self.start, icon="play"),
            "stop": self._button("Stop", self._cancel, icon="stop"),
            "all": self._button(
                "Clean all", lambda: self._clean_and_measure(list(CLEANING_STEPS)), icon="check-square"
            ),
            "none": self._button("Clean none", lambda: self._clean_and_measure([]), icon="square-o"),
        }
        self.progress = widgets.IntProgress(max=self.repeats, layout={"width": "12em"})
        self._tried = widgets.HTML()
        rows = [row(*self.steps.values()), self.split, row(*self.buttons.values(), self.progress)]
        self.box = widgets.VBox([self.readout, self.error_box, *rows, self.picture, self._tried])
        self.box.add_class("mtl-data-demo")

    def _clean_and_measure(self, steps: list[str]) -> None:
        self.set(clean=steps)
        self.start()

    def _interval(self, task: str, score: str) -> str:
        values = self.results[self.results.task == task][score].astype(float)
        if len(values) < 2 or values.isna().any():  # a part without one labelled review has no score
            return "–"
        mean, low, _ = confidence_interval(values)
        return f"{mean:.3f} ± {mean - low:.3f}"

    def _show_all(self) -> None:
        """Write the readout: rows and labels, then a row a task with its three scores."""
        done = len(self.results) // len(TASKS)
        copied = f"{self.results.copied.mean():.0%}" if done else "–"
        lost = {name: int(n) for name, n in self.table.dropped.items() if n}
        dropped = ", ".join(f"{name} {n}" for name, n in lost.items()) or "nothing"
        rows = [
            [t.name, f"{self.frame[t.name].isna().sum():,}", *(self._interval(t.name, score) for score in SCORES)]
            for t in TASKS
        ]
        table = html_table(["task", "labels missing", *(score.replace("_", " ") for score in SCORES)], rows)
        self.readout.value = (
            f'<div style="line-height:1.5"><b>{len(self.frame):,} rows</b> of {len(self.raw):,} &nbsp; '
            f"dropped by: {dropped}<br>test rows whose text is in the training rows too: <b>{copied}</b> &nbsp; "
            f"({done} of {self.repeats} splits measured){table}</div>"
        )
        self.progress.value = done
        if done in (0, self.repeats):  # drawing takes longer than writing
            figure = Figure(figsize=(9.2, 3.1), layout="constrained", dpi=100)
            plot_labels(figure, self.frame, self.results, TASKS, SCORES)
            self.picture.show(figure)

    def _add_try(self) -> None:
        cleaned, split = self.choice
        left_out = [name for name in CLEANING_STEPS if name not in cleaned]
        what = ", ".join(cleaned) or "nothing"
        if len(left_out) < len(cleaned):
            what = f"all but {', '.join(left_out)}" if left_out else "all"
        means = {
            f"{task.name} {score}": self.results[self.results.task == task.name][score].astype(float).mean()
            for task in TASKS
            for score in SCORES
        }
        row = pd.DataFrame([{"cleaned": what, "split": split, "rows": len(self.frame), **means}])
        self.tries = row if self.tries.empty else pd.concat([self.tries, row], ignore_index=True)
        self._tried.value = tries_table(self.tries.tail(MAX_TRIES))

    def __repr__(self) -> str:
        # No trained number in it: this text is compared when the notebook is checked on another machine.
        cleaned, split = self.choice
        return f"DataDemo: cleaned {', '.join(cleaned) or 'nothing'}; split by {split}; {len(self.frame)} rows"


def tries_table(tries: pd.DataFrame) -> str:
    """HTML table with a row a try: what was cleaned, how it was split, and the mean scores by task."""
    heads = ["cleaned", "split", "rows", *(score.replace("_", " ") for _ in TASKS for score in SCORES)]
    rows = []
    for one in tries.to_dict("records"):
        numbers = [f"{one[f'{task.name} {score}']:.3f}" for task in TASKS for score in SCORES]
        rows.append([one["cleaned"], one["split"], f"{one['rows']:,}", *numbers])
    above = [("your tries", 3), *((task.name, len(SCORES)) for task in TASKS)]
    return html_table(heads, rows, left=(0, 1), above=above)
