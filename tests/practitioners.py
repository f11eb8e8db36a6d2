"""Four people's own data, as small files made up with a seed: what a learner brings who does not have the course's reviews."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtl_helpers.tasks import Classification, MultiLabel, Regression, Tagging

# Support tickets saved by a German Excel: Windows-1252, semicolons, decimal commas, its own first line.
TEAM = Classification("team", classes=("Technik", "Rechnung", "Verkauf"))
HOURS = Regression("hours")
_ABOUT = {
    "Technik": ["Türöffner klemmt", "Gerät läuft heiß", "Schlüssel bricht ab", "Akku lädt nicht"],
    "Rechnung": ["Gebühr doppelt gebucht", "Rechnung fehlt", "Lastschrift ungültig", "Mahnung trotz Überweisung"],
    "Verkauf": [
        "Angebot für Büro gewünscht",
        "Größere Stückzahl möglich",
        "Vorführung gewünscht",
        "Preisliste erbeten",
    ],
}
_MANNER = {"dringend, bitte sofort": 1.5, "hat Zeit": 20.25, "bis übermorgen": 8.0}


def tickets(folder: Path, n: int = 240, seed: int = 0) -> Path:
    """``Nr;Anfrage;team;hours``, some labels missing."""
    draw = np.random.default_rng(seed)
    lines = ["sep=;", "Nr;Anfrage;team;hours"]
    for i in range(n):
        team, manner = str(draw.choice(list(_ABOUT))), str(draw.choice(list(_MANNER)))
        hours = f"{_MANNER[manner] + draw.uniform(0, 1):.2f}".replace(".", ",") if draw.random() > 0.1 else ""
        text = f"{draw.choice(_ABOUT[team])}, {manner}; Vorgang {draw.integers(1000)}"
        lines.append(f'{1000 + i};"{text}";{team if draw.random() > 0.1 else ""};{hours}')
    path = folder / "tickets.csv"
    path.write_bytes("\r\n".join(lines).encode("cp1252"))
    return path


# Chinese reviews with any number of labels each, from a Chinese Excel: GB18030.
ASPECTS = MultiLabel("方面", classes=("价格", "服务", "质量"))
MOOD = Classification("情感", classes=("差", "好"))
_SAID = {
    ("价格", "好"): "价格很便宜",
    ("价格", "差"): "价格太贵了",
    ("服务", "好"): "服务员很热情",
    ("服务", "差"): "服务员不理人",
    ("质量", "好"): "质量非常结实",
    ("质量", "差"): "用了两天就坏",
}
_AROUND = ["上周末买的", "朋友推荐的", "第二次来", "在网上看到的", "给家人买的", "等了半小时", "颜色和图片一样"]


def chinese_reviews(folder: Path, n: int = 240, seed: int = 0) -> Path:
    """``编号,评论,方面,情感``, the aspects joined by ``;``."""
    draw = np.random.default_rng(seed)
    lines = ["编号,评论,方面,情感"]
    for i in range(n):
        mood = str(draw.choice(MOOD.classes))
        about = [aspect for aspect in ASPECTS.classes if draw.random() < 0.5] or ["质量"]
        parts = [*(_SAID[aspect, mood] for aspect in about), *draw.choice(_AROUND, 2, replace=False)]
        text = "，".join(map(str, draw.permutation(parts))) + f"。订单{draw.integers(1000)}"
        lines.append(f"{i},{text},{';'.join(about) if draw.random() > 0.1 else ''},{mood}")
    path = folder / "评论.csv"
    path.write_bytes("\n".join(lines).encode("gb18030"))
    return path


# A table without text, several rows an owner: UTF-8 with tabs.
PRICE = Regression("price")
QUICK = Classification("quick", classes=("no", "yes"))
FLAT_COLUMNS = ["area", "year", "heating"]


def flats(folder: Path, n: int = 240, seed: int = 0) -> Path:
    """``owner area year heating price quick``; prices near 10,000, and a heat pump sells quickly."""
    draw = np.random.default_rng(seed)
    lines = ["owner\tarea\tyear\theating\tprice\tquick"]
    for _ in range(n):
        area, year, heating = draw.integers(30, 120), draw.integers(1950, 2020), str(draw.choice(["gas", "heat pump"]))
        price = 100 * area + 20 * (year - 1950) + 1500 * (heating == "gas") + draw.normal(0, 200)
        quick = ("no", "yes")[int(heating == "heat pump" and area < 90)]
        shown = area if draw.random() > 0.05 else ""
        lines.append(f"{draw.integers(n // 4)}\t{shown}\t{year}\t{heating}\t{price:.0f}\t{quick}")
    path = folder / "flats.tsv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


# Sentences with a tag for every word, and a class for the whole.
TAGS = Tagging("tags", classes=("DET", "NOUN", "VERB", "ADV"))
TENSE = Classification("tense", classes=("past", "present"))
_WORDS = {
    "DET": ["the", "a", "every", "some"],
    "NOUN": ["dog", "clerk", "engine", "river", "child"],
    "ADV": ["slowly", "often", "well", "loudly"],
}
_VERBS = {"past": ["ran", "slept", "sang", "fell"], "present": ["runs", "sleeps", "sings", "falls"]}


def tagged_sentences(folder: Path, n: int = 240, seed: int = 0) -> Path:
    """``sentence|tags|tense``: words and tags with a space between them, as many of one as of the other."""
    draw = np.random.default_rng(seed)
    lines = ["sentence|tags|tense"]
    for _ in range(n):
        tense = str(draw.choice(TENSE.classes))
        tags = ["DET", "NOUN", "VERB", "ADV"] if draw.random() < 0.5 else ["ADV", "DET", "NOUN", "VERB"]
        words = [str(draw.choice(_VERBS[tense] if tag == "VERB" else _WORDS[tag])) for tag in tags]
        lines.append(f"{' '.join(words)}|{' '.join(tags) if draw.random() > 0.1 else ''}|{tense}")
    path = folder / "sentences.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path
