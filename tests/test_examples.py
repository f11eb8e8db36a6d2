"""What the data card says of the three shipped examples of lesson 09 holds: counts, variety, no surface tells a label."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtl_helpers.data import text_key, tokenize
from mtl_helpers.own_data import example

ROOT = Path(__file__).resolve().parents[1]
# What word counts find, at least and at most: the product is hardly named, and of 300 texts no sentiment is learnt well.
WORDS = {"product": (0.26, 0.55), "urgency": (0.5, 0.85), "类别": (0.7, 0.98), "情感": (0.58, 0.85)}
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)
TEXTS = {"tickets": ("text", ["product", "urgency"]), "reviews_zh": ("评论", ["类别", "情感"])}


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(example(name), keep_default_na=False)


def units(name: str, text: str) -> list[str]:
    """Words, or Chinese characters."""
    return re.findall(r"[a-z0-9']+", text.lower()) if name == "tickets" else re.findall(r"\w", text)


def test_counts():
    tickets, reviews, products = map(read, ("tickets", "reviews_zh", "products"))
    assert [len(one) for one in (tickets, reviews, products)] == [300, 300, 360]
    urgency = tickets.urgency.str.strip().str.lower()
    assert Counter(urgency) == {"high": 94, "normal": 89, "low": 90, "": 27}
    assert Counter(tickets["product"]) == {"thermostat": 69, "camera": 67, "lock": 66, "vacuum": 63, "": 35}
    assert (tickets.urgency != urgency).sum() == 15
    assert Counter(reviews["类别"]) == dict.fromkeys(["餐馆", "手机", "酒店"], 100)
    assert Counter(reviews["情感"]) == {"好评": 150, "差评": 150} and (reviews["星级"] == "").sum() == 19
    assert products.supplier.nunique() == 30 and set(products.category) == {
        "",
        "fan",
        "heater",
        "kettle",
        "lamp",
        "speaker",
    }
    assert all(example(name).stat().st_size < 100_000 for name in ("tickets", "reviews_zh", "products"))


@pytest.mark.parametrize("name", TEXTS)
def test_texts_differ(name):
    """No two share a run of eight words (nine characters), and none is nearly another."""
    texts = read(name)[TEXTS[name][0]]
    assert text_key(texts).is_unique
    length, seen = (8, {}) if name == "tickets" else (9, {})
    cut = [units(name, text) for text in texts]
    for i, own in enumerate(cut):
        for j in range(len(own) - length + 1):
            run = tuple(own[j : j + length])
            assert seen.setdefault(run, i) == i, f"rows {seen[run]} and {i} share {run}"
    grams = [{tuple(own[j : j + 2]) for j in range(len(own) - 1)} for own in cut]
    assert max(len(a & b) / len(a | b) for i, a in enumerate(grams) for b in grams[:i]) < 0.4
    openings = Counter(tuple(own[:3]) for own in cut)
    assert max(openings.values()) <= 0.02 * len(texts)


@pytest.mark.parametrize(("name", "label"), [(name, label) for name, (_, labels) in TEXTS.items() for label in labels])
def test_nothing_but_the_words_gives_a_label_away(name, label):
    frame = read(name)
    text, labels = frame[TEXTS[name][0]], frame[label].str.strip().str.lower()
    known = labels != ""
    text, labels = text[known], labels[known]
    largest = labels.value_counts(normalize=True).iloc[0]
    marks = ".,!?;:'-，。、！？“”"
    surface = {
        "length": pd.DataFrame({"characters": text.str.len(), "words": text.map(lambda one: len(tokenize(one)))}),
        "marks": pd.DataFrame({mark: text.str.count(re.escape(mark)) for mark in marks}),
        "place": pd.DataFrame({f"mod {m}": pd.Series(range(len(frame)))[known] % m for m in (2, 3, 4, 5, 300)}),
    }
    for what, features in surface.items():
        linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        score = cross_val_score(linear, features.astype(float), labels, cv=FOLDS).mean()
        assert score <= largest + 0.13, f"{what} finds {label} in {score:.3f}"
    words = make_pipeline(
        TfidfVectorizer(tokenizer=tokenize, token_pattern=None, sublinear_tf=True), LogisticRegression(C=10)
    )
    least, most = WORDS[label]
    assert least < cross_val_score(words, text, labels, cv=FOLDS).mean() < most


def test_the_products_come_from_the_script(tmp_path: Path):
    script = tmp_path / "make_products.py"
    script.write_bytes((ROOT / "data" / "examples" / "make_products.py").read_bytes())
    subprocess.run([sys.executable, script], check=True)
    assert (tmp_path / "products.csv").read_bytes() == example("products").read_bytes()
