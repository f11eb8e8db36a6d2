"""What the data card says of the corpus holds: counts, variety, difficulty, no giveaway, and raw data that cleans back."""

import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtl_helpers.data import PHENOMENA, clean_reviews, data_file, load_reviews
from mtl_helpers.tasks import TOPIC

ROOT = Path(__file__).resolve().parents[1]
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)
SHARES = {
    "negation": 0.12,
    "contrast": 0.12,
    "other_topic": 0.12,
    "topic_word": 0.12,
    "irony": 0.04,
    "comparison": 0.05,
}


@pytest.fixture(scope="module")
def reviews() -> pd.DataFrame:
    return load_reviews()


@pytest.fixture(scope="module")
def words(reviews) -> list[list[str]]:
    return [re.findall(r"[a-z0-9']+", text.lower()) for text in reviews.text]


def test_counts(reviews):
    assert len(reviews) == 2640
    counts = reviews.groupby(["topic", "stars"]).size()
    assert set(reviews.topic) == set(TOPIC.classes)
    for (_, stars), n in counts.items():
        assert n == (40 if stars == 3 else 100)
    expected = reviews.stars.map({1: "negative", 2: "negative", 4: "positive", 5: "positive"})
    pd.testing.assert_series_equal(reviews.sentiment, expected, check_names=False, check_dtype=False)


def test_lengths(reviews):
    lengths = reviews.text.str.split().str.len()
    assert lengths.between(8, 70).all()
    assert 20 <= lengths.median() <= 30


def test_phenomena_are_frequent_enough(reviews):
    assert set(SHARES) == set(PHENOMENA)
    for name, least in SHARES.items():
        assert reviews.phenomena.str.split(";").map(lambda marks, name=name: name in marks).mean() >= least


def test_texts_are_plain_and_whole(reviews):
    assert reviews.text.map(str.isascii).all()
    assert not reviews.text.str.contains(r"\s\s|^\s|\s$|&\w+;|</?\w", regex=True).any()


def test_variety(words):
    assert len({word for text in words for word in text}) >= 6000
    openings = Counter(" ".join(text[:3]) for text in words)
    assert max(openings.values()) <= 0.01 * len(words)
    seen: dict[tuple, int] = {}
    for i, text in enumerate(words):
        for j in range(len(text) - 7):
            run = tuple(text[j : j + 8])
            assert seen.setdefault(run, i) == i, f"rows {seen[run]} and {i} share {' '.join(run)!r}"


def test_no_near_duplicates(words):
    grams = [{tuple(text[j : j + 3]) for j in range(len(text) - 2)} for text in words]
    where = defaultdict(list)
    for i, own in enumerate(grams):
        for gram in own:
            where[gram].append(i)
    for i, own in enumerate(grams):
        shared = Counter(j for gram in own for j in where[gram] if j < i)
        for j, n in shared.items():
            assert n / len(own | grams[j]) <= 0.4, f"rows {j} and {i} are nearly the same"


def bag_of_words(texts: pd.Series, labels: pd.Series) -> float:
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10, max_iter=1000))
    return cross_val_score(model, texts, labels, cv=FOLDS).mean()


def test_a_bag_of_words_finds_it_neither_trivial_nor_hopeless(reviews):
    known = reviews[reviews.sentiment.notna()]
    assert 0.78 <= bag_of_words(known.text, known.sentiment) <= 0.93
    assert 0.85 <= bag_of_words(reviews.text, reviews.topic) <= 0.98


@pytest.mark.parametrize("task", ["topic", "sentiment"])
def test_nothing_but_the_words_gives_a_label_away(reviews, task):
    known = reviews[reviews[task].notna()]
    chance = 1 / known[task].nunique()
    surface = pd.DataFrame({"characters": known.text.str.len(), "words": known.text.str.split().str.len()})
    punctuation = pd.DataFrame({mark: known.text.str.count(re.escape(mark)) for mark in ".,!?;:'\"()-"})
    number = known.id.str[1:].astype(int)
    position = pd.DataFrame({"id": number, **{f"id mod {m}": number % m for m in (2, 3, 5, 6, 7, 10)}})
    for features in (surface, punctuation, position):
        score = cross_val_score(
            make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
            features.astype(float),
            known[task],
            cv=FOLDS,
        ).mean()
        assert score <= chance + 0.05, f"{list(features)} predict {task} at {score:.3f}"


def test_raw_data_cleans_back_to_the_corpus(reviews):
    raw = pd.read_csv(data_file("reviews_raw.csv"), dtype=str, keep_default_na=False)
    assert len(raw) > 1.1 * len(reviews)
    clean = clean_reviews(raw)
    expected = reviews.drop(columns="phenomena").sort_values("id").reset_index(drop=True)
    pd.testing.assert_frame_equal(clean[expected.columns], expected, check_dtype=False)


def test_raw_data_has_every_flaw(reviews):
    raw = pd.read_csv(data_file("reviews_raw.csv"), dtype=str, keep_default_na=False)
    assert raw.text.str.contains("\u00e2\u20ac\u2122").sum() > 50, "mojibake"
    assert raw.text.str.contains(r"<br />|<b>", regex=True).sum() > 50, "markup"
    assert raw.text.str.contains("&#x27;|&amp;|&quot;").sum() > 20, "entities"
    assert (raw.text != raw.text.str.strip()).sum() > 50, "white space"
    assert {"POS", "positive ", "+"} <= set(raw.sentiment), "label spellings"
    assert raw.stars.str.contains("stars|four").sum() > 50, "stars as text"
    assert raw.text.duplicated().sum() > 50, "exact duplicates"
    assert (raw.topic == "").sum() > 10, "missing topics"
    stars = pd.to_numeric(raw.stars, errors="coerce")
    assert ((stars >= 4) & (raw.sentiment == "negative")).sum() > 3, "conflicting labels"


def test_the_raw_file_comes_from_the_script(tmp_path):
    """Run on a copy, the script writes the very file that ships."""
    for name in ("reviews.csv", "make_reviews_raw.py"):
        (tmp_path / name).write_bytes((ROOT / "data" / name).read_bytes())
    subprocess.run([sys.executable, tmp_path / "make_reviews_raw.py"], check=True)
    assert (tmp_path / "reviews_raw.csv").read_bytes() == (ROOT / "data" / "reviews_raw.csv").read_bytes()


def test_the_data_card_is_right(reviews, words):
    card = re.sub(r"\s+", " ", (ROOT / "data" / "README.md").read_text(encoding="utf-8"))
    raw = pd.read_csv(data_file("reviews_raw.csv"), dtype=str)
    known = reviews[reviews.sentiment.notna()]
    lengths = reviews.text.str.split().str.len()
    for statement in (
        f"`reviews.csv` | {len(reviews):,} |",
        f"`reviews_raw.csv` | {len(raw):,} |",
        f"{lengths.min()} to {lengths.max()} words, median {lengths.median():.0f}",
        f"{len({word for text in words for word in text}):,} different words",
        f"{(reviews.phenomena == '').sum()} carry none",
        *(
            f"`{name}` | {reviews.phenomena.str.split(';').map(lambda marks, name=name: name in marks).sum()} |"
            for name in PHENOMENA
        ),
    ):
        assert statement in card, f"the data card should say: {statement}"
    topics, sentiments = re.search(r"finds (\d+) % of the topics and (\d+) % of the sentiments", card).groups()
    assert int(topics) == pytest.approx(100 * bag_of_words(reviews.text, reviews.topic), abs=1)
    assert int(sentiments) == pytest.approx(100 * bag_of_words(known.text, known.sentiment), abs=1)
