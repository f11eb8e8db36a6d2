"""The review corpus: find it, read it with errors that name row and column, split it so that no text stands twice."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from mtl_helpers.errors import DataError
from mtl_helpers.tasks import SENTIMENT, TOPIC

COLUMNS = ("id", "text", "topic", "sentiment", "stars")
PHENOMENA = ("negation", "contrast", "other_topic", "topic_word", "irony", "comparison")


class Splits(NamedTuple):
    """Three data frames without a text in common."""

    train: pd.DataFrame
    val: pd.DataFrame
    test: pd.DataFrame


def data_file(name: str) -> Path:
    """Path of a shipped data file, from a checkout or an installed package, whatever the working directory is.

    >>> data_file("reviews.csv").name
    'reviews.csv'
    """
    package = Path(__file__).resolve().parents[1]
    places = [package.parent / "data", package / "_data"]
    for folder in places:
        if (folder / name).is_file():
            return folder / name
    raise DataError(
        f"The course's data file '{name}' was not found in {' or '.join(map(str, places))}. "
        "Take it from the repository's data/ folder, or install the package again with 'pip install .'."
    )


def load_reviews() -> pd.DataFrame:
    """Read the shipped corpus: one row a review, columns ``id, text, topic, sentiment, stars, phenomena``.

    >>> load_reviews().topic.value_counts().unique().tolist()
    [440]
    """
    return read_reviews(data_file("reviews.csv"))


def read_reviews(path: str | Path) -> pd.DataFrame:
    """Read a CSV of reviews and check every row.

    Needs the columns ``id, text, topic, sentiment, stars``; ``phenomena`` is optional. Topic, sentiment and stars may be
    empty (a missing label). Raises `DataError` for an absent file, another encoding than UTF-8, a missing column, an empty
    text, an unknown label, stars outside 1 to 5, or an id used twice, each with row and column.
    """
    path = Path(path)
    frame = _read_csv(path)
    absent = [column for column in COLUMNS if column not in frame]
    if absent:
        raise DataError(
            f"{path.name}: column{'s' * (len(absent) > 1)} {', '.join(map(repr, absent))} missing; "
            f"found {', '.join(map(repr, frame.columns))}. Name them so in the first line, separated by commas."
        )
    if frame.empty:
        raise DataError(f"{path.name}: has a header and not one review; add at least one row.")
    _refuse(path, frame, "text", frame.text.str.strip() == "", "is empty; fill it in or drop the row")
    _refuse(path, frame, "id", frame.id.duplicated(), "is used twice; ids must differ")
    for task in (TOPIC, SENTIMENT):
        unknown = ~frame[task.name].isin(["", *task.classes])
        known = ", ".join(task.classes)
        _refuse(path, frame, task.name, unknown, f"is unknown; known are {known}, or empty if it is missing")
    stars = pd.to_numeric(frame.stars.replace("", np.nan), errors="coerce").astype(float)
    wrong = (frame.stars != "") & ~stars.between(1, 5)
    _refuse(path, frame, "stars", wrong, "is not a number from 1 to 5, or empty if it is missing")
    frame["stars"] = stars
    if "phenomena" not in frame:
        frame["phenomena"] = ""
    marks = frame.phenomena.str.split(";")
    odd = marks.map(lambda row: any(mark not in ("", *PHENOMENA) for mark in row))
    _refuse(path, frame, "phenomena", odd, f"is unknown; known are {', '.join(PHENOMENA)}, joined by ';'")
    missing = {task.name: frame[task.name].where(frame[task.name] != "", None) for task in (TOPIC, SENTIMENT)}
    return frame.assign(**missing)


def _read_csv(path: Path) -> pd.DataFrame:
    """Read a CSV as plain strings, an empty cell as ``""``, with errors in words."""
    if not path.is_file():
        raise DataError(f"There is no file {path}. Give the path of a CSV with the columns {', '.join(COLUMNS)}.")
    raw = path.read_bytes()
    try:
        frame = pd.read_csv(io.StringIO(raw.decode("utf-8")), dtype=str, keep_default_na=False)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path.name}, line {line}: byte 0x{raw[error.start]:02x} is not UTF-8. "
            "Save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8')."
        ) from error
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path.name}: the file is empty. It needs the columns {', '.join(COLUMNS)}.") from error
    except pd.errors.ParserError as error:
        what = str(error).removeprefix("Error tokenizing data. C error: ").strip()
        raise DataError(
            f"{path.name}: is not a well-formed CSV: {what}. "
            "Is a quote left open, or does a text with a comma lack its quotes?"
        ) from error
    if not isinstance(frame.index, pd.RangeIndex):  # pandas took the first cells of too long rows as an index
        raise DataError(
            f"{path.name}, row 2: has more cells than the header has columns. "
            "Put a text with a comma in quotes, and end no line with a comma."
        )
    return frame


def _refuse(path: Path, frame: pd.DataFrame, column: str, wrong: pd.Series, what: str) -> None:
    if wrong.any():
        row = frame.index[wrong][0]
        more = int(wrong.sum()) - 1
        also = f" ({more} more row{'s' * (more > 1)} like it)" if more else ""
        raise DataError(
            f"{path.name}, row {row + 2} (id {frame.id[row]}), column '{column}': {frame[column][row]!r} {what}{also}."
        )


def split_reviews(
    frame: pd.DataFrame,
    *,
    seed: int = 0,
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
    by: tuple[str, ...] = ("topic", "stars"),
) -> Splits:
    """Split into train, validation and test, stratified by the columns ``by``, the same for the same ``seed``.

    Texts that differ only in case, punctuation or white space count as one text and land in one split, so a repeated
    review can not leak from train into test.

    >>> train, val, test = split_reviews(load_reviews(), seed=0)
    >>> len(train), len(val), len(test)
    (1848, 396, 396)
    """
    try:
        fits = len(fractions) == 3 and all(f > 0 for f in fractions) and np.isclose(sum(fractions), 1)
    except TypeError:
        fits = False
    if not fits:
        raise DataError(f"fractions must be three positive numbers that add up to 1; found {fractions!r}.")
    if isinstance(by, str):
        raise DataError(f"by must be a tuple of columns; found {by!r}. Write by=({by!r},).")
    absent = [column for column in ("text", *by) if column not in frame]
    if absent:
        raise DataError(f"Cannot split: column {absent[0]!r} is missing; found {', '.join(map(repr, frame.columns))}.")
    frame = frame.reset_index(drop=True)  # frames put together with concat number their rows twice
    key = text_key(frame.text)
    first = frame[~key.duplicated()]
    strata = first[list(by)].astype(str).fillna("missing").agg(" ".join, axis=1)
    rare = strata.value_counts()
    if len(first) < 3 or rare.min() < 3:
        which = f"the group {rare.index[-1]!r} has {rare.iloc[-1]}" if len(rare) else "there is none"
        raise DataError(
            f"Cannot split {len(first)} texts by {' x '.join(by)}: every group needs at least 3 and {which}. "
            "Give more data, or fewer columns in by=()."
        )
    rest, test = _cut(first.index, strata, fractions[2], seed)
    train, val = _cut(rest, strata[rest], fractions[1] / (fractions[0] + fractions[1]), seed)
    part_of = pd.concat(
        [pd.Series(name, index=key[rows]) for name, rows in zip("abc", (train, val, test), strict=True)]
    )
    part = key.map(part_of)
    return Splits(*(frame[part == name].reset_index(drop=True) for name in "abc"))


def _cut(index: pd.Index, strata: pd.Series, fraction: float, seed: int) -> tuple[pd.Index, pd.Index]:
    try:
        a, b = train_test_split(index.to_numpy(), test_size=fraction, stratify=strata, random_state=seed)
    except ValueError as error:
        raise DataError(
            f"Cannot split {len(index)} texts by {strata.nunique()} groups: a split would be empty or miss a group "
            f"({error}). Give more data, or fewer columns in by=()."
        ) from error
    return pd.Index(np.sort(a)), pd.Index(np.sort(b))


def text_key(texts: pd.Series) -> pd.Series:
    """What makes two texts the same: their letters and digits, without case, punctuation and white space.

    >>> text_key(pd.Series(["Not bad!", "not  bad"])).nunique()
    1
    """
    return texts.str.lower().str.replace(r"[^a-z0-9]+", " ", regex=True).str.strip()
