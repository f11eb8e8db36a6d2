"""The sealed reviews are as their card says, and nothing opens them but this file and the experiment that may, once."""

import hashlib
import re
import subprocess
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtl_helpers.data import PHENOMENA, load_reviews
from mtl_helpers.tasks import TOPIC

ROOT = Path(__file__).resolve().parents[1]
SEALED = ROOT / "data" / "reviews_sealed.csv"
SHA256 = "e39cbc03a4381591ee48a560184084d894842d552adbfd95455e0df21036fb1d"
MAY_NAME_IT = {"data/README.md", "tests/test_sealed.py"}
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)


@pytest.fixture(scope="module")
def reviews() -> pd.DataFrame:
    return pd.read_csv(SEALED)


def runs_of_eight(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9']+", text.lower())
    return {tuple(words[i : i + 8]) for i in range(len(words) - 7)}


def test_counts_and_checksum(reviews):
    assert hashlib.sha256(SEALED.read_bytes()).hexdigest() == SHA256, "the sealed reviews were changed"
    assert list(reviews) == ["id", "text", "topic", "sentiment", "stars", "phenomena"]
    assert Counter(zip(reviews.topic, reviews.stars, strict=True)) == {
        (t, s): 20 for t in TOPIC.classes for s in (1, 2, 4, 5)
    }
    assert (reviews.sentiment == reviews.stars.map({1: "negative", 2: "negative", 4: "positive", 5: "positive"})).all()
    assert reviews.id.is_unique and not set(reviews.id) & set(load_reviews().id)


def test_marks_are_as_frequent_as_in_the_corpus(reviews):
    """Within five points of the corpus, so that a model is asked for the same difficulties."""
    for name in PHENOMENA:
        here, there = (
            frame.phenomena.fillna("").str.split(";").map(lambda marks, name=name: name in marks).mean()
            for frame in (reviews, load_reviews())
        )
        assert abs(here - there) <= 0.05, f"{name}: {here:.3f} here, {there:.3f} in the corpus"


def test_texts_are_plain_and_share_no_run_of_eight_words(reviews):
    assert reviews.text.map(str.isascii).all()
    assert reviews.text.str.split().str.len().between(8, 70).all()
    assert not reviews.text.str.contains(r"\s\s|^\s|\s$|&\w+;|</?\w", regex=True).any()
    seen = {run: row.id for row in load_reviews().itertuples() for run in runs_of_eight(row.text)}
    for row in reviews.itertuples():
        for run in runs_of_eight(row.text):
            assert seen.setdefault(run, row.id) == row.id, f"{row.id} and {seen[run]} share {' '.join(run)!r}"


@pytest.mark.parametrize("task", ["topic", "sentiment"])
def test_nothing_but_the_words_gives_a_label_away(reviews, task):
    """Of 480 texts the accuracy of a guess varies by 2.3 points of sentiment, one standard error: the bar is three."""
    chance = 1 / reviews[task].nunique()
    surface = pd.DataFrame({"characters": reviews.text.str.len(), "words": reviews.text.str.split().str.len()})
    punctuation = pd.DataFrame({mark: reviews.text.str.count(re.escape(mark)) for mark in ".,!?;:'\"()-"})
    number = reviews.id.str[1:].astype(int)
    position = pd.DataFrame({"id": number, **{f"id mod {m}": number % m for m in (2, 3, 5, 6, 7, 10)}})
    for features in (surface, punctuation, position):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        score = cross_val_score(model, features.astype(float), reviews[task], cv=FOLDS).mean()
        assert score <= chance + 3 * (chance * (1 - chance) / len(reviews)) ** 0.5, (
            f"{list(features)}: {task} at {score:.3f}"
        )


def test_no_other_code_opens_them():
    """Who may name the file is written down here; a lesson or an experiment that reads it by chance is found."""
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    found = set()
    for name in listing.split():
        path = ROOT / name
        readable = path.suffix in {".py", ".ipynb", ".md", ".toml", ".yml", ".js"} and path.is_file()
        if readable and "reviews_sealed" in path.read_text(encoding="utf-8"):
            found.add(name)
    assert found <= MAY_NAME_IT, f"these name the sealed reviews: {sorted(found - MAY_NAME_IT)}"
