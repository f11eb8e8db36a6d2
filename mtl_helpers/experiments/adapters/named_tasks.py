"""Does the name of a task, put before a text, move the text to other neighbours? 9 minutes on one core.

``results/named_tasks.csv``. MiniLM reads a review as it is ("no name"), "topic: <review>" or "sentiment: <review>". ``as
downloaded`` it knows nothing of such names. ``with LoRA`` it has one LoRA of rank 8 for both, trained for `STEPS` steps in
bf16: each takes `BATCH` training reviews under one name (`TURNS`), and draws each to the features that MiniLM, as downloaded,
makes of the name of its class ("film", "negative"), away from the others (`contrastive_loss`). A row is, for a seed, an arm, a
name and a task, of the test reviews

- ``neighbours``: the share of a review's five nearest others that have its label in this task,
- ``vote``: the share of reviews whose label most of these five have.

The setting was chosen on the validation reviews of seed 0. ``results/named_tasks_near.csv`` holds, of seed 0, each test
review's five nearest and its place in the plane in which the features vary most; the LoRA is kept as weights/named_tasks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from tqdm.auto import tqdm

from mtl_helpers.data import encode_reviews
from mtl_helpers.experiments import CACHE, Config, Experiment, rows_of
from mtl_helpers.experiments.adapters import store, text_features
from mtl_helpers.experiments.adapters.merge import TASKS, data_of
from mtl_helpers.models import PretrainedEncoder, Subwords, load_pretrained
from mtl_helpers.models.large.named_tasks import agreement, contrastive_loss, in_a_plane, nearest, with_name
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.tasks import SENTIMENT, TOPIC, Classification

ARMS = ("as downloaded", "with LoRA")
NAMES = ("no name", "topic", "sentiment")
STEPS, BATCH, TEMPERATURE, NEAREST = 180, 32, 0.3, 5
TURNS = (TOPIC, SENTIMENT, SENTIMENT)  # the harder task comes twice as often
SCRATCH = CACHE / "weights" / "named_tasks"


def trained(seed: int, *, steps: int = STEPS) -> tuple[PretrainedEncoder, Subwords]:
    """MiniLM with a LoRA that learnt what is alike under each name."""
    with drawn_from(seeded(seed)):
        encoder, subwords = load_pretrained()
        encoder.eval()
        with torch.no_grad():
            names = {task.name: encoder(subwords.encode(list(task.classes))[0]) for task in TASKS}
        encoder.add_lora(8).train()
        optimizer = torch.optim.AdamW([p for p in encoder.parameters() if p.requires_grad], lr=3e-3)
        slowly = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1 / 10, total_iters=10)
        batches = _batches(data_of(seed)[0], subwords)
        for _ in tqdm(range(steps), desc="contrastive steps", leave=False, mininterval=0.3):
            task, tokens, labels = next(batches)
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                features = encoder(tokens)
            contrastive_loss(features.float(), labels, names[task], TEMPERATURE).backward()
            optimizer.step()
            slowly.step()
    return encoder.eval(), subwords


def _batches(train: pd.DataFrame, subwords: Subwords) -> Iterator[tuple[str, Tensor, Tensor]]:
    """A name, piece numbers under it and labels, turn by turn without end; a batch is of about one length, to pad little."""
    train = train.iloc[train.text.str.len().argsort(kind="stable")]
    while True:
        for task in TURNS:
            start = torch.randint(len(train) - 2 * BATCH, ()).item()
            rows = train.iloc[start : start + 2 * BATCH].iloc[torch.randperm(2 * BATCH)[:BATCH].tolist()]
            yield task.name, subwords.encode(with_name(task.name, rows.text))[0], labels_of(rows, task)


def labels_of(frame: pd.DataFrame, task: Classification) -> Tensor:
    """Numbers ``(n,)`` of the classes."""
    return torch.tensor(frame[task.name].map(task.classes.index).to_numpy())


def named_features(encoder: PretrainedEncoder, subwords: Subwords, frame: pd.DataFrame, name: str) -> Tensor:
    """Features ``(n, 384)`` of the frame's texts with a task's name before each, or as they are."""
    named = frame if name == NAMES[0] else frame.assign(text=with_name(name, frame.text))
    return text_features(encoder, encode_reviews(named, subwords, TASKS)).float()


def run(config: Config) -> dict[str, Any]:
    """One arm: the neighbours and their vote under each name, in each task."""
    arm, seed = config["arm"], config["seed"]
    encoder, subwords = load_pretrained() if arm == ARMS[0] else trained(seed)
    test = data_of(seed)[2]
    at, rows, near = {"seed": seed, "arm": arm}, [], []
    for name in NAMES:
        with torch.autocast("cpu", torch.bfloat16):
            features = named_features(encoder, subwords, test, name)
        others = nearest(features, NEAREST)
        for task in TASKS:
            labels = labels_of(test, task)
            voted, _ = labels[others].mode(dim=1)
            found = {
                "neighbours": agreement(others, labels),
                "vote": (voted == labels).float().mean().item(),
            }
            rows += [{**at, "name": name, "task": task.name, "measure": m, "score": s} for m, s in found.items()]
        if seed == 0:
            near += _map(arm, name, test, features, others)
    if arm == ARMS[1] and seed == 0:
        encoder.save_adapter(SCRATCH)
    return {"rows": rows, "near": near}


def _map(arm: str, name: str, test: pd.DataFrame, features: Tensor, near: Tensor) -> list[dict[str, Any]]:
    """Where each review lies, and its nearest."""
    ids = test.id.tolist()
    places = [[round(value, 3) for value in place] for place in in_a_plane(features).tolist()]
    return [
        {"arm": arm, "name": name, "id": one, "x": x, "y": y, "near": " ".join(ids[i] for i in others)}
        for one, (x, y), others in zip(ids, places, near.tolist(), strict=True)
    ]


def configs(seeds: int) -> list[Config]:
    """A run an arm and seed."""
    return [{"arm": arm, "seed": seed} for seed in range(seeds) for arm in ARMS]


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The scores; and seed 0's neighbours."""
    near = pd.DataFrame([row for rows in runs.near for row in rows])
    return {"named_tasks": rows_of(runs), "named_tasks_near": near}


EXPERIMENT = Experiment(configs, run, tables, seeds=3, notes=lambda: store("named_tasks", SCRATCH), processes=1)
