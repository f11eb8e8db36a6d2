"""Make data/reviews_raw.csv from data/reviews.csv: what the corpus looked like before lesson 01 cleaned it.

    python data/make_reviews_raw.py

Every flaw is drawn with one seed, so the file is the same each time; `mtl_helpers.data.clean_reviews` undoes all of them.
"""

import html
import random
from pathlib import Path

import pandas as pd

from mtl_helpers.data import read_reviews

HERE = Path(__file__).parent
SPELLINGS = {
    "positive": ["POS", "positive ", "+", "Positive", "pos"],
    "negative": ["NEG", " negative", "-", "Negative", "neg"],
}
WORDS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}
OPPOSITE = {"positive": "negative", "negative": "positive"}


def mojibake(text: str) -> str:
    """Typographic quotes in UTF-8, read back as Windows-1252."""
    return text.replace("'", "\u2019").encode("utf-8").decode("cp1252")


def markup(text: str, rng: random.Random) -> str:
    words = html.escape(text, quote=True).split(" ")
    if rng.random() < 0.5:
        words.insert(rng.randrange(1, len(words)), "<br /><br />")
    else:
        i = rng.randrange(len(words))
        words[i] = f"<b>{words[i]}</b>"
    return " ".join(words)


def stray_space(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    i = rng.randrange(1, len(words))
    return f"  {' '.join(words[:i])} \t {' '.join(words[i:])} \n"


def near(text: str, rng: random.Random) -> str:
    return rng.choice([text.upper(), text.lower(), text.rstrip(".!") + "!!", text.replace(",", " ,")])


def dirty(row: dict, rng: random.Random) -> dict:
    row = dict(row)
    if rng.random() < 0.10 and "'" in row["text"]:
        row["text"] = mojibake(row["text"])
    if rng.random() < 0.12:
        row["text"] = markup(row["text"], rng)
    if rng.random() < 0.10:
        row["text"] = stray_space(row["text"], rng)
    if row["sentiment"]:
        if rng.random() < 0.30:
            row["sentiment"] = rng.choice(SPELLINGS[row["sentiment"]])
    else:
        row["sentiment"] = rng.choice(["", "NA", "n/a", "?"])
    stars = int(row["stars"])
    spelling = [f"{stars}", f"{stars}.0", WORDS[stars], f"{stars} stars", f"{stars}/5"]
    row["stars"] = rng.choices(spelling, [0.7, 0.1, 0.1, 0.05, 0.05])[0]
    if rng.random() < 0.15:
        row["topic"] = rng.choice([row["topic"].title(), row["topic"] + "s", row["topic"].upper() + " "])
    return row


def main() -> None:
    rng = random.Random(20)
    clean = read_reviews(HERE / "reviews.csv").drop(columns="phenomena")
    clean["sentiment"] = clean.sentiment.fillna("")
    rows = clean.to_dict("records")
    raw, copies = [], []
    for row in rows:
        flawed = dirty(row, rng)
        kind = rng.choices(["none", "exact", "near", "conflict", "no topic"], [0.84, 0.06, 0.06, 0.02, 0.02])[0]
        copy = dict(row)
        if kind == "near":
            copy["text"] = near(row["text"], rng)
        elif kind == "conflict" and row["sentiment"]:
            copy["sentiment"] = OPPOSITE[row["sentiment"]]
        elif kind == "no topic":
            flawed["topic"] = rng.choice(["", "unknown"])
        if kind != "none":
            copies.append(dirty(copy, rng) if kind != "exact" else {**flawed})
        raw.append(flawed)
    copies += [
        {"text": rng.choice(["", "   ", "<br />"]), "topic": rng.choice(["film", ""]), "sentiment": "", "stars": ""}
        for _ in range(12)
    ]
    rng.shuffle(copies)
    raw += [{**copy, "id": f"r{len(rows) + i:04d}"} for i, copy in enumerate(copies, start=1)]
    rng.shuffle(raw)
    columns = ["id", "text", "topic", "sentiment", "stars"]
    pd.DataFrame(raw, columns=columns).to_csv(HERE / "reviews_raw.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
