"""What a pre-trained encoder changes: few labels, ways of fine-tuning, tasks named in the text. 45 minutes.

``results/large_models.csv``. Each run has one thread, and where MiniLM is trained a process of its own. A seed draws split,
labels, initial weights and order of the batches, the same for every arm of a part. No arm is tuned, and each is the model
after its last step: with 20 labels there is nothing to validate on. Scores are accuracies on test reviews. Lesson 07 reads
the file and runs a sample again.

``labels``: one task, topic or sentiment, with 20, 100, 240 or all training labels of the review corpus, the same number of
each class, ten seeds. A bag of words; an LSTM (300 steps of 32); a frozen MiniLM with a head (300 steps), with the same head
fitted until it converges (a logistic regression), or with a LinearSVC; MiniLM fine-tuned by LoRA of rank 8 (20, 40, 60, 105
steps of 16). "+ stars" has a second task, the stars of all training reviews, in every second batch and with λ = 0.2: the
labels of the first are drawn at least as often as alone. There MiniLM has a layer of 32 below its heads, which the tasks
share. "Off the stars" has no label of sentiment: a bag of words predicts stars, and says positive above 3, as the labels of
the corpus do.

``tuning``: topic and sentiment on reviews that have both labels, tested on 200: 240 of them, 60 steps of 16, or all 1,680, 105
steps, which is one pass; five seeds. A bag of words; the frozen MiniLM with heads (400 steps, on features computed once); its
last two layers; LoRA of rank 8 and of rank 16 shared by the tasks; LoRA of rank 8 for each task (two models above one frozen
encoder, trained one after the other); a soft prompt of 10 vectors, shared; all layers, shared, and for each task alone.
``cpu_s`` is processor time in seconds, ``memory_mb`` the largest resident memory of the process over that before training.

``mixing``: controlled reviews, 3,000 with a topic and 1,000 with a sentiment, as prompts for a GPT-2 of two layers with new
weights, batches of 32, 700 steps drawn in proportion to the sizes, at temperature 2, or equally. Then sentiment has been drawn
twice as often as in proportion; so it is drawn as often by 1,400 steps in proportion, and by 350 of sentiment. Five seeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import torch

from mtl_helpers.data import load_reviews
from mtl_helpers.experiments import Config, Experiment
from mtl_helpers.experiments.large_models import fine_tuning, label_counts, mixtures
from mtl_helpers.experiments.large_models.fine_tuning import tuning_data, tuning_run
from mtl_helpers.experiments.large_models.label_counts import (
    FROZEN,
    LAYERS,
    OFF_STARS,
    TASKS,
    TUNED,
    few_labels,
    frozen_features,
    labels_run,
)
from mtl_helpers.experiments.large_models.mixtures import MIXING, SIZES, mixing_data, mixing_reviews, mixing_run
from mtl_helpers.experiments.large_models.own_process import in_own_process

__all__ = [
    "EXPERIMENT",
    "LAYERS",
    "LR",
    "MIXING",
    "SHARED_ROWS",
    "SIZES",
    "STEPS",
    "TUNED",
    "few_labels",
    "frozen_features",
    "labels_run",
    "mixing_data",
    "mixing_reviews",
    "tuning_data",
]

STEPS = {"labels": label_counts.STEPS, "tuning": fine_tuning.STEPS, "mixing": mixtures.STEPS}
LR = {**label_counts.LR, "mixing": mixtures.LR}  # of AdamW; of the ways of fine-tuning see `fine_tuning.WAYS`
LABELS = (20, 100, 240, "all")
LABEL_RUNS = [  # arms, tasks, numbers of labels
    ((OFF_STARS,), ("sentiment",), (0,)),
    ((*FROZEN, "LSTM"), tuple(TASKS), LABELS),
    ((*LAYERS, "LSTM + stars"), ("sentiment",), (20, 100)),
    ((TUNED,), tuple(TASKS), LABELS),
]
SEEDS = {"mixing": 5, "tuning": 5}  # the most that these parts have
# n_test / n_train, as `evaluation.confidence_interval` takes it: the rows tested on, over those that training may draw from.
SHARED_ROWS = {"labels": 396 / 1848, "tuning": 200 / 1680, "mixing": 0.0}  # the last draws new reviews for each seed


def configs(seeds: int) -> list[Config]:
    """The runs of all parts, the cheap ones first."""
    found = [
        {"part": "labels", "arm": arm, "task": task, "n": n, "seed": seed}
        for arms, tasks, amounts in LABEL_RUNS
        for seed in range(seeds)
        for arm in arms
        for task in tasks
        for n in amounts
    ]
    found += [
        {"part": "mixing", "arm": arm, "seed": seed} for seed in range(min(seeds, SEEDS["mixing"])) for arm in MIXING
    ]
    return found + [
        {"part": "tuning", "arm": arm, "n": n, "seed": seed}
        for seed in range(min(seeds, SEEDS["tuning"]))
        for n in fine_tuning.STEPS
        for arm in (fine_tuning.BAG, fine_tuning.HEADS, *fine_tuning.WAYS)
    ]


def run(config: Config) -> dict[str, Any]:
    """One run of whichever part, by task and what it cost."""
    config = dict(config)
    part = config.pop("part")
    if part == "tuning":
        return {"found": in_own_process(tuning_run, **config)}
    return {"found": {"labels": labels_run, "mixing": mixing_run}[part](**config)}


def rows(runs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A row a run and task."""
    for run in runs.to_dict("records"):
        found = run["found"]
        for task in TASKS:
            if task in found:
                yield {
                    "part": run["part"],
                    "arm": run["arm"],
                    "labels": run.get("n"),
                    "seed": run["seed"],
                    "task": task,
                    "score": found[task],
                    "trainable": found.get("trainable"),
                    "cpu_s": found.get("seconds"),
                    "memory_mb": found.get("memory_mb"),
                }


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A row a run and task."""
    table = pd.DataFrame(rows(runs)).astype({"trainable": "Int64"})
    return {"large_models": table.round({"cpu_s": 1, "memory_mb": 0})}


def prepare() -> None:
    """Compute the corpus' features once, before the workers ask for them, with one thread as they do."""
    torch.set_num_threads(1)
    frozen_features().encode(load_reviews().text)


EXPERIMENT = Experiment(configs, run, tables, seeds=10, prepare=prepare)
