"""The sealed reviews, opened once: models and baselines of lessons 01 to 07, on 480 texts that nothing was chosen by.

``results/sealed.csv``: a row a lesson, arm, task and seed. A seed cuts the corpus anew, as in the lessons: its training part
trains, its validation part chooses (a checkpoint, λ and learning rate, the settings of the bag of words), and in place of its
test part stand the sealed reviews. Settings are those of the lessons' own experiments, imported; λ, its learning rate and the
rules' learning rates are what validation of that seed chose among the runs of ``methods_runs.csv``. ``right`` has a sign a
sealed review, in the order of the file: ``.`` right, ``x`` wrong; ``score`` is the share of the former. About 12 minutes of
one core; lesson 08 reads the table, and `claims.lesson_08` gives it intervals over reviews and seeds.

A test that has been looked at once is a validation set: the experiment was developed on validation reviews of the corpus, ran
once, and has not been changed since.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from mtl_helpers.data import (
    Splits,
    Vocabulary,
    encode_reviews,
    load_reviews,
    make_loader,
    read_reviews,
    split_reviews,
    tuned_bag_of_words,
)
from mtl_helpers.data.reviews import data_file
from mtl_helpers.evaluation import Arm, run_arm, usual_arms
from mtl_helpers.experiments import Config, Experiment, cost, large_models, methods, read_result, rows_of
from mtl_helpers.models import CNNEncoder, MultiTaskModel, OnFeatures
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Task
from mtl_helpers.training import RULES, fit, predict

TASKS = [TOPIC, SENTIMENT]
TRANSFER_STEPS = 600  # of lesson 03 on the corpus, see `transfer.real`
FEW = {"03": 100, "07": 20}  # labels
RULED = ("uncertainty", "GradNorm", "PCGrad")

Rights = dict[str, Tensor]  # by task, which of the tested reviews are answered right
Found = dict[str, Rights]  # by arm


def opened() -> pd.DataFrame:
    """The sealed reviews: the one place in the course that opens them to be answered."""
    return read_reviews(data_file("reviews_sealed.csv"))


def split_of(seed: int) -> Splits:
    """Train and validation part of the seed, and the sealed reviews in place of its test part."""
    return split_reviews(load_reviews(), seed=seed)._replace(test=opened())


# One model's answers.


def by_model(model: MultiTaskModel, loader: DataLoader, tasks: Sequence[Task] = TASKS) -> Rights:
    """Of a network."""
    answers = predict(model, loader)
    return {t.name: t.predict(answers[t.name][0]) == answers[t.name][1] for t in model.tasks if t in tasks}


def by_words(splits: Splits, task: Task) -> Tensor:
    """Of the bag of words that validation chose."""
    answers = tuned_bag_of_words(splits.train, splits.val, task).model.predict(splits.test.text)
    return torch.as_tensor(answers) == task.encode(splits.test[task.name])[0]


# The arms of each lesson.


def words(splits: Splits, seed: int) -> Found:
    """Lesson 01: the bag of words."""
    return {"bag of words": {task.name: by_words(splits, task) for task in TASKS}}


def networks(splits: Splits, seed: int) -> Found:
    """Lesson 02: two models of one task, and one shared model."""
    vocabulary, found = Vocabulary.from_texts(splits.train.text), {"single": {}}
    for arm, tasks in cost.ARMS.items():
        frames = [part.dropna(subset=["sentiment"]) if tasks == [SENTIMENT] else part for part in splits]
        train, val, test = (encode_reviews(frame, vocabulary, tasks) for frame in frames)
        with drawn_from(seeded(seed)):
            model = MultiTaskModel(CNNEncoder(len(vocabulary)), tasks)
        loader = make_loader(train, batch_size=32, shuffle=True, seed=seed)
        cost.train_to_stop(model, loader, make_loader(val, batch_size=128))
        found.setdefault("shared" if arm == "shared" else "single", {}).update(by_model(model, make_loader(test, 128)))
    return found


def relations(splits: Splits, seed: int) -> Found:
    """Lesson 03: each task alone, sharing plainly, conditioned on the other, and the control of that."""
    found: Found = {}
    for task, other in ((SENTIMENT, TOPIC), (TOPIC, SENTIMENT)):
        for arm in usual_arms(task, other):
            run = run_arm(arm, splits, seed=seed, steps=TRANSFER_STEPS)
            found.setdefault(arm.name, {})[task.name] = run.predicted == run.target
    return found


def few_labels(splits: Splits, seed: int) -> Found:
    """Lesson 03: 100 labels of sentiment alone, with the stars of all, and with stars whose loss is off."""
    few = large_models.few_labels(splits.train, SENTIMENT, FEW["03"], seed)
    known = few[few.sentiment.notna()]
    name = SENTIMENT.name
    found: Found = {f"{FEW['03']} labels, bag of words": {name: by_words(splits._replace(train=known), SENTIMENT)}}
    arms = [
        (Arm("single", [SENTIMENT]), known),
        (Arm("stars", [SENTIMENT, STARS]), few),
        (Arm("stars, control", [SENTIMENT, STARS], weights={"stars": 0}), few),
    ]
    for arm, train in arms:
        run = run_arm(arm, splits._replace(train=train), seed=seed, steps=TRANSFER_STEPS)
        found[f"{FEW['03']} labels, {arm.name}"] = {name: run.predicted == run.target}
    return found


def weights(splits: Splits, seed: int) -> Found:
    """Lesson 05: small models, each task alone; λ equal, by hand and by rule, as validation of the seed chose."""
    world = methods.WORLDS["reviews"]
    n_words, (train, _, test) = methods.encoded(splits, world.tasks)
    runs = read_result("methods_runs")
    runs = runs[(runs.world == world.name) & (runs.model == "small") & (runs.seed == seed)]

    def answers(rows: pd.DataFrame, tasks: Sequence[Task]) -> Rights:
        arm, share, lr = rows.groupby(["arm", "share", "lr"], dropna=False).val.mean().idxmax()
        rule = {"static": lambda tasks, total: methods.static(tasks, share), **RULES}.get(arm)
        with drawn_from(seeded(seed)):
            model = MultiTaskModel(world.encoder(n_words, "small"), tasks)
        optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
        loader = make_loader(train, shuffle=True, seed=seed)
        fit(model, loader, optimizer, steps=world.steps, weights=rule(world.tasks, total=2) if rule else None)
        return by_model(model, make_loader(test, 500))

    single = {
        task.name: answers(runs[(runs.arm == "single") & (runs.task == task.name)], [task])[task.name]
        for task in world.tasks
    }
    by_hand = runs[runs.arm == "static"]
    among = {"equal λ": by_hand[by_hand.share == 0.5], "tuned λ": by_hand}
    among |= {rule: runs[runs.arm == rule] for rule in RULED}
    return {"small, single": single} | {f"small, {name}": answers(rows, TASKS) for name, rows in among.items()}


def frozen(splits: Splits, seed: int) -> Found:
    """Lesson 07: linear heads on the frozen MiniLM, with all labels and with few; few for the bag of words, too."""
    features, found = large_models.frozen_features(), {}
    for count, name in (("all", "frozen MiniLM"), (FEW["07"], f"{FEW['07']} labels, frozen MiniLM")):
        for task in TASKS:
            train = large_models.few_labels(splits.train, task, count, seed).dropna(subset=[task.name])
            with drawn_from(seeded(seed)):
                model = MultiTaskModel(OnFeatures(features.features), [task])
            loader = make_loader(encode_reviews(train, features, [task]), 32, shuffle=True, seed=seed)
            optimizer = torch.optim.AdamW(model.parameters(), lr=large_models.LR["MiniLM"])
            fit(model, loader, optimizer, steps=large_models.STEPS["labels"])
            tested = make_loader(encode_reviews(splits.test, features, [task]), 200)
            found.setdefault(name, {}).update(by_model(model, tested))
            if count != "all":
                word_rights = by_words(splits._replace(train=train), task)
                found.setdefault(f"{count} labels, bag of words", {})[task.name] = word_rights
    return found


PARTS: dict[str, tuple[str, Callable[[Splits, int], Found]]] = {
    part.__name__: (lesson, part)
    for lesson, part in (
        ("01", words),
        ("02", networks),
        ("03", relations),
        ("03", few_labels),
        ("05", weights),
        ("07", frozen),
    )
}


# What the runner needs.


def configs(seeds: int) -> list[Config]:
    """A part and a seed."""
    return [{"part": part, "seed": seed} for seed in range(seeds) for part in PARTS]


def run(config: Config) -> dict[str, Any]:
    """A row an arm and task."""
    lesson, part = PARTS[config["part"]]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so small a network gains nothing from a second one
    try:
        found = part(split_of(config["seed"]), config["seed"])
    finally:
        torch.set_num_threads(threads)
    return {
        "rows": [
            {
                "lesson": lesson,
                "arm": arm,
                "task": task,
                "seed": config["seed"],
                "score": right.float().mean().item(),
                "right": "".join(".x"[not one] for one in right.tolist()),
            }
            for arm, rights in found.items()
            for task, right in rights.items()
        ]
    }


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of all runs."""
    return {"sealed": rows_of(runs)}


def prepare() -> None:
    """Compute the features of all texts once, before the workers ask for them, with one thread as they do."""
    torch.set_num_threads(1)
    large_models.frozen_features().encode([*load_reviews().text, *opened().text])


EXPERIMENT = Experiment(configs, run, tables, seeds=10, prepare=prepare)
