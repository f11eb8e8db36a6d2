"""Cleaning of the course's reviews, one step a function, so that a lesson can run and count them singly."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

from mtl_helpers.data.reviews import COLUMNS
from mtl_helpers.data.table.table_cleaning import (
    MISSING,
    by_value,
    count_changed,
    counted,
    fix_encoding,
    merge_copies,
    renumbered,
    strip_markup,
    strip_space,
)
from mtl_helpers.data.tokens import text_key
from mtl_helpers.errors import DataError
from mtl_helpers.tasks import SENTIMENT, TOPIC

__all__ = [
    "CLEANING_STEPS",
    "clean_reviews",
    "clean_with",
    "column_states",
    "count_changed",
    "drop_conflicts",
    "drop_topicless",
    "fix_encoding",
    "keep_known_labels",
    "merge_duplicates",
    "strip_markup",
    "strip_space",
    "unify_labels",
]

_SENTIMENTS = {"pos": "positive", "+": "positive", "neg": "negative", "-": "negative"}
_NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5"}
_LABELS = ("topic", "sentiment", "stars")
_STATES = ["as it should be", "to repair", "contradicts", "repeats", "missing"]


def unify_labels(frame: pd.DataFrame) -> pd.DataFrame:
    """Bring every spelling of a label to one: ``POS`` and ``+`` to ``positive``, ``four`` to 4, ``n/a`` to missing."""
    topic = by_value(frame.topic, lambda label: _plain(label).rstrip("s"))
    sentiment = by_value(frame.sentiment, lambda label: _SENTIMENTS.get(_plain(label), _plain(label)))
    stars = by_value(frame.stars, lambda label: _stars(_plain(label)))
    texts = {"topic": topic, "sentiment": sentiment}
    number = stars.replace("", np.nan).astype(float)
    odd = ~topic.isin(["", *TOPIC.classes]) | ~sentiment.isin(["", *SENTIMENT.classes])
    odd |= (stars != "") & ~number.between(1, 5)
    if odd.any():
        row = frame[odd].iloc[0]
        raise DataError(
            f"Row {row.id}: cannot read the labels topic {row.topic!r}, sentiment {row.sentiment!r}, stars {row.stars!r}. "
            "Correct them in the file; a missing label is an empty one."
        )
    known = {name: label.where(label != "", None).astype(frame[name].dtype) for name, label in texts.items()}
    return frame.assign(**known, stars=number)


def _plain(label: str) -> str:
    label = label.strip().lower()
    return "" if label in MISSING else label


def _stars(label: str) -> float | str:
    """A number in digits or in words, with ``stars`` or ``/5`` behind it; ``""`` stays, and what is none is -1."""
    words = re.sub(r"\s*(?:stars?|/ ?5)$", "", label)
    try:
        return float(_NUMBERS.get(words, words)) if words else ""
    except ValueError:
        return -1.0


def keep_known_labels(frame: pd.DataFrame) -> pd.DataFrame:
    """What happens to labels that nobody cleans: only the exact spellings are read, every other becomes missing."""
    known = {
        task.name: frame[task.name].where(frame[task.name].isin(task.classes), None) for task in (TOPIC, SENTIMENT)
    }
    stars = pd.to_numeric(frame.stars, errors="coerce").astype(float)
    return frame.assign(**known, stars=stars.where(stars.between(1, 5)))


def drop_conflicts(frame: pd.DataFrame) -> pd.DataFrame:
    """Drop rows whose sentiment contradicts their stars (1 and 2 are negative, 4 and 5 positive)."""
    return frame[~_in_conflict(frame)]


def _in_conflict(frame: pd.DataFrame) -> pd.Series:
    return ((frame.stars < 3) & (frame.sentiment == "positive")) | ((frame.stars > 3) & (frame.sentiment == "negative"))


def merge_duplicates(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep one row a text (case and punctuation do not count): the first id, with labels it lacks taken from its copies.

    A label on which the copies disagree becomes missing; and where labels of several copies contradict each other only when
    put together (positive without stars, and one star), the row is dropped.
    """
    ordered = renumbered(frame if frame.id.is_monotonic_increasing else frame.sort_values("id"))
    merged = merge_copies(ordered, _LABELS)
    return merged[~_in_conflict(merged) | _in_conflict(ordered.loc[merged.index])]


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
    _need_own_columns(raw)
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


def _need_own_columns(raw: pd.DataFrame) -> None:
    """Raise `DataError` for the first column that the raw reviews lack, and say what cleans another table."""
    if absent := [column for column in COLUMNS if column not in raw]:
        raise DataError(
            f"Cannot clean: column '{absent[0]}' is missing; found {', '.join(map(repr, raw.columns))}. "
            "These are the steps for the course's reviews; clean_table(frame, text=..., tasks=[...]) cleans any table."
        )


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
    chosen = {name: step for name, step in CLEANING_STEPS.items() if name in steps}
    if "label spellings" not in steps:  # in its place
        chosen = {
            name: chosen.get(name, keep_known_labels)
            for name in CLEANING_STEPS
            if name in chosen or name == "label spellings"
        }
    _need_own_columns(raw)
    frame, table = counted(raw, chosen, ("text", *_LABELS))
    return frame, table.drop(index="label spellings") if "label spellings" not in steps else table


def column_states(raw: pd.DataFrame) -> pd.DataFrame:
    """What the cells of the raw reviews are like, before anything is cleaned: a row a column, with shares of all rows.

    *Missing* is a cell that says nothing, in whatever spelling; *contradicts* a sentiment that cannot go with the stars;
    *repeats* a text whose letters and digits an earlier row has; *to repair* a cell that means something and is not spelled as
    the tasks, or a reader, expect. The shares of a row add up to 1.

    >>> raw = pd.DataFrame({"id": ["r1", "r2"], "text": ["Good.", "<b>good</b>"], "topic": ["film", "FILM"],
    ...                     "sentiment": ["?", "POS"], "stars": ["", "1"]})
    >>> column_states(raw)
               as it should be  to repair  contradicts  repeats  missing
    text                   0.5        0.0          0.0      0.5      0.0
    topic                  0.5        0.5          0.0      0.0      0.0
    sentiment              0.0        0.0          0.5      0.0      0.5
    stars                  0.0        0.0          0.5      0.0      0.5
    """
    _need_own_columns(raw)
    known, texts = unify_labels(raw), strip_markup(fix_encoding(raw)).text.str.split().str.join(" ")
    conflict, states = _in_conflict(known), {}
    cells = {
        "text": (texts == "", text_key(texts).duplicated(), False, texts != raw.text),
        "topic": (known.topic.isna(), False, False, known.topic != raw.topic),
        "sentiment": (known.sentiment.isna(), False, conflict, known.sentiment != raw.sentiment),
        "stars": (known.stars.isna(), False, conflict, ~raw.stars.isin(list("12345"))),
    }
    for column, (missing, repeats, contradicts, odd) in cells.items():
        state = np.select([missing, repeats & ~missing, contradicts, odd], _STATES[:0:-1], _STATES[0])
        states[column] = pd.Series(state).value_counts(normalize=True)
    return pd.DataFrame(states).T.reindex(columns=_STATES).fillna(0.0)
