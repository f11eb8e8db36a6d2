"""The score a network has to beat: word counts and a linear model, from scikit-learn."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline

from mtl_helpers.data.table.reading import need_columns
from mtl_helpers.data.tokens import as_texts, tokenize
from mtl_helpers.data.vocabulary import Tokenizer
from mtl_helpers.errors import DataError
from mtl_helpers.tasks import Task

STRENGTHS = (0.1, 1 / 3, 1.0, 3.0, 10.0)  # of a linear model's regularisation, times its default


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
    texts, target = _learnable(train, task, text)
    return make_pipeline(_counter(pairs, tokenizer), task.linear_model()).fit(texts, target)


class TunedBaseline(NamedTuple):
    """A fitted `bag_of_words`, and what validation chose for it: ``pairs`` of words or none, the linear model's strength."""

    model: Pipeline
    pairs: bool
    strength: float
    val_score: float


def tuned_bag_of_words(
    train: pd.DataFrame, val: pd.DataFrame, task: Task, *, text: str = "text", tokenizer: Tokenizer = tokenize
) -> TunedBaseline:
    """The baseline of the whole course: the `bag_of_words` that is best on ``val``, of those fitted on ``train``.

    Words alone or with pairs, and the regularisation of the linear model (C of the support vector machine, alpha of the ridge
    regression) at its default times 1/10, 1/3, 1, 3 and 10: ten settings, compared by the task's skill; of equals the first.
    The validation rows choose and are not learnt from, as for a network whose checkpoint they choose.

    >>> from mtl_helpers.tasks import SENTIMENT
    >>> train = pd.DataFrame({"text": ["not good", "so good", "so bad", "not bad"] * 5,
    ...                       "sentiment": ["negative", "positive", "negative", "positive"] * 5})
    >>> found = tuned_bag_of_words(train, train, SENTIMENT)  # no single word tells these apart
    >>> found.pairs, found.val_score, found.model.predict(["it is not bad at all"]).tolist()
    (True, 1.0, [1])
    """
    texts, target = _learnable(train, task, text)
    val_target, val_mask = _labels(val, task, text)
    if not val_mask.any():
        raise DataError(f"Task '{task.name}': no validation row has a label, so nothing can be chosen by them.")
    best: TunedBaseline | None = None
    best_skill = -float("inf")
    for pairs in (False, True):
        counter = _counter(pairs, tokenizer)
        counts, val_counts = counter.fit_transform(texts), counter.transform(val[text])
        for factor in STRENGTHS:
            linear, strength = _with_strength(task.linear_model(), factor)
            predicted = torch.as_tensor(linear.fit(counts, target).predict(val_counts))
            skill = task.skill(predicted, val_target, val_mask)
            if skill > best_skill:
                score = task.score(predicted, val_target, val_mask)
                best, best_skill = TunedBaseline(make_pipeline(counter, linear), pairs, strength, score), skill
    return best


def baseline_score(baseline: Pipeline, frame: pd.DataFrame, task: Task, *, text: str = "text") -> float:
    """The task's score of a fitted `bag_of_words` on the rows of ``frame`` that have a label."""
    target, mask = _labels(frame, task, text)
    return task.score(torch.as_tensor(baseline.predict(frame[text])), target, mask)


def _learnable(train: pd.DataFrame, task: Task, text: str) -> tuple[pd.Series, Any]:
    """Texts and targets of the labelled rows; raises `DataError` if there is nothing to learn from them."""
    target, mask = _labels(train, task, text)
    if task.classes and len(target[mask].unique(dim=0)) < 2:
        raise DataError(
            f"Task '{task.name}': the {int(mask.sum())} labelled training rows do not hold two different classes; "
            "there is nothing to tell apart. Give more data, or look at what cleaning did to the labels."
        )
    if not mask.any():
        raise DataError(f"Task '{task.name}': no training row has a label. Look at what cleaning did to the labels.")
    return train[text][mask.numpy()], target[mask].numpy()


def _counter(pairs: bool, tokenizer: Tokenizer) -> TfidfVectorizer:
    return TfidfVectorizer(
        tokenizer=tokenizer, token_pattern=None, sublinear_tf=True, ngram_range=(1, 2 if pairs else 1)
    )


def _with_strength(linear: Any, factor: float) -> tuple[Any, float]:
    """The linear model with its regularisation at ``factor`` times its default, under whatever name it has it."""
    name = next(name for name in linear.get_params() if name.rpartition("__")[2] in ("C", "alpha"))
    strength = factor * linear.get_params()[name]
    return linear.set_params(**{name: strength}), strength


def _labels(frame: pd.DataFrame, task: Task, text: str) -> tuple[torch.Tensor, torch.Tensor]:
    need_columns(frame, (text, task.name))
    as_texts(frame[text])
    return task.encode(frame[task.name])
