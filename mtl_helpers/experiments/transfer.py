"""The transfer table of lesson 03: what does a second task change? About 14 minutes on two cores.

Every seed redraws the data and the initial weights; each arm is compared with the single-task model of the same seed, and
the table gives the mean change with its 95 % t-interval. All models go through `mtl_helpers.training.fit` and keep the
weights of their best validation on the task in question; the test reviews are looked at once.

``results/transfer.csv`` has one row an arm: ``single`` is the score of the single-task model, ``score`` that of the arm,
``seconds`` the processor time of one run of the arm. ``results/transfer_runs.csv`` has the score of each single run, and
``results/gradients.csv`` what the gradients said in training: their cosine, and the affinity of the other task to sentiment.
Lesson 03 reads the files and runs a sample again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import nn

from mtl_helpers.corpus import make_reviews
from mtl_helpers.data import Splits, load_reviews, split_reviews
from mtl_helpers.evaluation import Arm, controlled_splits, paired_changes, run_arm, run_arms, usual_arms
from mtl_helpers.evaluation.running.transfer import N_TEST, NewEncoder
from mtl_helpers.experiments import Config, Experiment, rows_of
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.relations import (
    Adapters,
    ConditionedModel,
    CrossStitch,
    MMoE,
    PipelineModel,
    SoftSharing,
    gradient_cosines,
    task_affinity,
)
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Classification, Task
from mtl_helpers.training import Record

MEASURES = ["cosine_early", "cosine_late", "affinity_early", "affinity_late"]
KEYS = ["world", "rho", "n", "arm", "task"]
STEPS = {300: 250, 1000: 600, 3000: 800}
EARLY, LATE = 100, 300  # gradients are looked at up to these steps
CHANCE = Classification("chance", classes=("heads", "tails"))  # labels thrown by a coin


# The arms. What they share is in `mtl_helpers.evaluation`; here is what only the table needs.


def by_task(new_encoder: NewEncoder, tasks: Sequence[Task], kind: Callable) -> MultiTaskModel:
    """A model with an encoder for each task."""
    return kind({task.name: new_encoder() for task in tasks}, tasks)


def on_top(new_encoder: NewEncoder, tasks: Sequence[Task], kind: Callable) -> MultiTaskModel:
    """A model on one encoder."""
    return kind(new_encoder(), tasks)


def pipeline(new_encoder: NewEncoder, tasks: Sequence[Task], first: nn.Module) -> MultiTaskModel:
    """A model that is told what a trained one says of the topic."""
    return PipelineModel(new_encoder(), *tasks, first, TOPIC.name)


def control_of(arm: Arm) -> Arm:
    """The same model on the same batches, the loss of the helping tasks off: what it gains, their labels did not bring."""
    return replace(arm, name=f"{arm.name}, control", weights={task.name: 0 for task in arm.tasks[1:]})


SOFT = Arm("soft sharing", [SENTIMENT, TOPIC], partial(by_task, kind=partial(SoftSharing, strength=0.01)))
ADAPTERS = Arm("adapters", [SENTIMENT, TOPIC], partial(on_top, kind=Adapters))
STITCH = Arm("cross-stitch", [SENTIMENT, TOPIC], partial(by_task, kind=CrossStitch))
EXPERTS = Arm("MMoE", [SENTIMENT, TOPIC], partial(on_top, kind=MMoE))
OTHER_WAYS = [SOFT, STITCH, EXPERTS, ADAPTERS, *map(control_of, (SOFT, ADAPTERS))]
# At least as many parameters, and as much time, as the two models of the pipeline have.
DEAR = replace(usual_arms(SENTIMENT, TOPIC)[2], name="conditioned, larger and longer", filters=96)
# Sentiment's loss trains the topic head, so that it may say whatever sentiment needs; it sees no topic label.
FREE = partial(ConditionedModel, on={"sentiment": "topic"}, detach=False)
FREE_CONTROL = Arm("control, free", [SENTIMENT, TOPIC], partial(on_top, kind=FREE), {"topic": 0})

BESIDE = {
    task.name: Arm(task.name, [SENTIMENT, task]) for task in (STARS, TOPIC, CHANCE)
}  # whose gradients are looked at


# The worlds. Each function runs all arms of one world at one seed and gives a row for each.


def bag_of_words(splits: Splits, main: Task, name: str = "TF-IDF + LR") -> dict:
    """The linear baseline on word counts, trained on the reviews that have a label."""
    start = time.process_time()
    known, test = (frame[frame[main.name].notna()] for frame in (splits.train, splits.test))
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=3, max_iter=1000))
    score = model.fit(known.text, known[main.name]).score(test.text, test[main.name])
    return {"arm": name, "task": main.name, "score": score, "seconds": time.process_time() - start}


def controlled(rho: float, n: int, seed: int) -> list[dict]:
    """Does topic help sentiment?"""
    splits, run = controlled_splits(n, seed, relatedness=rho), {"seed": seed, "steps": STEPS[n]}
    rows = [*run_arms(usual_arms(SENTIMENT, TOPIC), splits, **run), bag_of_words(splits, SENTIMENT)]
    if rho == 1 and n >= 1000:
        first = run_arm(Arm("topic alone", [TOPIC]), splits, **run)
        arm = Arm("pipeline", [SENTIMENT], partial(pipeline, first=first.model))
        rows += run_arms([arm], splits, **run)
        rows[-1]["seconds"] += first.seconds
        rows += run_arms([DEAR], splits, seed=seed, steps=2 * STEPS[n])
    if rho == 1 and n == 3000:
        rows += run_arms([*OTHER_WAYS, *map(control_of, (STITCH, EXPERTS)), FREE_CONTROL], splits, **run)
    return [{"world": "controlled", "rho": rho, "n": n, **row} for row in rows]


def variant(name: str, lr: float, seed: int, **world: float) -> list[dict]:
    """Does topic help sentiment at ρ = 1 in a world, or at a learning rate, other than the usual?"""
    splits = controlled_splits(3000, seed, relatedness=1, **world)
    arms = [*usual_arms(SENTIMENT, TOPIC), *([] if world else OTHER_WAYS)]
    rows = run_arms([replace(arm, lr=lr) for arm in arms], splits, seed=seed, steps=STEPS[3000])
    return [{"world": f"controlled, {name}", "rho": 1, "n": 3000, **row} for row in rows]


def stars_help(labelled: Splits, full: Splits, name: str, seed: int) -> list[dict]:
    """The few reviews with a sentiment label alone, against those and the star labels of all; with a linear model beside."""
    stars = Arm(name, [SENTIMENT, STARS])
    return [
        *run_arms([Arm("single", [SENTIMENT])], labelled, seed=seed, steps=600),
        *run_arms([stars, replace(control_of(stars), name="control")], full, seed=seed, steps=600),
        bag_of_words(labelled, SENTIMENT),
        bag_of_words(from_stars(full), SENTIMENT, "TF-IDF + LR on the stars"),
    ]


def few_labels(seed: int) -> list[dict]:
    """Do 2,000 star labels help 300 sentiment labels?"""
    frame = make_reviews(2300 + N_TEST, relatedness=0, seed=seed)
    sparse = frame.assign(sentiment=frame.sentiment.where(frame.index < 300, None))
    labelled, full = (Splits(sparse[:n], frame[2000:2300], frame[2300:]) for n in (300, 2000))
    rows = stars_help(labelled, full, "stars on 2,000", seed)
    return [{"world": "controlled, 300 sentiment labels", "rho": 0, "n": 2000, **row} for row in rows]


def from_stars(splits: Splits) -> Splits:
    """Sentiment read off the stars: how nearly the two say the same."""
    stars = splits.train.stars
    sentiment = pd.Series(np.where(stars > 3, "positive", "negative"), stars.index).where(stars != 3, None)
    return splits._replace(train=splits.train.assign(sentiment=sentiment))


def with_coins(splits: Splits, seed: int) -> Splits:
    """The splits with one more label that has nothing to do with the text."""
    toss = np.random.default_rng(seed)
    return Splits(*(frame.assign(chance=toss.choice(CHANCE.classes, len(frame))) for frame in splits))


def coins(filters: int, seed: int) -> list[dict]:
    """Does a task of random labels harm, and a small model more?"""
    splits, tasks = with_coins(controlled_splits(1000, seed, relatedness=0), seed), [SENTIMENT, CHANCE]
    arms = [Arm("single", [SENTIMENT], filters=filters)]
    arms += [Arm(f"random labels, lambda {x}", tasks, weights={"chance": x}, filters=filters) for x in (1, 4)]
    rows = run_arms(arms, splits, seed=seed, steps=STEPS[1000])
    return [{"world": f"controlled, {filters} filters", "rho": 0, "n": 1000, **row} for row in rows]


def gradients(rho: float, seed: int) -> list[dict]:
    """Do gradients tell what another task will change? In steps 1 to 100, in 101 to 300, and the change at the end."""
    splits, run = with_coins(controlled_splits(1000, seed, relatedness=rho), seed), {"seed": seed, "steps": STEPS[1000]}
    alone, rows = run_arm(Arm("single", [SENTIMENT]), splits, **run), []
    for other, arm in BESIDE.items():
        looks: list[dict] = []
        both = run_arm(arm, splits, **run, on_step=partial(look, looks, other))
        row = {"rho": rho, "n": 1000, "other": other, **pd.DataFrame(looks).mean()}
        rows.append(row | {"change": both.score - alone.score})
    return rows


def look(looks: list[dict], other: str, model: MultiTaskModel, record: Record) -> None:
    """Measure how the gradients of the two tasks agree, and what a step for the other does for sentiment."""
    if record.step <= LATE and record.step % 10 == 0:
        when = "early" if record.step <= EARLY else "late"
        cosine = gradient_cosines(model, record.batch)["sentiment", other]
        affinity = task_affinity(model, record.batch)[other, "sentiment"]
        looks.append({f"cosine_{when}": cosine, f"affinity_{when}": affinity})


def real_few_labels(seed: int) -> list[dict]:
    """On the corpus: do all star labels help 100 sentiment labels?"""
    splits = split_reviews(load_reviews(), seed=seed)
    known = splits.train.index[splits.train.sentiment.notna()]
    chosen = np.random.default_rng(seed).choice(known, 100, replace=False)
    sparse = splits.train.assign(sentiment=splits.train.sentiment.where(splits.train.index.isin(chosen), None))
    full, labelled = (splits._replace(train=frame) for frame in (sparse, sparse.loc[sorted(chosen)]))
    rows = stars_help(labelled, full, "stars on all", seed)
    return [{"world": "real, 100 sentiment labels", "n": len(splits.train), **row} for row in rows]


def real(main: Task, other: Task, seed: int) -> list[dict]:
    """On the corpus: does the other task help, on all reviews and on those marked ``topic_word``?"""
    splits, rows = split_reviews(load_reviews(), seed=seed), []
    tested = splits.test[splits.test[main.name].notna()]
    marked = tested.phenomena.str.split(";").map(lambda marks: "topic_word" in marks).to_numpy()
    for arm in usual_arms(main, other):
        run = run_arm(arm, splits, seed=seed, steps=600)
        right = (run.predicted == run.target).numpy()
        for world, score in (("real", run.score), ("real, topic_word only", right[marked].mean())):
            rows.append({"world": world, "arm": arm.name, "task": main.name, "score": score, "seconds": run.seconds})
    rows.append({"world": "real", **bag_of_words(splits, main)})
    return [{"n": len(splits.train), **row} for row in rows]


WORLDS = [
    *(partial(controlled, rho, 3000) for rho in (0, 0.5, 1)),
    *(partial(controlled, rho, n) for n in (1000, 300) for rho in (0, 1)),
    partial(variant, "learning rate 0.006", 0.006),
    # 4 of 5 aspects belong to one topic alone, so that the topic mostly stands right beside the adjective
    partial(variant, "topic beside the word", 0.003, shared_aspect=0.2, opening=0.5),
    few_labels,
    partial(coins, 32),
    partial(coins, 3),
    partial(gradients, 0),
    partial(gradients, 1),
    real_few_labels,
    partial(real, SENTIMENT, TOPIC),
    partial(real, TOPIC, SENTIMENT),
]


def configs(seeds: int) -> list[Config]:
    """A world, by its place in the list, and a seed."""
    return [{"world": world, "seed": seed} for world in range(len(WORLDS)) for seed in range(seeds)]


def run(config: Config) -> dict[str, Any]:
    """All arms of a world."""
    rows = WORLDS[config["world"]](seed=config["seed"])
    return {"rows": [{"place": place, **row, "seed": config["seed"]} for place, row in enumerate(rows)]}


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The changes, the scores of the single runs, and what the gradients said."""
    places = runs.world.repeat(runs.rows.map(len)).to_numpy()
    rows = rows_of(runs).assign(first=places).sort_values(["first", "place", "seed"], ignore_index=True)
    measured = rows.other.notna()
    looks = rows.loc[measured, ["rho", "n", "other", "seed", *MEASURES, "change"]]
    scores = rows.loc[~measured, [*KEYS, "seed", "score", "seconds"]].round({"seconds": 1})
    return {"transfer": summarise(rows[~measured]), "transfer_runs": scores, "gradients": looks}


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean change against the single-task model of the same seed, with its interval: one row an arm."""
    parts = []
    for key, group in runs.groupby(["world", "rho", "n", "task"], dropna=False, sort=False):
        changes = paired_changes(group).rename_axis("arm").reset_index()
        changes["seconds"] = group.groupby("arm").seconds.mean().reindex(changes.arm).to_numpy()
        world = dict(zip(["world", "rho", "n", "task"], key, strict=True))
        parts.append(changes.assign(**world, single=changes.score[changes.arm == "single"].iloc[0]))
    table = pd.concat(parts)[[*KEYS, "single", "score", "change", "low", "high", "seeds", "seconds"]]
    return table.round(dict.fromkeys(["single", "score", "change", "low", "high"], 4) | {"seconds": 1})


EXPERIMENT = Experiment(configs, run, tables, seeds=10)
