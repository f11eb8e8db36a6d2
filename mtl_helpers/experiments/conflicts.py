"""How often tasks conflict, whom a step harms, and rules on three tasks: the tables of lesson 04. Five minutes on two cores.

Three worlds, with the models of lesson 04: two digits, topic and sentiment of the reviews, and these two with the stars, whose
loss is raw or standardised. A seed draws data or split, first weights and order of the batches, the same for every arm.

``results/conflicts.csv``: a row a run and pair of tasks; ``conflict`` is the share of 50 steps, every sixth, at which the
gradients of the unweighted losses point apart, gᵢ·gⱼ < 0, in the shared parameters; ``conflict_features`` in the shared
features, and ``agree`` the share of steps at which both say the same. ``cosine`` and ``cosine_features`` are medians.

``results/conflicts_steps.csv``: a row a run and task; ``harmed`` is the share of steps whose change Δ of the shared parameters
raises the task's loss to first order, gᵢ·Δ > 0, on the step's own batch, and of task "any" that it does so for at least one;
``change`` is the mean of gᵢ·Δ. ``weight`` is the mean λ that MGDA would give there by the parameters' gradients,
``weight_features`` by the features', and ``apart`` the mean distance between the two. One learning rate an optimiser and
world, from RATES: for AdamW the lesson's, for SGD the best of five on validation, by equal λ, with one seed.

``results/conflicts_scores.csv``: a row a run and task, with the test score after the last step. Every arm has AdamW at 0.003
and 300 steps, none is tuned, and λ sum to the number of tasks. ``place`` says where the rule looks at gradients.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import combinations
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from torch.optim import Optimizer
from torchjd.aggregation import MGDA

from mtl_helpers.data import MultiTaskDataset, Vocabulary, encode_reviews, load_reviews, make_loader, split_reviews
from mtl_helpers.datasets import LEFT, RIGHT, two_digits
from mtl_helpers.experiments import Config, Experiment
from mtl_helpers.models import CNNEncoder, ImageEncoder, MultiTaskModel, shared_parameters
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.relations import cosines_between
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Task
from mtl_helpers.training import (
    RULES,
    GradientWeighting,
    Losses,
    StaticWeights,
    Weighting,
    fit,
    task_losses,
    validate,
)

WORLDS = ("digits", "reviews", "three, raw stars", "three")
STEPS, LR = 300, 0.003
OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {"SGD": torch.optim.SGD, "AdamW": torch.optim.AdamW}
RATES = {
    "AdamW": dict.fromkeys(WORLDS, LR),
    "SGD": {"digits": 0.3, "reviews": 1.0, "three, raw stars": 0.1, "three": 0.3},
}
WATCHED = ("equal", "PCGrad")
SEES_GRADIENTS = ("GradNorm", "MGDA", "PCGrad", "UPGrad", "IMTL-G", "Aligned-MTL")
ON_THREE = {"three, raw stars": ("equal", "1 / first loss", "uncertainty", "MGDA", "PCGrad")}
ON_THREE["three"] = ("equal", "uncertainty", "GradNorm", "MGDA", "PCGrad")
EVERY = 6

Data = tuple[list[Task], Callable[[], torch.nn.Module], Sequence[MultiTaskDataset]]


@cache
def world(name: str, seed: int) -> Data:
    """Tasks, what makes the encoder, and the data to train, validate and test on."""
    if name == "digits":
        return [LEFT, RIGHT], ImageEncoder, two_digits(seed=seed)
    frames = split_reviews(load_reviews(), seed=seed)
    vocabulary = Vocabulary.from_texts(frames.train.text)
    stars = STARS if "raw" in name else STARS.standardised(frames.train.stars)
    tasks = [TOPIC, SENTIMENT] if name == "reviews" else [TOPIC, SENTIMENT, stars]
    return tasks, lambda: CNNEncoder(len(vocabulary)), [encode_reviews(part, vocabulary, tasks) for part in frames]


class Watched(Weighting):
    """A rule, and by step what the tasks' gradients say of the step that it takes."""

    def __init__(self, rule: Weighting) -> None:
        super().__init__(rule.tasks)
        self.rule, self.mgda = rule, GradientWeighting(rule.tasks, MGDA())
        self.pairs: list[dict[str, Any]] = []
        self.steps: list[dict[str, Any]] = []
        self.step = 0

    def begin(self, model: MultiTaskModel, optimizer: Optimizer) -> None:
        """As the rule does."""
        self.rule.begin(model, optimizer)

    def backward(self, losses: Losses, model: MultiTaskModel, penalty: Tensor | None = None) -> dict[str, float]:
        """Look at the gradients; then as the rule does."""
        self.step += 1
        if self.step % EVERY == 0:
            self._look(losses, model)
        return self.rule.backward(losses, model, penalty)

    def _look(self, losses: Losses, model: MultiTaskModel) -> None:
        self.shared = shared_parameters(model)
        (features,) = {id(one): one for one in losses.features.values()}.values()
        self.gradients, at_features = {}, {}
        for name, loss in losses.items():
            *parts, last = torch.autograd.grad(loss, [*self.shared, features], retain_graph=True)
            self.gradients[name] = torch.cat([part.reshape(-1) for part in parts])
            at_features[name] = last.reshape(-1)
        found = cosines_between(self.gradients, list(losses)), cosines_between(at_features, list(losses))
        self.pairs += [
            {"first": one, "second": other, "cosine": found[0][one, other], "cosine_features": found[1][one, other]}
            for one, other in combinations(losses, 2)
        ]
        self.weighed = [
            self.mgda.from_gradients(torch.stack(list(each.values()))).tolist()
            for each in (self.gradients, at_features)
        ]
        self.before = torch.cat([p.detach().reshape(-1) for p in self.shared])

    def after_step(self, model: MultiTaskModel, again: Callable[[], Losses]) -> None:
        """What the step changed, to first order."""
        self.rule.after_step(model, again)
        if self.step % EVERY:
            return
        step = torch.cat([p.detach().reshape(-1) for p in self.shared]) - self.before
        changes = {name: (gradient @ step).item() for name, gradient in self.gradients.items()}
        by_task = zip(changes.items(), *self.weighed, strict=True)
        self.steps += [
            {
                "task": n,
                "harmed": change > 0,
                "change": change,
                "weight": w,
                "weight_features": wf,
                "apart": abs(w - wf),
            }
            for (n, change), w, wf in by_task
        ]
        self.steps.append({"task": "any", "harmed": max(changes.values()) > 0})


def new_rule(arm: str, tasks: Sequence[Task], data: MultiTaskDataset, model: MultiTaskModel, place: str) -> Weighting:
    """The rule of an arm, its λ summing to the number of tasks."""
    n = len(tasks)
    if arm == "1 / first loss":
        batch = next(iter(make_loader(data, 256, shuffle=True, seed=0)))
        with torch.no_grad():
            first = task_losses(tasks, model(batch.inputs), batch)
        return StaticWeights(tasks, {name: 1 / loss.item() for name, loss in first.items()}, total=n)
    return RULES[arm](tasks, total=n, **({"on": place} if arm in SEES_GRADIENTS else {}))


def run(config: Config) -> dict[str, Any]:
    """One model; its test scores, or, where an optimiser is given, what its steps did."""
    name, arm, seed = config["world"], config["arm"], config["seed"]
    optimizer, place = config.get("optimizer"), config.get("place") or "parameters"
    tasks, encoder, data = world(name, seed)
    with drawn_from(seeded(seed)):
        model = MultiTaskModel(encoder(), tasks)
    rule = new_rule(arm, tasks, data[0], model, place)
    watched = Watched(rule) if optimizer else None
    made = OPTIMIZERS[optimizer or "AdamW"](model.parameters(), lr=RATES[optimizer][name] if optimizer else LR)
    loader, start = make_loader(data[0], 32, shuffle=True, seed=seed), time.thread_time()
    fit(model, loader, made, steps=STEPS, weights=watched or rule)
    seconds = time.thread_time() - start
    if watched is None:
        return {"scores": validate(model, make_loader(data[2], 500))[1], "seconds": seconds}
    return {"pairs": _pairs(watched.pairs), "steps": _means(watched.steps)}


def _pairs(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Shares and medians over the steps, by pair of tasks; a step at which one has no gradient is left out."""
    table = pd.DataFrame(rows).dropna()
    table = table.assign(conflict=table.cosine < 0, conflict_features=table.cosine_features < 0)
    table["agree"] = table.conflict == table.conflict_features
    groups = table.groupby(["first", "second"], sort=False)
    shares = groups[["conflict", "conflict_features", "agree"]].mean()
    return shares.join(groups[["cosine", "cosine_features"]].median()).reset_index().to_dict("records")


def _means(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    table = pd.DataFrame(rows).groupby("task", sort=False).mean().reset_index()
    return [{key: value for key, value in row.items() if not _missing(value)} for row in table.to_dict("records")]


def _missing(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def configs(seeds: int) -> list[Config]:
    """The runs that are watched, of three seeds; then those that are scored: rules on three tasks, and the cheap way."""
    watched = [
        {"world": name, "optimizer": optimizer, "arm": arm, "seed": seed}
        for seed in range(min(seeds, 3))
        for name in WORLDS
        for optimizer in OPTIMIZERS
        for arm in WATCHED
    ]
    arms = [(name, arm, "parameters") for name in ON_THREE for arm in ON_THREE[name]]
    arms += [("three", arm, "features") for arm in ("GradNorm", "MGDA", "PCGrad")]
    arms += [("digits", arm, place) for arm in ("GradNorm", "MGDA", "PCGrad") for place in ("parameters", "features")]
    scored = [
        dict(zip(("world", "arm", "place"), arm, strict=True)) | {"seed": n} for n in range(seeds) for arm in arms
    ]
    return [*watched, *scored]


def tables(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The three tables by name."""
    watched, scored = runs[runs.optimizer.notna()], runs[runs.optimizer.isna()]
    key, keys = ["world", "optimizer", "arm", "seed"], ["world", "arm", "place", "seed"]
    found = {
        what: pd.DataFrame(
            [{**dict(zip(key, row[key], strict=True)), **each} for _, row in watched.iterrows() for each in row[what]]
        )
        for what in ("pairs", "steps")
    }
    scores = pd.DataFrame(
        [
            {**dict(zip(keys, row[keys], strict=True)), "task": task, "score": score, "seconds": row.seconds}
            for _, row in scored.iterrows()
            for task, score in row.scores.items()
        ]
    )
    return {"conflicts": found["pairs"], "conflicts_steps": found["steps"], "conflicts_scores": scores}


EXPERIMENT = Experiment(configs, run, tables, seeds=4)
