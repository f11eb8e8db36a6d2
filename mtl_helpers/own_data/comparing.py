"""The ways of learning a table's tasks, each on the same re-splits: floor, linear, alone, shared, conditioned, frozen."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

import ipywidgets as widgets
import pandas as pd
import torch
from scipy.sparse import csr_array, hstack
from torch import Tensor

from mtl_helpers.claims.checks import Shown
from mtl_helpers.data import Splits, Vocabulary, baseline_score, tuned_bag_of_words
from mtl_helpers.data.baseline import tuned_linear
from mtl_helpers.errors import DataError
from mtl_helpers.evaluation import Arm, conditioned_on, confidence_interval, run_arm, sweep
from mtl_helpers.models import OnFeatures
from mtl_helpers.own_data.looking import FRACTIONS, OwnTable
from mtl_helpers.own_data.reading_rows import FROZEN, HIDDEN, RowReader, frozen_features, on_frozen
from mtl_helpers.plots import html_table
from mtl_helpers.tasks import Task

ARMS = ("floor", "linear", "alone", "shared", "conditioned", "MiniLM")
WHAT = {
    "floor": "one answer for every row, the best one on the training rows",
    "linear": "a linear model on word counts or columns, tuned on validation",
    "alone": "a network of its own",
    "shared": "one encoder for all tasks, a head each",
    "conditioned": "shared, and the head is told what that of another task of classes says",
    "MiniLM": "all tasks on the features of a frozen pre-trained encoder (English for the most part)",
}
SPLITS = 6
EPOCHS, LEAST_STEPS, MOST_STEPS = 35, 200, 500


@dataclass(frozen=True)
class Comparison(Shown):
    """What `compare` found: ``runs`` has a row an arm, task and split (``seed``): ``score``, by the task's own metric."""

    table: OwnTable
    runs: pd.DataFrame
    steps: int
    seconds: float

    @property
    def box(self) -> widgets.Box:
        """What the page shows: all scores."""
        return widgets.HTML(scores_html(self))

    def __repr__(self) -> str:
        tasks, splits = len(self.table.tasks), self.runs.seed.nunique()
        return (
            f"{self.table.name}: {', '.join(self.arms)}, for {tasks} task{'s' * (tasks > 1)} on {splits} splits, "
            f"{self.steps} steps a network; picture(found) draws the scores."
        )

    @property
    def shared_rows(self) -> float:
        """n_test / n_train: the splits re-use the rows of one table, see `evaluation.confidence_interval`."""
        return FRACTIONS[2] / FRACTIONS[0]

    @property
    def arms(self) -> list[str]:
        """Those that were run, in the order of `ARMS`."""
        return [arm for arm in ARMS if arm in set(self.runs.arm)]

    def of(self, task: str) -> pd.DataFrame:
        """The runs of one task, as `evaluation.paired_changes` takes them."""
        return self.runs[self.runs.task == task]

    def score(self, task: str, arm: str) -> float:
        """The mean over the splits."""
        found = self.of(task)
        return float(found[found.arm == arm].score.mean())

    def table_of_scores(self) -> pd.DataFrame:
        """A row a task and arm: ``score`` with its interval over re-splits, ``low`` to ``high``, in the task's metric."""
        rows = {}
        for (name, arm), part in self.runs.groupby(["task", "arm"], sort=False):
            rows[name, arm] = confidence_interval(part.score, shared_rows=self.shared_rows)
        found = pd.DataFrame.from_dict(rows, orient="index", columns=["score", "low", "high"])
        found.index = pd.MultiIndex.from_tuples(found.index, names=["task", "arm"])
        order = [(task.name, arm) for task in self.table.tasks for arm in self.arms if (task.name, arm) in found.index]
        return found.loc[order]


def scores_html(found: Comparison) -> str:
    """All scores with their intervals as an HTML table."""
    table = found.table_of_scores()
    rows = []
    for task in found.table.tasks:
        for arm in found.arms:
            if (task.name, arm) in table.index:
                one = table.loc[(task.name, arm)]
                cells = [f"{one.score:.3g}", f"{one.low:.3g} to {one.high:.3g}", escape(WHAT[arm])]
                rows.append([escape(f"{task.name}, {task.metric}"), arm, *cells])
    return html_table(["task", "arm", "score", "95 % interval", ""], rows, left=(0, 1, 4))


def compare(
    table: OwnTable,
    *,
    arms: Sequence[str] = ARMS,
    splits: int = SPLITS,
    processes: int | None = None,
    progress: bool = True,
) -> Comparison:
    """Learn every task in every way on ``splits`` re-splits of the table; each is tested once, on rows none has seen.

    Validation rows choose the linear model's strength and the step whose weights are kept. All networks take
    the same number of steps. ``processes`` as in `evaluation.sweep`. With one task there is nothing to share.
    """
    start = time.perf_counter()
    if unknown := [arm for arm in arms if arm not in ARMS]:
        raise DataError(f"There is no arm {unknown[0]!r}; there are {', '.join(ARMS)}.")
    if splits < 2:
        raise DataError(f"An interval needs at least two splits; found {splits}.")
    steps = min(MOST_STEPS, max(LEAST_STEPS, EPOCHS * -(-int(FRACTIONS[0] * len(table.frame)) // 32)))
    features = frozen_features(table) if "MiniLM" in arms else None
    run = partial(_one_split, table=table, steps=steps, features=features, wanted=frozenset(arms))
    found = sweep([{"seed": seed} for seed in range(splits)], run, processes=processes, progress=progress)
    if (failed := found[found.error != ""]).shape[0]:
        raise DataError(f"Split {failed.seed.iloc[0]} could not be learnt from: {failed.error.iloc[0]}")
    rows = [{**row, "seed": seed} for seed, runs in zip(found.seed, found.runs, strict=True) for row in runs]
    return Comparison(table, pd.DataFrame(rows), steps, time.perf_counter() - start)


def _one_split(
    config: Mapping[str, Any], *, table: OwnTable, steps: int, features: Tensor | None, wanted: frozenset[str]
) -> dict[str, list[dict[str, Any]]]:
    """A row an arm and task on one split."""
    seed = config["seed"]
    numbered = table.frame.assign(**{FROZEN: range(len(table.frame))})
    parts = OwnTable(**{**vars(table), "frame": numbered}).parts(seed)
    tasks = table.scaled(parts.train)
    reader = RowReader.of(table, parts.train)

    def encode(parts: Splits, tasks: Sequence[Task]) -> tuple[Any, list[Any]]:
        return reader.new_encoder, [reader.dataset(part, tasks) for part in parts]

    def encode_frozen(parts: Splits, tasks: Sequence[Task]) -> tuple[Any, list[Any]]:
        encoder = partial(OnFeatures, features.shape[1], hidden=HIDDEN)
        return encoder, [on_frozen(features, part, tasks) for part in parts]

    rows = []
    for task in tasks:
        others = [other for other in tasks if other is not task]
        arms = [(Arm("alone", [task]), encode)]
        if others:
            arms.append((Arm("shared", [task, *others]), encode))
        if of_classes := [other for other in others if other.classes]:  # a single number says too little to a head
            arms.append((Arm("conditioned", [task, *others], conditioned_on(task, of_classes[0])), encode))
        if features is not None:
            arms.append((Arm("MiniLM", [task, *others]), encode_frozen))
        scores = {"floor": floor_score(task, parts.train, parts.test)}
        if "linear" in wanted:
            scores["linear"] = _linear_score(table, task, parts, reader)
        for arm, how in arms:
            if arm.name in wanted:
                scores[arm.name] = run_arm(arm, parts, seed=seed, steps=steps, encode=how).score
        rows += [{"task": task.name, "arm": arm, "score": score} for arm, score in scores.items()]
    return {"runs": rows}


def floor_score(task: Task, train: pd.DataFrame, test: pd.DataFrame) -> float:
    """Of one answer for every row: the training label, or the median of numbers, that is best on the training rows.

    >>> from mtl_helpers.tasks import Classification
    >>> mood = Classification("mood", ("bad", "good"))
    >>> train = pd.DataFrame({"mood": ["good", "good", "bad"]})
    >>> floor_score(mood, train, pd.DataFrame({"mood": ["bad", "good", "bad", "bad"]}))
    0.25
    """
    target, mask = task.encode(train[task.name])
    known = target[mask]
    values, counts = known.unique(dim=0, return_counts=True)
    likely = values[counts.argsort(descending=True)[:30]]
    if not task.classes:
        likely = known.median(dim=0)[0][None] if known.dim() > 1 else known.median()[None]
    sign = 1 if task.higher_is_better else -1
    best = max(likely, key=lambda one: sign * task.score(one.expand_as(known), known))
    target, mask = task.encode(test[task.name])
    return task.score(best.expand_as(target), target, mask)


def _linear_score(table: OwnTable, task: Task, parts: Splits, reader: RowReader) -> float:
    """Test score of the linear model: the course's bag of words, or the like on columns, or on both side by side."""
    if not table.features:
        found = tuned_bag_of_words(parts.train, parts.val, task, text=table.text)
        return baseline_score(found.model, parts.test, task, text=table.text)
    labels = [task.encode(part[task.name]) for part in parts]
    inputs = [_numbers(part, table, reader) for part in parts]
    known = labels[0][1].numpy()
    linear, _, _ = tuned_linear(task, inputs[0][known], labels[0][0].numpy()[known], inputs[1], *labels[1])
    return task.score(torch.as_tensor(linear.predict(inputs[2])), *labels[2])


def _numbers(part: pd.DataFrame, table: OwnTable, reader: RowReader) -> csr_array:
    """Columns as numbers and, where there are texts, the share of each word of the vocabulary in its text."""
    columns = csr_array(reader.columns.encode(part)[0].double().numpy())
    if reader.words is None:
        return columns
    return csr_array(hstack([columns, word_shares(part[table.text], reader.words)], format="csr"))


def word_shares(texts: pd.Series, words: Vocabulary) -> csr_array:
    """``(texts, words)``: how often each word occurs, divided by the length of the vector."""
    rows = [words.numbers(text) for text in texts]
    ends = torch.tensor([0, *map(len, rows)]).cumsum(0).int().numpy()  # scikit-learn takes 32 bits only
    flat = torch.tensor([number for row in rows for number in row], dtype=torch.int32).numpy()
    counts = csr_array(
        ([1.0 / max(len(row), 1) ** 0.5 for row in rows for _ in row], flat, ends), (len(rows), len(words))
    )
    counts.sum_duplicates()
    return counts
