"""Does it hold on real data? The tables of the last section of lesson 05. About 10 minutes on two cores.

The archives (285 MB) come from their publishers, or from the folder that MTL_DATA names.

Worlds: Amazon reviews of four domains (``domains``: topic, sentiment, stars; the repeats left out) and films (``imdb``:
sentiment, stars; of the published training reviews 4,000 to train and 1,000 to validate on, of the test reviews 2,000), each
cut to its first 100 words; the same two with 100 sentiment labels and the stars of all; and 500 pictures of
CIFAR-10, with 1,000 to validate on. A seed draws split, initial weights and order of the batches, the same for every arm.
Models are small (`CNNEncoder`, `ImageEncoder`) and are taken after their last step, trained with AdamW.

Arms: word counts (`tuned_bag_of_words`); each task alone; all tasks at equal λ, and sentiment conditioned on the topic so; λ
tuned over a short list, on Amazon. The stars are standardised by the training part, except in ``raw``, equal λ with the stars
as they are: what units alone cost. With 100 labels the arm ``stars as labels`` needs no second task: a review is positive
where its stars lie over a threshold, so it makes a sentiment label of every review's stars and trains sentiment alone.

The first two seeds, the pilots, run every arm at two learning rates. An arm's learning rate, and for tuned λ the λ too, are
those with the best mean *validation* score there (for several tasks: the highest Δ_MTL of validation scores). All seeds run,
and the test scores are read, at the chosen setting alone. (On Amazon, where the seeds split the same reviews, about a quarter
of a test set validated one of the pilots.) An arm is compared with the tuned single-task model of the same seed; intervals
are 95 % intervals of the corrected resampled t (`real_data_tables.SHARED_ROWS`).

``results/real_data_runs.csv``: a row a run and task, with ``chosen``. ``results/real_data.csv``: a row a world, arm and task:
λ, learning rate, and among how many settings they were chosen; test score ± half its interval (accuracy; MAE for stars);
``change`` of it, from ``low`` to ``high``; the same in ``percent``, plus is better, and Δ_MTL as their mean.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pooch
import torch

from mtl_helpers.data import (
    MultiTaskDataset,
    Splits,
    Vocabulary,
    baseline_score,
    encode_reviews,
    make_loader,
    split_reviews,
    tokenize,
    tuned_bag_of_words,
)
from mtl_helpers.data.reviews import text_key
from mtl_helpers.datasets import (
    DOMAIN,
    KIND,
    OBJECT,
    ROTATION,
    DatasetSplits,
    cifar10,
    data_folder,
    imdb,
    multi_domain_sentiment,
    with_rotations,
)
from mtl_helpers.experiments import Config, Experiment
from mtl_helpers.experiments.real_data.real_data_tables import PILOTS, SETTING, chosen_runs, table_of, weights_of
from mtl_helpers.models import CNNEncoder, ImageEncoder, MultiTaskModel
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.relations import ConditionedModel
from mtl_helpers.tasks import SENTIMENT, STARS, Task
from mtl_helpers.training import fit, validate

WORDS, VOCABULARY, FEW = 100, 8000, 100
LRS = (0.003, 0.009)
VERSIONS = {
    "domain_sentiment_data.tar.gz": "2007",
    "aclImdb_v1.tar.gz": "1.0 of 2011",
    "cifar-10-binary.tar.gz": "2009",
    "free-spoken-digit-dataset.tar.gz": "1.0.10",
}
SMALLER = {  # re-packed archives with fewer rows, in the published layout: SHA-256 and counts
    "e8daaa5253bf7e3f4f03c50ffc6184a89017531b185798f9007f2eac3d2540a4": {"train": 10_000, "test": 10_000},
    "34ba769ade7d834f3b069cd8afe605ae989717cf1e3e9ca8cbbd914362a5a121": {"train": 10_000, "test": 3_000},
}


@dataclass(frozen=True)
class World:
    """``tasks`` are trained, ``scored`` are compared; ``weights`` are the λ to choose among, the first one equal."""

    tasks: tuple[Task, ...]
    scored: tuple[Task, ...]
    steps: int
    weights: tuple[tuple[float, ...], ...]


TEXTS = {"domains": (DOMAIN, SENTIMENT, STARS), "imdb": (SENTIMENT, STARS)}
GRIDS = {
    "domains": ((1, 1, 1), (1.5, 0.75, 0.75), (0.75, 1.5, 0.75), (0.75, 0.75, 1.5)),
    "imdb": ((1, 1),),
}
OVER = {"domains": 3.0, "imdb": 5.5}  # a review with more stars is positive, without an exception
WORLDS = {"domains": World(TEXTS["domains"], TEXTS["domains"], 400, GRIDS["domains"])}
WORLDS |= {f"{name}, {FEW} labels": World((SENTIMENT, STARS), (SENTIMENT,), 300, ((1, 1),)) for name in TEXTS}
WORLDS["imdb"] = World(TEXTS["imdb"], TEXTS["imdb"], 400, GRIDS["imdb"])
WORLDS["cifar, 500"] = World((OBJECT, KIND, ROTATION), (OBJECT,), 300, ())
SCORED = {name: world.scored for name, world in WORLDS.items()}
HELPERS = {"kind": (OBJECT, KIND), "rotation": (OBJECT, ROTATION)}


def given(file: str) -> dict[str, Any]:
    """What a loader must be told of a smaller version; the published one is the loader's own default."""
    path = data_folder() / file
    digest = pooch.file_hash(str(path)) if path.is_file() else None
    return {"checksum": f"sha256:{digest}", "counts": SMALLER[digest]} if digest in SMALLER else {}


@cache
def reviews(name: str) -> pd.DataFrame:
    """All reviews of a data set, cut to their first words, no text twice (and then where it is to train on)."""
    frame = multi_domain_sentiment() if name == "domains" else imdb(**given("aclImdb_v1.tar.gz"))
    if name == "imdb":
        frame = frame.sort_values("part", ascending=False)
    frame = frame[~text_key(frame.text).duplicated()]
    return frame.assign(text=frame.text.map(lambda text: " ".join(tokenize(text)[:WORDS]))).reset_index(drop=True)


@lru_cache(maxsize=8)
def frames(world: str, seed: int) -> Splits:
    """Train, validation and test reviews of a seed; for few labels the others' sentiment is taken away."""
    name = world.partition(",")[0]
    frame = reviews(name)
    if name == "domains":
        splits = split_reviews(frame, seed=seed)
    else:
        train, test = (frame[frame.part == part] for part in ("train", "test"))
        chosen = train.sample(5000, random_state=seed)
        splits = Splits(chosen[:4000], chosen[4000:], test.sample(2000, random_state=seed))
        splits = Splits(*(part.reset_index(drop=True) for part in splits))
    if "," in world:
        kept = np.random.default_rng(seed).choice(len(splits.train), FEW, replace=False)
        sentiment = splits.train.sentiment.where(splits.train.index.isin(kept), None)
        splits = splits._replace(train=splits.train.assign(sentiment=sentiment))
    return splits


@lru_cache(maxsize=8)
def encoded(world: str, seed: int) -> tuple[int, Sequence[MultiTaskDataset]]:
    """Size of the vocabulary (0 for pictures), and what to train, validate and test on with all tasks."""
    if world.startswith("cifar"):
        return 0, pictures(int(world.partition(", ")[2]), seed)
    splits = frames(world, seed)
    vocabulary = Vocabulary.from_texts(splits.train.text, max_size=VOCABULARY)
    return len(vocabulary), [encode_reviews(part, vocabulary, WORLDS[world].tasks) for part in splits]


def from_stars(frame: pd.DataFrame, world: str) -> pd.DataFrame:
    """The reviews, each with the sentiment that its stars say."""
    negative, positive = SENTIMENT.classes
    over = frame.stars > OVER[world.partition(",")[0]]
    return frame.assign(sentiment=over.map({True: positive, False: negative}))


@lru_cache(maxsize=1)
def all_pictures(seed: int) -> DatasetSplits:
    """The pictures of the archive, split by the seed."""
    return cifar10(val=0.1, seed=seed, **given("cifar-10-binary.tar.gz"))


def pictures(n: int, seed: int) -> DatasetSplits:
    """``n`` of them to learn from, 1,000 to validate on."""
    train, val, test = all_pictures(seed)
    batch = train[torch.randperm(len(train), generator=seeded(seed))[:n]]
    return DatasetSplits(MultiTaskDataset(*batch), MultiTaskDataset(*val[torch.arange(1000)]), test)


def configs(seeds: int) -> list[Config]:
    """The runs of the pilots, which choose the settings."""
    return all_configs(range(min(seeds, PILOTS)))


def then(runs: pd.DataFrame, seeds: int) -> list[Config]:
    """The runs of the other seeds, at the settings that the pilots have chosen."""
    rows = chosen_runs(runs, SCORED).query("chosen")
    settings = set(rows[["world", "kind", *SETTING]].itertuples(index=False, name=None))
    others = all_configs(range(PILOTS, seeds))
    return [c for c in others if (c["world"], c["arm"], weights_of(c), c["lr"]) in settings]


def all_configs(seeds: range) -> list[Config]:
    """Every run: a world, an arm with its tasks and λ, a learning rate, a seed."""
    found = []
    for (name, world), seed in product(WORLDS.items(), seeds):
        names, scored = [t.name for t in world.tasks], [t.name for t in world.scored]
        arms = [("single", [task], [1]) for task in scored]
        if name.startswith("cifar"):
            arms += [(arm, [t.name for t in tasks], [1] * len(tasks)) for arm, tasks in HELPERS.items()]
        else:
            arms += [("shared", names, list(weights)) for weights in world.weights]
        if name == "domains":
            arms += [(arm, names, [1] * len(names)) for arm in ("conditioned", "raw")]
        if "labels" in name:
            arms.append(("stars as labels", ["sentiment"], [1]))
        key = {"world": name, "seed": seed}
        found += [{**key, "arm": arm, "tasks": tasks, "weights": w, "lr": lr} for arm, tasks, w in arms for lr in LRS]
        if not name.startswith("cifar"):
            found += [{**key, "arm": "TF-IDF", "tasks": [t], "weights": [1], "lr": 0} for t in scored]
        if "labels" in name:
            found.append({**key, "arm": "TF-IDF, stars as labels", "tasks": ["sentiment"], "weights": [1], "lr": 0})
    return found


def run(config: Mapping) -> dict[str, Any]:
    """One model: its scores on validation and test, by task, and how many rows it learnt from and was tested on."""
    world, arm, seed = config["world"], config["arm"], config["seed"]
    tasks = [task for task in WORLDS[world].tasks if task.name in config["tasks"]]
    start = time.thread_time()
    if arm.startswith("TF-IDF"):
        train, *held_out = frames(world, seed)
        rows = from_stars(train, world) if arm.endswith("stars as labels") else train
        model = tuned_bag_of_words(rows, held_out[0], tasks[0]).model
        val, test = ({tasks[0].name: baseline_score(model, part, tasks[0])} for part in held_out)
    else:
        words, (train, *held_out) = encoded(world, seed)
        if words and arm != "raw":
            stars = frames(world, seed).train.stars
            tasks = [task.standardised(stars) if task is STARS else task for task in tasks]
        if arm == "stars as labels":
            texts = frames(world, seed).train
            vocabulary = Vocabulary.from_texts(texts.text, max_size=VOCABULARY)
            train = encode_reviews(from_stars(texts, world), vocabulary, tasks)
        start = time.thread_time()
        with drawn_from(seeded(seed)):
            model = new_model(arm, words, tasks)
        loader = make_loader(training_rows(train, tasks), 64 if ROTATION in tasks else 32, shuffle=True, seed=seed)
        optimizer = torch.optim.AdamW(model.parameters(), lr=config["lr"])
        weights = dict(zip(config["tasks"], config["weights"], strict=True))
        fit(model, loader, optimizer, steps=WORLDS[world].steps, weights=weights)
        val, test = (scores(model, world, part) for part in held_out)
    seconds = time.thread_time() - start
    return {"val": val, "test": test, "cpu_s": seconds, "n_train": len(train), "n_test": len(held_out[1])}


def scores(model: MultiTaskModel, world: str, part: MultiTaskDataset) -> dict[str, float]:
    """By task that the world scores."""
    kept = [task for task in model.tasks if task.name in {scored.name for scored in SCORED[world]}]
    if len(kept) < len(model.tasks):  # the others' heads were there to help, and may have no labels to validate on
        model = MultiTaskModel(model.encoder, kept, {task.name: model.heads[task.name] for task in kept})
    return validate(model, make_loader(part, 500))[1]


def new_model(arm: str, words: int, tasks: Sequence[Task]) -> MultiTaskModel:
    """For texts of a vocabulary of so many words, or for pictures if there are none."""
    encoder = CNNEncoder(words) if words else ImageEncoder(channels=8, hidden=64, size=32, colours=3)
    if arm == "conditioned":
        return ConditionedModel(encoder, tasks, {SENTIMENT.name: DOMAIN.name})
    return MultiTaskModel(encoder, tasks)


def training_rows(train: MultiTaskDataset, tasks: Sequence[Task]) -> MultiTaskDataset:
    """The rows that have a label of one of the tasks; with turned pictures for `ROTATION`."""
    if ROTATION in tasks:
        return with_rotations(train)
    known = torch.stack([train.masks[task.name] for task in tasks]).any(dim=0)
    part = train[known.nonzero()]
    return MultiTaskDataset(*part, None if train.lengths is None else train.lengths[known])


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A row a world, arm and task; and the runs they come from."""
    rows = chosen_runs(runs, SCORED)
    return {"real_data": table_of(rows, SCORED), "real_data_runs": rows}


def prepare() -> None:
    """Download and read the archives once, before the workers ask for them."""
    for name in TEXTS:
        reviews(name)
    all_pictures(0)


def versions_of(*files: str) -> list[str]:
    """A line for each archive: which version, how much of it, and its SHA-256."""
    lines = []
    for file in files:
        digest = pooch.file_hash(str(data_folder() / file))
        rows = "counts as published"
        if digest in SMALLER:
            rows = f"re-packed with {SMALLER[digest]['train']:,} + {SMALLER[digest]['test']:,} rows"
        lines.append(f"data: {file}, version {VERSIONS[file]}, {rows}, sha256 {digest}")
    return lines


def notes() -> list[str]:
    """The archives of these worlds."""
    return versions_of("domain_sentiment_data.tar.gz", "aclImdb_v1.tar.gz", "cifar-10-binary.tar.gz")


EXPERIMENT = Experiment(configs, run, tables, seeds=5, prepare=prepare, then=then, notes=notes)
