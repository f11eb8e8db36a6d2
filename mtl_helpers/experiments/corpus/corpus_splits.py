"""The rows of lesson 01's questions: cleaned in part, with copies, with a split a task, with half the labels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pandas as pd
from sklearn.model_selection import train_test_split

from mtl_helpers.data import CLEANING_STEPS, Splits, clean_with, data_file, load_reviews, split_reviews, text_key
from mtl_helpers.data.cleaning import fix_encoding, strip_markup, strip_space


@cache
def raw_reviews() -> pd.DataFrame:
    """The file as it was collected, with what tells its texts apart once they are clean."""
    raw = pd.read_csv(data_file("reviews_raw.csv"), dtype=str, keep_default_na=False)
    clean = strip_space(strip_markup(fix_encoding(raw)))
    return raw.assign(key=text_key(clean.text)).assign(key=lambda frame: frame.key.fillna(""))


def cleaned_by(steps: Sequence[str], seed: int) -> Splits:
    """The reviews of a seed's split; train and validation only as clean as ``steps`` make them, the test wholly clean."""
    splits = split_reviews(load_reviews(), seed=seed)
    frame = clean_with(raw_reviews(), steps)[0].sort_values("id")
    parts = [frame[frame.key.isin(text_key(part.text))] for part in splits[:2]]
    return Splits(*parts, splits.test)


def with_copies(seed: int) -> Splits:
    """Everything cleaned but the copies, and the rows split at random: some test rows have a twin in training."""
    frame = clean_with(raw_reviews(), [step for step in CLEANING_STEPS if step != "duplicates"])[0]
    rest, test = train_test_split(frame[frame.topic.notna()], test_size=0.15, random_state=seed)
    train, val = train_test_split(rest, test_size=0.15 / 0.85, random_state=seed)
    return Splits(train, val, test)


def told_of_the_test(helper: str, leak: bool, seed: int) -> Splits:
    """Sentiment, and a helping task with a split of its own: with ``leak`` sentiment's test texts train the helper.

    There are as many labels of the helper either way: for each that the test texts bring, one of the others is taken away.
    """
    splits = split_reviews(load_reviews(), seed=seed)
    if not leak:
        return splits
    gone = splits.train.sample(len(splits.test), random_state=seed).index
    train = splits.train.assign(**{helper: splits.train[helper].where(~splits.train.index.isin(gone), None)})
    return splits._replace(train=pd.concat([train, splits.test.assign(sentiment=None)], ignore_index=True))


def half_the_labels(own_texts: bool, seed: int) -> Splits:
    """Half of each task's training labels: on the same texts, or (``own_texts``) on two halves without a text in common."""
    splits = split_reviews(load_reviews(), seed=seed)
    shuffled = splits.train.sample(frac=1, random_state=seed)
    one, other = shuffled[: len(shuffled) // 2], shuffled[len(shuffled) // 2 :]
    train = pd.concat([one.assign(sentiment=None), other.assign(topic=None)]) if own_texts else one
    return splits._replace(train=train)
