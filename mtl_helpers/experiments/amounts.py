"""λ by amount of data and by importance, trained: data/results/amounts.csv, for lesson 04. Two minutes on two cores.

Topic is known of all training reviews, sentiment of 300. The arms: λ equal, by amount of data with α = 1 and -1
(`weights_by_count`), and by importance, one task named three times as important as the other. Two more take batches from one
data set or the other, proportionally and at temperature 5, with equal λ. A seed draws split, labelled reviews, first weights
and order of the batches, the same for every arm; AdamW at 0.003, 300 steps, nothing is tuned. A row a run and task, with λ and
the test accuracy after the last step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch

from mtl_helpers.data import Vocabulary, encode_reviews, load_reviews, make_loader, mixed_loader, split_reviews
from mtl_helpers.experiments import Config, Experiment, rows_of
from mtl_helpers.models import CNNEncoder, MultiTaskModel
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.tasks import SENTIMENT, TOPIC
from mtl_helpers.training import fit, validate, weights_by_count

TASKS = [TOPIC, SENTIMENT]
LABELLED, STEPS, LR = 300, 300, 0.003
ALPHAS = {"by count": 1.0, "by 1 / count": -1.0}
IMPORTANCE = {"topic 3 : 1": {"topic": 1.5, "sentiment": 0.5}, "sentiment 3 : 1": {"topic": 0.5, "sentiment": 1.5}}
TEMPERATURES = {"sampled, τ = 1": 1.0, "sampled, τ = 5": 5.0}
ARMS = ("equal", *ALPHAS, *IMPORTANCE, *TEMPERATURES)


def run(config: Config) -> dict[str, Any]:
    """One model."""
    arm, seed = config["arm"], config["seed"]
    train, _, test = split_reviews(load_reviews(), seed=seed)
    vocabulary = Vocabulary.from_texts(train.text)
    few = train.index.isin(train[train.sentiment.notna()].sample(LABELLED, random_state=seed).index)
    data = encode_reviews(train.assign(sentiment=train.sentiment.where(few)), vocabulary, TASKS)
    with drawn_from(seeded(seed)):
        model = MultiTaskModel(CNNEncoder(len(vocabulary)), TASKS)
    weights = {"topic": 1.0, "sentiment": 1.0} | IMPORTANCE.get(arm, {})
    if arm in ALPHAS:
        weights = weights_by_count(data, alpha=ALPHAS[arm])
    loader = make_loader(data, 32, shuffle=True, seed=seed)
    if arm in TEMPERATURES:
        own = {"topic": train, "sentiment": train[few]}
        parts = {task.name: encode_reviews(own[task.name], vocabulary, [task]) for task in TASKS}
        loader = mixed_loader(parts, 32, temperature=TEMPERATURES[arm], seed=seed)
    fit(model, loader, torch.optim.AdamW(model.parameters(), lr=LR), steps=STEPS, weights=weights)
    scores = validate(model, make_loader(encode_reviews(test, vocabulary, TASKS), 500))[1]
    return {
        "rows": [
            {"arm": arm, "seed": seed, "task": name, "weight": float(np.round(weights[name], 3)), "score": score}
            for name, score in scores.items()
        ]
    }


def configs(seeds: int) -> list[Config]:
    """An arm and a seed."""
    return [{"arm": arm, "seed": seed} for seed in range(seeds) for arm in ARMS]


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A row a run and task."""
    return {"amounts": rows_of(runs)}


EXPERIMENT = Experiment(configs, run, tables, seeds=4)
