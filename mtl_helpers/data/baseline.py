"""The score a network has to beat: word counts and a linear model, from scikit-learn."""

from __future__ import annotations

import pandas as pd
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline

from mtl_helpers.data.vocabulary import tokenize
from mtl_helpers.errors import DataError
from mtl_helpers.tasks import Task


def bag_of_words(train: pd.DataFrame, task: Task, *, pairs: bool = True) -> Pipeline:
    """Fit TF-IDF weighted counts of words, and of ``pairs`` of neighbouring words, with a linear model on top.

    The model is a linear support vector machine (here as good as a logistic regression, and faster), or a ridge regression
    for a regression task; rows without a label for ``task`` are left out. ``predict(texts)`` gives class numbers, or the
    numbers themselves.

    >>> from mtl_helpers.tasks import SENTIMENT
    >>> train = pd.DataFrame({"text": ["good", "so good", "bad", "odd"],
    ...                       "sentiment": ["positive", "positive", "negative", None]})
    >>> bag_of_words(train, SENTIMENT).predict(["a good one", "bad bad"])
    array([1, 0])
    """
    target, mask = _labels(train, task)
    if task.classes and len(target[mask].unique(dim=0)) < 2:
        raise DataError(
            f"Task '{task.name}': the {int(mask.sum())} labelled training rows do not hold two different classes; "
            "there is nothing to tell apart. Give more data, or look at what cleaning did to the labels."
        )
    if not mask.any():
        raise DataError(f"Task '{task.name}': no training row has a label. Look at what cleaning did to the labels.")
    counts = TfidfVectorizer(
        tokenizer=tokenize, token_pattern=None, sublinear_tf=True, ngram_range=(1, 2 if pairs else 1)
    )
    return make_pipeline(counts, task.linear_model()).fit(train.text[mask.numpy()], target[mask].numpy())


def baseline_score(baseline: Pipeline, frame: pd.DataFrame, task: Task) -> float:
    """Accuracy (or mean absolute error) of a fitted `bag_of_words` on the rows of ``frame`` that have a label."""
    target, mask = _labels(frame, task)
    return task.score(torch.as_tensor(baseline.predict(frame.text)), target, mask)


def _labels(frame: pd.DataFrame, task: Task) -> tuple[torch.Tensor, torch.Tensor]:
    for column in ("text", task.name):
        if column not in frame:
            raise DataError(f"Column '{column}' is missing; found {', '.join(map(repr, frame.columns))}.")
    return task.encode(frame[task.name])
