"""The data demo: choose what to clean and how to split, and watch rows, class balance and a quick score answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

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
from mtl_helpers.data.reviews import text_key
from mtl_helpers.evaluation import confidence_interval
from mtl_helpers.live.background import BackgroundDemo
from mtl_helpers.live.data_picture import draw_data, tries_table
from mtl_helpers.live.page import new_button
from mtl_helpers.tasks import SENTIMENT, TOPIC

SPLITS = {"random rows": False, "no text on both sides": True}
TASKS = (TOPIC, SENTIMENT)
SCORES = ("reported", "without_copies", "set_aside")
MAX_TRIES = 6


class DataDemo(BackgroundDemo):
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
        if isinstance(repeats, bool) or not isinstance(repeats, int) or repeats < 2:
            raise DataError(f"repeats must be a whole number of at least 2, for an interval; found {repeats!r}.")
        super().__init__()
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
        with self._choosing():
            for name, box in self.steps.items():
                box.value = name in names
            self.split.value = split or self.split.value

    def run(self) -> pd.DataFrame:
        """Measure the present choice now, in this thread, and return `results`; raises what goes wrong."""
        self._compute_now(self.repeats)
        return self.results

    def _amount(self) -> int:
        return self.repeats

    def _work(self, repeats: int, go_on: Callable[[], None]) -> None:
        """Clean, split and score ``repeats`` times."""
        self._chosen()
        self._show()
        for seed in range(repeats):
            go_on()
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
        self.readout = widgets.HTML(layout={"min_height": "9.5em"})
        self.steps = {
            name: widgets.Checkbox(value=False, description=name, indent=False, layout={"width": "9.5em"})
            for name in CLEANING_STEPS
        }
        self.split = widgets.ToggleButtons(options=list(SPLITS), value="random rows", style={"button_width": "14em"})
        for chooser in (*self.steps.values(), self.split):
            chooser.observe(self._picked, names="value")
        self.buttons = {
            "again": new_button("Measure", self.start, icon="play"),
            "stop": new_button("Stop", self._cancel, icon="stop"),
            "all": new_button("Clean all", lambda: self._choose(list(CLEANING_STEPS)), icon="check-square"),
            "none": new_button("Clean none", lambda: self._choose([]), icon="square-o"),
        }
        self.progress = widgets.IntProgress(max=self.repeats, layout={"width": "12em"})
        self.picture = widgets.Image(format="png", layout={"width": "760px", "max_width": "100%"})
        self._tried = widgets.HTML()
        wrap = {"flex_flow": "row wrap"}
        self.box = widgets.VBox(
            [
                self.readout,
                self.error_box,
                widgets.HBox(list(self.steps.values()), layout=wrap),
                self.split,
                widgets.HBox([*self.buttons.values(), self.progress], layout=wrap),
                self.picture,
                self._tried,
            ]
        )
        self.box.add_class("mtl-data-demo")

    def _choose(self, steps: list[str]) -> None:
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
        rows = "".join(
            f'<tr><td style="text-align:left">{t.name}</td><td>{self.frame[t.name].isna().sum():,}</td>'
            + "".join(f"<td>{self._interval(t.name, score)}</td>" for score in SCORES)
            + "</tr>"
            for t in TASKS
        )
        heads = "".join(f"<th>{score.replace('_', ' ')}</th>" for score in SCORES)
        self.readout.value = (
            f'<div style="line-height:1.5"><b>{len(self.frame):,} rows</b> of {len(self.raw):,} &nbsp; '
            f"dropped by: {dropped}<br>test rows whose text is in the training rows too: <b>{copied}</b> &nbsp; "
            f"({done} of {self.repeats} splits measured)"
            '<table style="border-spacing:1.2em 0; margin-left:-1.2em; text-align:right">'
            f'<tr><th style="text-align:left">task</th><th>labels missing</th>{heads}</tr>{rows}</table></div>'
        )
        self.progress.value = done
        if done in (0, self.repeats):  # drawing takes longer than writing
            self.picture.value = draw_data(self.frame, self.results, TASKS, SCORES)

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
        self._tried.value = tries_table(self.tries.tail(MAX_TRIES), TASKS, SCORES)

    def __repr__(self) -> str:
        # No trained number in it: this text is compared when the notebook is checked on another machine.
        cleaned, split = self.choice
        return f"DataDemo: cleaned {', '.join(cleaned) or 'nothing'}; split by {split}; {len(self.frame)} rows"
