"""The claims of lesson 01, data: the seeds re-split one corpus, so all intervals are corrected for shared rows."""

from __future__ import annotations

import pandas as pd

from mtl_helpers.claims import Claim, computed, from_differences, from_runs
from mtl_helpers.claims.register import Kind
from mtl_helpers.data import load_reviews
from mtl_helpers.experiments import read_result
from mtl_helpers.experiments.corpus.corpus_splits import raw_reviews
from mtl_helpers.experiments.methods.methods_tables import SHARED_ROWS

RESAMPLED = "split of the corpus, first weights, order"
SETTING = {"resampled": RESAMPLED, "source": "corpus.csv", "shared_rows": SHARED_ROWS["reviews"]}
TASKS = ("topic", "sentiment")

COPIES = "copies across the split add 2.5 to 3 points of sentiment accuracy that do not exist"
ACROSS = "stars on the test texts add 19 points"
BASELINE = "the bag of words is 2.4 points ahead on both tasks, and ten seeds do not settle whether that is chance"
DIRT = "clean data score one to three points higher in all four comparisons, and ten seeds settle none of them"
OWN = "texts of its own change topic by 0.1 points and sentiment by 0.7, less than ten seeds can tell"


def claims() -> list[Claim]:
    """A row for each bold conclusion."""
    return [*account(), *cleaning(), *copies(), *across_tasks(), *own_data(), *baseline()]


def scores(study: str, task: str) -> pd.DataFrame:
    """The runs of one question and task, over all test rows."""
    runs = read_result("corpus")
    return runs[(runs.study == study) & (runs.task == task) & (runs.part == "all")]


def versus(
    study: str, task: str, arm: str, against: str, *, id: str, sentence: str, kind: Kind, **more: object
) -> Claim:
    """An arm against another, in points of accuracy."""
    return from_runs(scores(study, task), arm, against, id=id, sentence=sentence, kind=kind, **SETTING, **more)


def cleaning() -> list[Claim]:
    """Nothing cleaned against everything, for network and bag of words."""
    return [
        versus(
            "cleaning",
            task,
            f"everything{model}",
            f"nothing{model}",
            id=f"01-dirt-{name}{task}",
            sentence=DIRT,
            kind="open",
            baseline="nothing cleaned",
            family="01: cleaning, two models and two tasks",
            comparisons=4,
        )
        for model, name in (("", ""), (", words", "words-"))
        for task in TASKS
    ]


def copies() -> list[Claim]:
    """What is reported on a split with copies against the rows of the same test that have no twin in training."""
    runs, rows = read_result("corpus"), []
    for model in ("network", "words"):
        found = runs[(runs.study == "copies") & (runs.task == "sentiment") & (runs.arm == model)]
        parts = found.pivot_table(index="seed", columns="part", values="score")
        rows.append(
            from_differences(
                (100 * (parts["all"] - parts["no twin"])).tolist(),
                id=f"01-copies-{model}",
                sentence=COPIES,
                kind="higher",
                unit="points",
                baseline="the rows without a twin, same model",
                family="01: copies, two models",
                comparisons=2,
                **SETTING,
            )
        )
    return rows


def across_tasks() -> list[Claim]:
    """Stars of the test texts in training, or not."""
    return [
        versus(
            "across_tasks",
            "sentiment",
            "a split a task",
            "one split",
            id="01-across",
            sentence=ACROSS,
            kind="higher",
            control="as many labels of the stars",
        )
    ]


def own_data() -> list[Claim]:
    """Half the labels, on the same texts for both tasks or on texts of each task's own."""
    return [
        versus(
            "own_data",
            task,
            "texts of its own",
            "the same texts",
            id=f"01-own-{task}",
            sentence=OWN,
            kind="open",
            control="as many labels of each task",
            family="01: texts of its own, two tasks",
            comparisons=2,
        )
        for task in TASKS
    ]


def baseline() -> list[Claim]:
    """The tuned bag of words against a network for each task."""
    return [
        versus(
            "baseline",
            task,
            "words",
            "network",
            id=f"01-baseline-{task}",
            sentence=BASELINE,
            kind="open",
            baseline="a network of its own, trained to a plateau",
            family="01: words against networks, two tasks",
            comparisons=2,
        )
        for task in TASKS
    ]


def account() -> list[Claim]:
    """The rows that are left of the raw file."""
    return [
        computed(
            len(load_reviews()),
            id="01-rows",
            sentence="3,078 rows in, 2,640 out",
            unit="rows",
            source="data/reviews_raw.csv",
            baseline="rows in the raw file",
            floor=len(raw_reviews()),
        )
    ]
