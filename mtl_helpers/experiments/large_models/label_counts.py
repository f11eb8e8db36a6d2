"""Few and many labels of one task: from nothing, on a frozen encoder, fine-tuned, and with the stars of all reviews."""

from __future__ import annotations

import math
from functools import cache, partial
from typing import Any

import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from torch import nn

from mtl_helpers.data import (
    Vocabulary,
    bag_of_words,
    baseline_score,
    encode_reviews,
    load_reviews,
    make_loader,
    mixed_loader,
    split_reviews,
)
from mtl_helpers.experiments import CACHE
from mtl_helpers.experiments.large_models.own_process import in_own_process
from mtl_helpers.models import FrozenFeatures, LSTMEncoder, MultiTaskModel, OnFeatures, load_pretrained
from mtl_helpers.randomness import drawn_from, seeded
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, Task
from mtl_helpers.training import fit, validate

TASKS = {"topic": TOPIC, "sentiment": SENTIMENT}
FROZEN = ("bag of words", "MiniLM", "MiniLM, converged", "MiniLM, LinearSVC")  # of words, or of frozen features
# A linear layer with cross-entropy is a logistic regression; the machine is as in `Classification.linear_model`.
CONVERGED = {
    "MiniLM, converged": partial(LogisticRegression, max_iter=10_000),
    "MiniLM, LinearSVC": partial(LinearSVC, C=0.3, max_iter=100_000, random_state=0),
}
LAYERS = ("MiniLM, layer", "MiniLM, layer + stars")
WITH_STARS = ("LSTM + stars", LAYERS[1])
OFF_STARS = "bag of words, off the stars"  # of sentiment, which in this corpus is stars over a threshold
TUNED = "MiniLM, fine-tuned"
THRESHOLD = 3.0  # stars; every review above it is labelled positive
STEPS, BATCH, LR = 300, 32, {"LSTM": 0.005, "MiniLM": 0.003}  # LR of AdamW
TUNED_STEPS, TUNED_BATCH, TUNED_LR, HEAD_LR = {20: 20, 100: 40, 240: 60, "all": 105}, 16, 3e-3, 0.005


@cache
def frozen_features() -> FrozenFeatures:
    """Of MiniLM; kept in a file, so that the workers find those of the corpus there."""
    encoder, subwords = load_pretrained()
    return FrozenFeatures(encoder.train_last(0), subwords, store=CACHE / "minilm_features.safetensors")


def few_labels(train: pd.DataFrame, task: Task, n: int | str, seed: int) -> pd.DataFrame:
    """The training rows, with ``n`` labels of the task left, as many of each class as can be; "all": all of them."""
    if n == "all":
        return train
    labelled = train[train[task.name].notna()].sample(frac=1, random_state=seed)
    turn = labelled.groupby(task.name).cumcount()
    kept = turn.sort_values(kind="stable").index[:n]
    return train.assign(**{task.name: train[task.name].where(train.index.isin(kept), None)})


def labels_run(arm: str, task: str, n: int | str, seed: int, steps: int = STEPS) -> dict[str, float]:
    """Test accuracy of one arm."""
    task = TASKS[task]
    splits = split_reviews(load_reviews(), seed=seed)
    train = few_labels(splits.train, task, n, seed)
    rows = train[train[task.name].notna()]
    if arm == "bag of words":
        return {task.name: baseline_score(bag_of_words(rows, task), splits.test, task)}
    if arm == OFF_STARS:
        return {task.name: off_the_stars(splits.train, splits.test)}
    if arm == TUNED:
        return {task.name: in_own_process(tuned, rows=rows, test=splits.test, task=task, n=n, seed=seed)}
    vocabulary = Vocabulary.from_texts(splits.train.text) if arm.startswith("LSTM") else frozen_features()
    if arm in CONVERGED:
        return {task.name: converged(arm, rows, splits.test, task, vocabulary)}
    tasks = [task, STARS] if arm in WITH_STARS else [task]
    model = new_model(arm, vocabulary, tasks, seed)
    if arm in WITH_STARS:  # every second batch is of stars, so the few labels are met at least as often as without them
        parts = {task.name: encode_reviews(rows, vocabulary, [task])}
        parts["stars"] = encode_reviews(train, vocabulary, [STARS])
        loader, steps = mixed_loader(parts, BATCH, temperature=math.inf, seed=seed), 2 * steps
    else:
        loader = make_loader(encode_reviews(rows, vocabulary, tasks), BATCH, shuffle=True, seed=seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR["LSTM" if arm.startswith("LSTM") else "MiniLM"])
    fit(model, loader, optimizer, steps=steps, weights={"stars": 0.2} if len(tasks) == 2 else None)
    return {task.name: validate(model, tested(splits.test, vocabulary, [task]))[1][task.name]}


def new_model(arm: str, vocabulary: Any, tasks: list[Task], seed: int) -> MultiTaskModel:
    """An LSTM, or heads on MiniLM's features, above a layer of 32 if the arm has one."""
    with drawn_from(seeded(seed)):
        encoder: nn.Module = (
            LSTMEncoder(len(vocabulary))
            if arm.startswith("LSTM")
            else OnFeatures(vocabulary.features, hidden=32 if "layer" in arm else None)
        )
        return MultiTaskModel(encoder, tasks)


def tested(rows: pd.DataFrame, vocabulary: Any, tasks: list[Task]) -> Any:
    """The rows that have all labels, those of like length together, so that little of a batch is padding."""
    rows = rows.dropna(subset=[task.name for task in tasks])
    return make_loader(encode_reviews(rows.iloc[rows.text.str.len().argsort()], vocabulary, tasks), 25)


def converged(arm: str, rows: pd.DataFrame, test: pd.DataFrame, task: Task, features: FrozenFeatures) -> float:
    """A linear model on frozen features, fitted until nothing changes: a head with its loss, or a support vector machine."""
    learnt, seen = (encode_reviews(part, features, [task]) for part in (rows, test))
    linear = CONVERGED[arm]().fit(learnt.inputs.numpy(), learnt.targets[task.name].numpy())
    predicted = torch.as_tensor(linear.predict(seen.inputs.numpy()))
    return task.score(predicted, seen.targets[task.name], seen.masks[task.name])


def off_the_stars(train: pd.DataFrame, test: pd.DataFrame) -> float:
    """Accuracy in sentiment without one label of it: a bag of words predicts stars, and above the threshold it is positive."""
    test = test[test.sentiment.notna()]
    positive = bag_of_words(train, STARS).predict(test.text) > THRESHOLD
    return float((positive == (test.sentiment == "positive")).mean())


def tuned(rows: pd.DataFrame, test: pd.DataFrame, task: Task, n: int | str, seed: int) -> float:
    """Test accuracy of MiniLM fine-tuned for one task by LoRA of rank 8, in a process of its own."""
    torch.manual_seed(seed)
    encoder, subwords = load_pretrained()
    model = MultiTaskModel(encoder.add_lora(8), [task])
    loader = make_loader(encode_reviews(rows, subwords, [task]), TUNED_BATCH, shuffle=True, seed=seed)
    bottom = [p for p in encoder.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": model.heads.parameters(), "lr": HEAD_LR}, {"params": bottom, "lr": TUNED_LR}]
    )
    fit(model, loader, optimizer, steps=TUNED_STEPS[n])
    return validate(model, tested(test, subwords, [task]))[1][task.name]
