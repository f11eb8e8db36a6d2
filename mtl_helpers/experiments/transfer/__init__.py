"""The transfer table of lesson 03: what does a second task change? About 11 minutes on two cores.

Every seed redraws the data and the initial weights (on the corpus: the split); each arm is compared with the single-task
model of the same seed, and the table gives the mean change with its 95 % interval. In the written world all arms take the
same `STEPS` at the same rate, however many reviews there are. All models go through `mtl_helpers.training.fit` and keep the
weights of their best validation on the task in question; the test reviews choose nothing.

``results/transfer.csv`` has one row an arm: ``single`` is the score of the single-task model, ``score`` that of the arm,
``helper`` that of the task beside it, ``seconds`` the processor time of one run of the arm. ``results/transfer_runs.csv`` has
the scores of each single run, and what they had been after fewer steps (``at_100`` ...); ``results/gradients.csv`` what the
gradients said in training: their cosine, and the affinity of the other task to sentiment. Lesson 03 reads the files and runs
a sample again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from mtl_helpers.corpus import make_reviews
from mtl_helpers.data import (
    Splits,
    baseline_score,
    load_reviews,
    split_reviews,
    tuned_bag_of_words,
)
from mtl_helpers.evaluation import Arm, controlled_splits, paired_changes, run_arm, run_arms, usual_arms
from mtl_helpers.evaluation.running.transfer import N_TEST, row_of
from mtl_helpers.experiments import Config, Experiment, rows_of
from mtl_helpers.experiments.transfer.arms import (
    ADAPTERS,
    CHANCE,
    COIN_BESIDE,
    FREE_CONTROL,
    HEADS,
    JOINT_ENCODERS,
    ORACLE,
    OTHER_WAYS,
    SOFT,
    STARS_BESIDE,
    TOPIC_ALONE,
    USUAL,
    after_topic,
    control_of,
    told_topic,
)
from mtl_helpers.models import MultiTaskModel
from mtl_helpers.relations import gradient_cosines, task_affinity
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Task
from mtl_helpers.training import Record

MEASURES = ["cosine_early", "cosine_late", "affinity_early", "affinity_late"]
KEYS = ["world", "rho", "n", "arm", "task"]
STEPS = 500  # in the written world
CURVE = (100, 200, 300, 400)  # where the arms are tested on the way
CORPUS_STEPS = 600
EARLY, LATE = 100, 300  # gradients are looked at up to these steps
BAG = "bag of words"


def bag_of_words_row(splits: Splits, main: Task, name: str = BAG) -> dict[str, Any]:
    """The course's baseline, see `tuned_bag_of_words`."""
    start = time.process_time()
    model = tuned_bag_of_words(splits.train, splits.val, main).model
    score = baseline_score(model, splits.test, main)
    return {"arm": name, "task": main.name, "score": score, "seconds": time.process_time() - start}


# The worlds. Each function runs all arms of one world at one seed and gives a row for each.


def controlled(rho: float, n: int, arms: list[Arm], seed: int) -> list[dict]:
    """Does topic help sentiment? With the bag of words beside."""
    splits = controlled_splits(n, seed, relatedness=rho)
    rows = run_arms(arms, splits, seed=seed, steps=STEPS, curve_at=CURVE)
    return named([*rows, bag_of_words_row(splits, SENTIMENT)], "controlled", rho, n)


def separated(n: int, arms: list[Arm], seed: int) -> list[dict]:
    """At ρ = 1: is it the sharing that costs, or the joint training? And what would the true topic bring?"""
    splits, options = controlled_splits(n, seed, relatedness=1), {"seed": seed, "steps": STEPS, "curve_at": CURVE}
    first = run_arm(TOPIC_ALONE, splits, seed=seed, steps=STEPS)
    rows = list(run_arms([*after_topic(first.model), *arms], splits, **options))
    for row in rows[:2]:
        row["seconds"] += first.seconds
    rows[0]["helper"] = first.score  # the pipeline's topic is the first model's
    rows += run_arms([ORACLE], splits, encode=told_topic, **options)
    return named(rows, "controlled", 1, n)


def other_ways(seed: int) -> list[dict]:
    """At ρ = 1, with more steps at a lower rate: soft sharing, stitches, experts and adapters beside the usual arms."""
    splits = controlled_splits(3000, seed, relatedness=1)
    arms = [*USUAL, *OTHER_WAYS, *map(control_of, (SOFT, ADAPTERS))]
    rows = run_arms([replace(arm, lr=0.006) for arm in arms], splits, seed=seed, steps=800)
    return named(rows, "controlled, other ways", 1, 3000)


def helpers(rho: float, arms: list[Arm], looked_at: list[Arm], seed: int) -> list[dict]:
    """Topic, stars or a coin beside sentiment, 1,000 reviews: what each changes, and what the gradients say of it."""
    splits = with_coins(controlled_splits(1000, seed, relatedness=rho), seed)
    options = {"seed": seed, "steps": STEPS, "curve_at": CURVE}
    rows = list(run_arms(arms, splits, **options))
    for arm in looked_at:
        looks: list[dict] = []
        run = run_arm(arm, splits, on_step=partial(look, looks, arm.tasks[1].name), **options)
        means = pd.DataFrame(looks).mean().to_dict()
        change = run.score - rows[0]["score"]
        measured = {"table": "gradients", "arm": arm.name, "other": arm.tasks[1].name, **means, "change": change}
        rows += [row_of(arm, run, seed), measured]
    return named([*rows, bag_of_words_row(splits, SENTIMENT)], "controlled", rho, 1000)


def look(looks: list[dict], other: str, model: MultiTaskModel, record: Record) -> None:
    """Measure how the gradients of the two tasks agree, and what a step for the other does for sentiment."""
    if record.step <= LATE and record.step % 10 == 0:
        when = "early" if record.step <= EARLY else "late"
        cosine = gradient_cosines(model, record.batch)["sentiment", other]
        affinity = task_affinity(model, record.batch)[other, "sentiment"]
        looks.append({f"cosine_{when}": cosine, f"affinity_{when}": affinity})


def with_coins(splits: Splits, seed: int) -> Splits:
    """The splits with one more label that has nothing to do with the text."""
    toss = np.random.default_rng(seed)
    return Splits(*(frame.assign(chance=toss.choice(CHANCE.classes, len(frame))) for frame in splits))


def stars_help(labelled: Splits, full: Splits, name: str, seed: int) -> list[dict]:
    """The few reviews with a sentiment label alone, against those and the star labels of all; and sentiment read off them."""
    stars = Arm(name, [SENTIMENT, STARS])
    read_off, run = from_stars(full), {"seed": seed, "steps": CORPUS_STEPS}
    return [
        *run_arms([Arm("single", [SENTIMENT])], labelled, **run),
        *run_arms([stars, replace(control_of(stars), name="control")], full, **run),
        *run_arms([Arm("single on the stars", [SENTIMENT])], read_off, **run),
        bag_of_words_row(labelled, SENTIMENT),
        bag_of_words_row(read_off, SENTIMENT, f"{BAG} on the stars"),
    ]


def few_labels(seed: int) -> list[dict]:
    """Do 2,000 star labels help 300 sentiment labels?"""
    frame = make_reviews(2300 + N_TEST, relatedness=0, seed=seed)
    sparse = frame.assign(sentiment=frame.sentiment.where(frame.index < 300, None))
    labelled, full = (Splits(sparse[:n], frame[2000:2300], frame[2300:]) for n in (300, 2000))
    return named(stars_help(labelled, full, "stars on 2,000", seed), "controlled, 300 sentiment labels", 0, 2000)


def from_stars(splits: Splits) -> Splits:
    """Sentiment read off the stars: more labels for the same task."""
    stars = splits.train.stars
    sentiment = pd.Series(np.where(stars > 3, "positive", "negative"), stars.index).where(stars != 3, None)
    return splits._replace(train=splits.train.assign(sentiment=sentiment))


def real_few_labels(seed: int) -> list[dict]:
    """On the corpus: do all star labels help 100 sentiment labels?"""
    splits = split_reviews(load_reviews(), seed=seed)
    known = splits.train.index[splits.train.sentiment.notna()]
    chosen = np.random.default_rng(seed).choice(known, 100, replace=False)
    sparse = splits.train.assign(sentiment=splits.train.sentiment.where(splits.train.index.isin(chosen), None))
    full, labelled = (splits._replace(train=frame) for frame in (sparse, sparse.loc[sorted(chosen)]))
    rows, n_test = stars_help(labelled, full, "stars on all", seed), int(splits.test.sentiment.notna().sum())
    return named(rows, "real, 100 sentiment labels", None, len(splits.train), n_test)


def real(main: Task, other: Task, seed: int) -> list[dict]:
    """On the corpus: does the other task help, on all reviews and on those marked ``topic_word``?"""
    splits, rows = split_reviews(load_reviews(), seed=seed), []
    tested = splits.test[splits.test[main.name].notna()]
    marked = tested.phenomena.str.split(";").map(lambda marks: "topic_word" in marks).to_numpy()
    for arm in usual_arms(main, other):
        run = run_arm(arm, splits, seed=seed, steps=CORPUS_STEPS)
        right = (run.predicted == run.target).numpy()
        row = row_of(arm, run, seed)
        only = {"world": "real, topic_word only", "score": right[marked].mean(), "n_test": int(marked.sum())}
        rows += [row, row | only]
    rows.append(bag_of_words_row(splits, main))
    return named(rows, "real", None, len(splits.train), len(tested))


def named(rows: Iterable[dict], world: str, rho: float | None, n: int, n_test: int | None = None) -> list[dict]:
    """The rows of a world; ``n_test`` where the runs re-split one corpus. The helper's score is kept where topic helps."""
    kept = [{name: value for name, value in row.items() if world == "controlled" or name != "helper"} for row in rows]
    return [{"table": "runs", "world": world, "rho": rho, "n": n, "n_test": n_test, **row} for row in kept]


# Each world with its seeds: ten where the lesson makes a claim, five where it takes a look.
SINGLE, PLAIN, CONDITIONED, CONTROL = USUAL
WORLDS = [
    (partial(helpers, 1, [SINGLE, FREE_CONTROL], [PLAIN, CONDITIONED, STARS_BESIDE]), 10),
    (partial(separated, 1000, [JOINT_ENCODERS]), 10),
    (partial(helpers, 0, [SINGLE], [PLAIN, CONDITIONED, STARS_BESIDE, COIN_BESIDE]), 10),
    (partial(controlled, 1, 3000, [*USUAL, *HEADS]), 5),
    (partial(separated, 3000, [JOINT_ENCODERS]), 5),
    (partial(controlled, 1, 300, USUAL[:3]), 5),
    (partial(controlled, 0, 300, USUAL[:3]), 5),
    (partial(separated, 300, []), 5),
    (other_ways, 10),
    (few_labels, 10),
    (real_few_labels, 10),
    (partial(real, SENTIMENT, TOPIC), 10),
    (partial(real, TOPIC, SENTIMENT), 10),
]


def configs(seeds: int) -> list[Config]:
    """A world, by its place in the list, and a seed."""
    return [
        {"world": world, "seed": seed} for seed in range(seeds) for world, (_, most) in enumerate(WORLDS) if seed < most
    ]


def run(config: Config) -> dict[str, Any]:
    """All arms of a world."""
    rows = WORLDS[config["world"]][0](seed=config["seed"])
    return {"rows": [{"place": place, **row, "seed": config["seed"]} for place, row in enumerate(rows)]}


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The changes, the scores of the single runs, and what the gradients said."""
    places = runs.world.repeat(runs.rows.map(len)).to_numpy()
    rows = rows_of(runs).assign(first=places).sort_values(["first", "place", "seed"], ignore_index=True)
    scores, looks = (rows[rows.table == name] for name in ("runs", "gradients"))
    curve = [f"at_{step}" for step in CURVE]
    return {
        "transfer": summarise(scores),
        "transfer_runs": scores[[*KEYS, "seed", "n_test", "score", "helper", *curve, "seconds"]].round({"seconds": 1}),
        "gradients": looks[["rho", "n", "arm", "other", "seed", *MEASURES, "change"]],
    }


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean change against the single-task model of the same seeds, with its interval: one row an arm.

    The interval is Student's t where each seed draws new reviews, and the corrected resampled t on the corpus.
    """
    parts = []
    for key, group in runs.groupby(["world", "rho", "n", "task"], dropna=False, sort=False):
        world = dict(zip(["world", "rho", "n", "task"], key, strict=True))
        shared = np.nan_to_num(group.n_test.astype(float).mean() / world["n"])
        changes = paired_changes(group, shared_rows=shared).rename_axis("arm").reset_index()
        means = group.astype({"helper": float}).groupby("arm")[["helper", "seconds"]].mean().reindex(changes.arm)
        single = changes.score[changes.arm == "single"].iloc[0]
        parts.append(changes.assign(**world, **means.reset_index(drop=True), single=single))
    table = pd.concat(parts)[[*KEYS, "single", "score", "helper", "change", "low", "high", "seeds", "seconds"]]
    return table.round(dict.fromkeys(["single", "score", "helper", "change", "low", "high"], 4) | {"seconds": 1})


EXPERIMENT = Experiment(configs, run, tables, seeds=10)
