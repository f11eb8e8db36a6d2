"""The protocol of the corpus's experiment: what each seed trains on, chooses by and is tested on."""

import pytest

from mtl_helpers.data import CLEANING_STEPS, load_reviews, split_reviews, text_key
from mtl_helpers.experiments.corpus.corpus_splits import (
    cleaned_by,
    half_the_labels,
    raw_reviews,
    told_of_the_test,
    with_copies,
)


@pytest.mark.parametrize("steps", [[], ["label spellings"], list(CLEANING_STEPS)], ids=["none", "one", "all"])
def test_however_dirty_no_text_of_the_test_is_learnt_from_or_chosen_by(steps):
    splits = cleaned_by(steps, seed=3)
    keys = [set(splits.train.key), set(splits.val.key), set(text_key(splits.test.text))]
    assert keys[0].isdisjoint(keys[1] | keys[2]) and keys[1].isdisjoint(keys[2])
    assert splits.test.text.tolist() == split_reviews(load_reviews(), seed=3).test.text.tolist(), "wholly clean"


def test_wholly_clean_they_are_the_reviews_of_the_course():
    splits = cleaned_by(list(CLEANING_STEPS), seed=0)
    again = split_reviews(load_reviews(), seed=0)
    assert [sorted(part.text) for part in splits] == [sorted(part.text) for part in again]


def test_dirty_arms_have_more_rows_of_the_same_texts():
    few, many = cleaned_by(list(CLEANING_STEPS), seed=0).train, cleaned_by([], seed=0).train
    assert len(many) > len(few) and set(few.key) == set(many.key)
    assert set(raw_reviews().key) >= set(many.key)


def test_with_copies_some_test_rows_have_a_twin_in_training():
    splits = with_copies(seed=0)
    assert 0.1 < splits.test.key.isin(splits.train.key).mean() < 0.25


@pytest.mark.parametrize("helper", ["topic", "stars"])
def test_a_split_a_task_has_as_many_labels_as_one_split(helper):
    honest, leaky = (told_of_the_test(helper, leak, seed=0) for leak in (False, True))
    assert honest.train[helper].notna().sum() == leaky.train[helper].notna().sum()
    assert honest.train.sentiment.notna().sum() == leaky.train.sentiment.notna().sum()
    told = leaky.train[leaky.train.text.isin(leaky.test.text)]
    assert len(told) == len(leaky.test) and told.sentiment.isna().all() and told[helper].notna().all()
    assert not honest.train.text.isin(honest.test.text).any()


def test_half_the_labels_are_on_the_same_texts_or_on_texts_of_their_own():
    same, own = (half_the_labels(own_texts, seed=0).train for own_texts in (False, True))
    assert same.topic.notna().sum() == own.topic.notna().sum() == 924
    assert abs(same.sentiment.notna().sum() - own.sentiment.notna().sum()) < 40
    assert not (own.topic.notna() & own.sentiment.notna()).any()
