"""The course's one baseline: what validation chooses, and that nothing else does."""

import pandas as pd
import pytest

from mtl_helpers.data import DataError, bag_of_words, baseline_score, load_reviews, split_reviews, tuned_bag_of_words
from mtl_helpers.data.baseline import STRENGTHS
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC, MultiLabel


@pytest.fixture(scope="module")
def splits():
    return split_reviews(load_reviews(), seed=0)


def test_of_ten_settings_validation_takes_the_best(splits):
    found = tuned_bag_of_words(splits.train, splits.val, SENTIMENT)
    assert found.val_score == pytest.approx(baseline_score(found.model, splits.val, SENTIMENT))
    usual = [
        baseline_score(bag_of_words(splits.train, SENTIMENT, pairs=p), splits.val, SENTIMENT) for p in (False, True)
    ]
    assert found.val_score >= max(usual)
    assert any(found.strength == pytest.approx(0.3 * factor) for factor in STRENGTHS)


def test_validation_rows_choose_and_are_not_learnt_from(splits):
    twisted = splits.val.assign(sentiment=splits.val.sentiment.map({"positive": "negative", "negative": "positive"}))
    found = tuned_bag_of_words(splits.train, twisted, SENTIMENT)
    assert found.val_score < 0.5, "it learnt the twisted labels"
    assert baseline_score(found.model, splits.test, SENTIMENT) > 0.6, "but it was only chosen by them"


def test_a_smaller_error_is_the_better_one_where_smaller_is_better(splits):
    found = tuned_bag_of_words(splits.train, splits.val, STARS)
    usual = baseline_score(bag_of_words(splits.train, STARS), splits.val, STARS)
    assert found.val_score < usual


def test_a_task_with_several_labels_a_text_is_tuned_too():
    tags = MultiLabel("tags", classes=("room", "food"))
    frame = pd.DataFrame(
        {
            "text": ["a bed", "a soup", "a bed and a soup", "a bed"] * 3,
            "tags": [["room"], ["food"], ["room", "food"], ["room"]] * 3,
        }
    )
    found = tuned_bag_of_words(frame, frame, tags)
    assert found.val_score == 1


def test_validation_without_a_label_chooses_nothing(splits):
    with pytest.raises(DataError, match="Task 'topic': no validation row has a label"):
        tuned_bag_of_words(splits.train, splits.val.assign(topic=None), TOPIC)
