"""What lessons 00, 01 and 02 say of the course's own corpus, measured: data/results/corpus.csv and corpus_steered.csv.

**One protocol.** A seed is a study of its own: it cuts the 2,640 clean reviews anew into train, validation and test (no text
on two sides), its training rows train, its validation rows choose (the checkpoint, the learning rate where one is chosen, the
settings of the bag of words), and its test rows are read once, by all arms. What one seed chooses is used in no other, so no
row is tested by what it helped to choose. The seeds share the corpus: intervals over them are corrected for it (Nadeau and
Bengio 2003). One fixed test part for all seeds would hide how much a score depends on which 396 reviews are asked.

Networks are `CNNEncoder`s trained as in `cost`: by AdamW until validation, every 50 steps, has not risen for 5 times; the best
weights are tested. The models that share all of the encoder, or nothing, are those of cost.csv, on the same splits. ``study``
names the question and ``arm`` its answers; ``part`` says which test rows: all, or those with and without a twin in training.
About ten minutes on two cores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from mtl_helpers.data import (
    CLEANING_STEPS,
    Splits,
    Vocabulary,
    bag_of_words,
    encode_reviews,
    load_reviews,
    make_loader,
    split_reviews,
    tuned_bag_of_words,
)
from mtl_helpers.experiments import Config, Experiment, read_result, rows_of
from mtl_helpers.experiments.corpus.corpus_splits import cleaned_by, half_the_labels, told_of_the_test, with_copies
from mtl_helpers.experiments.cost import EVERY, LIMIT, LR, PATIENCE
from mtl_helpers.models import CNNEncoder, LSTMEncoder, MultiTaskModel
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.relations import OneLayerMore, SharedEmbedding, mlp_heads, task_gradients
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Task
from mtl_helpers.training import as_history, fit, predict, train_steps

TASKS = [TOPIC, SENTIMENT]
HIDDEN = 64  # numbers in the layer more, and in an MLP head
UNTIL = {"steps": LIMIT, "eval_every": EVERY, "patience": PATIENCE}
ABLATED = ("encoding", "markup", "label spellings", "conflicts", "duplicates")  # no token changes with the other steps
RISES_AT, STEERED_STEPS, LOOK_EVERY = 161, 400, 20  # lesson 00's own run
Build = Callable[[int, Sequence[Task]], MultiTaskModel]


# The models.


def plain(n_words: int, tasks: Sequence[Task]) -> MultiTaskModel:
    """One encoder, linear heads."""
    return MultiTaskModel(CNNEncoder(n_words), tasks)


def branched(n_words: int, tasks: Sequence[Task], after: str) -> MultiTaskModel:
    """A model that parts into its tasks later or earlier."""
    if after == "embedding":
        return SharedEmbedding({task.name: CNNEncoder(n_words) for task in tasks}, tasks)
    encoder: nn.Module = CNNEncoder(n_words)
    if after == "encoder, MLP heads":
        return MultiTaskModel(encoder, tasks, mlp_heads(encoder.features, tasks, HIDDEN))
    if after == "layer":
        encoder = OneLayerMore(encoder, HIDDEN)
    return MultiTaskModel(encoder, tasks)


# One training.


def trained(
    splits: Splits,
    seed: int,
    *,
    tasks: Sequence[Task] = TASKS,
    build: Build = plain,
    best: str | None = None,
) -> dict[str, Any]:
    """Train to a plateau: ``rights`` by task, which test rows are answered right (nan: no label) with the best weights and,
    ``own``, with each task's own best; ``steps`` and ``parameters``."""
    vocabulary = Vocabulary.from_texts(splits.train.text)
    parts = [encode_reviews(frame, vocabulary, tasks) for frame in splits]
    with drawn_from(seeded(seed)):
        model = build(len(vocabulary), tasks)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, fused=True)
    each: dict[str, Any] = {}
    loaders = {"val_loader": make_loader(parts[1], 128), "each": each, "best": best}
    history = fit(model, make_loader(parts[0], 32, shuffle=True, seed=seed), optimizer, **loaders, **UNTIL)
    test = make_loader(parts[2], 128)
    rights, own = right_rows(model, test), {}
    for name in rights:
        model.load_state_dict(each[name])
        own[name] = right_rows(model, test)[name]
    size = sum(p.numel() for p in model.parameters())
    return {"rights": rights, "own": own, "steps": int(history.step.max()), "parameters": size}


def right_rows(model: MultiTaskModel, loader: Any) -> dict[str, np.ndarray]:
    """By task with classes, in the order of the rows: 1 right, 0 wrong, nan without a label."""
    return {
        task.name: (task.predict(output) == target).float().where(mask, torch.nan).numpy()
        for task in model.tasks
        if task.classes
        for output, target, mask in [predict(model, loader)[task.name]]
    }


def rows(arm: str, rights: Mapping[str, np.ndarray], *, part: str = "all", **more: Any) -> list[dict[str, Any]]:
    """A row a task: the accuracy over the labelled rows, and their number."""
    return [
        {"arm": arm, "part": part, "task": name, "score": np.nanmean(right), "n": int((~np.isnan(right)).sum()), **more}
        for name, right in rights.items()
    ]


def of_network(arm: str, splits: Callable[[int], Splits], seed: int, **options: Any) -> list[dict[str, Any]]:
    """The rows of a network trained on a split."""
    found = trained(splits(seed), seed, **options)
    return rows(arm, found["rights"], steps=found["steps"], parameters=found["parameters"])


def of_words(splits: Splits, *, tuned: bool = True) -> dict[str, np.ndarray]:
    """By task the rows that the bag of words answers right: tuned on validation, or at its usual settings."""
    rights = {}
    for task in TASKS:
        target, mask = task.encode(splits.test[task.name])
        bag = tuned_bag_of_words(splits.train, splits.val, task).model if tuned else bag_of_words(splits.train, task)
        answers = torch.as_tensor(bag.predict(splits.test.text))
        rights[task.name] = (answers == target).float().where(mask, torch.nan).numpy()
    return rights


# The questions: each is given a seed, and answers with its rows.


def cleaning(seed: int) -> list[dict[str, Any]]:
    """Nothing cleaned, for the network and the bag of words; and, for the latter, everything but one step."""
    choices = {"nothing": [], "everything": list(CLEANING_STEPS)}
    choices |= {f"all but {one}": [step for step in CLEANING_STEPS if step != one] for one in ABLATED}
    found = of_network("nothing", partial(cleaned_by, []), seed)
    for arm, steps in choices.items():
        found += rows(f"{arm}, words", of_words(cleaned_by(steps, seed), tuned=False))
    return found


def copies(seed: int) -> list[dict[str, Any]]:
    """Copies on both sides of a random split: what is reported, and what is true of the rows without a twin."""
    splits = with_copies(seed)
    twin = splits.test.key.isin(splits.train.key).to_numpy()
    found = []
    for arm, rights in (("network", trained(splits, seed)["rights"]), ("words", of_words(splits))):
        for part, asked in (("all", twin | ~twin), ("twin", twin), ("no twin", ~twin)):
            found += rows(arm, {name: right[asked] for name, right in rights.items()}, part=part)
    return found


def across_tasks(seed: int) -> list[dict[str, Any]]:
    """Do the stars of the test texts leak into the sentiment that is reported?"""
    found = []
    for leak, arm in ((False, "one split"), (True, "a split a task")):
        splits = partial(told_of_the_test, "stars", leak)
        found += of_network(arm, splits, seed, tasks=[SENTIMENT, STARS], best="sentiment")
    return [row for row in found if row["task"] == "sentiment"]


def own_data(seed: int) -> list[dict[str, Any]]:
    """Half the labels of each task: on the same texts as the other task's, or on texts that the two do not share."""
    same, own = (partial(half_the_labels, own_texts) for own_texts in (False, True))
    return [*of_network("the same texts", same, seed), *of_network("texts of its own", own, seed)]


def depth(seed: int) -> list[dict[str, Any]]:
    """Where the model parts into its tasks; with one checkpoint for all tasks, and with each task's own."""
    splits = split_reviews(load_reviews(), seed=seed)
    found = []
    for after in ("embedding", "layer", "encoder, MLP heads"):
        run = trained(splits, seed, build=partial(branched, after=after))
        sizes = {"steps": run["steps"], "parameters": run["parameters"]}
        found += [*rows(after, run["rights"], **sizes), *rows(f"{after}, own checkpoints", run["own"], **sizes)]
    return found


def baseline(seed: int) -> list[dict[str, Any]]:
    """The tuned bag of words."""
    return rows("words", of_words(split_reviews(load_reviews(), seed=seed)))


STUDIES: dict[str, Callable[[int], list[dict[str, Any]]]] = {
    study.__name__: study for study in (baseline, copies, across_tasks, cleaning, own_data, depth)
}


def steered(seed: int) -> list[dict[str, Any]]:
    """Lesson 00's run: sentiment first, and from step 161 on λ topic 3; or, the control, 0.01 as before."""
    splits = split_reviews(load_reviews(), seed=seed)
    words = Vocabulary.from_texts(splits.train.text)
    train, val = (encode_reviews(part, words, TASKS) for part in splits[:2])
    found = []
    for arm, later in (("topic rises", 3.0), ("topic stays", 0.01)):
        with drawn_from(seeded(seed)):
            model = MultiTaskModel(LSTMEncoder(len(words)), TASKS)
        weights, records, pulls = {"topic": 0.01, "sentiment": 1.0}, [], {}
        loaders = (
            make_loader(train, 32, shuffle=True, seed=seed),
            torch.optim.AdamW(model.parameters(), lr=LR, fused=True),
        )
        for record in train_steps(
            model, *loaders, weights=weights, val_loader=make_loader(val, 128), eval_every=LOOK_EVERY
        ):
            records.append(record)
            if record.step % LOOK_EVERY == 0:
                gradients = task_gradients(model, record.batch)
                pulls |= {(record.step, t): weights[t] * g.norm().item() for t, g in gradients.items()}
            record.forget_batch()
            if record.step == STEERED_STEPS:
                break
            weights["topic"] = later if record.step + 1 >= RISES_AT else 0.01
        history = as_history(records)
        history["loss"] = history.groupby("task").loss.transform(lambda loss: loss.rolling(LOOK_EVERY).mean())
        looks = history[history.step % LOOK_EVERY == 0].drop(columns="epoch")
        pull = [pulls[step, task] for step, task in zip(looks.step, looks.task, strict=True)]
        found += looks.assign(arm=arm, pull=pull).to_dict("records")
    return found


# What the runner needs.


def configs(seeds: int) -> list[Config]:
    """Each question of each seed."""
    return [{"study": study, "seed": seed} for study in ("steered", *STUDIES) for seed in range(seeds)]


def run(config: Config) -> dict[str, Any]:
    """The rows of one question and seed."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so small a network gains nothing from a second one
    try:
        study = steered if config["study"] == "steered" else STUDIES[config["study"]]
        return {"rows": [{**config, **row} for row in study(config["seed"])]}
    finally:
        torch.set_num_threads(threads)


def from_cost(seeds: Sequence[int]) -> pd.DataFrame:
    """The CNNs of cost.csv, trained on the clean reviews of the same splits, under the names that they have here."""
    cost = read_result("cost")
    cost = cost[(cost.encoder == "CNN") & cost.seed.isin(seeds)]
    long = cost.melt(
        ["seed", "arm", "steps", "parameters"], [task.name for task in TASKS], var_name="task", value_name="score"
    )
    long = long[long.score.notna()].assign(part="all")
    own, shared = long[long.arm == long.task], long[long.arm == "shared"]
    named = [
        own.assign(study="baseline", arm="network"),
        own.assign(study="depth", arm="nothing"),
        shared.assign(study="depth", arm="encoder"),
        shared.assign(study="cleaning", arm="everything"),
    ]
    return pd.concat(named)


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The scores, and the steered run."""
    of_lab = runs.study == "steered"
    columns = ["study", "arm", "part", "task", "seed", "score", "n", "steps", "parameters"]
    scores = pd.concat([rows_of(runs[~of_lab]), from_cost(runs.seed.unique())])
    steps = rows_of(runs[of_lab])
    of_step = ["arm", "seed", "task", "step", "loss", "weight", "val_loss", "val_score", "pull"]
    return {
        "corpus": scores.reindex(columns=columns).sort_values(columns[:5], ignore_index=True),
        "corpus_steered": steps[of_step] if len(steps) else steps,
    }


EXPERIMENT = Experiment(configs, run, tables, seeds=10)
