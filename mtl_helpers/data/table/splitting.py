"""Train, validation and test without a text, or a patient, in common; and the folds of cross-validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import GroupKFold, train_test_split

from mtl_helpers.arguments import whole_number
from mtl_helpers.data.table.reading import need_columns
from mtl_helpers.data.tokens import text_key
from mtl_helpers.errors import DataError
from mtl_helpers.tasks import Task


class Splits(NamedTuple):
    """Three data frames without a text in common."""

    train: pd.DataFrame
    val: pd.DataFrame
    test: pd.DataFrame


def split_reviews(
    frame: pd.DataFrame,
    *,
    seed: int = 0,
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
    by: Sequence[str] | None = None,
    groups: str | None = None,
    text: str | None = "text",
) -> Splits:
    """`split_table` with the course's own ``by``: topic and stars, as far as the frame has them and no ``groups`` are given.

    >>> from mtl_helpers.data import load_reviews
    >>> train, val, test = split_reviews(load_reviews(), seed=0)
    >>> len(train), len(val), len(test)
    (1848, 396, 396)
    """
    if by is None:
        by = tuple(column for column in ("topic", "stars") if column in frame and groups is None)
    return split_table(frame, seed=seed, fractions=fractions, by=by, groups=groups, text=text)


def split_table(
    frame: pd.DataFrame,
    *,
    seed: int = 0,
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15),
    by: Sequence[str] = (),
    groups: str | None = None,
    text: str | None = "text",
) -> Splits:
    """Split any table into train, validation and test, stratified by the columns ``by``, the same for the same ``seed``.

    Rows that belong together stay together, so that nothing leaks from train into test: rows with the same value in the
    column ``groups`` (a patient, a customer, a film), and rows whose ``text`` differs only in case, punctuation or white
    space. A table without texts has ``text=None``. The fractions count such units, not rows, and a unit's first row says
    to which stratum it belongs. A row without a group is one of its own.

    >>> visits = pd.DataFrame({"patient": [1, 1, 2, 3, 3, 3, 4], "pulse": [60, 62, 71, 80, 82, 81, 66]})
    >>> parts = split_table(visits, groups="patient", text=None, fractions=(0.5, 0.25, 0.25))
    >>> [part.patient.unique().tolist() for part in parts]
    [[3, 4], [2], [1]]
    """
    try:
        fits = len(fractions) == 3 and all(f > 0 for f in fractions) and np.isclose(sum(fractions), 1)
    except TypeError:
        fits = False
    if not fits:
        raise DataError(f"fractions must be three positive numbers that add up to 1; found {fractions!r}.")
    if isinstance(by, str):
        raise DataError(f"by must be a tuple of columns; found {by!r}. Write by=({by!r},).")
    for column in (by, groups, text, *([] if isinstance(by, Task) else by)):
        if isinstance(column, Task):
            raise DataError(f"Columns are named by texts; found the task '{column.name}': write {column.name!r}.")
    need_columns(frame, by, "Cannot split: column")
    units = _units(frame, text, groups)
    _, first = np.unique(units, return_index=True)
    strata, names = _strata(frame.iloc[first], list(by))
    sizes = pd.Series(strata).value_counts()
    if len(first) < 3 or sizes.min() < 3:
        which = f"the group {str(names[sizes.index[-1]])!r} has {sizes.iloc[-1]}" if len(sizes) else "there is none"
        what = "texts" if groups is None and text is not None else "units"
        raise DataError(
            f"Cannot split {len(first)} {what} by {' x '.join(by) or 'nothing'}: every group needs at least 3 and {which}. "
            f"Give more data, or fewer columns in by=().{_tied(units)}"
        )
    rest, test = _cut(np.arange(len(first)), strata, fractions[2], seed)
    train, val = _cut(rest, strata, fractions[1] / (fractions[0] + fractions[1]), seed)
    part = np.empty(len(first), dtype=np.int8)
    for number, members in enumerate((train, val, test)):
        part[members] = number
    part = part[units]
    return Splits(*(frame[part == number].reset_index(drop=True) for number in range(3)))


def text_folds(
    frame: pd.DataFrame, folds: int = 5, *, seed: int = 0, groups: str | None = None, text: str | None = "text"
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Cut a table into ``folds`` parts; each is once the validation part, the others what is trained on.

    Copies of a text, and rows of one of the ``groups``, stay on one side, as in `split_table`; a table without texts has
    ``text=None``. By scikit-learn's ``GroupKFold``, shuffled by ``seed``.

    >>> frame = pd.DataFrame({"text": ["A film.", "a film", "A book.", "A car."]})
    >>> for train, val in text_folds(frame, 3):
    ...     print(list(train.text), list(val.text))
    ['A book.', 'A car.'] ['A film.', 'a film']
    ['A film.', 'a film', 'A book.'] ['A car.']
    ['A film.', 'a film', 'A car.'] ['A book.']
    """
    folds = whole_number("folds", folds, at_least=2)
    units = _units(frame, text, groups, sort=True)
    if (n := len(np.unique(units))) < folds:
        what = "texts" if groups is None and text is not None else "groups"
        raise DataError(
            f"{n} different {what} can not be cut into {folds} folds; give more, or fewer folds.{_tied(units)}"
        )
    cut = GroupKFold(folds, shuffle=True, random_state=seed)
    for train, val in cut.split(frame, groups=units):
        yield frame.iloc[train].reset_index(drop=True), frame.iloc[val].reset_index(drop=True)


def _units(frame: pd.DataFrame, text: str | None, groups: str | None, *, sort: bool = False) -> np.ndarray:
    """What can not be split, a number for each row, counted in the order in which they begin, or in that of the alphabet."""
    if text is not None and text not in frame:
        found = ", ".join(map(repr, frame.columns))
        raise DataError(
            f"Column {text!r} is missing; found {found}. Name the column of the texts with text='...', or give text=None "
            "for a table without any."
        )
    tied = []
    if text is not None:
        tied.append(pd.factorize(text_key(frame[text]), sort=sort)[0])
    if groups is not None:
        need_columns(frame, (groups,), "Cannot split: column")
        try:
            codes = pd.factorize(frame[groups])[0]
        except TypeError:
            row, found = next((i, value) for i, value in enumerate(frame[groups]) if value.__hash__ is None)
            raise DataError(
                f"Cannot split: a group is one value, a number or a text; column {groups!r} holds {found!r:.80} in row {row}."
            ) from None
        alone = codes < 0
        codes[alone] = len(frame) + np.arange(int(alone.sum()))
        tied.append(pd.factorize(codes)[0])
    if not tied:
        return np.arange(len(frame))
    if len(tied) == 1:
        return tied[0]
    a, b = tied  # a text in two groups ties them: rows are edges between texts and groups
    edges = coo_array(
        (np.ones(len(frame), dtype=np.int8), (a, a.max(initial=0) + 1 + b)), shape=(2 * len(frame) + 2,) * 2
    )
    return pd.factorize(connected_components(edges, directed=False)[1][a])[0]


def _tied(units: np.ndarray) -> str:
    largest = np.bincount(units).max(initial=0)
    if largest <= max(2, len(units) // 2):
        return ""
    return (
        f" ({largest} of {len(units)} rows hang together by their groups and texts; text=None looks at groups alone.)"
    )


def _strata(frame: pd.DataFrame, by: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Of each row the number of its stratum, the values of the columns ``by``; and the strata's names, sorted."""
    words = [frame[column].astype(str).fillna("missing") for column in by]
    joint = np.zeros(len(frame), dtype=np.int64)
    for column in words:
        codes, known = pd.factorize(column)
        joint = joint * len(known) + codes
    _, first, where = np.unique(joint, return_index=True, return_inverse=True)
    names, number = np.unique([" ".join(column.iloc[i] for column in words) for i in first], return_inverse=True)
    return number[where], names


def _cut(units: np.ndarray, strata: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    try:
        a, b = train_test_split(units, test_size=fraction, stratify=strata[units], random_state=seed)
    except ValueError as error:
        raise DataError(
            f"Cannot split {len(units)} texts by {len(np.unique(strata))} groups: a split would be empty or miss a group "
            f"({error}). Give more data, or fewer columns in by=()."
        ) from error
    return np.sort(a), np.sort(b)
