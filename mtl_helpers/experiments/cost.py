"""What one shared model costs against two single-task models, and how good each is: data/results/cost.csv.

Each seed redraws the split, the first weights and the order of the batches, the same for all arms. Each arm trains with
AdamW until its validation accuracy (the shared model: the mean of both) has not risen for 5 validations, one every 50 steps,
and is then tested once with the weights of its best validation. The single sentiment model gets the labelled reviews only.
Times are CPU seconds of one thread, so they do not count what else the machine does; validation is part of them. About five
minutes, one run at a time, so that none slows another. Lesson 02 reads the file, turns it into intervals, and runs one seed
again.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import Any

import pandas as pd
import torch
from torch.utils.data import DataLoader

from mtl_helpers.data import Vocabulary, encode_reviews, load_reviews, make_loader, split_reviews
from mtl_helpers.evaluation import StepTimer
from mtl_helpers.experiments import Config, Experiment, rows_of
from mtl_helpers.models import CNNEncoder, LSTMEncoder, MultiTaskModel, count_parameters
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.tasks import SENTIMENT, TOPIC
from mtl_helpers.training import Record, fit, validate

ENCODERS = {"CNN": CNNEncoder, "LSTM": LSTMEncoder}
ARMS = {"shared": [TOPIC, SENTIMENT], "topic": [TOPIC], "sentiment": [SENTIMENT]}
TARGETS = {"topic": 0.80, "sentiment": 0.75}  # a quality on validation that every arm is asked to reach
LR, EVERY, PATIENCE, LIMIT = 0.005, 50, 5, 2000


def train_to_stop(model: MultiTaskModel, loader: DataLoader, val_loader: DataLoader) -> dict[str, Any]:
    """Train until validation stops rising; leave the best weights in the model. Steps, CPU seconds, and those to TARGETS."""
    start, reached = time.thread_time(), None

    def see(record: Record) -> None:
        nonlocal reached
        good = record.val_scores and all(record.val_scores[name] >= TARGETS[name] for name in record.val_scores)
        if good and reached is None:
            reached = time.thread_time() - start

    optimizer = torch.optim.AdamW(model.parameters(), lr=LR)
    validated = {"val_loader": val_loader, "eval_every": EVERY, "patience": PATIENCE}
    history = fit(model, loader, optimizer, steps=LIMIT, on_step=see, **validated)
    return {"steps": int(history.step.max()), "cpu_s": time.thread_time() - start, "cpu_s_to_target": reached}


def arms(encoder: str, seed: int) -> dict[str, tuple]:
    """By arm: the model, its loaders for training, validation and test."""
    splits = split_reviews(load_reviews(), seed=seed)
    vocabulary = Vocabulary.from_texts(splits.train.text)
    made = {}
    for arm, tasks in ARMS.items():
        frames = [part.dropna(subset=["sentiment"]) if tasks == [SENTIMENT] else part for part in splits]
        data = [encode_reviews(frame, vocabulary, tasks) for frame in frames]
        train = make_loader(data[0], batch_size=32, shuffle=True, seed=seed)
        with drawn_from(seeded(seed)):
            model = MultiTaskModel(ENCODERS[encoder](len(vocabulary)), tasks)
        made[arm] = (model, train, *(make_loader(part, batch_size=128) for part in data[1:]))
    return made


def cost_rows(encoder: str, seed: int, rounds: int = 60) -> list[dict[str, Any]]:
    """One row an arm: parameters, CPU of a step, steps and CPU to the stop, CPU to the target, test accuracies."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        fresh = arms(encoder, seed)
        batches = list(islice(fresh["shared"][1], rounds + 5))
        timer = StepTimer({arm: parts[0] for arm, parts in fresh.items()}, batches)
        timer.measure(rounds + 5)
        rows = []
        for arm, (model, loader, val_loader, test_loader) in arms(encoder, seed).items():
            row = {"encoder": encoder, "seed": seed, "arm": arm, "parameters": sum(count_parameters(model).values())}
            row |= {"cpu_ms_per_step": timer.medians()[arm], **train_to_stop(model, loader, val_loader)}
            rows.append(row | validate(model, test_loader)[1])
    finally:
        torch.set_num_threads(threads)
    return rows


def configs(seeds: int) -> list[Config]:
    """An encoder and a seed."""
    return [{"encoder": encoder, "seed": seed} for encoder in ENCODERS for seed in range(seeds)]


def run(config: Config) -> dict[str, Any]:
    """All arms."""
    return {"rows": cost_rows(**config)}


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A row an encoder, seed and arm."""
    return {"cost": rows_of(runs)}


EXPERIMENT = Experiment(configs, run, tables, seeds=10, processes=1)
