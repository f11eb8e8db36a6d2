"""Tasks named in the text: a small decoder that sees two of them in one mixture, or one alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
import torch

from mtl_helpers.corpus import make_reviews
from mtl_helpers.data import MultiTaskDataset, Vocabulary, encode_reviews, make_loader, mixed_loader
from mtl_helpers.models.large.text_to_text import answer_task, as_prompts, prompt_vocabulary, small_decoder
from mtl_helpers.tasks import SENTIMENT, TOPIC, Task
from mtl_helpers.training import fit, validate

TASKS = {"topic": TOPIC, "sentiment": SENTIMENT}
SIZES, UNSEEN = {"topic": 3000, "sentiment": 1000}, 1000  # prompts a task, and reviews to test on
STEPS, BATCH, LR = 700, 32, 0.002


@dataclass(frozen=True)
class Mixture:
    """The temperature at which tasks are drawn, how many steps of training, and which tasks there are."""

    temperature: float
    steps: int = STEPS
    tasks: tuple[str, ...] = tuple(SIZES)


# Drawn equally, half of 700 batches are of sentiment: so are a quarter of 1,400, and 350 of sentiment alone.
MIXING = {
    "proportional": Mixture(1),
    "temperature 2": Mixture(2),
    "equal": Mixture(math.inf),
    "proportional, twice the steps": Mixture(1, 2 * STEPS),
    "sentiment alone, half the steps": Mixture(1, STEPS // 2, ("sentiment",)),
}


def mixing_reviews(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reviews to train on, and to test on."""
    written = max(SIZES.values())
    reviews = make_reviews(written + UNSEEN, relatedness=0, seed=seed)
    return reviews.iloc[:written], reviews.iloc[written:]


def mixing_data(train: pd.DataFrame, test: pd.DataFrame) -> tuple[Vocabulary, dict, dict]:
    """The vocabulary, by task the prompts to train on, and by task those to test on."""
    vocabulary = prompt_vocabulary(train.text, list(TASKS.values()))
    answer = [answer_task(vocabulary)]

    def encoded(rows: pd.DataFrame, task: Task) -> MultiTaskDataset:
        return encode_reviews(as_prompts(rows, task), vocabulary, answer)

    parts = {name: encoded(train.iloc[:n], TASKS[name]) for name, n in SIZES.items()}
    return vocabulary, parts, {task.name: encoded(test, task) for task in TASKS.values()}


def mixing_run(arm: str, seed: int) -> dict[str, float]:
    """Test accuracies of a decoder that saw the tasks in one mixture, of those tasks."""
    vocabulary, parts, tests = mixing_data(*mixing_reviews(seed))
    model, mixture = small_decoder(vocabulary, seed=seed), MIXING[arm]
    loader = mixed_loader(
        {name: parts[name] for name in mixture.tasks}, BATCH, temperature=mixture.temperature, seed=seed
    )
    fit(model, loader, torch.optim.AdamW(model.parameters(), lr=LR), steps=mixture.steps)
    return {name: validate(model, make_loader(tests[name], 250))[1]["answer"] for name in mixture.tasks}
