"""Cleaning, one step a function, each from data frame to data frame, so that a lesson can run and count them singly."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

from mtl_helpers.data.reviews import COLUMNS, text_key
from mtl_helpers.errors import DataError
from mtl_helpers.tasks import SENTIMENT, TOPIC

_STRAIGHT = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " "})
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_SENTIMENTS = {"pos": "positive", "+": "positive", "neg": "negative", "-": "negative"}
_MISSING = {"", "na", "n/a", "none", "null", "?", "unknown"}
_NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5"}


def fix_encoding(frame: pd.DataFrame) -> pd.DataFrame:
    """Undo UTF-8 that was read as Windows-1252 (``donâ€™t`` becomes ``don't``); curly quotes become straight ones."""
    return frame.assign(text=frame.text.map(_repair).str.translate(_STRAIGHT))


def _repair(text: str) -> str:
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:  # it was not mojibake
        return text


def strip_markup(frame: pd.DataFrame) -> pd.DataFrame:
    """Remove HTML tags and turn entities (``&amp;``) into characters."""
    return frame.assign(text=frame.text.str.replace(_TAG, " ", regex=True).map(html.unescape))


def strip_space(frame: pd.DataFrame) -> pd.DataFrame:
    """Collapse runs of white space, cut the ends, and drop rows whose text is then empty."""
    text = frame.text.str.split().str.join(" ")
    return frame.assign(text=text)[text != ""]


def unify_labels(frame: pd.DataFrame) -> pd.DataFrame:
    """Bring every spelling of a label to one: ``POS`` and ``+`` to ``positive``, ``four`` to 4, ``n/a`` to missing."""

    def plain(column: str) -> pd.Series:
        label = frame[column].str.strip().str.lower()
        return label.where(~label.isin(_MISSING), "")

    topic = plain("topic").str.rstrip("s")
    stars = plain("stars").str.replace(r"\s*(?:stars?|/ ?5)$", "", regex=True).replace(_NUMBERS).str.removesuffix(".0")
    number = pd.to_numeric(stars.replace("", np.nan), errors="coerce").astype(float)
    odd = ((stars != "") & number.isna()) | ~topic.isin(["", *TOPIC.classes])
    sentiment = plain("sentiment").replace(_SENTIMENTS)
    odd |= ~sentiment.isin(["", "positive", "negative"]) | (number.notna() & ~number.between(1, 5))
    if odd.any():
        row = frame[odd].iloc[0]
        raise DataError(
            f"Row {row.id}: cannot read the labels topic {row.topic!r}, sentiment {row.sentiment!r}, stars {row.stars!r}. "
            "Correct them in the file; a missing label is an empty one."
        )
    return frame.assign(
        topic=topic.where(topic != "", None), sentiment=sentiment.where(sentiment != "", None), stars=number
    )


def keep_known_labels(frame: pd.DataFrame) -> pd.DataFrame:
    """What happens to labels that nobody cleans: only the exact spellings are read, every other becomes missing."""
    known = {
        task.name: frame[task.name].where(frame[task.name].isin(task.classes), None) for task in (TOPIC, SENTIMENT)
    }
    stars = pd.to_numeric(frame.stars, errors="coerce").astype(float)
    return frame.assign(**known, stars=stars.where(stars.between(1, 5)))


def drop_conflicts(frame: pd.DataFrame) -> pd.DataFrame:
    """Drop rows whose sentiment contradicts their stars (1 and 2 are negative, 4 and 5 positive)."""
    wrong = ((frame.stars < 3) & (frame.sentiment == "positive")) | (
        (frame.stars > 3) & (frame.sentiment == "negative")
    )
    return frame[~wrong]


def merge_duplicates(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep one row a text (case and punctuation do not count): the first id, with labels it lacks taken from its copies."""
    ordered = frame.sort_values("id")
    filled = ordered.groupby(text_key(ordered.text))[["topic", "sentiment", "stars"]].transform("first")
    return ordered.assign(**filled.to_dict("series"))[~text_key(ordered.text).duplicated()]


def drop_topicless(frame: pd.DataFrame) -> pd.DataFrame:
    """Drop rows that have no topic even after merging."""
    return frame[frame.topic.notna()]


CLEANING_STEPS: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "encoding": fix_encoding,
    "markup": strip_markup,
    "white space": strip_space,
    "label spellings": unify_labels,
    "conflicts": drop_conflicts,
    "duplicates": merge_duplicates,
    "no topic": drop_topicless,
}


def clean_reviews(raw: pd.DataFrame) -> pd.DataFrame:
    """Run all `CLEANING_STEPS` in order on a raw frame of strings; rows come back sorted by id.

    >>> raw = pd.DataFrame({"id": ["r2", "r1"], "text": ["Not&nbsp;bad!", "not bad<br />"], "topic": ["Films", ""],
    ...                     "sentiment": ["POS", "+ "], "stars": ["four", "4.0"]})
    >>> print(*clean_reviews(raw).iloc[0], sep=", ")
    r1, not bad, film, positive, 4.0
    """
    absent = [column for column in COLUMNS if column not in raw]
    if absent:
        raise DataError(f"Cannot clean: column '{absent[0]}' is missing; found {', '.join(map(repr, raw.columns))}.")
    for column in COLUMNS:
        odd = ~raw[column].map(lambda cell: isinstance(cell, str))
        if odd.any():
            raise DataError(
                f"Cannot clean: column '{column}' holds {raw[column][odd].iloc[0]!r}, which is no text. "
                "Read the file with pd.read_csv(path, dtype=str, keep_default_na=False)."
            )
    frame = raw
    for step in CLEANING_STEPS.values():
        frame = step(frame)
    return frame.sort_values("id").reset_index(drop=True)


def clean_with(raw: pd.DataFrame, steps: Iterable[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run only the named `CLEANING_STEPS`, in their order; return the rows and a table of what each step did.

    The table has a row a step with ``before, dropped, changed, after``. Without ``"label spellings"`` a label that is not
    spelled as the tasks know it counts as missing (`keep_known_labels`).

    >>> raw = pd.DataFrame({"id": ["r1", "r2"], "text": ["good<br />", " "], "topic": ["film", "film"],
    ...                     "sentiment": ["POS", ""], "stars": ["5", ""]})
    >>> clean_with(raw, ["markup", "white space"])[1]
                 before  dropped  changed  after
    markup            2        0        1      2
    white space       2        1        1      1
    """
    steps = list(steps)
    unknown = [name for name in steps if name not in CLEANING_STEPS]
    if unknown:
        raise DataError(f"There is no cleaning step {unknown[0]!r}; there are {', '.join(map(repr, CLEANING_STEPS))}.")
    frame, table = raw, {}
    for name, step in CLEANING_STEPS.items():
        if name in steps:
            before, frame = frame, step(frame)
            counts = (len(before), len(before) - len(frame), count_changed(before, frame), len(frame))
            table[name] = dict(zip(("before", "dropped", "changed", "after"), counts, strict=True))
        elif name == "label spellings":
            frame = keep_known_labels(frame)
    columns = ["before", "dropped", "changed", "after"]
    return frame, pd.DataFrame.from_dict(table, orient="index", columns=columns)


def count_changed(before: pd.DataFrame, after: pd.DataFrame) -> int:
    """Rows of ``after`` of which a text or label reads otherwise than in ``before``; a missing label reads as empty."""

    def cells(frame: pd.DataFrame) -> pd.DataFrame:
        stars = frame.stars.astype(object).where(frame.stars.notna(), "").astype(str).str.removesuffix(".0")
        return frame[["text", "topic", "sentiment"]].astype(object).fillna("").assign(stars=stars)

    return int((cells(before.loc[after.index]) != cells(after)).any(axis=1).sum())
