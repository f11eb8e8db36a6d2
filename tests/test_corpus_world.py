"""The controlled reviews: what the generator promises of its truth holds in what it writes."""

import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from mtl_helpers.corpus import SIGNS, CorpusError, make_reviews, sign_of
from mtl_helpers.data import (
    PHENOMENA,
    Vocabulary,
    encode_reviews,
    load_reviews,
    make_loader,
    read_reviews,
    split_reviews,
    tokenize,
)
from mtl_helpers.data.tokens import text_key
from mtl_helpers.tasks import SENTIMENT, STARS, TOPIC

N = 4000


@pytest.fixture(scope="module", params=[0, 0.5, 1])
def rho(request) -> float:
    return request.param


@pytest.fixture(scope="module")
def reviews(rho) -> pd.DataFrame:
    return make_reviews(N, relatedness=rho, seed=1)


def marked(frame: pd.DataFrame, name: str) -> pd.Series:
    return frame.phenomena.str.split(";").map(lambda marks: name in marks)


def near(share: float, expected: float) -> bool:
    """Within four standard errors of a share of N."""
    return abs(share - expected) <= 4 * np.sqrt(expected * (1 - expected) / N)


# The sign table


def test_every_adjective_has_a_default_sign_and_two_exceptions():
    assert len(SIGNS) == 16
    assert Counter(sign for sign, _ in SIGNS.values()) == {1: 8, -1: 8}
    for adjective, (sign, exceptions) in SIGNS.items():
        assert len(set(exceptions)) == 2 and set(exceptions) < set(TOPIC.classes)
        assert [sign_of(adjective, topic) == sign for topic in TOPIC.classes].count(False) == 2


def test_no_topic_is_praised_or_blamed_by_its_words_alone():
    for topic in TOPIC.classes:
        assert 7 <= sum(sign_of(adjective, topic) == 1 for adjective in SIGNS) <= 9
        assert 4 <= sum(topic in exceptions for _, exceptions in SIGNS.values()) <= 6


def test_an_unknown_adjective_or_topic_is_named():
    with pytest.raises(CorpusError, match=r"'splendid'.*unpredictable"):
        sign_of("splendid", "film")
    with pytest.raises(CorpusError, match=r"'opera'.*film"):
        sign_of("dark", "opera")


# The same structures as the corpus


def test_the_columns_are_those_of_the_corpus(reviews):
    corpus = load_reviews()
    assert list(reviews) == list(corpus) and len(reviews) == N
    assert (reviews.dtypes == corpus.dtypes).all()
    assert set(reviews.topic) == set(TOPIC.classes) and set(reviews.sentiment) == set(SENTIMENT.classes)
    assert {mark for marks in reviews.phenomena for mark in marks.split(";")} <= {"", *PHENOMENA}


def test_it_reads_back_from_a_file(reviews, tmp_path):
    reviews.to_csv(tmp_path / "reviews.csv", index=False)
    pd.testing.assert_frame_equal(read_reviews(tmp_path / "reviews.csv"), reviews)


def test_it_splits_encodes_and_batches(reviews):
    train, val, test = split_reviews(reviews, seed=0)
    assert not set(train.text) & set(val.text) and not set(train.text) & set(test.text)
    data = encode_reviews(train, Vocabulary.from_texts(train.text), [TOPIC, SENTIMENT, STARS])
    batch = next(iter(make_loader(data, 8)))
    assert batch.inputs.shape[0] == 8 and set(batch.targets) == {"topic", "sentiment", "stars"}


def test_no_two_texts_are_alike(reviews):
    assert text_key(reviews.text).is_unique and reviews.id.is_unique


# The same seed


def test_a_seed_decides_and_more_reviews_begin_with_the_same():
    pd.testing.assert_frame_equal(make_reviews(300, seed=7), make_reviews(500, seed=7)[:300])
    assert not make_reviews(300, seed=7).text.equals(make_reviews(300, seed=8).text)


# What was promised of the world


def test_size_of_the_world(reviews, rho):
    lengths = reviews.text.map(lambda text: len(tokenize(text)))
    assert 15 <= lengths.mean() <= 19 and lengths.min() >= 4 and lengths.max() <= 40
    types = {word for text in reviews.text for word in tokenize(text)}
    assert len(types) > (300 if rho < 1 else 240)


def test_topic_and_sentiment_are_balanced_and_independent(reviews):
    assert all(near((reviews.topic == topic).mean(), 1 / 6) for topic in TOPIC.classes)
    positive = (reviews.sentiment == "positive").groupby(reviews.topic).mean()
    assert (abs(positive - 0.5) < 4 * np.sqrt(0.25 / (N / 6))).all()


def test_stars_agree_with_sentiment_and_follow_the_strength(reviews):
    assert set(reviews.stars) == {1, 2, 4, 5}
    assert ((reviews.stars > 3) == (reviews.sentiment == "positive")).all()
    strong = reviews.text.str.contains(r"\b(?:really|so|truly|incredibly|utterly)\b")
    mild = reviews.text.str.contains(r"\b(?:quite|rather|fairly|somewhat|slightly)\b")
    assert reviews.stars[strong].isin([1, 5]).all() and reviews.stars[mild].isin([2, 4]).all()


@pytest.mark.parametrize(
    ("name", "mark"), [("contrast", "contrast"), ("distractor", "other_topic"), ("opening", r"^My review|\bon \w+day")]
)
@pytest.mark.parametrize("chance", [0, 1])
def test_a_dial_at_0_never_happens_and_at_1_always(name, mark, chance):
    frame = make_reviews(300, **{name: chance}, seed=2)
    if name == "opening":
        happened = frame.text.str.contains(
            r"last (?:\w+day|Christmas|Easter)|(?:on|until|from) (?:\w+day|Christmas|Easter)"
        )
    else:
        happened = marked(frame, mark)
    assert (happened == bool(chance)).all()


def test_phenomena_come_as_often_as_asked(reviews):
    assert near(marked(reviews, "contrast").mean(), 0.15) and near(marked(reviews, "other_topic").mean(), 0.40)
    assert 0.10 < marked(reviews, "negation").mean() < 0.25, "0.10 for each of one to two opinions"


def test_relatedness_is_the_share_of_adjectives_with_a_topics_sign(reviews, rho):
    words = Counter(word for text in reviews.text for word in tokenize(text))
    related = sum(words[adjective] for adjective in SIGNS)
    assert marked(reviews, "topic_word").eq(reviews.text.map(lambda t: bool(set(tokenize(t)) & set(SIGNS)))).all()
    if rho in (0, 1):
        assert marked(reviews, "topic_word").mean() == rho
    else:
        assert 0.9 * rho < related / (1.6 * N) < 1.1 * rho


def test_without_noise_the_last_adjective_and_the_topic_tell_the_sentiment():
    frame = make_reviews(
        500, relatedness=1, seed=3, negation=0, trap=0, label_noise=0, contrast=0.5, distractor=0, opening=0
    )
    for row in frame.itertuples():
        last = [word for word in tokenize(row.text) if word in SIGNS][-1]
        assert sign_of(last, row.topic) == (1 if row.sentiment == "positive" else -1), row.text


def test_a_negation_turns_the_sign_and_a_trap_does_not():
    quiet = {"trap": 0, "label_noise": 0, "contrast": 0, "distractor": 0, "opening": 0, "relatedness": 1, "seed": 4}
    for chances, factor in (({"negation": 1}, -1), ({"negation": 0, "trap": 1}, 1)):
        for row in make_reviews(200, **{**quiet, **chances}).itertuples():
            said = {sign_of(word, row.topic) for word in tokenize(row.text) if word in SIGNS}
            assert said == {factor * (1 if row.sentiment == "positive" else -1)}, row.text


def test_label_noise_turns_labels_round():
    clear = {"negation": 0, "trap": 0, "contrast": 0, "relatedness": 0, "seed": 5}
    frame = make_reviews(500, label_noise=1, **clear)
    fine = frame.text.str.contains(r"\b(?:good|excellent|nice|wonderful)\b")
    assert fine.sum() > 50 and (frame.sentiment[fine] == "negative").all()


def bag_of_words(frame: pd.DataFrame, task: str) -> float:
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=3, max_iter=1000))
    return model.fit(frame.text[:3000], frame[task][:3000]).score(frame.text[3000:], frame[task][3000:])


def test_word_counts_find_the_topic_and_less_of_the_sentiment_the_more_it_depends_on_the_topic(reviews, rho):
    assert 0.85 <= bag_of_words(reviews, "topic") <= 0.95
    least, most = {0: (0.76, 0.85), 0.5: (0.66, 0.78), 1: (0.53, 0.65)}[rho]
    assert least <= bag_of_words(reviews, "sentiment") <= most


def test_texts_read_like_sentences(reviews):
    for text in reviews.text:
        assert re.fullmatch(r"(?:[A-Z][^.]*\.)(?: [A-Z][^.]*\.)*", text), text


# Bad input


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"n": 0}, "at least 1; found 0"),
        ({"n": 2.5}, "whole number.*2.5"),
        ({"n": True}, "whole number"),
        ({"seed": "one"}, "seed must be a whole number; found 'one'"),
        ({"relatedness": 1.5}, "relatedness, a probability, must be a finite number from 0 to 1; found 1.5"),
        ({"relatedness": float("nan")}, "relatedness, a probability,"),
        ({"label_noise": "a little"}, "label_noise, a probability.*'a little'"),
        ({"negation": 0.7, "trap": 0.7}, "must not exceed 1"),
    ],
)
def test_bad_input_is_said_in_words(arguments, said):
    with pytest.raises(CorpusError, match=said):
        make_reviews(**{"n": 10, **arguments})
