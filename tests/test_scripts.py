"""Texts of any script: no letter, accent or emoji is lost, and what has no spaces becomes tokens a model can learn from."""

import re
import unicodedata

import numpy as np
import pandas as pd
import pytest
import torch

from mtl_helpers.data import (
    Vocabulary,
    bag_of_words,
    baseline_score,
    clean_reviews,
    clean_table,
    data_file,
    encode_reviews,
    load_reviews,
    make_loader,
    split_table,
    text_key,
    tokenize,
)
from mtl_helpers.data.table.file_encoding import repair
from mtl_helpers.models import CNNEncoder, MultiTaskModel
from mtl_helpers.tasks import SENTIMENT, Classification
from mtl_helpers.training import fit

# The pattern the lessons' numbers were made with, and the key: frozen here.
ENGLISH = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[!?]")


def english_key(texts: pd.Series) -> pd.Series:
    return texts.str.lower().str.replace(r"[^a-z0-9]+", " ", regex=True).str.strip()


@pytest.fixture(scope="module", params=["reviews.csv", "reviews_raw.csv"])
def texts(request):
    return pd.read_csv(data_file(request.param), dtype=str, keep_default_na=False).text


def test_the_courses_own_texts_are_cut_as_ever(texts):
    for text in texts:
        assert tokenize(text) == ENGLISH.findall(text.lower())


def test_the_courses_own_texts_are_compared_as_ever(texts):
    key = english_key(texts)
    assert text_key(texts)[key != ""].equals(key[key != ""].astype(object))


@pytest.mark.parametrize(
    "text", ["it's 'quoted' rock'n'roll!?", "a''b 'tis o'5", "UPPER_case\tx\x1cy", "50%!!  -- (so-so)", "x'", "'"]
)
def test_plain_english_is_cut_as_the_pattern_cuts_it(text):
    assert tokenize(text) == ENGLISH.findall(text.lower())


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Café déjà vu", ["café", "déjà", "vu"]),
        (unicodedata.normalize("NFD", "Café"), ["café"]),
        ("Türöffner, Straße", ["türöffner", "straße"]),
        ("Привет, МИР!", ["привет", "мир", "!"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("مرحبا بالعالم؟", ["مرحبا", "بالعالم", "?"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("한국어 좋아요", ["한국어", "좋아요"]),
        ("很好", ["很", "很好", "好"]),
        ("不好！", ["不", "不好", "好", "!"]),
        ("iPhone15很棒", ["iphone15", "很", "很棒", "棒"]),
        ("カード", ["カ", "カー", "ー", "ード", "ド"]),
        ("ดีมาก", ["ดี", "ดีม", "ม", "มา", "า", "าก", "ก"]),
        ("ខ្ញុំ", ["ខ្ញុំ"]),
        ("ＡＢＣ１２", ["abc12"]),
        ("don’t", ["don't"]),
        ("l’hôtel", ["l'hôtel"]),
        ("👍👍👎", ["👍", "👍", "👎"]),
        ("👍🏽👍🏿", ["👍🏽", "👍🏿"]),
        ("👩‍👩‍👧‍👦", ["👩‍👩‍👧‍👦"]),
        ("🇩🇪🇫🇷", ["🇩🇪", "🇫🇷"]),
        ("❤️ ❤", ["❤", "❤"]),
        ("...—", []),
    ],
)
def test_every_script_becomes_words(text, tokens):
    assert tokenize(text) == tokens


def test_no_letter_of_any_alphabet_is_lost():
    same = {0x2BC, *range(0xFF01, 0xFF5F)}  # an apostrophe, and full-width forms: read as the plain ones
    letters = [chr(i) for i in range(0x250, 0x20000) if unicodedata.category(chr(i))[0] in "LN" and i not in same]
    lost = [c for c in letters if unicodedata.normalize("NFC", c.lower())[0] not in "".join(tokenize(f"x {c} x"))]
    assert not lost
    assert text_key(pd.Series(letters[::50])).ne("").all()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("很好", "不好"),
        ("👍👍", "👎👎"),
        ("Привет", "Пока"),
        ("caf", "café"),
        (":)", ":("),
        ("👍🏽", "👍🏿"),
        ("ดี", "ดี่"),
    ],
)
def test_different_texts_have_different_keys(one, other):
    assert text_key(pd.Series([one, other])).nunique() == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [("Café!", "café"), ("cafe\u0301", "CAFÉ"), ("很好。", "很好！"), ("ОЧЕНЬ хорошо", "очень  хорошо")],
)
def test_case_punctuation_and_composition_do_not_count(one, other):
    assert len(set(text_key(pd.Series([one, other])))) == 1


def test_three_chinese_reviews_stay_three():
    raw = pd.DataFrame(
        {
            "id": ["a", "b", "c", "d", "e"],
            "text": ["这部电影很好看", "酒店太吵了", "手机不好用", "👍👍", "👎👎"],
            "topic": ["film", "hotel", "phone", "film", "film"],
            "sentiment": ["+", "-", "-", "+", "-"],
            "stars": "",
        }
    )
    assert clean_reviews(raw).id.tolist() == list("abcde")


# A small Chinese corpus with two classes: only words of several characters tell them apart (好 stands in both).
PRAISE = ["很好看", "非常满意", "值得推荐", "服务周到", "物美价廉"]
BLAME = ["不好看", "非常失望", "不值得买", "服务冷淡", "又贵又差"]
FILLER = [
    "上个月和朋友去的",
    "朋友送的",
    "第二次来",
    "周末买的",
    "颜色是蓝色",
    "排队排了半小时",
    "快递三天到",
    "一共两百块",
]


def chinese(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        words = [str(rng.choice(FILLER)), str(rng.choice(PRAISE if i % 2 else BLAME)), str(rng.choice(FILLER))]
        rows.append({"text": "，".join(rng.permutation(words)) + "。", "sentiment": ("negative", "positive")[i % 2]})
    return pd.DataFrame(rows)


def test_a_bag_of_words_and_a_network_learn_chinese():
    train, test = chinese(200, 0), chinese(100, 1)
    assert baseline_score(bag_of_words(train, SENTIMENT), test, SENTIMENT) > 0.95
    vocabulary = Vocabulary.from_texts(train.text)
    torch.manual_seed(0)
    model = MultiTaskModel(CNNEncoder(len(vocabulary)), [SENTIMENT])
    loader = make_loader(encode_reviews(train, vocabulary, [SENTIMENT]), 20, shuffle=True)
    fit(model, loader, torch.optim.Adam(model.parameters(), 3e-3), steps=60)
    data = encode_reviews(test, vocabulary, [SENTIMENT])
    with torch.no_grad():
        output = model.eval()(data[range(len(test))].inputs)["sentiment"]
    assert SENTIMENT.score(SENTIMENT.predict(output), data.targets["sentiment"], data.masks["sentiment"]) > 0.95


def test_forty_chinese_texts_are_split():
    frame = pd.DataFrame({"text": [f"第{i}家酒店很{'好差'[i % 2]}" for i in range(40)], "mood": ["good", "bad"] * 20})
    train, val, test = split_table(frame, by=("mood",))
    assert (len(train), len(val), len(test)) == (28, 6, 6)


# Damaged UTF-8


@pytest.mark.parametrize(
    ("damaged", "right"),
    [
        ("donâ€™t", "don’t"),
        ("â€œniceâ€\x9d", "“nice”"),
        ("â€œniceâ€, he said", "“nice”, he said"),
        ("cafÃ©", "café"),
        ("a correct é, and damage: donâ€™t, cafÃ©", "a correct é, and damage: don’t, café"),
        ("“right” and itâ€™s", "“right” and it’s"),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", "Привет"),
        ("å¾ˆå¥½", "很好"),
        ("nice ðŸ‘\x8d, naïve", "nice 👍, naïve"),
        ("5Â£", "5£"),
        ("donÃ¢â‚¬â„¢t, cafÃƒÂ©", "don’t, café"),  # twice
    ],
)
def test_damage_is_repaired_beside_what_is_right(damaged, right):
    assert repair(damaged) == right


@pytest.mark.parametrize(
    "text", ["CAFÉ”", "“café”", "naïve – très bien…", "Übergröße", "很好", "São Paulo ÀÉÎ", "fiancé”…", "«À»"]
)
def test_what_is_right_stays(text):
    assert repair(text) == text


def test_texts_of_a_table_are_repaired_under_any_name():
    task = Classification("ton", classes=("gut", "schlecht"))
    frame = pd.DataFrame({"Anfrage": ["TÃ¼r <b>klemmt</b>", "Tür klemmt!", " "], "ton": ["GUT ", "gut", "?"]})
    clean, table = clean_table(frame, "Anfrage", [task])
    assert clean.Anfrage.tolist() == ["Tür klemmt"] and clean.ton.tolist() == ["gut"]
    assert table.dropped.sum() == 2


def test_cleaning_leaves_the_courses_texts_alone():
    reviews = load_reviews()
    clean, _ = clean_table(reviews, tasks=[SENTIMENT])
    assert clean.text.tolist() == reviews.text.tolist()
