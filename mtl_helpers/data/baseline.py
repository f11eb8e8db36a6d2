"""The score a network has to beat: word counts and a linear model, from scikit-learn."""

from __future__ import annotations

import pandas as pd
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline

from mtl_helpers.data.table.reading import need_columns
from mtl_helpers.data.tokens import as_texts, tokenize
from mtl_helpers.data.vocabulary import Tokenizer
from mtl_helpers.errors import DataError
from mtl_helpers.tasks import Task


def bag_of_words(
    train: pd.DataFrame, task: Task, *, pairs: bool = True, text: str = "text", tokenizer: Tokenizer = tokenize
) -> Pipeline:
    """Fit TF-IDF weighted counts of words, and of ``pairs`` of neighbouring words, with a linear model on top.

    The model is the task's own (`Task.linear_model`): a linear support vector machine for classes, a ridge regression for
    numbers. Rows without a label for ``task`` are left out. ``predict(texts)`` gives what the task predicts: class numbers, or
    the numbers themselves.

    >>> from mtl_helpers.tasks import SENTIMENT
    >>> train = pd.DataFrame({"text": ["good", "so good", "bad", "odd"],
    ...                       "sentiment": ["positive", "positive", "negative", None]})
    >>> bag_of_words(train, SENTIMENT).predict(["a good one", "bad bad"])
    array([1, 0])
    """
    target, mask = _labels(train, task, text)
    if task.classes and len(target[mask].unique(dim=0)) < 2:
        raise DataError(
            f"Task '{task.name}': the {int(mask.sum())} labelled training rows do not hold two different classes; "
            "there is nothing to tell apart. Give more data, or look at what cleaning did to the labels."
        )
    if not mask.any():
        raise DataError(f"Task '{task.name}': no training row has a label. Look at what cleaning did to the labels.")
    counts = TfidfVectorizer(
        tokenizer=tokenizer, token_pattern=None, sublinear_tf=True, ngram_range=(1, 2 if pairs else 1)
    )
    return make_pipeline(counts, task.linear_model()).fit(train[text][mask.numpy()], target[mask].numpy())


def baseline_score(baseline: Pipeline, frame: pd.DataFrame, task: Task, *, text: str = "text") -> float:
    """The task's score of a fitted `bag_of_words` on the rows of ``frame`` that have a label."""
    target, mask = _labels(frame, task, text)
    return task.score(torch.as_tensor(baseline.predict(frame[text])), target, mask)


def _labels(frame: pd.DataFrame, task: Task, text: str) -> tuple[torch.Tensor, torch.Tensor]:
    need_columns(frame, (text, task.name))
    as_texts(frame[text])
    return task.encode(frame[task.name])
