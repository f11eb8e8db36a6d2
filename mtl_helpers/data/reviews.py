"""The review corpus: find it, read it with errors that name row and column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from mtl_helpers.data.table.reading import read_cells, refuse_cells
from mtl_helpers.data.tokens import text_key  # noqa: F401  (others take it from here)
from mtl_helpers.errors import DataError
from mtl_helpers.tasks import SENTIMENT, TOPIC

COLUMNS = ("id", "text", "topic", "sentiment", "stars")
PHENOMENA = ("negation", "contrast", "other_topic", "topic_word", "irony", "comparison")


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

    Needs the columns ``id, text, topic, sentiment, stars``, with commas, semicolons, tabs or bars between them; ``phenomena``
    is optional. Topic, sentiment and stars may be
    empty (a missing label). Raises `DataError` for an absent file, another encoding than UTF-8, a missing column, an empty
    text, an unknown label, stars outside 1 to 5, or an id used twice, each with row and column.
    """
    path = Path(path)
    frame, _ = read_cells(path, COLUMNS, encoding="utf-8")
    absent = [column for column in COLUMNS if column not in frame]
    if absent:
        raise DataError(
            f"{path.name}: column{'s' * (len(absent) > 1)} {', '.join(map(repr, absent))} missing; "
            f"found {', '.join(map(repr, frame.columns))}. Name them so in the first line."
        )
    if frame.empty:
        raise DataError(f"{path.name}: has a header and not one review; add at least one row.")
    refuse_cells(path, frame, "text", frame.text.str.strip() == "", "is empty; fill it in or drop the row")
    refuse_cells(path, frame, "id", frame.id.duplicated(), "is used twice; ids must differ")
    for task in (TOPIC, SENTIMENT):
        unknown = ~frame[task.name].isin(["", *task.classes])
        known = ", ".join(task.classes)
        refuse_cells(path, frame, task.name, unknown, f"is unknown; known are {known}, or empty if it is missing")
    stars = frame.stars.str.replace(",", ".", regex=False)  # a decimal comma
    stars = pd.to_numeric(stars.replace("", np.nan), errors="coerce").astype(float)
    wrong = (frame.stars != "") & ~stars.between(1, 5)
    refuse_cells(path, frame, "stars", wrong, "is not a number from 1 to 5, or empty if it is missing")
    frame["stars"] = stars
    if "phenomena" not in frame:
        frame["phenomena"] = ""
    marks = frame.phenomena.str.split(";")
    odd = marks.map(lambda row: any(mark not in ("", *PHENOMENA) for mark in row))
    refuse_cells(path, frame, "phenomena", odd, f"is unknown; known are {', '.join(PHENOMENA)}, joined by ';'")
    missing = {task.name: frame[task.name].where(frame[task.name] != "", None) for task in (TOPIC, SENTIMENT)}
    return frame.assign(**missing)
